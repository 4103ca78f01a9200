"""What accounts are told: a history by member, and of each member in the order in which the account learns of it.

`Told` is what a replay needs of a history, whatever it is made of; `ToldEvents` is one of activities and calls. Lean
accounts take it as columns, any other as events.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from typing import Any, Final, NamedTuple, TypeAlias, cast

from loyaltycore._lean import ASKS, EARNS, NEEDS, Lean, Rows, micros
from loyaltycore.activity import Activity
from loyaltycore.calls import Call, Event, Placed, happened, histories, instant_of
from loyaltycore.history import AnyProgram

_CIVIL_START: Final = datetime(1970, 1, 1)
_MICROSECOND: Final = timedelta.resolution

_DECIMALS: Final = 4
"""Amounts of activities are whole numbers of this many digits after the point, or the rule is asked."""


class Named(NamedTuple):
    """What an entry says of the rows that it came from."""

    ids: list[str]
    sources: list[str]
    """The member, or the reward."""
    kinds: list[str]
    """The kind of the activity; none of a call."""


class Told(ABC):
    """A history of many members, of each in order."""

    members: list[str]
    """Their names, in order."""
    starts: Sequence[int]
    """The row at which each member begins, and at last how many rows there are."""
    last: int | None
    """The instant at which the last event was learnt, in microseconds."""
    lean: Lean | None
    """What lean accounts need of the program, if they will do; its amounts are whole numbers of `lean.decimals`."""

    @abstractmethod
    def placed(self, member: int) -> list[Placed]:
        """The events of one member."""

    @abstractmethod
    def rows(self, members: range) -> tuple[Rows, set[int]]:
        """Members as columns for lean accounts, and those of them who need others."""

    @abstractmethod
    def named(self, members: range) -> Named:
        """What an entry says of each row of members."""

    @abstractmethod
    def learnt(self, end: int) -> int:
        """How many events were learnt up to an instant."""

    @abstractmethod
    def texts(self) -> Iterator[str]:
        """What tells this history from another, in the order of its rows."""

    def size(self, members: range) -> int:
        """How many rows members have."""
        return self.starts[members.stop] - self.starts[members.start]


Row: TypeAlias = tuple[int, str, int, Event]
"""When it happened, its id, its place in the input, and the event."""


class Late(NamedTuple):
    """When what was learnt later had happened, and when it was learnt."""

    at: int
    posted: int


class ToldEvents(Told):
    """A history of activities and calls."""

    def __init__(self, program: AnyProgram, events: Iterable[Event], known: Iterable[str]) -> None:
        self.lean = Lean.of(program, _DECIMALS)
        self._program = program
        self._late: list[Late] = []
        groups = self._grouped(events)
        self.members = sorted({*groups, *known})
        self._groups = [groups.get(member, []) for member in self.members]
        for group in self._groups:
            group.sort()
        self.starts = [0, *accumulate(map(len, self._groups))]
        ends = [group[-1][0] for group in self._groups if group]
        self.last = max([*ends, *(late.posted for late in self._late)], default=None)

    def _grouped(self, events: Iterable[Event]) -> dict[str, list[Row]]:
        groups: defaultdict[str, list[Row]] = defaultdict(list)
        zone = self._program.zone
        in_utc = zone.key == "UTC"
        for n, event in enumerate(events):
            kind = type(event)
            at = event.at if kind is Activity or kind is Call else happened(event)
            instant = (
                (at - _CIVIL_START) // _MICROSECOND if in_utc and at.tzinfo is None else micros(instant_of(at, zone))
            )
            groups[event.member].append((instant, event.id, n, event))
            if isinstance(event, Call) and event.posted is not None:
                posted = micros(instant_of(event.posted, zone))
                if posted > instant:
                    self._late.append(Late(instant, posted))
        return groups

    def placed(self, member: int) -> list[Placed]:
        events = (event for *_, event in self._groups[member])
        return histories(self._program, events).get(self.members[member], [])

    def learnt(self, end: int) -> int:
        if self.last is None or end >= self.last:
            return self.starts[-1]
        # no id is before a tuple that has none
        known = sum(bisect_right(group, end, key=_at) for group in self._groups)
        return known - sum(late.at <= end < late.posted for late in self._late)

    def texts(self) -> Iterator[str]:
        return (repr(event) for member in range(len(self.members)) for *_, event in self.placed(member))

    def named(self, members: range) -> Named:
        named = Named([], [], [])
        for member in members:
            group = self._groups[member]
            named.ids.extend(_keys(group) or [""] * len(group))
            for *_, event in group:
                spends = isinstance(event, Call) and event.verb == "redeem"
                named.sources.append(cast("Call", event).args[0] if spends else event.member)
                named.kinds.append("" if isinstance(event, Call) else event.kind)
        return named

    def rows(self, members: range) -> tuple[Rows, set[int]]:
        reader = _Reader(cast("Lean", self.lean), self._program.zone)
        needs = set()
        for member in members:
            group = self._groups[member]
            if not reader.read(group) or _keys(group) is None:
                needs.add(member)
        return reader.rows, needs


def _at(row: Row) -> int:
    return row[0]


def _keys(group: Sequence[Row]) -> list[str] | None:
    """The ids, which an activity without one is given by its place; nothing if two are the same."""
    keys = [key for _, key, _, _ in group]
    if "" in keys:
        keys = [
            key or ("" if isinstance(event, Call) else f"activity {n}") for n, (_, key, _, event) in enumerate(group, 1)
        ]
    return keys if len(set(keys)) == len(keys) else None


class _Parts(dict[int, int]):
    """By the denominator of an amount, how many of the whole numbers that are counted its numerator is; 0 for none."""

    def __init__(self, decimals: int) -> None:
        self._below = 10**decimals

    def __missing__(self, denominator: int) -> int:
        parts, rest = divmod(self._below, denominator)
        self[denominator] = parts = 0 if rest else parts
        return parts


class _Reader:
    """Events as columns."""

    def __init__(self, lean: Lean, zone: Any) -> None:
        self._lean, self._zone = lean, zone
        self._in_utc = zone.key == "UTC"
        self._parts = _Parts(lean.decimals)
        self._others = [_field(name) for name in lean.takes[1:]]
        self._counts_spend = lean.steps is not None and lean.steps.counts_spend
        self.rows = Rows([], [], [], [], [], [0])

    def read(self, group: Sequence[Row]) -> bool:
        """The events of a member, or not, where it needs an account; there are rows all the same."""
        ats, months, ends, whats, givens, sums = self.rows
        days, zone, parts, counts_spend = self._lean.days, self._zone, self._parts, self._counts_spend
        alone, counted, before, lean = len(self._lean.takes) == 1, sums[-1], 0, True
        for instant, _, _, event in group:
            at = event.at
            if isinstance(event, Call):
                what, given = self._call(event), None
            else:
                top, below = event.amount.as_integer_ratio()
                value = top * parts[below]
                counted += value if counts_spend else 1
                what, given = EARNS, value
                if not alone or len(event.lines) > 1 or not parts[below]:
                    what, given = self._activity(event, value)
            month, end = days[(at if at.tzinfo is None else at.astimezone(zone)).toordinal()]
            if what == NEEDS or end < before or end <= instant:
                lean = False  # what is not the last to be spent, or gone already, among it
            before = end
            ats.append(instant)
            months.append(month)
            ends.append(end)
            whats.append(what)
            givens.append(given)
            sums.append(counted)
        return lean

    def _call(self, call: Any) -> int:
        """What a call does."""
        [reward] = call.args if len(call.args) == 1 else [None]
        order = call.facts.get("order", call)  # what is paid does not change the price, if it is ordered then
        plain = len(call.facts) == (order is not call) and type(order) in (Call, Activity) and order.at == call.at
        late = call.posted is not None and call.posted != call.at
        if call.verb != "redeem" or not call.id or late or not plain or not isinstance(reward, str):
            return NEEDS
        return self._lean.prices.get(reward, NEEDS)

    def _activity(self, activity: Any, value: int) -> tuple[int, Any]:
        """What an activity does, and what the rule is given."""
        civil = activity if self._in_utc and activity.at.tzinfo is None else activity.in_zone(self._zone)
        is_whole = bool(self._parts[activity.amount.denominator])
        if not is_whole and self._counts_spend:
            return NEEDS, None
        [line, *others] = activity.lines
        if others or not is_whole or not self._lean.takes or (activity.facts and line.facts):
            return ASKS, civil  # whose facts count is for each condition to say
        return EARNS, (value, *[read(civil, line) for read in self._others])


def _field(name: str) -> Callable[[Any, Any], Any]:
    """What reads a field of an activity and its line."""
    what, _, fact = name.partition(".")
    if fact:
        return lambda activity, line: (line.facts or activity.facts).get(fact)
    if what in ("kind", "at"):
        return lambda activity, _: getattr(activity, what)
    return lambda _, line: getattr(line, what)
