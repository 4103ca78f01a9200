"""Conditions on the member: dates and facts, tiers, what was counted, and who is in an experiment."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import field

from loyaltycore._calendar import civil_date, month_day, on_day
from loyaltycore._columns import AT, JOINED, KIND, LADDER, MEMBER, TIER, Column, Columns, Mask
from loyaltycore._exact import Exact, Number, exact, whole
from loyaltycore._strategy import STAR, as_count, frozen, is_name, text, texts
from loyaltycore.activity import Activity, FactValue, Member
from loyaltycore.activity_conditions import matches, told_apart, values_of
from loyaltycore.condition import Whole
from loyaltycore.errors import RuleError


@frozen
class BirthMonth(Whole):
    """In the month the member was born.

    By the fact `birth_month` (1 to 12), else the fact `birthday` (`"1990-05-17"` or `"05-17"`).
    """

    kind = "birth_month"

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether it is that month; not, if neither fact is known."""
        return member.birth_month == activity.day.month

    def _lower(self, columns: Columns) -> Mask:
        facts = ("member_fact", "birth_month"), ("member_fact", "birthday")
        return columns.engine.told(self, _born_in, AT, *facts)


def _born_in(at: datetime, month: FactValue | None, birthday: FactValue | None) -> bool:
    return Member(facts={"birth_month": month, "birthday": birthday}).birth_month == at.month


def _around(value: int) -> int:
    return whole(value, "days", at_least=0, at_most=180)


@frozen
class Anniversary(Whole):
    """On the day of the year that a fact of the member names, such as the birthday, or some days *before* or *after*.

    The fact is a date, `"1990-05-17"` or `"05-17"`; `"joined"` is the day the member joined. The day itself is no
    anniversary. 29 February is kept on the 28th in other years.

    >>> party = Activity.action("visit", at="2026-05-19")
    >>> [Anniversary(after=days).holds(party, Member(facts={"birthday": "1990-05-17"})) for days in (1, 2)]
    [False, True]
    """

    kind = "anniversary"

    of: str = field(default="birthday", validator=is_name)
    before: int = field(default=0, converter=_around, kw_only=True)
    after: int = field(default=0, converter=_around, kw_only=True)

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether it is that day, or near enough; not, if the fact is not known."""
        return self._near(activity.at, member.joined if self.of == "joined" else member.facts.get(self.of))

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.told(self, self._near, AT, JOINED if self.of == "joined" else ("member_fact", self.of))

    def _near(self, at: datetime, first: Any) -> bool:
        """Whether a moment is near enough to the day that the fact names."""
        if first is None:
            return False
        today = at.date()
        if str(first).count("-") == 1:
            since, (month, day) = None, month_day(str(first), self.of)
        else:
            since = civil_date(first, self.of)
            month, day = since.month, since.day
        years = range(today.year - 1, today.year + 2)
        days = (on_day(year, month, day) for year in years if since is None or year > since.year)
        return any(-self.before <= (today - that).days <= self.after for that in days)


@frozen(init=False)
class MemberFact(Whole):
    """Members of whom a fact is known, with one of these values (any, if none): segments, plans, employees.

    >>> MemberFact("plan", "pro").holds(Activity.action("login", at="2026-03-01"), Member(facts={"plan": "pro"}))
    True
    """

    kind = "member_fact"

    name: str = field()
    values: tuple[FactValue, ...] = field(metadata=STAR, eq=told_apart)

    def __init__(self, name: str, *values: object) -> None:
        self.__attrs_init__(text(name, "MemberFact"), values_of(values, "MemberFact"))

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the fact is known so."""
        return matches(member.facts.get(self.name), self.values)

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.is_in(("member_fact", self.name), self.values)


@frozen(init=False)
class InTier(Whole):
    """Members in one of these tiers, of any ladder."""

    kind = "in_tier"

    tiers: tuple[str, ...] = field(metadata=STAR)

    def __init__(self, *tiers: str) -> None:
        self.__attrs_init__(texts(tiers, "InTier"))

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the member's tier is one of them."""
        return member.tier in self.tiers or any(tier in self.tiers for tier in member.tiers.values())

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.is_in(TIER, self.tiers)


@frozen
class AtLeastTier(Whole):
    """Members in this tier or a higher one of the program's first ladder."""

    kind = "at_least_tier"

    tier: str = field(validator=is_name)

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the member's tier is not lower; raises `RuleError` if the ladder does not know both."""
        return self._reached(member.tier, member.ladder)

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.told(self, self._reached, TIER, LADDER)

    def _reached(self, tier: str, ladder: tuple[str, ...]) -> bool:
        """Whether a tier of the ladder is not lower."""
        if tier in ("", self.tier):
            return tier == self.tier
        if self.tier not in ladder or tier not in ladder:
            raise RuleError(
                f"AtLeastTier: the ladder {ladder!r} does not have both {self.tier!r} and {tier!r};"
                " give Member(ladder=...) with all tiers from the lowest up"
            )
        return ladder.index(tier) >= ladder.index(self.tier)


def _kind_or_none(value: str | None) -> str | None:
    return None if value is None else text(value, "kind")


@frozen
class FirstTime(Whole):
    """The member's first activity, or the first of a kind: a counter that the account keeps."""

    kind = "first_time"

    of_kind: str | None = field(default=None, converter=_kind_or_none, alias="kind")

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether none was counted before."""
        return self.of_kind in (None, activity.kind) and member.times(self.of_kind) == 0

    def _lower(self, columns: Columns) -> Mask:
        these, place = _place_of_kind(columns, self.of_kind)
        first = columns.engine.negated(place.more_than(1))
        return first if these is None else columns.engine.both(these, first)


@frozen
class EveryNth(Whole):
    """Every *n*th activity of the member, or of a kind: a counter that the account keeps."""

    kind = "every_nth_activity"

    n: int = field(converter=as_count)
    of_kind: str | None = field(default=None, converter=_kind_or_none, alias="kind")

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether this one, counted, makes a multiple of *n*."""
        return self.of_kind in (None, activity.kind) and (member.times(self.of_kind) + 1) % self.n == 0

    def _lower(self, columns: Columns) -> Mask:
        these, place = _place_of_kind(columns, self.of_kind)
        nth = place.is_multiple(self.n)
        return nth if these is None else columns.engine.both(these, nth)


def _place_of_kind(columns: Columns, kind: str | None) -> tuple[Mask, Column]:
    """Where activities are of the kind, and the place of each among the member's."""
    these = None if kind is None else columns.engine.is_in(KIND, (kind,))
    return these, columns.place(these)


def _share(value: Number) -> Exact:
    share = exact(value, "share")
    if not 0 <= share <= 1:
        raise RuleError(f"share: {value!r} is no share of the members; give 0 to 1, such as '0.1'")
    return share


@frozen
class InExperiment(Whole):
    """A share of the members, drawn by their id and the experiment's name: the same ones on every machine.

    The draw is the first 8 bytes of SHA-256 of `name`, a NUL and the id, as a fraction of 2**64. A member without an
    id is in no experiment.
    """

    kind = "in_experiment"

    name: str = field(validator=is_name)
    share: Exact = field(converter=_share)

    def holds(self, activity: Activity, member: Member) -> bool:
        """Whether the member was drawn."""
        return self.draws(member.id)

    def _lower(self, columns: Columns) -> Mask:
        return columns.engine.told(self, self.draws, MEMBER)

    def draws(self, id: str) -> bool:
        """Whether the member of that id is in the experiment, for what the application itself does differently."""
        if not id:
            return False
        from hashlib import sha256

        drawn = int.from_bytes(sha256(f"{self.name}\0{id}".encode(errors="surrogatepass")).digest()[:8])
        return Fraction(drawn, 2**64) < self.share
