"""The lean account: what a replay needs of most members, without an account.

Where a program has one unit whose points lapse by the day they were earned, and at most one ladder that counts what was
spent, a member who only earned and redeemed needs a list of lots and a sum. `Lean.of` says whether a program is so
simple. `live` lives a stretch of members in one loop over columns of whole numbers, or says that one of them needs an
account. `Account` is what it all means: both come to the same entries, which the tests hold.

The idea of the loop: rows stand by member and time, so the lots of a member are a list that is added to at one end and
taken from at the other, by spending and by lapsing alike, and what was spent in a window is the difference of two
running sums. Nothing is looked at again until `due`, when the first lot lapses or the tier is reviewed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, partial
from itertools import chain, islice
from math import ceil
from types import FunctionType
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import evolve

from loyaltycore import conditions, dates, earning, earning_rules, factors
from loyaltycore._calendar import add_months, days_on, in_utc
from loyaltycore._compile import compile_
from loyaltycore._strategy import walk
from loyaltycore.activity import ANYONE, Activity, Member
from loyaltycore.dates import DateRule
from loyaltycore.errors import LoyaltyError, RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.instants import end_of
from loyaltycore.lots import SoonestToExpire
from loyaltycore.periods import Lifetime, Rolling
from loyaltycore.points import Points
from loyaltycore.program import Program
from loyaltycore.redemption_options import Item
from loyaltycore.standings import Term
from loyaltycore.tiers import Reach, TierLadder

_RULES: Final = {
    earning_rules.PerSpend, earning_rules.PerStep, earning_rules.PerUnit, earning_rules.PerItem, earning_rules.Flat,
    earning.Sum, earning.BestOf, earning.FirstOf, earning.Times, earning.When, earning.Within, earning.Named,
    earning.AtLeast, earning.EachLine, earning.EachOf, earning.Rounded,
    factors.Constant, factors.Product, factors.FactorWhen, factors.ByTier, factors.ByFact, factors.ByMemberFact,
    conditions.And, conditions.Or, conditions.Not, conditions.Category, conditions.Sku, conditions.Fact,
    conditions.OfKind, conditions.Has, conditions.During, conditions.OnWeekdays, conditions.InHours,
    conditions.BirthMonth, conditions.MemberFact, conditions.InTier, conditions.AtLeastTier,
}  # fmt: skip
"""What looks at the activity, and of the member at the tier and facts: not at the id, what was counted, or lots."""

_DATES: Final = {
    dates.Never, dates.After, dates.OnDate, dates.On, dates.EndOf, dates.Plus, dates.ToEndOf, dates.Earliest,
    dates.Latest,
}  # fmt: skip
"""What counts from a day alone."""

EARNS: Final = 0
ASKS: Final = -1
NEEDS: Final = -2
STOPS: Final = -3
"""What a row does: earn by the compiled rule, earn by asking the rule about an `Activity`, or something that only an
account knows; a number above 0 is the price of what is redeemed. After the rows of a member one stops the loop."""

EARNED, SPENT, LAPSED, TIER_CHANGED = range(4)
KINDS: Final = ("earned", "spent", "lapsed", "tier_changed")
"""The kinds of the entries in a log, by their number."""

NEVER: Final = 2**63 - 1
"""An instant after all others."""

UNREACHED: Final = 10**100
"""More than is ever counted, whatever the amounts."""

DAY: Final = 86_400_000_000
"""The microseconds of a day."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta.resolution
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def micros(at: datetime) -> int:
    """The microseconds of an instant since 1970."""
    return (at - _EPOCH) // _MICROSECOND


def instant(at: int) -> datetime:
    """The instant of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)


class NeedsAccount(Exception):
    """A member, by number, who did what only an account knows."""


# What is needed of a program ----------------------------------------------------------------------------------------


class Steps:
    """A ladder whose tiers count what was spent, or how often, over one window.

    A tier is known by its place: 1 is the lowest, and 0 that none was reached.
    """

    def __init__(self, program: Program, decimals: int) -> None:
        [(name, ladder)] = program.ladders.items()
        if not (
            type(ladder) is TierLadder
            and type(ladder.window) in (Rolling, Lifetime)
            and ladder.starts == "at_once"
            and ladder.applies == "before"
            and ladder.grace is None
            and len(ladder.counted) <= 1
        ):
            raise NeedsAccount
        for tier in ladder.tiers:
            if tier.renewal is not None or tier.deducts or tier.carry is not None or not _by_day(ladder.keeps_of(tier)):
                raise NeedsAccount
        self.name, self.ladder, self.zone = name, ladder, program.zone
        self.tiers = (ladder.base, *ladder.names)
        self.base = ladder.index(ladder.base) + 1
        """The place of the tier that everyone is in; 0 for none."""
        self.counts_spend = "spend" in ladder.counted
        below = 10**decimals if self.counts_spend else 1
        self.needs = (0, *(_need(tier.qualification, below) for tier in ladder.tiers))
        """What is to be counted for each place."""
        higher = [self.needs[max(place, self.base) + 1 :] for place in range(len(self.needs))]
        self.bars = [min(needs, default=UNREACHED) for needs in higher]
        """What is to be counted, at least, for a higher place than each."""
        self._kept: dict[tuple[int, int], tuple[int, int]] = {}
        self._spans: dict[int, int] = {}

    def reached(self, place: int, counted: int) -> int:
        """The highest place that so much brings; 0 if it is none above."""
        return max(
            (p for p in range(max(place, self.base) + 1, len(self.needs)) if self.needs[p] <= counted), default=0
        )

    def day(self, at: int) -> int:
        """The civil day of an instant."""
        return instant(at).astimezone(self.zone).toordinal()

    def kept(self, place: int, day: int) -> tuple[int, int]:
        """The last day that a tier is kept from a day on, and the instant at which it is over."""
        found = self._kept.get((place, day))
        if found is None:
            since = date.fromordinal(day)
            rule = self.ladder.keeps_of(self.ladder.tiers[place - 1])
            until = rule.falls_on(Term(since, self.ladder.window, since), ANYONE)
            found = (0, NEVER) if until is None else (until.toordinal(), micros(end_of(until, self.zone)))
            self._kept[place, day] = found
        return found

    def reviewed(self, place: int, until: int, due: int, counted: int) -> tuple[int, int, int]:
        """As `Standings.settle`: keep the tier if it is met anew, else lower it; until when, and when that is over."""
        if self.ladder.downgrade == "none":
            return place, 0, NEVER
        if counted < self.needs[place]:
            place -= 1
            while self.ladder.downgrade == "requalify" and place > self.base and counted < self.needs[place]:
                place -= 1
        if place in (0, self.base):
            return 0, 0, NEVER
        for day in (until, self.day(due)):
            last, over = self.kept(place, day)
            if over > due:
                return place, last, over
        return place, 0, NEVER

    def back(self, at: int) -> int:
        """The instant at which the window that ends with another begins; as `Standings.back`."""
        window: Any = self.ladder.window
        if type(window) is Lifetime:
            return -NEVER
        if self.zone.key != "UTC":
            civil = instant(at).astimezone(self.zone)
            first = days_on(add_months(civil.date(), -window.months), -window.days)
            return micros(in_utc(datetime.combine(first, civil.time(), self.zone).replace(fold=civil.fold)))
        if not window.months:
            return at - int(window.days) * DAY
        day = at // DAY
        if day not in self._spans:
            last = date.fromordinal(day + _EPOCH.toordinal())
            first = days_on(add_months(last, -window.months), -window.days)
            self._spans[day] = (last - first).days * DAY
        return at - self._spans[day]


class _NoSteps:
    """No ladder: no bar is ever reached."""

    bars: Final = (UNREACHED,)

    back = reached = kept = reviewed = day = None


NO_STEPS: Any = _NoSteps()


def _need(reach: Any, below: int) -> int:
    """What is to be counted for a tier, in parts of its unit."""
    if reach is None:
        return 0
    if type(reach) is Reach and reach.window is None and reach.what in ("spend", "activities"):
        return ceil(reach.n * below)
    raise NeedsAccount


class Days(dict[int, tuple[int, int]]):
    """By the day, as `date.toordinal` counts them: its month, and the instant at which points of it lapse."""

    def __init__(self, points: Points, program: Program) -> None:
        self._expiry, self._zone = points.expiry, program.zone

    def __missing__(self, day: int) -> tuple[int, int]:
        of = date.fromordinal(day)
        last = self._expiry.falls_on(Term(of, Lifetime(), of), ANYONE)
        end = NEVER if last is None else micros(end_of(last, self._zone))
        found = self[day] = (month_of(of), end)
        return found


class Months(dict[int, int]):
    """The month of an instant in the program's zone."""

    def __init__(self, program: Program) -> None:
        self._zone = program.zone

    def __missing__(self, at: int) -> int:
        month = self[at] = month_of(instant(at).astimezone(self._zone))
        return month


def month_of(day: date) -> int:
    """The number of a month."""
    return day.year * 12 + day.month - 1


Earner: TypeAlias = Callable[..., int]
"""What gives the points of a row."""


class Lean:
    """What lean accounts need of a program whose amounts have so many decimals."""

    def __init__(self, program: Program, decimals: int) -> None:
        [(self.unit, self.points)] = program.points.items()
        self.program, self.decimals = program, decimals
        self.steps = Steps(program, decimals) if program.ladders else None
        self.tiers = self.steps.tiers if self.steps else ("",)
        """The tier of each place."""
        self.days = Days(self.points, program)
        self.months = Months(program)
        self.prices: dict[str, int] = {
            name: int(option.cost)
            for name, option in program.rewards.items()
            if type(option) is Item and self.points.redeemable and isinstance(option.cost, int) and option.cost > 0
            and option.unit in ("", self.unit)
        }  # fmt: skip
        """What can be redeemed for a price that is always the same."""
        try:
            self.compiled: Any = compile_(self.points, decimals=decimals)
        except RuleError:
            self.compiled = None
        fields = self.compiled.fields if self.compiled else ()
        self.takes: tuple[str, ...] = tuple(name for name in fields if not _is_of_member(name))
        """What of a row the compiled rule is given, the amount first; nothing if the rule itself has to be asked."""

    @classmethod
    def of(cls, program: AnyProgram, decimals: int) -> Lean | None:
        """A program that is simple enough; of any other, nothing."""
        if type(program) is not Program or len(program.points) != 1 or len(program.ladders) > 1 or program.by_itself:
            return None
        [points] = program.points.values()
        simple = (
            type(points) is Points
            and points.pending is None
            and points.at_most is None
            and type(points.order) is SoonestToExpire
            and _by_day(points.expiry)
            and all(type(part) in _RULES for _, part in walk(points.earning))
            and not program.is_unit("spend")
            and not program.is_unit("activities")
        )
        try:
            return cls(program, decimals) if simple else None
        except NeedsAccount:
            return None

    @cached_property
    def _anyone(self) -> tuple[list[Earner], list[Earner]]:
        return self._earners(None)

    def earners(self, known: Member | None) -> tuple[list[Earner], list[Earner]]:
        """By the member's place: what gives the points of a row that earns, and of an activity."""
        return self._anyone if known is None else self._earners(known)

    def _earners(self, known: Member | None) -> tuple[list[Earner], list[Earner]]:
        members = [self._member(known, tier) for tier in self.tiers]
        asks: list[Earner] = [partial(self._ask, member) for member in members]
        return ([_given(self.compiled, member) for member in members] if self.compiled else asks), asks

    def _ask(self, member: Member, activity: Activity) -> int:
        return self.points.award(activity, member).points

    def _member(self, known: Member | None, tier: str) -> Member:
        """A member in a tier, as rules see it."""
        member = Member(unit=self.unit) if known is None else evolve(ANYONE, facts=known.facts, unit=self.unit)
        if self.steps is None:
            return member
        return evolve(member, tier=tier, tiers={self.steps.name: tier}, ladder=self.steps.ladder.names)


def _by_day(rule: DateRule) -> bool:
    """Whether a rule counts from a day, and from nothing else."""
    return not rule.hourly and all(type(part) in _DATES for _, part in walk(rule))


_OF_MEMBER: Final = {"member": "id", "tier": "tier", "ladder": "ladder", "joined": "joined"}


def _is_of_member(field: str) -> bool:
    return field in _OF_MEMBER or field.startswith("member_facts.")


def _given(compiled: Any, member: Member) -> Earner:
    """A compiled rule as a function of the row alone."""
    fields = compiled.fields
    given = [
        getattr(member, _OF_MEMBER[name]) if name in _OF_MEMBER else member.facts.get(name.partition(".")[2])
        for name in fields
        if _is_of_member(name)
    ]
    own = [place for place, name in enumerate(fields) if not _is_of_member(name)]
    if own == list(range(len(own))):
        # as defaults of the last arguments they cost nothing
        return FunctionType(
            compiled.__code__, compiled.__globals__, compiled.__name__, tuple(given), compiled.__closure__
        )
    others = [place for place in range(len(fields)) if place not in own]
    order = [*own, *others]
    places = [order.index(place) for place in range(len(fields))]
    return lambda *row: compiled(*[(*row, *given)[place] for place in places])


# One loop for many members ------------------------------------------------------------------------------------------


class Rows(NamedTuple):
    """Rows by member and time, as columns."""

    ats: list[int]
    """The instants, in microseconds."""
    months: list[int]
    """The months of the program's zone that they are in, counted from year 0."""
    ends: list[int]
    """The instants at which points that are earned then lapse."""
    whats: list[int]
    """`EARNS`, `ASKS`, or the price of what is redeemed."""
    given: list[Any]
    """What the compiled rule takes, a tuple unless it is the amount alone; where the rule is asked, the activity."""
    sums: list[int]
    """What counts towards tiers, added up: before the first row, then with each."""


class Span(NamedTuple):
    """The rows of one member: from `start` up to `stop`."""

    member: int
    start: int
    stop: int
    known: Member | None


class Lives:
    """What came of members: points by when they moved, each member's tier and points, and the log of all entries.

    A log has four numbers for each entry: its kind, the row (from 0; -1 for none), the instant and the points. `sizes`
    are how many of its entries are each member's.
    """

    def __init__(self) -> None:
        self.earned: defaultdict[int, int] = defaultdict(int)
        self.spent: defaultdict[int, int] = defaultdict(int)
        """By the month, as `Rows` counts them."""
        self.lapsed: defaultdict[int, int] = defaultdict(int)
        """By the instant."""
        self.refused = 0
        self.left: list[tuple[int, int]] = []
        self.log: list[int] = []
        self.sizes: list[int] = []


def live(  # noqa: C901, PLR0912, PLR0915 (one loop, which is what makes it fast)
    lean: Lean, rows: Rows, spans: Iterable[Span], upto: int, *, entries: bool
) -> Lives:
    """What comes of members up to an instant; `NeedsAccount` for one of whom only an account knows."""
    lives = Lives()
    earned, spent, lapsed, log = lives.earned, lives.spent, lives.lapsed, lives.log
    ats, months, ends, whats, given, sums = rows
    steps, alone, refused, logged, at_row = lean.steps or NO_STEPS, len(lean.takes) == 1, 0, 0, 0
    bars, back = steps.bars, steps.back
    stream = zip(range(len(ats)), ats, months, ends, whats, given, sums[1:], strict=True)
    anyone = lean.earners(None)
    for member, start, stop, known in spans:
        if at_row < start:
            next(islice(stream, start - at_row - 1, None))  # rows of those who need accounts
        at_row = stop
        awards, asks = lean.earners(known) if known else anyone
        lots: list[int] = []  # the points of each lot, of which those before `first` are gone
        of: list[int] = []  # the rows that earned them, which lapse in this order
        first = available = place = until = 0
        over = due = NEVER  # when the tier is reviewed, and before when nothing falls due
        rank, award = 0, awards[0]  # the place of the tier that activities go by
        before, changed = 0, -1  # the place before the last review, and when that was
        began = sums[start]
        bar = began + bars[0]  # no higher tier is reached before so much is counted
        try:
            for i, at, month, end, what, x, total in chain(
                islice(stream, stop - start), ((stop, upto, 0, 0, STOPS, 0, 0),)
            ):
                if at >= due:
                    lapses = ends[of[first]] if first < len(of) else NEVER
                    while lapses <= at or over <= at:
                        if over <= lapses:
                            if over != changed:
                                changed, before = over, place
                            counted = sums[i] - sums[bisect_right(ats, back(over - 1), start, i)]
                            if entries:
                                log += (TIER_CHANGED, -1, over, 0)
                            place, until, over = steps.reviewed(place, until, over, counted)
                            bar = began + bars[place]
                        else:
                            points = lots[first]
                            lapsed[lapses] += points
                            available -= points
                            if entries:
                                log += (LAPSED, of[first], lapses, points)
                            first += 1
                            lapses = ends[of[first]] if first < len(of) else NEVER
                    due = over if over < lapses else lapses  # noqa: FURB136 (`min` takes twice as long)
                    rank = place
                    if changed == at:  # an activity goes by the tier of the instants before its own
                        rank, due = before, at + 1
                    award = awards[rank]
                if what == EARNS:
                    points = award(x) if alone else award(*x)
                elif what > 0:
                    if what > available:
                        refused += 1
                        continue
                    spent[month] += what
                    available -= what
                    if entries:
                        log += (SPENT, i, at, what)
                    while what > lots[first]:
                        what -= lots[first]  # noqa: PLW2901 (what is still to be paid)
                        first += 1
                    lots[first] -= what
                    if not lots[first]:
                        first += 1
                    continue
                elif what == ASKS:
                    points = asks[rank](x)
                else:
                    break
                if entries:
                    log += (EARNED, i, at, points)
                if points:
                    earned[month] += points
                    available += points
                    lots.append(points)
                    of.append(i)
                    if end < due:  # noqa: PLR1730 (as above)
                        due = end
                if total >= bar and total > sums[i]:
                    counted = total - sums[bisect_right(ats, back(at), start, i + 1)]
                    bar = total + bars[place] - counted
                    if bar <= total:
                        reached = steps.reached(place, counted)
                        last, ended = steps.kept(reached, steps.day(at))
                        if ended > at:
                            place, until, over = reached, last, ended
                            bar = began + bars[place]
                            due = at + 1  # later activities go by it
                            if entries:
                                log += (TIER_CHANGED, i, at, 0)
        except LoyaltyError:
            raise NeedsAccount(member) from None
        lives.left.append((place, available))
        lives.sizes.append((len(log) - logged) // 4)
        logged = len(log)
    lives.refused = refused
    return lives
