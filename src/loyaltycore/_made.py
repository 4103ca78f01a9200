"""A history that is made up: members who join, shop, redeem, return and leave, the same on every machine.

All is drawn in whole numbers, so that no machine's logarithm can make a difference. The shapes are those of marketing
science, the numbers those of a year of groceries:

- How often a member shops is drawn once for each, from an exponential distribution, and so visits in a month are close
  to negative-binomial (Ehrenberg, 1959): few members come often, most seldom.
- After each visit a member may leave for good, with a chance of their own (Fader, Hardie and Lee, 2005).
- What a line comes to is log-normal, around a median of its category times a level of the member, log-normal as well.
- How often, when and what is bought, and how much amounts differ within and between members, was measured on the
  Complete Journey, 155,848 baskets of 2,469 households.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from itertools import accumulate
from math import isqrt
from random import Random
from typing import Any, Final, NamedTuple

from attrs import frozen

from loyaltycore._calendar import add_months
from loyaltycore._result import frame_of
from loyaltycore.activity import Activity, Line, Member
from loyaltycore.calls import Call, Event

VISITS: Final = 5_260
"""Visits a month of a member, on average, in thousandths."""

CATEGORIES: Final = (
    ("grocery", 779, 10_49, 1_757), ("drugstore", 427, 5_00, 1_655), ("produce", 326, 4_27, 1_436),
    ("packaged meat", 212, 5_00, 1_141), ("meat", 193, 7_05, 1_145), ("deli", 128, 5_79, 1_088),
    ("pastry", 110, 2_99, 1_190), ("fuel", 95, 25_00, 837), ("nutrition", 63, 3_59, 1_192),
    ("packaged seafood", 33, 5_24, 991), ("cosmetics", 19, 4_65, 1_182), ("floral", 14, 8_05, 1_097),
)  # fmt: skip
"""Of each the baskets that have it, of a thousand; the median in cents; and its spread: the standard deviation of the
logarithm to the base 2, in thousandths."""

LEVEL: Final = 600
"""The spread of what members spend on average; with that of the lines it comes to what was measured."""

SEASON: Final = (930, 930, 980, 980, 1_020, 1_000, 1_000, 1_010, 960, 990, 1_030, 1_170)
"""Visits by month, in thousandths: as in retail sales before seasonal adjustment, January is poor and December rich."""

WEEKDAYS: Final = (985, 938, 923, 935, 967, 1_110, 1_142)
"""Visits by day of the week, from Monday, in thousandths."""

HOURS: Final = tuple(
    accumulate((0, 0, 0, 0, 0, 0, 11, 22, 33, 47, 69, 93, 105, 106, 111, 120, 140, 156, 146, 124, 101, 75, 46, 23))
)
"""Visits up to the end of each hour."""

LEAVES: Final = 100
"""A member leaves after so many visits, on average."""

REDEEMS: Final = 10
"""One of so many visits has a redemption."""

RETURNS: Final = 40
"""One of so many has a line that goes back within three weeks."""

_BITS: Final = 32
_ONE: Final = 1 << _BITS


class HistoryRow(NamedTuple):
    """A row of a history as a frame: a line of a purchase, a redemption or a reversal; *amount* is in cents."""

    member: str
    date: datetime
    id: str
    kind: str | None
    category: str | None
    amount: int | None
    reward: str | None
    of: str | None
    on_shortfall: str | None


@frozen(repr=False)
class MadeHistory:
    """A history that is made up: its events in order, for `replay` and `compare`, and the members with their joining.

    Go through it, or take `activities` or a frame. `program.replay(history, members=history.members)` knows when
    members joined.
    """

    events: tuple[Event, ...]
    members: tuple[Member, ...]

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"<MadeHistory: {len(self.events):,} events of {len(self.members):,} members>"

    @property
    def activities(self) -> tuple[Activity, ...]:
        """The purchases alone."""
        return tuple(event for event in self.events if isinstance(event, Activity))

    def to_frame(self, backend: str = "polars") -> Any:
        """A `HistoryRow` for each line, redemption and reversal, as a frame that `replay` and `award_frame` read.

        It is one of polars, or with `backend="pyarrow"` or `"pandas"` of that, and needs the extra `frames`.
        """
        return frame_of(HistoryRow, [row for event in self.events for row in _rows(event)], backend)


def make_history(members: int, months: int, seed: int, rewards: Sequence[str], start: date) -> MadeHistory:
    """See `loyaltycore.datasets.make_history`, which checks what it is given."""
    end = add_months(start, months)
    width = len(str(members))
    lives = [_Life(f"m-{n + 1:0{width}}", Random(f"{seed}/{n}"), start, end) for n in range(members)]  # noqa: S311 (a sample, not a secret)
    events = [event for life in lives for event in life.events(rewards)]
    events.sort(key=lambda event: (event.at, event.id))
    return MadeHistory(tuple(events), tuple(Member(life.member, joined=life.joined) for life in lives))


def _rows(event: Event) -> Iterator[HistoryRow]:
    whose, when, key = event.member, event.at, event.id
    if isinstance(event, Activity):
        for line in event.lines:
            yield HistoryRow(whose, when, key, None, line.category, int(line.amount * 100), None, None, None)
    elif event.verb == "redeem":
        yield HistoryRow(whose, when, key, "redeem", None, None, event.args[0], None, None)
    else:
        back = int(event.facts["amount"] * 100)
        yield HistoryRow(whose, when, key, "reverse", None, back, None, event.args[0], event.facts["on_shortfall"])


# One member ---------------------------------------------------------------------------------------------------------


class _Life:
    """A member from joining to leaving, drawn from a stream of their own: whoever else there is changes nothing."""

    def __init__(self, member: str, draw: Random, start: date, end: date) -> None:
        self.member, self.draw, self.end = member, draw, end
        # half of them were members before
        days = _below(draw, (end - start).days) if draw.getrandbits(1) else -_below(draw, 3 * 365)
        self.joined = start + timedelta(days)
        self.first = max(self.joined, start)
        self.a_day = VISITS * _exponential(draw) // (1_000 * 30)  # chance of a visit, in parts of `_ONE`
        self.leaving = _exponential(draw) // LEAVES
        self.level = _power_of_two(_normal(draw) * LEVEL) * 4 // 5  # large baskets have more of all: here they do not

    def events(self, rewards: Sequence[str]) -> Iterator[Event]:
        """What happens from the first day to the end; without rewards the same but for redemptions."""
        draw, member = self.draw, self.member
        for n, at in enumerate(self.visits(), start=1):
            bought = Activity(self.basket(), at=at, id=f"{member}/t-{n}", member=member)
            asks, which = not _below(draw, REDEEMS), _below(draw, max(1, len(rewards)))
            returns, days, line = not _below(draw, RETURNS), 1 + _below(draw, 21), _below(draw, len(bought.lines))
            before, back = at - timedelta(minutes=1), at + timedelta(days)
            if asks and rewards:
                yield Call("redeem", rewards[which], member=member, id=f"{member}/r-{n}", at=before)
            yield bought
            if returns and back.date() < self.end:
                part: dict[str, Any] = {"amount": bought.lines[line].amount, "on_shortfall": "owe"}
                yield Call("reverse", bought.id, member=member, id=f"{member}/x-{n}", at=back, **part)

    def visits(self) -> Iterator[datetime]:
        """When the member comes, until they leave."""
        draw, day = self.draw, self.first
        while day < self.end:
            chance = self.a_day * SEASON[day.month - 1] * WEEKDAYS[day.weekday()] // 10**6
            if draw.getrandbits(_BITS) < chance:
                yield datetime.combine(day, self.time())
                if draw.getrandbits(_BITS) < self.leaving:
                    return
            day += timedelta(1)

    def time(self) -> time:
        """A time of the day."""
        hour = bisect(HOURS, _below(self.draw, HOURS[-1]))
        return time(hour, _below(self.draw, 60), _below(self.draw, 60))

    def basket(self) -> list[Line]:
        """What is bought of each category; never nothing."""
        found = [each for each in CATEGORIES if _below(self.draw, 1_000) < each[1]] or [CATEGORIES[0]]
        return [Line(Fraction(self.cents(median, spread), 100), name) for name, _, median, spread in found]

    def cents(self, median: int, spread: int) -> int:
        """What is paid; at least a cent."""
        return max(1, median * self.level * _power_of_two(_normal(self.draw) * spread) >> 2 * _BITS)


# Distributions, in whole numbers ------------------------------------------------------------------------------------


def _below(draw: Random, n: int) -> int:
    """A number from 0 up to, but not with, *n*. What `randrange` draws may change with the version of Python."""
    return draw.getrandbits(_BITS) * n >> _BITS


def _normal(draw: Random) -> int:
    """A number that is close to normal, in parts of 2**16: twelve uniform ones added up, less their mean."""
    bits = draw.getrandbits(12 * 16)
    return sum(bits >> 16 * n & 0xFFFF for n in range(12)) - 6 * 0x10000


def _exponential(draw: Random) -> int:
    """A number of exponential distribution and mean 1, in parts of `_ONE`, by comparisons alone (von Neumann, 1951)."""
    turns = 0
    while True:
        first = last = draw.getrandbits(_BITS)
        length = 1
        while (drawn := draw.getrandbits(_BITS)) < last:
            last, length = drawn, length + 1
        if length % 2:
            return (turns << _BITS) + first
        turns += 1


def _roots() -> Iterator[tuple[int, int]]:
    """The square root of 2, its square root, and so on, with the fraction of a power that each stands for."""
    root, part = 2 * _ONE, _ONE
    for _ in range(20):
        root, part = isqrt(root << _BITS), part >> 1
        yield part, root


_ROOTS: Final = tuple(_roots())


def _power_of_two(thousandths: int) -> int:
    """2 to the power of so many thousandths of parts of 2**16, in parts of `_ONE`."""
    whole, rest = divmod((thousandths << 16) // 1_000, _ONE)
    power = _ONE
    for part, root in _ROOTS:
        if rest & part:
            power = power * root >> _BITS
    return power << whole if whole >= 0 else power >> -whole
