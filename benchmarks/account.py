"""What the verbs of an account cost as it grows, and what a lot takes of memory, beside a loop written by hand.

    python benchmarks/account.py [--entries 100000] [--rounds 5]

Equally many entries are kept in accounts of 10, of 1,000 and of 100,000 each, so that the sizes differ in nothing else:
as much memory is in use, and as many operations are measured, one for every ten entries. There is an activity an hour;
it earns 10 points by a rule of one leaf, which lapse after 20 years, and a reward costs as many.

Times are CPU times of one process with the garbage collector on, medians over the rounds. In each round all sizes and
the loop by hand take their turns: where other work slows the machine, times grow and ratios do not.
"""

from argparse import ArgumentParser
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
import gc
from statistics import median
from time import process_time_ns
import tracemalloc

from loyaltycore import Account, Activity, After, Item, PerSpend, Points, Program

SIZES = (10, 1_000, 100_000)
SMALL, LARGE = SIZES[1:]
START = datetime(2000, 1, 1)
YEARS = 20  # longer than it takes to earn the entries of the largest account
POINTS = 10

club = Program(
    "Club",
    points={"points": Points(earning=PerSpend(1), expiry=After(years=YEARS))},
    rewards={"coffee": Item(POINTS)},
)


def activities(first: int, last: int) -> list[Activity]:
    """One an hour, made ready beforehand."""
    return [Activity.purchase(POINTS, at=hour(n), id=f"t-{n}") for n in range(first, last)]


def hour(n: int) -> datetime:
    return START + timedelta(hours=n)


# The verbs ----------------------------------------------------------------------------------------------------------


class Accounts:
    """Accounts of one size, and what is done to each of them."""

    def __init__(self, size: int, entries: int) -> None:
        self.accounts = [club.account(f"m-{n}") for n in range(entries // size)]
        self.batch = size // 10
        self.before = activities(0, size)
        self.after = activities(size, size + self.batch)
        self.now = hour(size + self.batch)
        self.ids = [str(n) for n in range(self.batch)]
        last = hour(3 * self.batch).date()  # the lots before are spent and captured
        self.lapsed = datetime(last.year + YEARS, last.month, last.day) + timedelta(1)

    def verbs(self) -> dict[str, Callable[[Account], int]]:
        """What is measured, in this order. Each does to an account what it says, and returns how often."""
        return {
            "earn, from the first entry on": self.grow,
            "earn": self.earn,
            "redeem": self.redeem,
            "hold": self.hold,
            "capture": self.capture,
            "lapse": self.lapse,
        }

    def grow(self, account: Account) -> int:
        for activity in self.before:
            account.earn(activity)
        return len(self.before)

    def earn(self, account: Account) -> int:
        for activity in self.after:
            account.earn(activity)
        return self.batch

    def redeem(self, account: Account) -> int:
        for name in self.ids:
            account.redeem("coffee", id=name, at=self.now)
        return self.batch

    def hold(self, account: Account) -> int:
        for name in self.ids:
            account.hold("coffee", id=f"hold-{name}", at=self.now)
        return self.batch

    def capture(self, account: Account) -> int:
        for name in self.ids:
            account.capture(f"hold-{name}", id=f"capture-{name}", at=self.now)
        return self.batch

    def lapse(self, account: Account) -> int:
        return len(account.advance(self.lapsed))

    def check(self) -> None:
        """What is left is what was earned less what was spent, captured and lapsed."""
        for account in self.accounts:
            lapsed = sum(entry.kind == "lapsed" for entry in account.entries)
            left = account.balance(at=self.lapsed)
            if not lapsed or left != POINTS * (len(self.before) - self.batch - lapsed):
                raise SystemExit(f"an account of {len(self.before):,} entries is left with {left:,} points")


def times_of(size: int, entries: int) -> dict[str, float]:
    """Nanoseconds for each verb, over all accounts of a size."""
    accounts = Accounts(size, entries)
    times = {}
    for name, do in accounts.verbs().items():
        gc.collect()
        start = process_time_ns()
        done = sum(map(do, accounts.accounts))
        times[name] = (process_time_ns() - start) / done
    accounts.check()
    return times


def plain_earning(accounts: int = 10) -> float:
    """Nanoseconds to earn by one leaf and nothing else, where points never lapse: accounts of 1,000, one at a time."""
    plain = Program("Club", earning=PerSpend(1))
    done = activities(0, SMALL)
    gc.collect()
    start = process_time_ns()
    for n in range(accounts):
        account = plain.account(f"m-{n}")
        for activity in done:
            account.earn(activity)
    return (process_time_ns() - start) / (accounts * SMALL)


# By hand ------------------------------------------------------------------------------------------------------------


def by_hand(entries: int) -> dict[str, float]:
    """The fewest steps there can be: a queue of pairs, the hour a lot ends and its points; no record of anything."""
    gc.collect()
    lots: deque[tuple[int, int]] = deque()
    balance = 0
    start = process_time_ns()
    for now in range(entries):
        lots.append((now + YEARS * 365 * 24, POINTS))
        balance += POINTS
    earned = process_time_ns()
    for _ in range(entries):
        due = POINTS
        while due and lots:
            end, points = lots.popleft()
            if end <= now:
                balance -= points
                continue
            part = points if points < due else due  # noqa: FURB136 (`min` takes longer)
            due -= part
            balance -= part
            if part < points:
                lots.appendleft((end, points - part))
    spent = process_time_ns()
    if balance or lots:
        raise SystemExit(f"the loop by hand is left with {balance} points")
    return {"earn": (earned - start) / entries, "redeem": (spent - earned) / entries}


# Memory -------------------------------------------------------------------------------------------------------------


def bytes_per_lot(lots: int = 10_000) -> float:
    """What an account keeps for each activity: the lot, the entry, and the award with its reasons."""
    first, *others = activities(0, lots + 1)
    account = club.account("m-1")
    account.earn(first)  # so that what there is once is there
    gc.collect()
    tracemalloc.start()
    for activity in others:
        account.earn(activity)
    gc.collect()
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return size / lots


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=LARGE, help="in all accounts of a size together")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.entries < LARGE:
        parser.error(f"--entries: the largest account alone has {LARGE:,}; give at least so many")

    rounds = []
    for _ in range(options.rounds):
        by_size = {size: times_of(size, options.entries) for size in SIZES}
        rounds.append((by_size, by_hand(options.entries), plain_earning()))

    print(f"{'ns/operation':<32}{10:>9,}{SMALL:>9,}{LARGE:>9,}{'ratio':>8}{'by hand':>10}{'ratio':>8}")
    for name in rounds[0][0][LARGE]:
        row = "".join(f"{median(times[size][name] for times, *_ in rounds):>9,.0f}" for size in SIZES)
        row += f"{median(times[LARGE][name] / times[SMALL][name] for times, *_ in rounds):>8.2f}"
        if name in rounds[0][1]:
            row += f"{median(hand[name] for _, hand, _ in rounds):>10,.0f}"
            row += f"{median(times[SMALL][name] / hand[name] for times, hand, _ in rounds):>8.1f}"
        print(f"{name:<32}{row}")
    print(f"\nThe first ratio is {LARGE:,} entries by {SMALL:,}, the second {SMALL:,} entries by the loop by hand.")
    for where, times in (
        (f"with {options.entries:,} entries in memory", [by_size[SMALL]["earn"] for by_size, *_ in rounds]),
        ("where points never lapse, one account at a time", [plain for *_, plain in rounds]),
    ):
        print(f"earn, {where}: {1e9 / median(times):,.0f} a second, {1e9 / min(times):,.0f} in the quickest round")
    print(f"a live lot, with its entry and award: {bytes_per_lot():,.0f} bytes")


if __name__ == "__main__":
    main()
