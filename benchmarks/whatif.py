"""How long it takes to compare two programs on a year of a grocery chain, the Complete Journey.

    python benchmarks/whatif.py [--workers 2]

It needs the extra `examples`. The programs are `examples/grocer.toml` and `examples/grocer_tiers.toml`; to 155,848
baskets come 30,162 redemptions that are made up (see `examples/grocery_year.py`). Seconds on the wall clock, once.
"""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
import resource
import sys
from time import perf_counter
from typing import Any

from loyaltycore import Program
from loyaltycore.reports import compare

EXAMPLES = Path(__file__).parents[1] / "examples"


def timed(what: str, do: Callable[[], Any]) -> Any:
    start = perf_counter()
    done = do()
    print(f"{what:<48}{perf_counter() - start:>8.1f} s", flush=True)
    return done


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    sys.path.insert(0, str(EXAMPLES))
    from grocery_year import with_coffees, year

    history = timed("read, as activities and redemptions", lambda: list(with_coffees(year())))
    programs = {name: Program.load(EXAMPLES / file) for name, file in
                (("today", "grocer.toml"), ("idea", "grocer_tiers.toml"))}  # fmt: skip
    result = timed(
        f"compare two programs, {options.workers} workers",
        lambda: compare(programs, history, worth="0.01", rate="0.6", workers=options.workers),
    )
    better, worse = result.members.better(), result.members.worse()
    print(f"{len(history):,} events; {len(better):,} members better off, {len(worse):,} worse")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    here = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory: {here / 1024:,.0f} MB, and {children / 1024:,.0f} MB of a worker")


if __name__ == "__main__":
    main()
