"""Plant each bug of `patches.py` in a copy of the sources, and see whether the state machine over accounts catches it.

`python tests/mutants/run.py` runs all of them, two at a time; arguments choose those whose names contain one of them.
It is the machine of continuous integration, with the same examples; only, a failing one is not made smaller first. The
sources as they are come first and must pass, or a bug that is "caught" would prove nothing. Exit status 1: one was not.
"""

from concurrent.futures import ThreadPoolExecutor
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
from tempfile import TemporaryDirectory
import time

from patches import PATCHES, Patch

ROOT = Path(__file__).parents[2]
MACHINE = "tests/test_account_machine.py"
AS_IT_IS = Patch("(the sources as they are)", "ledger.py", "", "")

TEST = "import loyaltycore, pytest, sys; print(loyaltycore.__file__, flush=True); sys.exit(pytest.main(sys.argv[1:]))"
ARGUMENTS = [MACHINE, "-q", "--tb=short", "--color=no", "--show-capture=no", "-p", "no:cacheprovider"]


def main(wanted):
    chosen = [patch for patch in PATCHES if not wanted or any(word in patch.name for word in wanted)]
    width = max(len(patch.name) for patch in (AS_IT_IS, *chosen))
    print(f"{'bug':{width}}  seconds  caught by")
    survived = 0
    with ThreadPoolExecutor(2) as pool:
        for patch, (caught, seconds) in zip((AS_IT_IS, *chosen), pool.map(tried, (AS_IT_IS, *chosen)), strict=True):
            print(f"{patch.name:{width}}  {seconds:7.1f}  {caught or '-'}", flush=True)
            if patch is AS_IT_IS and caught:
                sys.exit("the sources as they are fail: mend them first, or nothing is shown by the rest")
            survived += patch is not AS_IT_IS and not caught
    print(f"{len(chosen) - survived} of {len(chosen)} caught")
    sys.exit(survived > 0)


def tried(patch):
    """What caught a bug ("" if nothing did), and after how many seconds."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        file = copy / "loyaltycore" / patch.file
        file.write_text(file.read_text().replace(patch.old, patch.new) if patch.old else file.read_text())
        environment = {**os.environ, "PYTHONPATH": str(copy), "HYPOTHESIS_PROFILE": "mutants"}
        begun = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", TEST, *ARGUMENTS],
            cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        seconds = time.perf_counter() - begun
    imported = Path(done.stdout.partition("\n")[0])
    if not imported.is_relative_to(copy) or done.returncode not in (0, 1):
        sys.exit(f"{patch.name}: {imported} was tested, with status {done.returncode}\n{done.stdout}{done.stderr}")
    return (blame(done.stdout) if done.returncode else ""), seconds


def blame(output):
    """The rule or invariant that failed, on which line, and the last rule that had run."""
    where = re.findall(rf"{re.escape(MACHINE)}:(\d+): in (\w+)", output)
    steps = [step for step in re.findall(r"state\.(\w+)\(", output) if step != "teardown"]
    inside = " > ".join(name for _, name in where)
    return f"{inside} (line {where[-1][0]}), step {len(steps)}: {steps[-1]}" if where and steps else output[-500:]


if __name__ == "__main__":
    main(sys.argv[1:])
