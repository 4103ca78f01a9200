"""The lean account: what a replay needs of most members, without an account.

Where a program has one unit whose points lapse by the day they were earned, and at most one ladder that counts what was
spent, a member who only earned and redeemed needs a list of lots and a sum. `of` says whether a program is so simple,
`live` lives one member's history, or says that this one needs an account. `Account` is what it all means: both come to
the same entries, which the tests hold.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import Factory, evolve, frozen

from loyaltycore import conditions, dates, earning, earning_rules, factors
from loyaltycore._calendar import add_months, days_on, in_utc
from loyaltycore._exact import Exact
from loyaltycore._strategy import walk
from loyaltycore.activity import ANYONE, Activity, Member
from loyaltycore.calls import Call, Placed
from loyaltycore.dates import DateRule
from loyaltycore.errors import LoyaltyError
from loyaltycore.history import AnyProgram
from loyaltycore.instants import end_of
from loyaltycore.lots import SoonestToExpire
from loyaltycore.periods import Lifetime, Period, Rolling
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

_COINS: Final = 10_000
"""Amounts are added up in whole numbers of this part of the currency."""

_TICK: Final = timedelta.resolution
_LAST: Final = datetime.max.replace(tzinfo=UTC)

EntryData: TypeAlias = list[Any]
"""What a replay keeps of an entry: all that `EntryRow` says but the member."""


class NeedsAccount(Exception):
    """A member who did what only an account knows."""


class LeanLife(NamedTuple):
    """What came of a member: the points that moved, the tier, what is available, and how many calls were refused."""

    moved: list[tuple[datetime, str, str, int]]
    tier: str
    available: int
    refused: int
    entries: list[EntryData]


class Need(NamedTuple):
    """What a tier asks for: to have spent so much, in parts of a coin, or so many activities; or nothing."""

    spent: Exact = 0
    times: Exact = 0

    def met(self, spent: int, times: int) -> bool:
        """Whether that is enough."""
        return spent >= self.spent and times >= self.times


@frozen(eq=False)
class Steps:
    """A ladder whose tiers count what was spent, or how often, over one window."""

    name: str
    ladder: TierLadder
    window: Period
    needs: tuple[Need, ...]
    """What each tier asks for."""
    base: int
    """The place of the tier that everyone is in; -1 for none."""
    counts_activities: bool

    @classmethod
    def of(cls, program: Program) -> Steps | None:
        """Those of a program with one ladder."""
        [(name, ladder)] = program.ladders.items()
        simple = (
            type(ladder) is TierLadder
            and type(ladder.window) in (Rolling, Lifetime)
            and ladder.starts == "at_once"
            and ladder.applies == "before"
            and ladder.grace is None
        )
        if not simple:
            raise NeedsAccount
        needs: list[Need] = []
        for tier in ladder.tiers:
            reach = tier.qualification
            if tier.renewal is not None or tier.deducts or tier.carry is not None or not _by_day(ladder.keeps_of(tier)):
                raise NeedsAccount
            if reach is None:
                needs.append(Need())
            elif type(reach) is Reach and reach.window is None and reach.what in ("spend", "activities"):
                needs.append(Need(spent=reach.n * _COINS) if reach.what == "spend" else Need(times=reach.n))
            else:
                raise NeedsAccount
        return cls(name, ladder, ladder.window, tuple(needs), ladder.index(ladder.base), "activities" in ladder.counted)


@frozen(eq=False)
class Lean:
    """What lean accounts need of a program."""

    program: Program
    unit: str
    points: Points
    prices: Mapping[str, int]
    steps: Steps | None
    anyone: dict[str, Member] = Factory(dict)
    """Members of whom nothing is known, by the tier they are in."""
    _ends: dict[date, datetime | None] = Factory(dict)

    @classmethod
    def of(cls, program: AnyProgram) -> Lean | None:
        """A program that is simple enough; of any other, nothing."""
        if type(program) is not Program or len(program.points) != 1 or len(program.ladders) > 1 or program.by_itself:
            return None
        [(unit, points)] = program.points.items()
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
        if not simple:
            return None
        prices = {
            name: int(option.cost)
            for name, option in program.rewards.items()
            if type(option) is Item and points.redeemable and isinstance(option.cost, int) and option.cost > 0
            and option.unit in ("", unit)
        }  # fmt: skip
        try:
            steps = Steps.of(program) if program.ladders else None
        except NeedsAccount:
            return None
        return cls(program, unit, points, prices, steps)

    def member(self, known: Member | None, tier: str) -> Member:
        """A member in a tier, as rules see it."""
        member = Member(unit=self.unit) if known is None else evolve(ANYONE, facts=known.facts, unit=self.unit)
        if self.steps is None:
            return member
        return evolve(member, tier=tier, tiers={self.steps.name: tier}, ladder=self.steps.ladder.names)

    def end(self, day: date) -> datetime | None:
        """When the points of a day lapse."""
        if day not in self._ends:
            last = self.points.expiry.falls_on(Term(day, Lifetime(), day), ANYONE)
            self._ends[day] = None if last is None else end_of(last, self.program.zone)
        return self._ends[day]

    def live(
        self, known: Member | None, history: Sequence[Placed], upto: datetime, *, entries: bool
    ) -> LeanLife | None:
        """A member's history, or nothing if that takes an account."""
        try:
            life = _Life(self, known, entries=entries)
            for placed in history:
                if placed[0] > upto:
                    break
                life.learn(placed)
            life.advance(upto)
        except (NeedsAccount, LoyaltyError):
            return None
        return LeanLife(life.moved, life.tier, life.available, life.refused, life.entries)


def _by_day(rule: DateRule) -> bool:
    """Whether a rule counts from a day, and from nothing else."""
    return not rule.hourly and all(type(part) in _DATES for _, part in walk(rule))


class _Life:
    """One member's lots, counts and tier as they change."""

    def __init__(self, lean: Lean, known: Member | None, *, entries: bool) -> None:
        self.lean = lean
        self.unit, self.zone = lean.unit, lean.program.zone
        self.known = known
        self.keeps_entries = entries
        self.in_utc = self.zone.key == "UTC"
        self.moved: list[tuple[datetime, str, str, int]] = []
        self.entries: list[EntryData] = []
        self.refused = self.seq = 0
        self.ids: set[str] = set()
        self.posted: datetime | None = None
        self.next = _LAST
        """Before which nothing falls due."""
        # lots, of which those before `first` are gone
        self.available = self.first = 0
        self.lots: list[int] = []
        self.ends: list[datetime] = []
        self.of: list[str] = []
        self.end: datetime | None = None
        # tiers
        self.members = lean.anyone if known is None else {}
        self.steps = lean.steps
        self.instants: list[datetime] = []
        self.spent = [0]
        self.place = -1
        self.over: datetime | None = None
        self.until: date | None = None
        self.changed: datetime | None = None
        self.before = -1

    # What is told -----------------------------------------------------------------------------------------------------

    def learn(self, placed: Placed) -> None:
        """One event."""
        posted, at, key, event = placed
        if posted != at or not key or key in self.ids:
            raise NeedsAccount
        self.ids.add(key)
        if at >= self.next:
            self.advance(at)
        if isinstance(event, Call):
            self.redeem(event, at)
        else:
            self.earn(event, at)

    def earn(self, activity: Activity, at: datetime) -> None:
        """As `Account.earn`."""
        if not self.in_utc or activity.at.tzinfo is not None:
            activity = activity.in_zone(self.zone)
        points = self.lean.points.award(activity, self.member_at(at)).points
        self.write("earned", activity.id, at, self.unit, points, activity.member)
        if points:
            end = self.lean.end(activity.at.date())
            if self.lots and (end is None) != (self.end is None):
                raise NeedsAccount
            if end is not None:
                if self.end is not None and end < self.end:
                    raise NeedsAccount  # not the last to be spent
                self.ends.append(end)
                self.next = min(self.next, end)
            self.end = end
            self.lots.append(points)
            self.of.append(activity.id)
            self.available += points
        if self.steps is not None:
            self.count(activity.amount, activity.id, at)

    def redeem(self, call: Call, at: datetime) -> None:
        """As `Account.redeem`, of something that has a price."""
        if call.verb != "redeem" or len(call.args) != 1 or call.facts:
            raise NeedsAccount
        [reward] = call.args
        price = self.lean.prices.get(reward) if isinstance(reward, str) else None
        if price is None:
            raise NeedsAccount
        if price > self.available:
            self.refused += 1
            self.ids.remove(call.id)
            return
        self.available -= price
        self.write("spent", call.id, at, self.unit, price, reward)
        lots, first = self.lots, self.first
        while price:
            there = lots[first]
            if there > price:
                lots[first] = there - price
                break
            price -= there
            lots[first] = 0
            first += 1
        self.first = first

    def write(self, kind: str, id: str, at: datetime, unit: str, points: int, source: str) -> None:
        """What is kept of an entry."""
        self.seq += 1
        self.posted = at
        if points:
            self.moved.append((at, unit, kind, points))
        if self.keeps_entries:
            self.entries.append([self.seq, kind, id, at, at, unit, points, source])

    # Time -------------------------------------------------------------------------------------------------------------

    def advance(self, to: datetime) -> None:
        """Tiers that are due for review, and lots that lapse, in the order of time; a review goes first."""
        ends, first = self.ends, self.first
        while True:
            lapses = ends[first] if first < len(ends) else None
            if self.over is not None and self.over <= to and (lapses is None or self.over <= lapses):
                self.review(self.over)
            elif lapses is not None and lapses <= to:
                points = self.lots[first]
                if points:
                    at = lapses if self.posted is None or lapses > self.posted else self.posted
                    self.write("lapsed", "", at, self.unit, points, self.of[first])
                    self.available -= points
                    self.lots[first] = 0
                first += 1
            else:
                self.first = first
                self.look_ahead()
                return

    def look_ahead(self) -> None:
        """Set when something falls due next."""
        self.next = _LAST if self.over is None else self.over
        if self.first < len(self.ends) and self.ends[self.first] < self.next:
            self.next = self.ends[self.first]

    # Tiers ------------------------------------------------------------------------------------------------------------

    @property
    def tier(self) -> str:
        """The tier held now."""
        return self.name_of(self.place)

    def name_of(self, place: int) -> str:
        """The tier of a place, or the one that everyone is in."""
        if self.steps is None:
            return ""
        ladder = self.steps.ladder
        return ladder.names[place] if place >= 0 else ladder.base

    def member_at(self, at: datetime) -> Member:
        """The member in the tier that was reached before that instant."""
        tier = self.name_of(self.before if at == self.changed else self.place)
        return self.members.get(tier) or self.members.setdefault(tier, self.lean.member(self.known, tier))

    def count(self, amount: Exact, id: str, at: datetime) -> None:
        """One more activity, and the tiers that it brings."""
        steps = self.steps
        if steps is None or (self.instants and self.instants[-1] == at) or _COINS % amount.denominator:
            raise NeedsAccount  # what happens at once is judged together
        self.instants.append(at)
        self.spent.append(self.spent[-1] + amount.numerator * (_COINS // amount.denominator))
        if not amount and not steps.counts_activities:
            return
        place = max(self.place, steps.base) + 1
        if place == len(steps.needs):
            return
        spent, times = self.counted(at)
        reached = -1
        for higher in range(place, len(steps.needs)):
            if steps.needs[higher].met(spent, times):
                reached = higher
        if reached >= 0:
            until = self.kept(reached, self.day(at))
            over = None if until is None else end_of(until, self.zone)
            if over is None or over > at:
                self.change(reached, until, at, id)

    def counted(self, at: datetime) -> tuple[int, int]:
        """What was spent in the window that ends with an instant, and how often."""
        instants, window = self.instants, self.lean.steps and self.lean.steps.window
        upto = len(instants) if not instants or instants[-1] <= at else bisect_right(instants, at)
        after = bisect_right(instants, self.back(at, window)) if isinstance(window, Rolling) else 0
        return self.spent[upto] - self.spent[after], upto - after

    def back(self, at: datetime, window: Any) -> datetime:
        """As `Standings.back`."""
        if self.in_utc and not window.months:
            return at - timedelta(window.days)
        civil = at.astimezone(self.zone)
        day = days_on(add_months(civil.date(), -window.months), -window.days)
        return in_utc(datetime.combine(day, civil.time(), self.zone).replace(fold=civil.fold))

    def day(self, at: datetime) -> date:
        """The civil date of an instant."""
        return at.date() if self.in_utc else at.astimezone(self.zone).date()

    def kept(self, place: int, since: date) -> date | None:
        """How long a tier is kept."""
        steps: Any = self.steps
        rule = steps.ladder.keeps_of(steps.ladder.tiers[place])
        return rule.falls_on(Term(since, steps.window, since), ANYONE)  # type: ignore[no-any-return]

    def review(self, due: datetime) -> None:
        """As `Standings.settle`: keep the tier if it is met anew, else lower it."""
        steps: Any = self.steps
        ladder, place, last, as_of = steps.ladder, self.place, self.until, due - _TICK
        until: date | None = None
        if ladder.downgrade != "none":
            counted = self.counted(as_of)
            if not steps.needs[place].met(*counted):
                place -= 1
                while ladder.downgrade == "requalify" and place > steps.base and not steps.needs[place].met(*counted):
                    place -= 1
            if place == steps.base:
                place = -1
            if place >= 0:
                until = next(self.untils(place, last or self.day(due), due), None)
        at = due if self.posted is None or due > self.posted else self.posted
        self.change(place, until, at, "")

    def untils(self, place: int, last: date, due: datetime) -> Iterator[date | None]:
        """How long a tier may be kept that goes on from another's last day, or from now."""
        for since in (last, self.day(due)):
            until = self.kept(place, since)
            if until is None or end_of(until, self.zone) > due:
                yield until

    def change(self, place: int, until: date | None, at: datetime, id: str) -> None:
        """Another tier, or the same for longer."""
        if at != self.changed:
            self.before, self.changed = self.place, at
        self.place, self.until = place, until
        self.over = None if until is None else end_of(until, self.zone)
        self.write("tier_changed", id, at, "", 0, "")
        self.look_ahead()
