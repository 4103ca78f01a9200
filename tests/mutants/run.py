"""Plant each bug of `patches.py` in a copy of the sources, and see which test of the ledger catches it.

`nox -s mutants`, or `python tests/mutants/run.py`, runs all of them, two at a time; arguments choose those whose names
contain one of them. First the state machine over accounts is tried, then the promises and the bug zoo; of a bug in
tiers, the state machine over tiers and what is said of them. All are run as continuous integration does, with the same
examples; only, a failing one is not made smaller first. The sources as they are come first and must pass, or a bug
that is "caught" would prove nothing. Exit status 1: one was not. `RESULTS.md` has
what it last printed.
"""

# ruff: noqa: T201 (a script prints)

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
MACHINES = r"tests/test_\w+_machine\.py"
LEDGER = ("tests/test_account_machine.py", "tests/test_ledger_promises.py", "tests/test_bug_zoo.py")
TIERS = ("tests/test_tier_machine.py", "tests/test_tiers.py")
NO_RULES = ("agrees_now", "agrees_when_rebuilt", "posted_never_runs_backwards", "teardown")
AS_IT_IS = Patch("(the sources as they are)", "ledger.py", "", "")

TEST = "import loyaltycore, pytest, sys; print(loyaltycore.__file__, flush=True); sys.exit(pytest.main(sys.argv[1:]))"
ARGUMENTS = ["-x", "-q", "--tb=short", "--color=no", "--show-capture=no", "-p", "no:cacheprovider"]


def main(wanted):
    chosen = [patch for patch in PATCHES if not wanted or any(word in patch.name for word in wanted)]
    print("| bug | caught by | seconds |\n| --- | --- | ---: |")
    if reported(AS_IT_IS, *tried(AS_IT_IS)):
        sys.exit("the sources as they are fail: mend them first, or nothing is shown by the rest")
    with ThreadPoolExecutor(2) as pool:
        caught = sum(reported(patch, *result) for patch, result in zip(chosen, pool.map(tried, chosen), strict=True))
    print(f"\n{caught} of {len(chosen)} caught.")
    sys.exit(caught < len(chosen))


def reported(patch, caught, seconds):
    """Whether it was caught, once it is printed."""
    print(f"| {patch.name} | {caught or '-'} | {seconds:.1f} |", flush=True)
    return bool(caught)


def tried(patch):
    """What caught a bug ("" if nothing did), and after how many seconds."""
    begun = time.perf_counter()
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "src"
        shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
        file = copy / "loyaltycore" / patch.file
        file.write_text(file.read_text().replace(patch.old, patch.new) if patch.old else file.read_text())
        environment = {**os.environ, "PYTHONPATH": str(copy), "HYPOTHESIS_PROFILE": "mutants"}
        caught = next(filter(None, (tested(patch, suite, copy, environment) for suite in suites_of(patch))), "")
    return caught, time.perf_counter() - begun


def suites_of(patch):
    """Those that may catch it, the likeliest first."""
    if patch is AS_IT_IS:
        return (*LEDGER, *TIERS)
    return TIERS if patch.file in ("counting.py", "held_tiers.py", "standings.py", "tiers.py") else LEDGER


def tested(patch, suite, copy, environment):
    """What of a suite failed on the copy of the sources, "" if all passed."""
    done = subprocess.run(
        [sys.executable, "-c", TEST, suite, *ARGUMENTS],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    imported = Path(done.stdout.partition("\n")[0])
    if not imported.is_relative_to(copy) or done.returncode not in (0, 1):
        sys.exit(f"{patch.name}: {imported} was tested, with status {done.returncode}\n{done.stdout}{done.stderr}")
    return blame(done.stdout) if done.returncode else ""


def blame(output):
    """The test that failed; of the state machine, what of it did, and after which steps."""
    where = re.findall(rf"^{MACHINES}:(\d+): in (\w+)", output, re.MULTILINE)
    rules = [step for step in re.findall(r"state\.(\w+)\(", output) if step not in NO_RULES]
    if where and rules:
        return f"`{where[0][1]}`, line {where[-1][0]} of the machine, in step {len(rules)} (`{rules[-1]}`)"
    (test, *_) = re.findall(r"^FAILED (\S+)", output, re.MULTILINE)
    return f"`{test}`"


if __name__ == "__main__":
    main(sys.argv[1:])
