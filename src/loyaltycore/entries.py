"""Entries: the append-only record of an account, from which every number follows.

Points of an entry are counted without a sign; the kind says what happened to them. Only what goes both ways has a
sign: `adjusted`, `transferred` and `converted` are below 0 for points that left.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from attrs import evolve, field

from loyaltycore._exact import EMPTY, FrozenMap
from loyaltycore._strategy import Stored, frozen, unlocked
from loyaltycore.activity import Activity
from loyaltycore.awards import Award, Why, in_words
from loyaltycore.errors import RuleError
from loyaltycore.redemption import Quote

ENTRY_KINDS: Final = (
    "earned",
    "activated",
    "held",
    "released",
    "captured",
    "spent",
    "cancelled",
    "lapsed",
    "extended",
    "reinstated",
    "reversed",
    "owed",
    "repaid",
    "adjusted",
    "transferred",
    "converted",
    "tier_changed",
    "noted",
)


@frozen
class Entry(Stored):
    """One thing that happened to an account.

    *seq* counts the account's entries from 1. *id* is the caller's id of the call that made it, empty for what time
    alone did. *at* is when it happened, *posted* when the account learnt it, both UTC instants; *posted* never runs
    backwards. *lots* are the pairs (lot, points) it made or took. *actor* is who did it, *source* what it stems from:
    the activity, the hold, the other account. *data* is what a fold over the entries needs besides.
    """

    _kind = "entry"

    seq: int
    kind: str
    id: str
    at: datetime
    posted: datetime
    unit: str = ""
    points: int = 0
    lots: tuple[tuple[int, int], ...] = ()
    _why: Why = field(default="", alias="reason", eq=False)
    actor: str = ""
    source: str = ""
    data: FrozenMap[str, Any] = EMPTY

    @property
    def reason(self) -> str:
        """Why, in words."""
        return in_words(self._why)


UnlockedEntry: Final = unlocked(Entry)


@frozen
class Receipt(Stored):
    """What an activity brought: an award for each unit, and the tier before and after it."""

    _kind = "receipt"

    awards: FrozenMap[str, Award]
    tier_before: str = ""
    tier_after: str = ""
    entries: tuple[Entry, ...] = ()

    @property
    def points(self) -> int:
        """The points earned, of all units together."""
        return sum(entry.points for entry in self.entries if entry.kind == "earned")

    def by_line(self, unit: str = "") -> tuple[int, ...]:
        """The points of each line of the activity in a unit, which add up to what it earned there.

        In proportion to what each line would earn alone if there were no caps; the largest remainders are rounded up.
        The unit may be left out where there is one.

        >>> shop = Program("Shop", earning=PerSpend(1).cap(100))
        >>> shop.account("m-1").earn(Activity([Line(90), Line(60)], at="2026-03-01", id="t-1")).by_line()
        (60, 40)
        """
        if unit not in self.awards:
            if unit or len(self.awards) > 1:
                wrong = f"{unit!r} is none of them" if unit else "there are several"
                raise RuleError(f"unit: {wrong}; name one of {', '.join(map(repr, self.awards))}")
            [unit] = self.awards
        own = {entry.unit: entry for entry in self.entries if entry.kind == "earned" and "event" not in entry.data}
        lines = len(next(iter(own.values())).data["activity"].lines)
        if unit not in own or not own[unit].points:
            return (0,) * lines
        parts: tuple[int, ...] = own[unit].data.get("by_line", (own[unit].points,))
        return parts

    def __str__(self) -> str:
        lines = [f"{unit}:\n{award}" for unit, award in self.awards.items()]
        return "\n".join([*lines, *(f"then {told}" for told in self._followed())])

    def _followed(self) -> list[str]:
        """What came of the points, in words."""
        return [_told(entry) for entry in self.entries if _follows(entry)]

    def _repr_html_(self) -> str:
        from loyaltycore._notebook import receipt_html

        return receipt_html(self)


def _follows(entry: Entry) -> bool:
    """Whether an entry is what came of the activity's points: a tier, what that brought, a conversion."""
    return entry.kind in ("tier_changed", "converted") or "event" in entry.data


def _told(entry: Entry) -> str:
    return f"{entry.unit} {entry.points:+,}: {entry.reason}" if entry.unit else entry.reason


_UnlockedReceipt: Final = unlocked(Receipt)


def receipt_of(awards: dict[str, Award], entries: tuple[Entry, ...], before: str = "", after: str = "") -> Receipt:
    """The receipt itself: its constructor, in a third of the time."""
    new = _UnlockedReceipt()
    new.awards = FrozenMap.over(awards)
    new.tier_before = before
    new.tier_after = after
    new.entries = entries
    new.__class__ = Receipt
    return new  # type: ignore[no-any-return]  # it is one now


@frozen
class Redemption(Stored):
    """What came of asking for a reward: the quote, and the entries if it was not refused."""

    _kind = "redemption"

    id: str
    reward: str
    quote: Quote
    entries: tuple[Entry, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the points were taken, or held."""
        return self.quote.ok

    def __str__(self) -> str:
        return str(self.quote)

    def _repr_html_(self) -> str:
        return self.quote._repr_html_()


def call_data(verb: str, **content: Any) -> Mapping[str, Any]:
    """What a call said, kept with its first entry so that a retry can be told from a conflict."""
    return FrozenMap.over({"verb": verb, **content})


def erased(entry: Entry, old: str, new: str) -> Entry:
    """An entry without what says who the member was."""
    data = dict(entry.data)
    for name in ("activity", "order"):
        if isinstance(data.get(name), Activity):
            data[name] = _anonymous(data[name], old, new)
    call = data.get("call")
    if call is not None:
        kept = {n: _anonymous(v, old, new) if isinstance(v, Activity) else v for n, v in call.items()}
        if kept["verb"] == "note":
            kept["facts"] = EMPTY
        if kept["verb"] == "adjust":
            kept |= {"reason": "erased", "actor": new if kept["actor"] == old else kept["actor"]}
        data["call"] = FrozenMap(kept)
    if "facts" in data and entry.kind == "noted":
        data["facts"] = EMPTY
    source, actor = (new if name == old else name for name in (entry.source, entry.actor))
    why = "erased" if entry.kind == "adjusted" else entry._why
    return evolve(entry, reason=why, source=source, actor=actor, data=FrozenMap(data))


def _anonymous(activity: Activity, old: str, new: str) -> Activity:
    return evolve(activity, member=new) if activity.member == old else activity
