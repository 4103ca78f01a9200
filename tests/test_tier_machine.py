"""Tiers of an account against a slow model of them, over drawn ladders and histories that hit the edges.

Random moments never fall on a review, so the machine moves to edges on purpose: one microsecond before, at and after
each end of a period, of a tier, of its grace, of a granted tier, and each change of the clocks; things are learnt late
that happened at one; and what is spent is one less than the next tier takes, just enough, or one more.
"""

from datetime import UTC, date, datetime, timedelta
from functools import cache
import os
from zoneinfo import ZoneInfo

from account_model import DAY, civil, first_moment, months_later
from attrs import frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tier_model import SlowTiers, has_periods, period

from loyaltycore import *

TICK = timedelta(microseconds=1)


# Ladders, as the model has them ---------------------------------------------------------------------------------------


def reach(key, n, window=None):
    return ("reach", key, n, window)


WINDOWS = [
    ("year", 3), ("month", 1), ("month", 15), ("month", 30), ("joined", 0), ("rolling", 12, 0), ("rolling", 0, 30),
    ("ever", 0), ("term", 0),
]  # fmt: skip
LASTING = [("days", 30), ("months", 12), ("never", 0)]
GRACES = [None, None, ("days", 7), ("month end", 1)]
DOWNGRADES = ["requalify", "requalify", "one_level", "none"]
STEPS = {"status": 100, "stars": 100, "spend": 100, "nights": 3, "activities": 2, "stays": 1}


def metals(key):
    n = STEPS[key]
    return [{"name": name, "takes": reach(key, n * k)} for name, k in (("silver", 1), ("gold", 2), ("platinum", 4))]


def several(n):
    """Tiers that take more than one count."""
    many = reach("activities", 3, ("rolling", 0, 10))
    either, both = ("any", reach("status", 100), many), ("all", reach("spend", 200), reach("stays", 2))
    long = ("all", reach("nights", 10, ("rolling", 12, 0)), ("any", reach("spend", 100), ("invited",)))
    for_life = ("any", reach("spend", 300), reach("status", 500, ("ever", 0)))
    return [
        [{"name": "silver", "takes": either}, {"name": "gold", "takes": both}],
        [{"name": "silver", "takes": reach("status", 100)}, {"name": "gold", "takes": long}],
        [
            {"name": "silver", "takes": reach("status", 100)},
            {"name": "gold", "takes": reach("status", 200, ("term", 0))},
        ],
        [{"name": "gold", "takes": for_life}, {"name": "friends", "takes": ("invited",)}],
        [{"name": "gold", "takes": for_life}, {"name": "top", "takes": ("all", reach("stars", 400), many)}],
    ][n]


@st.composite
def ladders(draw):
    window = draw(st.sampled_from(WINDOWS))
    keeps = draw(st.sampled_from([("period", 0), ("period", 1), *LASTING] if has_periods(window) else LASTING))
    plain = draw(st.integers(0, 3))
    tiers = metals(draw(st.sampled_from(list(STEPS)))) if plain else several(draw(st.integers(0, 4)))
    how = draw(st.sampled_from(["", "easier", "harder", "deducts", "carries", "everyone's", "invited", "lasting"]))
    if how in ("easier", "harder") and plain:
        for tier in tiers:
            _, key, n, _ = tier["takes"]
            tier["renewal"] = reach(key, max(1, n * 4 // 5) if how == "easier" else n + 1)
    elif how == "deducts":
        for tier in tiers:
            tier["deducts"] = tier["takes"] != ("invited",)
    elif how == "carries" and has_periods(window):
        tiers[0]["carry"] = 50
    elif how == "everyone's":
        tiers = [{"name": "member", "takes": None}, *tiers]
    elif how == "invited":
        tiers = [tiers[0], {"name": "circle", "takes": ("invited",)}, *tiers[1:]]
    elif how == "lasting":
        tiers[-1]["keeps"] = ("never", 0)
    starts = draw(st.sampled_from(["at_once"] * 3 + ["next_period"])) if has_periods(window) and plain else "at_once"
    return {
        "tiers": tiers, "window": window, "keeps": keeps, "downgrade": draw(st.sampled_from(DOWNGRADES)),
        "grace": draw(st.sampled_from(GRACES)), "starts": starts,
    }  # fmt: skip


@st.composite
def balanced(draw):
    return {
        "tiers": metals("stars"), "window": ("balance", 0), "keeps": draw(st.sampled_from(LASTING)),
        "downgrade": draw(st.sampled_from(DOWNGRADES)), "grace": draw(st.sampled_from(GRACES)), "starts": "at_once",
    }  # fmt: skip


# And as the library has them ------------------------------------------------------------------------------------------


def the_window(window):
    kind, *n = window
    if kind == "rolling":
        return Rolling(months=n[0]) if n[0] else Rolling(days=n[1])
    if kind == "month":
        return Calendar("month", starts=n[0])
    if kind == "year":
        return Calendar("year", starts=f"{n[0]:02d}-01")
    return {"joined": MembershipYear(), "ever": "ever", "term": TierTerm(), "balance": Balance()}[kind]


def the_qualification(takes):
    if takes is None:
        return None
    kind, *rest = takes
    if kind == "invited":
        return Invitation()
    if kind == "reach":
        key, n, window = rest
        what = OfKind("stay") & MinSpend(50) if key == "stays" else key
        return Reach(what, n, window=window and the_window(window))
    one, another = map(the_qualification, rest)
    return one & another if kind == "all" else one | another


def the_rule(rule):
    kind, n = rule
    rules = {"period": EndOfPeriod(n), "days": After(days=n), "months": After(months=n), "never": Never()}
    return rules[kind] if kind in rules else After(months=n).to_end_of("month")


def the_tier(tier):
    given = {name: tier[name] for name in ("deducts", "carry") if name in tier}
    if "keeps" in tier:
        given["keeps"] = the_rule(tier["keeps"])
    return Tier(tier["name"], the_qualification(tier["takes"]), renewal=the_qualification(tier.get("renewal")), **given)


def the_ladder(ladder):
    return TierLadder(
        *map(the_tier, ladder["tiers"]),
        window=the_window(ladder["window"]),
        keeps=the_rule(ladder["keeps"]),
        grace=ladder["grace"] and the_rule(ladder["grace"]),
        downgrade=ladder["downgrade"],
        starts=ladder["starts"],
    )


@frozen
class ByFact(DateRule):
    """Points wait as the activity says: not at all, for three days, or until they are activated."""

    def falls_on(self, subject, member):
        waits = {"": subject.since, "days": After(days=3).falls_on(subject, member), "told": None}
        return waits[subject.facts.get("wait", "")]


def club(zone, ladders):
    return Program(
        "Club",
        timezone=zone,
        points={
            "stars": Points(PerSpend(1) * by_tier(gold=2)),
            "status": Points(PerSpend(1), pending=ByFact(), redeemable=False),
        },
        rewards={"gift": Donation(worth="0.01", to="the school")},
        ladders={name: the_ladder(ladder) for name, ladder in ladders.items()},
    )


JOINED = date(2008, 2, 29)
SETTINGS = {
    "15 October begins at one o'clock": ("America/Sao_Paulo", "2017-09-14T15:00Z"),
    "there is no 30 December": ("Pacific/Apia", "2011-11-29T20:00Z"),
    "clocks change on 29 March": ("Europe/London", "2026-02-27T12:00Z"),
    "29 February": ("UTC", "2024-01-30T09:00Z"),
}


# The machine ----------------------------------------------------------------------------------------------------------

late = st.sampled_from([timedelta()] * 6 + [TICK, DAY, 31 * DAY, 100 * DAY, 400 * DAY])
around = st.sampled_from([-TICK, timedelta(), TICK])
whichever = st.integers(0, 9)
kinds = st.sampled_from(["purchase", "stay"])
waits = st.sampled_from(["", "", "", "days", "told"])
purchases = st.tuples(st.sampled_from([0, 1, 49, 50, 99, 100, 101, 150, 200, 400]), kinds, st.integers(0, 4), waits)


class TiersAndModel(RuleBasedStateMachine):
    """Where an account says that its member stands, and where the model does."""

    @initialize(
        setting=st.sampled_from(sorted(SETTINGS)),
        first=st.one_of(ladders(), ladders(), ladders(), ladders(), balanced()),
        second=st.none() | st.none() | ladders(),
    )
    def open(self, setting, first, second):
        self.zone, start = SETTINGS[setting]
        self.ladders = {"one": first} | ({"two": second} if second else {})
        self.program = club(self.zone, self.ladders)
        self.account = self.program.account("m-1", joined=JOINED)
        self.model = SlowTiers(self.zone, JOINED, self.ladders)
        self.now = datetime.fromisoformat(start)
        self.done = {}
        self.before = ()

    # Calls

    def call(self, verb, late=timedelta(), **content):
        """Do the same to the account and to the model: both accept it, or both refuse it and nothing is written."""
        posted = max(self.now, self.model.posted() or self.now)
        call = {"verb": verb, "id": f"{verb}-{len(self.done)}", "at": self.now - late, "posted": posted, **content}
        was = {name: s.tier_at(posted) for name, s in self.model.state(posted).standings.items()}
        entries = self.entries()
        if self.model.refuses(call):
            assert self.refuses(call)
            assert self.entries() == entries
            return
        told = self.tell(call)
        self.done[call["id"]] = call, written(told)
        if verb == "earn":
            state = self.model.state(posted, settled=False)
            assert told.tier_before == was["one"]
            assert told.tier_after == state.standings["one"].tier_at(posted)
            assert told.awards["stars"].points == state.seen[call["id"]]["stars"]

    def refuses(self, call):
        try:
            told = self.tell(call)
        except RuleError:
            return True
        return isinstance(told, Redemption) and not told.ok

    def tell(self, call):
        """The call as the account takes it."""
        verb, when = call["verb"], {"id": call["id"], "at": call["at"], "posted": call["posted"]}
        account = self.account
        if verb == "earn":
            facts = {"nights": call["nights"], "wait": call["wait"]}
            activity = Activity(Line(call["amount"]), kind=call["kind"], at=call["at"], id=call["id"], facts=facts)
            return account.earn(activity, posted=call["posted"])
        if verb == "refund":
            return account.reverse(call["of"], amount=call["amount"], on_shortfall="owe", **when)
        if verb == "redeem":
            return account.redeem("gift", points=call["points"], **when)
        if verb == "adjust":
            return account.adjust(call["points"], unit="status", reason="a kindness", actor="clerk", **when)
        if verb == "grant":
            return account.grant_tier(call["tier"], ladder=call["ladder"], until=call["until"], **when)
        return account.activate(call["of"], **when)

    def earn(self, purchase, late=timedelta()):
        amount, kind, nights, wait = purchase
        self.call("earn", late, amount=Line(amount).amount, kind=kind, nights=nights, wait=wait)

    @rule(purchases=st.lists(purchases, min_size=1, max_size=3), late=late)
    def buy(self, purchases, late):
        for purchase in purchases:
            self.earn(purchase, late)

    @rule(purchases=st.lists(st.tuples(purchases, late), min_size=2, max_size=3))
    def learn_several_at_once(self, purchases):
        for purchase, late in purchases:
            self.earn(purchase, late)

    @rule(more=st.sampled_from([-1, 0, 0, 1]), kind=kinds)
    def spend_what_is_missing(self, more, kind):
        have, need = self.missing()
        self.earn((max(0, need - have + more), kind, max(0, min(10, need - have + more)), ""))

    def missing(self):
        """What there is of the first count of the next tier, or of what it takes to stay, and what it takes."""
        told = self.model.state(self.now).stands("one", self.now)
        have, need, parts = told["to_stay"] or told["to_next"] or (0, 1, ())
        while parts:
            have, need, parts = parts[0]
        return have, need

    @rule(which=st.integers(0, 30), off=around, purchase=purchases, enough=st.booleans())
    def learn_what_happened_at_an_edge(self, which, off, purchase, enough):
        past = [edge + off for edge in self.edges() if edge + off <= self.now]
        if past:
            at = past[which % len(past)]
            have, need = self.missing()
            self.earn((max(0, need - have), *purchase[1:]) if enough else purchase, self.now - at)

    @rule(which=whichever, amount=st.sampled_from([None, 1, 50, 99]))
    def refund(self, which, amount):
        self.call("refund", of=self.one_of("earn", which), amount=amount)

    @rule(which=whichever)
    def activate(self, which):
        self.call("activate", of=self.one_of("earn", which))

    @rule(points=st.sampled_from([1, 50, 100, 400]))
    def redeem(self, points):
        self.call("redeem", points=points)

    @rule(points=st.sampled_from([1, 50, 100]), late=late)
    def adjust(self, points, late):
        self.call("adjust", late, points=points)

    @rule(which=whichever, days=st.sampled_from([None, -1, 0, 1, 30, 400]), second=st.booleans(), late=late)
    def grant(self, which, days, second, late):
        ladder = list(self.ladders)[-1 if second else 0]
        tiers = self.ladders[ladder]["tiers"]
        until = None if days is None else civil(self.now, self.zone) + days * DAY
        self.call("grant", late, tier=tiers[which % len(tiers)]["name"], ladder=ladder, until=until)

    def one_of(self, verb, which):
        names = [name for name, (call, _) in self.done.items() if call["verb"] == verb]
        return names[which % len(names)] if names else "nothing"

    # Time

    @rule(which=st.integers(0, 5), off=around)
    def move_to_an_edge(self, which, off):
        ahead = [edge + off for edge in self.edges() if edge + off >= self.now]
        self.now = ahead[which % len(ahead)]

    @rule(days=st.sampled_from([1, 10, 31, 200, 366]))
    def move_on(self, days):
        self.now += days * DAY

    @rule()
    def advance(self):
        due = self.account.advance(self.now)
        if due:
            assert not self.model.refuses({"verb": "advance", "posted": due[-1].posted})
        assert self.account.advance(self.now) == ()
        self.agree_on_history(self.account)

    def edges(self):
        """Moments at which something ends or begins."""
        state = self.model.state(self.now)
        found = {when for when, _, _ in state.due()}
        today = civil(self.now, self.zone)
        for name, ladder in self.ladders.items():
            found |= {when for when, _ in state.standings[name].tenures(self.now) if when}
            if has_periods(ladder["window"]):
                first, end = period(ladder["window"], today, JOINED)
                days = {first, end, period(ladder["window"], first - DAY, JOINED)[0]}
                days |= {period(ladder["window"], end, JOINED)[1]}
                found |= {first_moment(day, self.zone) for day in days}
        for at in {at for _, at, _ in state.counted[-8:]}:
            found |= {self.same_time(at, 12, 0), self.same_time(at, 0, 30)}
        found |= {first_moment(today + n * DAY, self.zone) for n in (1, 2)}
        found |= {change for change in clock_changes(self.zone) if abs(change - self.now) < 90 * DAY}
        return sorted(edge for edge in found if edge < self.now + 1200 * DAY)

    def same_time(self, at, months, days):
        """The same time of day, so many months or days later."""
        then = at.astimezone(ZoneInfo(self.zone))
        day = months_later(then.date(), months) + days * DAY
        return then.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)

    # Again

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 200))
    def retry(self, which):
        call, entries = list(self.done.values())[which % len(self.done)]
        before = self.entries()
        again = self.tell({**call, "posted": max(self.now, call["posted"])})
        assert written(again) == entries
        assert self.entries() == before

    @rule()
    def restart(self):
        self.account, self.before = self.rebuilt(), ()

    @rule()
    def restart_from_a_snapshot(self):
        self.before = self.entries()
        self.account = self.program.account("m-1", joined=JOINED, snapshot=self.account.snapshot())

    def entries(self):
        """All entries, those before a snapshot included."""
        return (*self.before, *self.account.entries)

    def rebuilt(self, upto=None):
        return self.program.account("m-1", joined=JOINED, entries=self.entries()[:upto])

    # Questions

    @rule(which=st.integers(0, 40), off=around)
    def ask(self, which, off):
        account = self.rebuilt() if self.before else self.account
        moments = sorted({entry.posted for entry in account.entries} | set(self.edges()))
        before = len(account.entries)
        self.agree(account, moments[which % len(moments)] + off)
        assert len(account.entries) == before

    @rule(which=st.integers(0, 200))
    def ask_an_account_that_was_cut_off(self, which):
        """The entries up to one, and from a snapshot there: what was known when it was posted."""
        entries = self.entries()
        ends = [n for n, entry in enumerate(entries, 1) if n == len(entries) or entries[n].posted > entry.posted]
        if ends:
            cut = ends[which % len(ends)]
            account = self.rebuilt(cut)
            at = entries[cut].posted - TICK if cut < len(entries) else self.now
            self.agree(account, at)
            self.agree(self.program.account("m-1", joined=JOINED, snapshot=account.snapshot()), at)

    @invariant()
    def agrees_now(self):
        before = len(self.account.entries)
        self.agree(self.account, self.now)
        assert len(self.account.entries) == before, "a question left a trace"

    @invariant()
    def agrees_when_rebuilt(self):
        account = self.rebuilt()
        self.agree(account, self.now)
        account.advance(self.now)
        self.agree_on_history(account)

    def agree(self, account, at):
        state = self.model.state(at)
        for name in self.ladders:
            told = account.tier_progress(at=at, ladder=name)
            expected = state.stands(name, at)
            assert {name: plain(getattr(told, name)) for name in expected} == expected
            assert account.tier(at=at, ladder=name) == expected["tier"]
        assert account.balance("stars", at=at) == state.balance

    def agree_on_history(self, account):
        """What was held one after another, once all that was due is written."""
        if not account.entries:
            return
        state = self.model.state(self.now)
        for name, standing in state.standings.items():
            held = [(h.since and h.since.astimezone(UTC), h.tier) for h in account.tiers_held if h.ladder == name]
            assert held == [(when, tier) for when, tier in standing.tenures(state.posted) if tier]


def written(result):
    """The entries that a call made."""
    return getattr(result, "entries", result)


def plain(value):
    """Progress as the model has it."""
    return (value.have, value.need, tuple(map(plain, value.parts))) if isinstance(value, Progress) else value


@cache
def clock_changes(zone):
    """The instants at which the clocks of a zone change, in the years of the settings."""
    hours = [datetime(2011, 1, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(24 * 366 * 17)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]


TestTiers = TiersAndModel.TestCase
TestTiers.settings = (
    settings(max_examples=200, stateful_step_count=50)
    if os.environ.get("HYPOTHESIS_PROFILE") in ("ci", "mutants")
    else settings(max_examples=25, stateful_step_count=30)
)
