"""What it costs to replay a history of many members, beside a loop written by hand for this one program.

    python benchmarks/replay.py [--events 100000] [--members 5000] [--rounds 5] [--workers 2] [--frame-only]

Points by spend and tier lapse after a year, the oldest are spent first, and tiers go by what was spent in the last 365
days. Both are given the same purchases and redemptions, of which some are refused, and must end in the same points for
every month and member. The loop by hand has them as sorted tuples of whole numbers, and keeps totals alone; a replay
has them in no order, as a frame or, unless `--frame-only` is given, as activities and calls. Rounds are interleaved; a
ratio is the median over the rounds of what a replay takes by what the loop does.
"""

from argparse import ArgumentParser
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
import gc
from random import Random
import resource
from statistics import median
from time import perf_counter, process_time
from typing import Any

import polars as pl

from loyaltycore import Activity, After, Item, PerSpend, Points, Program, Reach, Rolling, Tier, TierLadder, by_tier
from loyaltycore.calls import Call, Event

DAY = 86_400
YEAR = 365
START = datetime(2024, 1, 1)
DAYS = 3 * YEAR
PRICES = {"small": 100, "medium": 400, "large": 2_000}
REACHED = (1_000, 4_000)
"""What is to be spent for each tier."""

club = Program(
    "Club",
    points={"points": Points(PerSpend(1) * by_tier(silver="1.25", gold="1.5"), expiry=After(days=YEAR))},
    rewards={name: Item(price) for name, price in PRICES.items()},
    tiers=TierLadder(
        *(Tier(name, Reach("spend", n)) for name, n in zip(("silver", "gold"), REACHED, strict=True)),
        window=Rolling(days=YEAR),
        keeps=After(days=YEAR),
    ),
)

Row = tuple[int, int, int, str]
"""The member, the second since the start, the cents paid or, below 0, the points asked for, and the reward."""


def rows(events: int, members: int) -> list[Row]:
    """Purchases, and a redemption now and then; few members do much, and most do little."""
    random = Random(1)  # noqa: S311 (a sample, not a secret)
    drawn = {(int(members * random.random() ** 2), random.randrange(DAYS * DAY)) for _ in range(events)}
    found = []
    for member, second in sorted(drawn):
        if random.random() < 0.15:
            reward = random.choice(list(PRICES))
            found.append((member, second, -PRICES[reward], reward))
        else:
            found.append((member, second, random.randrange(100, 20_000), ""))
    return found


def events_of(rows: list[Row]) -> list[Event]:
    """The same as the library has them, in no order."""
    events: list[Event] = []
    for n, (member, second, what, reward) in enumerate(rows):
        at, whose = START + timedelta(seconds=second), f"m-{member:06}"
        if reward:
            events.append(Call("redeem", reward, member=whose, id=f"r-{n}", at=at))
        else:
            amount = f"{what // 100}.{what % 100:02}"
            events.append(Activity.purchase(amount, at=at, member=whose, id=f"t-{n}"))
    Random(2).shuffle(events)  # noqa: S311 (as above)
    return events


def frame_of(rows: list[Row]) -> pl.DataFrame:
    """The same as a frame, in no order."""
    members, seconds, amounts, rewards = zip(*rows, strict=True)
    bought = pl.col("reward") == ""
    frame = pl.DataFrame({"n": range(len(rows)), "of": members, "s": seconds, "cents": amounts, "reward": rewards})
    return frame.select(
        member=pl.format("m-{}", pl.col("of").cast(pl.String).str.zfill(6)),
        at=pl.lit(START) + pl.duration(seconds="s"),
        id=pl.format("{}-{}", pl.when(bought).then(pl.lit("t")).otherwise(pl.lit("r")), "n"),
        kind=pl.when(bought).then(pl.lit("purchase")).otherwise(pl.lit("redeem")),
        amount=pl.when(bought).then("cents").otherwise(0),
        reward=pl.col("reward"),
    ).sample(fraction=1, shuffle=True, seed=2)


# By hand ------------------------------------------------------------------------------------------------------------

MONTHS = [(START + timedelta(day)).strftime("%Y-%m") for day in range(DAYS + 2 * YEAR)]
PERCENT = (100, 125, 150)


def by_hand(rows: list[Row]) -> tuple[Counter[str], Counter[str], Counter[str], list[int], int]:  # noqa: C901, PLR0912, PLR0915 (as one would write it)
    """Points earned, spent and lapsed by month, what every member is left with, and how many were refused."""
    earned, spent, lapsed = Counter(), Counter(), Counter()
    left, refused = [], 0
    upto = max(second for _, second, _, _ in rows)
    current, months = -1, MONTHS
    points, ends, first, balance = [], [], 0, 0
    rows = [*rows, (-1, 0, 0, "")]
    for member, second, what, _ in rows:
        if member != current:
            if current >= 0:
                # all that falls due up to the end
                while first < len(points) and ends[first] <= upto:
                    lapsed[months[ends[first] // DAY]] += points[first]
                    balance -= points[first]
                    first += 1
                left.append(balance)
            current = member
            points, ends, first, balance = [], [], 0, 0
            times, paid, out, window = [], [], 0, 0
            tier, until = 0, 0
        while first < len(points) and ends[first] <= second:
            lapsed[months[ends[first] // DAY]] += points[first]
            balance -= points[first]
            first += 1
        if what < 0:
            due = -what
            if due > balance:
                refused += 1
                continue
            spent[months[second // DAY]] += due
            balance -= due
            while due:
                if points[first] > due:
                    points[first] -= due
                    break
                due -= points[first]
                first += 1
            continue
        while tier and until <= second:  # the tier is reviewed
            oldest = until - 1 - YEAR * DAY
            while out < len(times) and times[out] <= oldest:
                window -= paid[out]
                out += 1
            while tier and window < REACHED[tier - 1] * 100:
                tier -= 1
            until += YEAR * DAY
        day = second // DAY
        got = what * PERCENT[tier] // 10_000
        if got:
            earned[months[day]] += got
            balance += got
            points.append(got)
            ends.append((day + YEAR + 1) * DAY)
        times.append(second)
        paid.append(what)
        window += what
        oldest = second - YEAR * DAY
        while times[out] <= oldest:
            window -= paid[out]
            out += 1
        if tier < 2 and window >= REACHED[tier] * 100:
            tier = 2 if window >= REACHED[1] * 100 else 1
            until = (day + YEAR + 1) * DAY
    return earned, spent, lapsed, left, refused


def check(replayed: Any, hand: Any) -> None:
    """Both have come to the same."""
    earned, spent, lapsed, left, refused = hand
    for month, _, *points in rows_of(replayed.monthly()):
        if points[:3] != [earned[month], spent[month], lapsed[month]]:
            raise SystemExit(f"{month}: {points} is not what the loop by hand has come to")
    if refused != replayed.refused or left != [available for _, _, _, available, *_ in rows_of(replayed.balances())]:
        raise SystemExit("the balances are not those of the loop by hand")


def rows_of(table: Any) -> Any:
    return table.iter_rows() if isinstance(table, pl.DataFrame) else table


# The rounds ---------------------------------------------------------------------------------------------------------


def timed(clock: Callable[[], float], do: Callable[[], Any]) -> tuple[float, Any]:
    gc.collect()
    start = clock()
    done = do()
    return clock() - start, done


def main() -> None:
    parser = ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--members", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--frame-only", action="store_true")
    options = parser.parse_args()
    tuples = rows(options.events, options.members)
    histories: dict[str, Any] = {"frame": frame_of(tuples)}
    if not options.frame_only:
        histories["activities"] = events_of(tuples)
    gc.freeze()  # what is replayed stays; either side need not look through it for what can go

    def replay(what: str, **how: Any) -> Callable[[], Any]:
        return lambda: club.replay(histories[what], progress=False, **how)

    contenders: dict[str, tuple[Callable[[], float], Callable[[], Any]]] = {
        "by hand, over sorted tuples": (process_time, lambda: by_hand(tuples)),
    }
    for what in histories:
        contenders[f"{what}: totals only"] = process_time, replay(what)
        contenders[f"{what}: every entry kept"] = process_time, replay(what, entries=True)
    contenders["wall, frame: 1 worker"] = perf_counter, replay("frame")
    contenders[f"wall, frame: {options.workers} workers"] = perf_counter, replay("frame", workers=options.workers)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(options.rounds):
        done = {}
        for name, (clock, do) in contenders.items():
            seconds, done[name] = timed(clock, do)
            times[name].append(seconds)
        hand = done.pop("by hand, over sorted tuples")
        for replayed in done.values():
            check(replayed, hand)

    base = times["by hand, over sorted tuples"]
    print(f"{len(tuples):,} events of {options.members:,} members, {hand[-1]:,} redemptions refused\n")
    print(f"{'':<32}{'µs/event':>10}{'ratio':>8}{'events/s':>12}")
    for name, taken in times.items():
        ratio = median(a / b for a, b in zip(taken, base, strict=True))
        print(f"{name:<32}{median(taken) / len(tuples) * 1e6:>10.2f}{ratio:>8.1f}{len(tuples) / median(taken):>12,.0f}")
    one, several = (times[name] for name in list(times)[-2:])
    faster = median(a / b for a, b in zip(one, several, strict=True))
    print(f"\n{options.workers} workers are {faster:.2f} times as fast as 1")
    print(f"peak memory, the history included: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
