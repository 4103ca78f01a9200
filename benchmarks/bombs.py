"""What hostile input costs: the time and the memory that each bomb of `tests/hostile.py` takes until it is answered.

    python benchmarks/bombs.py [--all] [--rounds 5]

Times are CPU times of one process, the least of the rounds; memory is the peak that `tracemalloc` sees, what a bomb
itself takes not among it. Those that take longest are printed, or all of them. It exits with 1 if one takes more than
50 ms or 50 MB, or ends in anything but a value or a `LoyaltyError`.
"""

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
import sys
from tempfile import TemporaryDirectory
from time import process_time_ns
import tracemalloc
from typing import Any, NamedTuple
import warnings

sys.path.append(str(Path(__file__).parents[1] / "tests"))

from hostile import BOMBS

from loyaltycore import DataError, LoyaltyError

MOST_MS, MOST_MB = 50, 50
SHOWN = 25


class Cost(NamedTuple):
    """What a bomb costs, and what it ends in."""

    ms: float
    mb: float
    name: str
    end: str


def measured(name: str, folder: Path, rounds: int) -> Cost:
    """The cost of one."""
    lit = BOMBS[name].lit(folder)
    end = answered(lit, folder)
    times = []
    for _ in range(rounds):
        start = process_time_ns()
        answered(lit, folder)
        times.append(process_time_ns() - start)
    tracemalloc.start()
    answered(lit, folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Cost(min(times) / 1e6, peak / 1e6, name, end)


def answered(lit: Callable[[], Any], folder: Path) -> str:
    """What it ends in, in a few words."""
    try:
        value = lit()
    except DataError as error:
        return f"{error.path.replace(f'{folder}/', '')}: {error.message}"[:60]
    except LoyaltyError as error:
        return f"{type(error).__name__} without a place"
    return f"a {type(value).__name__}"


def main() -> int:
    """Measure them all and print the table."""
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help=f"print all of them, not only the {SHOWN} longest")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is read (default: 5)")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    with TemporaryDirectory() as folder:
        costs = sorted((measured(name, Path(folder), args.rounds) for name in BOMBS), reverse=True)

    print(f"{'ms':>6}{'MB':>7}  bomb, and what it ends in")
    for cost in costs if args.all else costs[:SHOWN]:
        print(f"{cost.ms:6.1f}{cost.mb:7.1f}  {cost.name}: {cost.end}")
    print(f"\n{len(costs)} bombs, {sum(cost.ms for cost in costs):,.0f} ms in all")
    print(f"the longest takes {costs[0].ms:.1f} ms, the largest {max(cost.mb for cost in costs):.1f} MB")
    over = [cost for cost in costs if cost.ms > MOST_MS or cost.mb > MOST_MB]
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
