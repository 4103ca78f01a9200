"""What an account's verbs cost while it grows, what a lot takes of memory, and both beside a loop written by hand.

    python benchmarks/account.py [--entries 100000] [--rounds 5]

The same number of entries is kept in accounts of 10, of 1,000 and of 100,000 each, so that the sizes differ in nothing
else: equally much memory is in use, and equally many operations are measured (a tenth of the entries). One activity a
day earns 10 points by a rule of one leaf, each lot has a last day of its own, and a reward costs 10 points.

Times are CPU times of one process, with the garbage collector on, medians over the rounds. The sizes and the loop by
hand take turns in every round: where other work slows the machine, times grow and ratios do not, so trust the ratios.
"""

from argparse import ArgumentParser
from collections import deque
from collections.abc import Callable
from datetime import date, timedelta
import gc
from statistics import median
from time import process_time_ns
import tracemalloc

from loyaltycore import Account, Activity, After, Item, PerSpend, Points, Program

SIZES = (10, 1_000, 100_000)
SMALL, LARGE = SIZES[1:]
START = date(2000, 1, 1)
YEARS = 300  # so long that nothing lapses while the account grows
POINTS = 10

club = Program(
    "Club",
    points={"points": Points(earning=PerSpend(1), expiry=After(years=YEARS))},
    rewards={"coffee": Item(POINTS)},
)


def day(n: int) -> date:
    return START + timedelta(n)


class Accounts:
    """Accounts of one size, with what is done to them made ready beforehand."""

    def __init__(self, size: int, entries: int) -> None:
        self.size = size
        self.batch = size // 10
        self.now = day(size + self.batch)
        self.activities = [Activity.purchase(POINTS, at=day(n), id=f"t-{n}") for n in range(size + self.batch)]
        self.ids = [str(n) for n in range(self.batch)]
        self.accounts = [club.account(f"m-{n}") for n in range(entries // size)]

    def operations(self) -> dict[str, Callable[[Account], int]]:
        """Each operation on one account, in the order in which they are done; they return how often it was."""
        return {
            "earn, from the first entry on": self.grow,
            "earn": self.earn,
            "redeem": self.redeem,
            "hold": self.hold,
            "capture": self.capture,
            "lapse": self.lapse,
        }

    def grow(self, account: Account) -> int:
        for activity in self.activities[: self.size]:
            account.earn(activity)
        return self.size

    def earn(self, account: Account) -> int:
        for activity in self.activities[self.size :]:
            account.earn(activity)
        return self.batch

    def redeem(self, account: Account) -> int:
        for id in self.ids:
            account.redeem("coffee", id=id, at=self.now)
        return self.batch

    def hold(self, account: Account) -> int:
        for id in self.ids:
            account.hold("coffee", id=f"hold-{id}", at=self.now)
        return self.batch

    def capture(self, account: Account) -> int:
        for id in self.ids:
            account.capture(f"hold-{id}", id=f"capture-{id}", at=self.now)
        return self.batch

    def lapse(self, account: Account) -> int:
        # the first lots are spent and captured, and those of one more batch end, each on a day of its own
        return len(account.advance(day(3 * self.batch).replace(year=day(3 * self.batch).year + YEARS)))

    def check(self) -> None:
        """What is left is what was earned less what was spent, captured and lapsed."""
        for account in self.accounts:
            left = account.balance(at=account.entries[-1].posted)
            if left != POINTS * (self.size - 2 * self.batch):
                raise SystemExit(f"an account of {self.size:,} entries is left with {left:,} points")


def measure(size: int, entries: int) -> dict[str, float]:
    """Nanoseconds for each operation, over all accounts of a size."""
    accounts = Accounts(size, entries)
    times = {}
    for name, operation in accounts.operations().items():
        gc.collect()
        start = process_time_ns()
        done = sum(operation(account) for account in accounts.accounts)
        times[name] = (process_time_ns() - start) / done
    accounts.check()
    return times


# By hand ------------------------------------------------------------------------------------------------------------


def by_hand(entries: int) -> dict[str, float]:
    """Nanoseconds to earn and to spend in the fewest steps there can be: a queue of pairs, and no record of anything."""
    gc.collect()
    lots: deque[tuple[int, int]] = deque()
    balance = 0
    start = process_time_ns()
    for today in range(entries):
        lots.append((today + 365 * YEARS, POINTS))
        balance += POINTS
    earned = process_time_ns()
    for today in range(entries):
        due = POINTS
        while due and lots:
            last, points = lots.popleft()
            if last < today:
                balance -= points
                continue
            part = min(points, due)
            due -= part
            balance -= part
            if part < points:
                lots.appendleft((last, points - part))
    spent = process_time_ns()
    if balance or lots:
        raise SystemExit("the loop by hand is wrong")
    return {"earn": (earned - start) / entries, "redeem": (spent - earned) / entries}


# Memory -------------------------------------------------------------------------------------------------------------


def bytes_per_lot(lots: int = 10_000) -> float:
    """What an account holds on to for each lot it earned: the lot, its entry, and the award with its reasons."""
    activities = [Activity.purchase(POINTS, at=day(n), id=f"t-{n}") for n in range(lots)]
    account = club.account("m-1")
    account.earn(Activity.purchase(POINTS, at=START, id="first"))  # what there is once only
    gc.collect()
    tracemalloc.start()
    for activity in activities:
        account.earn(activity)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / lots


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--entries", type=int, default=LARGE, help="how many in all accounts of a size; at least 100000"
    )
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()

    rounds = [
        ({size: measure(size, options.entries) for size in SIZES}, by_hand(options.entries))
        for _ in range(options.rounds)
    ]

    print(
        f"{'ns/operation':<32}" + "".join(f"{size:>10,}" for size in SIZES) + f"{'ratio':>9}{'by hand':>10}{'ratio':>9}"
    )
    for name in rounds[0][0][LARGE]:
        times = [median(sizes[size][name] for sizes, _ in rounds) for size in SIZES]
        grown = median(sizes[LARGE][name] / sizes[SMALL][name] for sizes, _ in rounds)
        row = f"{name:<32}" + "".join(f"{time:>10,.0f}" for time in times) + f"{grown:>9.2f}"
        if name in rounds[0][1]:
            hand = median(hand[name] for _, hand in rounds)
            beside = median(sizes[SMALL][name] / hand[name] for sizes, hand in rounds)
            row += f"{hand:>10,.0f}{beside:>9.1f}"
        print(row)
    print(f"the first ratio is {LARGE:,} entries in one account by {SMALL:,}, the second {SMALL:,} by the loop by hand")
    best = 1e9 / median(sizes[SMALL]["earn"] for sizes, _ in rounds)
    print(f"earn: {best:,.0f} operations a second of CPU time")
    print(f"a live lot: {bytes_per_lot():,.0f} bytes, with its entry and its award; the activity not counted")


if __name__ == "__main__":
    main()
