"""Tiers: what a member has to have counted to reach one, how long it is kept, and what it brings.

A qualification looks at counts (points of a unit, money spent, activities, nights) and says how far it is met. A
ladder has the tiers from the lowest up, and says over which window is counted, how long a tier is kept and what
happens then. Nothing here knows of accounts: `standings.py` keeps what a member has counted and reached.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Protocol, TypeAlias

from attrs import field

from loyaltycore import _show
from loyaltycore._exact import Exact, Number, above_zero, exact, show, tidy, whole
from loyaltycore._strategy import STAR, Stored, Strategy, check_finished, frozen, is_name, text, walk
from loyaltycore.conditions import Condition
from loyaltycore.dates import AfterInactivity, DateRule, EndOfPeriod, Never, as_date_rule
from loyaltycore.errors import RuleError
from loyaltycore.periods import Balance, Calendar, Lifetime, Period, PeriodLike, Span, Window, as_period

Counted: TypeAlias = str | Condition
"""What can be counted: a unit, `"spend"`, `"activities"`, a fact that is summed, or a condition's activities."""

DOWNGRADES: Final = ("none", "one_level", "requalify")
STARTS: Final = ("at_once", "next_period")
APPLIES: Final = ("before", "after")


class Counts(Protocol):
    """What a qualification is asked with: how much was counted."""

    def count(self, what: Counted, window: Period | None) -> Exact:
        """So much of it, over that window; over the ladder's own if `None`."""


# How far a qualification is met -------------------------------------------------------------------------------------


def _have(value: Number) -> Exact:
    return exact(value, "have")


def _need(value: Number) -> Exact:
    return exact(value, "need")


@frozen
class Progress(Stored):
    """How far a qualification is met: so much of what is needed.

    Of several, `a & b` or `a | b`, *parts* has one each, *have* counts those that are met and *need* how many must be.
    *places* says how many digits of them stand after the point when shown, as of the unit that is counted.

    >>> print(Progress("nights", 18, 25))
    18 of 25 nights, 7 missing
    """

    _kind = "progress"

    what: str = field(validator=is_name)
    have: Exact = field(default=0, converter=_have)
    need: Exact = field(default=1, converter=_need)
    parts: tuple[Progress, ...] = ()
    places: int = field(default=0, kw_only=True)

    @property
    def met(self) -> bool:
        """Whether it is enough."""
        return self.have >= self.need

    @property
    def missing(self) -> Exact:
        """How much is missing; 0 once it is met."""
        return tidy(max(0, self.need - self.have))

    @property
    def leaves(self) -> tuple[Progress, ...]:
        """The counts it is made of, without the `&` and `|` between them."""
        return tuple(leaf for part in self.parts for leaf in part.leaves) or (self,)

    def __str__(self) -> str:
        if self.parts:
            word = " and " if self.need == len(self.parts) else " or "
            return word.join(f"({part})" if part.parts else str(part) for part in self.parts)
        rest = f", {self._shown(self.missing)} missing" if not self.met else ""
        return f"{self._shown(self.have)} of {self._shown(self.need)} {self.what}{rest}"

    def _shown(self, value: Exact) -> str:
        return _show.points(value, self.places) if isinstance(value, int) else show(value)


# Qualifications -----------------------------------------------------------------------------------------------------


@frozen
class Qualification(Strategy):
    """Base of what it takes to reach a tier, or to stay in it. Implement `progress`.

    >>> @frozen
    ... class Marathon(Qualification):
    ...     kind = "marathon"
    ...     def progress(self, counts):
    ...         return Progress("km", counts.count("km", None), 42)
    >>> Marathon() | Reach("visits", 10)
    Marathon() | Reach('visits', 10)
    """

    _operators: ClassVar[str] = "& (all of them) and | (one of them)"

    @abstractmethod
    def progress(self, counts: Counts) -> Progress:
        """How far these counts meet it."""

    def __and__(self, other: Qualification) -> Qualification:
        return AllOf((self, other)) if isinstance(other, Qualification) else NotImplemented

    def __or__(self, other: Qualification) -> Qualification:
        return AnyOf((self, other)) if isinstance(other, Qualification) else NotImplemented


def as_qualification(value: object) -> Qualification:
    """`value`, if it is a qualification."""
    if isinstance(value, Qualification):
        check_finished(value)
        return value
    raise RuleError(f"{value!r} is no qualification; give one such as Reach('stars', 500) or Invitation()")


def _several(value: Iterable[Qualification], of: type[AllOf | AnyOf]) -> tuple[Qualification, ...]:
    given = map(as_qualification, value if isinstance(value, (tuple, list)) else (value,))
    found = tuple(part for q in given for part in (q.qualifications if isinstance(q, of) else (q,)))
    if len(found) < 2:  # noqa: PLR2004 (a pair)
        raise RuleError("qualifications: give at least two to combine")
    return found


def _all(value: Sequence[Qualification]) -> tuple[Qualification, ...]:
    return _several(value, AllOf)


def _any(value: Sequence[Qualification]) -> tuple[Qualification, ...]:
    return _several(value, AnyOf)


@frozen
class AllOf(Qualification):
    """All of them, written `a & b`."""

    kind = "all_of"

    qualifications: tuple[Qualification, ...] = field(converter=_all)

    def progress(self, counts: Counts) -> Progress:
        """How many are met, of all."""
        parts = tuple(q.progress(counts) for q in self.qualifications)
        return Progress("all of", sum(part.met for part in parts), len(parts), parts)

    def _code(self) -> _show.Code:
        return _show.infix("&", _show.AND, self.qualifications)


@frozen
class AnyOf(Qualification):
    """One of them, written `a | b`."""

    kind = "any_of"

    qualifications: tuple[Qualification, ...] = field(converter=_any)

    def progress(self, counts: Counts) -> Progress:
        """How many are met; one is enough."""
        parts = tuple(q.progress(counts) for q in self.qualifications)
        return Progress("one of", sum(part.met for part in parts), 1, parts)

    def _code(self) -> _show.Code:
        return _show.infix("|", _show.OR, self.qualifications)


def _counted(value: Counted) -> Counted:
    return value if isinstance(value, Condition) else text(value, "what")


def _enough(value: Number) -> Exact:
    return above_zero(value, "n")


def tier_window(value: PeriodLike) -> Period:
    """A period that a tier can be counted over."""
    period = as_period(value)
    if isinstance(period, (Span, Window, Lifetime)):
        return period
    raise RuleError(f"window: {period!r} is no window for tiers; give Calendar('year'), Rolling(months=12) or 'ever'")


def _window_or_none(value: PeriodLike | None) -> Period | None:
    return None if value is None else tier_window(value)


@frozen
class Reach(Qualification):
    """To have counted at least *n*: of a unit's points, of `"spend"`, `"activities"`, a fact, or a condition.

    A unit of that name comes first; then `"spend"` is money (refunds taken off) and `"activities"` how many there
    were; any other name is a fact, summed over activities, such as `"nights"`. A condition counts the activities in
    which it keeps a line. Points count once they are available, spent or not, by the `at` of the activity that earned
    them. The *window* is the ladder's unless it is given.

    >>> Reach("nights", 60) | Reach(OfKind("stay"), 30) | Reach("spend", 18_000, window=Rolling(months=12))
    Reach('nights', 60) | Reach(OfKind('stay'), 30) | Reach('spend', 18000, window=Rolling(months=12))
    """

    kind = "reach"

    what: Counted = field(converter=_counted)
    n: Exact = field(converter=_enough)
    window: Period | None = field(default=None, converter=_window_or_none)

    def __attrs_post_init__(self) -> None:
        if isinstance(self.window, Balance) and not isinstance(self.what, str):
            raise RuleError("window: a balance is of a unit's points; give the unit's name, or another window")

    def progress(self, counts: Counts) -> Progress:
        """How much was counted, of *n*."""
        return Progress(name_of(self.what), counts.count(self.what, self.window), self.n)


def name_of(what: Counted) -> str:
    """What is counted, as text: what accounts keep a count under."""
    return what if isinstance(what, str) else repr(what)


@frozen
class Invitation(Qualification):
    """Not to be reached by counting: only `account.grant_tier` brings it. With `|` it is one way among others."""

    kind = "invitation"

    def progress(self, counts: Counts) -> Progress:
        """Never met."""
        return Progress("invitation", 0, 1)


def reaches(qualification: Qualification | None) -> Iterator[Reach]:
    """The counts that a qualification is made of."""
    if isinstance(qualification, Reach):
        yield qualification
    for part in getattr(qualification, "qualifications", ()):
        yield from reaches(part)


def met_by(qualification: Qualification, counts: Counts) -> Iterator[Reach]:
    """The counts that meet it: all of `a & b`, the first of `a | b` that is met."""
    if isinstance(qualification, AnyOf):
        qualification = next(q for q in qualification.qualifications if q.progress(counts).met)
    if isinstance(qualification, AllOf):
        for part in qualification.qualifications:
            yield from met_by(part, counts)
    elif isinstance(qualification, Reach):
        yield qualification


# What a tier brings -------------------------------------------------------------------------------------------------


def _quantity(value: int | None) -> int | None:
    return None if value is None else whole(value, "quantity", at_least=1)


@frozen
class Benefit(Stored):
    """Something a tier brings: lounge access, free shipping, four upgrade vouchers a year.

    With a *quantity*, `account.use` counts it, so many in each *per* (a period; `"ever"` is while the member is one);
    without one it can be used freely. A plain name stands for `Benefit(name)`.

    >>> Tier("gold", Reach("miles", 50_000), benefits=("lounge_access", Benefit("extra_bag", 2, per="year")))
    Tier('gold', qualification=Reach('miles', 50000), benefits=('lounge_access', Benefit('extra_bag', quantity=2)))
    """

    _kind = "benefit"

    name: str = field(validator=is_name)
    quantity: int | None = field(default=None, converter=_quantity)
    per: Period = field(default=Calendar("year"), converter=as_period, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.per, (Span, Lifetime)):
            raise RuleError(f"per: {self.per!r} is no stretch of days; give such as 'year', 'month' or 'ever'")


def _options(value: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(value, Iterable):
        raise RuleError(f"options: {value!r} is no choice; give at least two different names")
    options = tuple(text(option, "options") for option in ((value,) if isinstance(value, str) else value))
    if len(set(options)) != len(options) or len(options) < 2:  # noqa: PLR2004 (a choice)
        raise RuleError(f"options: {list(options)} is no choice; give at least two different names")
    return options


def _within(value: DateRule | None) -> DateRule | None:
    return None if value is None else as_date_rule(value)


@frozen
class Choice(Stored):
    """A benefit to choose among several, with `account.choose`, until a day counted from when the tier was reached.

    After the day that *within* names, the *default* is taken, if there is one; a default without it is a `RuleError`.

    >>> Choice("milestone", ("8000 points", "lounge pass"), default="8000 points", within=After(days=60)).options
    ('8000 points', 'lounge pass')
    """

    _kind = "choice"

    name: str = field(validator=is_name)
    options: tuple[str, ...] = field(converter=_options)
    default: str = field(default="", kw_only=True)
    within: DateRule | None = field(default=None, converter=_within, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.default != "" and self.default not in self.options:
            raise RuleError(f"default: {self.default!r} is none of the options; give one of {', '.join(self.options)}")
        if self.default and self.within is None:
            raise RuleError(
                f"default: {self.default!r} would never be taken; say until when can be chosen, as in"
                " within=After(days=60), or leave it out"
            )


Brings: TypeAlias = str | Benefit | Choice


def _benefits(value: Sequence[Brings]) -> tuple[Brings, ...]:
    found: dict[str, Brings] = {}
    several = (value,) if isinstance(value, (str, Benefit, Choice)) else value
    if not isinstance(several, Iterable):
        raise RuleError(f"benefits: {value!r} is no list; give names, Benefit(...) or Choice(...)")
    for given in several:
        benefit = given if isinstance(given, (Benefit, Choice)) else Benefit(text(given, "benefits"))
        if benefit.name in found:
            raise RuleError(f"benefits: {benefit.name!r} stands twice; keep one")
        found[benefit.name] = benefit.name if benefit == Benefit(benefit.name) else benefit
    return tuple(found.values())


# Tiers and ladders --------------------------------------------------------------------------------------------------


def _qualification_or_none(value: Qualification | None) -> Qualification | None:
    return None if value is None else as_qualification(value)


def _keeps(value: DateRule | None) -> DateRule | None:
    return None if value is None else as_date_rule(value)


def _carry(value: Number | None) -> Exact | None:
    return None if value is None else above_zero(value, "carry")


@frozen
class Tier(Stored):
    """A level of a ladder: what it takes to reach it, to stay, and what it brings.

    The lowest may go without a *qualification*: everyone is in it. *renewal* is what it takes to stay, where that is
    not the same; *keeps* how long the tier is kept, where that is not the ladder's. *deducts* takes what was needed
    from the counts of this ladder where the tier was met, and what is left counts on, but not over `TierTerm()`, which
    begins anew; a review deducts nothing. *carry* is how much of a surplus over the qualification counts in the next
    period of this ladder's window, at most; a window of a `Reach` of its own does not see it. Benefits are the tier's
    own: a higher tier says its own.

    >>> Tier("gold", Reach("status", 500), renewal=Reach("status", 400), benefits=("lounge_access",)).name
    'gold'
    """

    _kind = "tier"

    name: str = field(validator=is_name)
    qualification: Qualification | None = field(default=None, converter=_qualification_or_none)
    benefits: tuple[Brings, ...] = field(default=(), converter=_benefits, kw_only=True)
    renewal: Qualification | None = field(default=None, converter=_qualification_or_none, kw_only=True)
    keeps: DateRule | None = field(default=None, converter=_keeps, kw_only=True)
    deducts: bool = field(default=False, kw_only=True)
    carry: Exact | None = field(default=None, converter=_carry, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.deducts, bool):
            raise RuleError(f"deducts: {self.deducts!r} is neither True nor False; give one of them")
        if self.qualification is None and (self.deducts or self.renewal is not None or self.carry is not None):
            raise RuleError(f"{self.name}: everyone is in a tier without a qualification; leave the rest out, too")


def _one_of(value: str, what: str, names: tuple[str, ...]) -> str:
    if value in names:
        return str(value)
    raise RuleError(f"{what}: {value!r} is not known; give one of {', '.join(map(repr, names))}")


def _downgrade(value: str) -> str:
    return _one_of(value, "downgrade", DOWNGRADES)


def _starts(value: str) -> str:
    return _one_of(value, "starts", STARTS)


def _applies(value: str) -> str:
    return _one_of(value, "applies", APPLIES)


@frozen(init=False)
class TierLadder(Stored):
    """Tiers from the lowest up, one of which a member holds; over which *window* is counted, and how long it is kept.

    A tier is reached at once, levels may be skipped; with `starts="next_period"` it begins with the window's next
    period. It is kept until the day that *keeps* says, counted from when it was reached: then it is reviewed, and kept
    again if it is met anew. If not, *grace* may keep it some days more; then *downgrade* says what follows:
    `"requalify"` (the highest tier whose qualification or renewal is met), `"one_level"` (the tier below), `"none"`
    (tiers are never lost). On the window `Balance()`, where nothing says how long a tier is kept, every change of the
    balance is a review.

    Anew means since the tier was reached or last kept, where the window has periods. A ladder is judged when something
    that it counts has changed, by all that happened at one instant together. What is learnt late is judged as of when
    it happened: the tier it brings begins when it is learnt and is kept as if it had begun then; a tier that was held
    then is not brought a second time, and a review that is over stays as it was.

    An activity is judged in the tier that earlier ones reached; with `applies="after"`, in the one it reaches itself.

    >>> ladder = TierLadder(Tier("gold", Reach("status", 500)), window=Calendar("year"), keeps=EndOfPeriod(1))
    >>> ladder.names
    ('gold',)
    """

    _kind = "tier_ladder"

    tiers: tuple[Tier, ...] = field(metadata=STAR)
    window: Period = field(default=Lifetime(), converter=tier_window, kw_only=True)
    keeps: DateRule = field(default=Never(), converter=as_date_rule, kw_only=True)
    downgrade: str = field(default="requalify", converter=_downgrade, kw_only=True)
    starts: str = field(default="at_once", converter=_starts, kw_only=True)
    grace: DateRule | None = field(default=None, converter=_keeps, kw_only=True)
    applies: str = field(default="before", converter=_applies, kw_only=True)

    _places: Mapping[str, int] = field(init=False, eq=False)
    counted: Mapping[str, Counted] = field(init=False, eq=False)
    """What has to be counted, by the name that it is kept under."""
    balances: frozenset[str] = field(init=False, eq=False)
    """The units of which a balance is looked at."""

    def __init__(
        self,
        *tiers: Tier,
        window: PeriodLike = "ever",
        keeps: DateRule = Never(),  # noqa: B008 (frozen)
        downgrade: str = "requalify",
        starts: str = "at_once",
        grace: DateRule | None = None,
        applies: str = "before",
    ) -> None:
        _check_tiers(tiers)
        self.__attrs_init__(
            tiers, window=window, keeps=keeps, downgrade=downgrade, starts=starts, grace=grace, applies=applies
        )
        object.__setattr__(self, "_places", {tier.name: n for n, tier in enumerate(tiers)})
        asked = self._asked()
        windows = ((name_of(r.what), self.window if r.window is None else r.window) for r in asked)
        balances = frozenset(name for name, window in windows if isinstance(window, Balance))
        object.__setattr__(self, "counted", {name_of(reach.what): reach.what for reach in asked})
        object.__setattr__(self, "balances", balances)
        _check_ladder(self)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the tiers, from the lowest up."""
        return tuple(self._places)

    @property
    def base(self) -> str:
        """The tier that everyone is in; empty if there is none."""
        return "" if self.tiers[0].qualification is not None else self.tiers[0].name

    def index(self, name: str) -> int:
        """The place of a tier, from 0; -1 for none, and for one that the ladder does not have."""
        return self._places.get(name, -1)

    def highest(self, names: Iterable[str]) -> str:
        """The highest of these tiers; those that the ladder does not have are none."""
        return max((name for name in names if name in self._places), key=self.index, default="")

    def keeps_of(self, tier: Tier) -> DateRule:
        """How long a tier is kept."""
        return self.keeps if tier.keeps is None else tier.keeps

    def _asked(self) -> list[Reach]:
        return [reach for tier in self.tiers for q in (tier.qualification, tier.renewal) for reach in _asked(q)]


def _check_ladder(ladder: TierLadder) -> None:
    """What the parts of a ladder ask of its window, it has."""
    has_periods = isinstance(ladder.window, Span)
    if ladder.starts == "next_period" and not has_periods:
        raise RuleError(f"starts: {ladder.window!r} has no next period; give a window such as Calendar('year')")
    for rule in (ladder.keeps, ladder.grace, *(tier.keeps for tier in ladder.tiers)):
        if rule is not None and not has_periods and _ends_with_period(rule):
            raise RuleError(f"{rule!r}: {ladder.window!r} has no periods; give a calendar window, or After(...)")
        if rule is not None and any(isinstance(part, AfterInactivity) for _, part in walk(rule)):
            raise RuleError(f"{rule!r}: a tier ends on a day that stays; count activities over Rolling(months=...)")
    for tier in ladder.tiers:
        if tier.carry is not None and not has_periods:
            raise RuleError(f"{tier.name}: carry: {ladder.window!r} has no next period; give a calendar year")
    if isinstance(ladder.window, Balance):
        _check_balance(ladder)


def _check_balance(ladder: TierLadder) -> None:
    """There is a balance of units alone, and what is there cannot be counted off."""
    for reach in (r for tier in ladder.tiers for q in (tier.qualification, tier.renewal) for r in reaches(q)):
        if reach.window is None and not isinstance(reach.what, str):
            raise RuleError(f"window: {reach!r} has no balance; give the name of a unit, or another window")
    if any(tier.deducts for tier in ladder.tiers):
        raise RuleError("deducts: a balance is not a count; give another window, or redeem the points")


def _ends_with_period(rule: DateRule) -> bool:
    return any(isinstance(part, EndOfPeriod) for _, part in walk(rule))


class _Asking:
    """Counts that only listen: what an own qualification asks for is found by asking it."""

    def __init__(self) -> None:
        self.asked: list[Reach] = []

    def count(self, what: Counted, window: Period | None) -> Exact:
        self.asked.append(Reach(what, 1, window))
        return 0


def _asked(qualification: Qualification | None) -> list[Reach]:
    asking = _Asking()
    if qualification is not None:
        found = qualification.progress(asking)
        if not isinstance(found, Progress):
            raise RuleError(f"{type(qualification).__name__}.progress returned {found!r}; return a Progress")
    return asking.asked


def _check_tiers(tiers: tuple[Any, ...]) -> None:
    if not tiers:
        raise RuleError("tiers: there is none; give at least one, such as Tier('gold', Reach('stars', 500))")
    for n, tier in enumerate(tiers):
        if not isinstance(tier, Tier):
            raise RuleError(f"tiers: {tier!r} is no tier; give one such as Tier('gold', Reach('stars', 500))")
        if n and tier.qualification is None:
            raise RuleError(
                f"tiers: {tier.name!r} has no qualification, which only the lowest may lack; give it one, or"
                " Invitation() for a tier that is only granted"
            )
    names = [tier.name for tier in tiers]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise RuleError(f"tiers: {twice!r} stands twice; give every tier a name of its own")
