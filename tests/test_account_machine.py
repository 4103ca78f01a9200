"""An account against a slow model of one, over histories that hit the edges.

Random moments never fall on an expiry, so the machine moves to edges on purpose: one microsecond before, at and after
each end of a lot, end of a hold, pending date, month end, change of the clocks, 29 February and day that does not
exist; and it spends one point less than there is, all there is, and one more.
"""

from datetime import UTC, datetime, timedelta
from functools import cache
import os
from zoneinfo import ZoneInfo

from account_model import EXPIRY, ORDER, WAIT, SlowAccount, civil, first_moment, months_later
from attrs import frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
import pytest

from loyaltycore import *

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)
AT_MOST = 400

UNITS = ("stars", "status")
IN = ("earned", "adjusted_up", "transferred_in", "converted_in", "reinstated", "owed", "repaid")
OUT = (
    "available", "pending", "held", "spent", "lapsed", "reversed", "repaid",
    "adjusted_down", "transferred_out", "converted_out",
)  # fmt: skip


# The program that the model knows -----------------------------------------------------------------------------------


@frozen
class ByFact(DateRule):
    """The rule that a fact of the activity names."""

    fact: str
    names: tuple[str, ...]
    rules: tuple[DateRule, ...]

    @property
    def fixed(self):
        return all(rule.fixed for rule in self.rules)

    @property
    def hourly(self):
        return any(rule.hourly for rule in self.rules)

    def falls_on(self, subject, member):
        named = subject.facts.get(self.fact, self.names[0])
        return self.rules[self.names.index(named)].falls_on(subject, member)


STAYS = {
    "never": Never(),
    "days": After(days=3),
    "month": After(months=1),
    "year": After(months=12),
    "month end": After(months=1).to_end_of("month"),
    "quarter": EndOf("quarter"),
    "either": After(days=40) | EndOf("quarter", plus=1),
    "both": After(days=20) & EndOf("month"),
    "hours": After(hours=29),
}
MOVES = {**STAYS, "quiet": AfterInactivity(days=20)}
WAITS = {
    "": After(days=0),
    "days": After(days=14),
    "month": After(months=1),
    "hours": After(hours=30),
    "told": Never(),
}
assert MOVES.keys() == EXPIRY.keys()
assert WAITS.keys() == WAIT.keys()


ORDERS = {"soonest": SoonestToExpire(), "oldest": OldestFirst(), "newest": NewestFirst()}
assert ORDERS.keys() == ORDER.keys()


def club(zone, expiry, order):
    return Program(
        "Club",
        timezone=zone,
        hold_timeout="36 hours",
        points={
            "stars": Points(
                PerSpend(1),
                expiry=ByFact("expiry", tuple(expiry), tuple(expiry.values())),
                pending=ByFact("wait", tuple(WAITS), tuple(WAITS.values())),
                at_most=AT_MOST,
                order=ORDERS[order],
            ),
            "status": Points(
                PerSpend(1).when(Category("status")), expiry=EndOf("quarter"), redeemable=False, order=ORDERS[order]
            ),
        },
        rewards={
            "gift": Donation(worth="0.01", to="the school"),
            "coffee": Item(30, sku="coffee").limit(2, per="month"),
        },
    )


SETTINGS = {
    "29 February, and clocks change on 10 March": ("America/New_York", "2024-02-27T17:00Z"),
    "an hour comes twice on 1 November": ("America/New_York", "2026-10-30T12:00Z"),
    "15 October begins at one o'clock": ("America/Sao_Paulo", "2017-10-11T15:00Z"),
    "17 February ends twice": ("America/Sao_Paulo", "2018-02-16T15:00Z"),
    "there is no 30 December": ("Pacific/Apia", "2011-12-27T20:00Z"),
    "clocks never change": ("UTC", "2023-12-29T09:00Z"),
}


# The machine --------------------------------------------------------------------------------------------------------

amounts = st.sampled_from([1, 5, 12, 20, "30.75", "49.50", "9.25", 60, 100])
lines = st.lists(st.tuples(amounts, st.sampled_from(["", "status"])), min_size=1, max_size=3)
shortfalls = st.sampled_from(["refuse", "clamp", "owe"])
late = st.sampled_from([timedelta()] * 6 + [TICK, timedelta(hours=30), 4 * DAY, 40 * DAY])
around = st.sampled_from([-TICK, timedelta(), TICK])
HOLDS = {"held as usual": timedelta(hours=36), "held for days": 12 * DAY, "held for long": 60 * DAY}
ways = st.sampled_from(["at once", "at once", *HOLDS])
waits = st.sampled_from(["", "", *WAITS])
parts = st.one_of(st.none(), st.integers(1, 40))
whichever = st.integers(0, 9)


class AccountAndModel(RuleBasedStateMachine):
    """What an account says, and what the model does."""

    @initialize(
        setting=st.sampled_from(sorted(SETTINGS)), moving=st.booleans(),
        order=st.sampled_from(["soonest", "soonest", "oldest", "newest"]),
        first=st.lists(st.tuples(lines, st.sampled_from(list(STAYS))), min_size=2, max_size=5),
    )  # fmt: skip
    def open(self, setting, moving, order, first):
        self.zone, start = SETTINGS[setting]
        expiry = MOVES if moving else STAYS
        self.expiries = sorted(expiry)
        self.program = club(self.zone, expiry, order)
        self.account = self.program.account("m-1")
        self.model = SlowAccount(self.zone, AT_MOST, order)
        self.now = datetime.fromisoformat(start)
        self.behind = timedelta()
        self.done = {}
        self.before = ()
        self.looked_at = 0
        for basket, policy in first:
            self.buy(basket, policy, "", timedelta())

    # Calls

    def call(self, verb, late=timedelta(), **content):
        """Do the same to the account and to the model: both accept it, or both refuse it and nothing is written."""
        clock, self.behind = self.now - self.behind, timedelta()
        posted = max(clock, self.model.posted() or clock)
        call = {"verb": verb, "id": f"{verb}-{len(self.done)}", "at": clock - late, "clock": clock, "posted": posted}
        call |= content
        before = len(self.account.entries)
        reason = self.model.refuses(call)
        if reason is None:
            self.done[call["id"]] = call, written(self.tell(call))
        else:
            assert self.refuses(call, reason), f"{call} was not refused"
            assert len(self.account.entries) == before

    def refuses(self, call, reason):
        try:
            told = self.tell(call)
        except RuleError:
            return True
        return isinstance(told, Redemption) and told.quote.refusal.code == reason

    def tell(self, call):
        """The call as the account takes it."""
        verb, of = call["verb"], call.get("of")
        when = {"id": call["id"], "at": call["at"]}
        if call["clock"] != call["at"]:
            when["posted"] = call["clock"]
        account = self.account
        if verb == "earn":
            basket = [Line(amount, category) for amount, category in call["told"]]
            facts = {"expiry": call["expiry"], "wait": call["wait"]}
            return account.earn(Activity(basket, at=call["at"], id=call["id"], facts=facts), posted=call["clock"])
        if verb == "reverse":
            how = {name: call[name] for name in ("amount", "lines", "points", "on_shortfall") if name in call}
            return account.reverse(of, **how, **when)
        if verb == "redeem":
            return account.redeem(call["reward"], points=call["points"], **when)
        if verb == "hold":
            return account.hold(call["reward"], points=call["points"], until=call["until"], **when)
        if verb in ("capture", "cancel"):
            return getattr(account, verb)(of, points=call.get("points"), **when)
        if verb == "adjust":
            return account.adjust(call["points"], unit="stars", reason="by hand", actor="clerk", **when)
        if verb == "extend":
            return account.extend(of, call["until"], **when)
        return getattr(account, verb)(of, **when)

    @rule(baskets=st.lists(st.tuples(lines, whichever, waits), min_size=1, max_size=3), late=late)
    def earn(self, baskets, late):
        for basket, policy, wait in baskets:
            self.buy(basket, self.expiries[policy % len(self.expiries)], wait, late)

    def buy(self, basket, policy, wait, late):
        exactly = [(Line(amount).amount, category) for amount, category in basket]
        self.call("earn", late, told=basket, lines=exactly, expiry=policy, wait=wait)

    @rule(more=st.sampled_from([-1, 0, 1]), way=ways)
    def spend_what_there_is(self, more, way):
        self.spend("gift", max(1, self.state().spendable("stars") + more), timedelta(), way)

    @rule(gifts=st.lists(st.tuples(st.integers(1, 40), ways), min_size=1, max_size=4), late=late)
    def spend_some(self, gifts, late):
        for points, way in gifts:
            self.spend("gift", points, late, way)

    @rule(late=late, way=ways)
    def have_a_coffee(self, late, way):
        self.spend("coffee", None, late, way)

    def spend(self, reward, points, late, way):
        if way == "at once":
            self.call("redeem", late, reward=reward, points=points)
        else:
            ends = self.now - self.behind - late + HOLDS[way]
            until = None if way == "held as usual" else ends
            self.call("hold", late, reward=reward, points=points, ends=ends, until=until)

    @rule(which=whichever, part=parts)
    def capture(self, which, part):
        self.call("capture", of=self.one_of("hold", which), **some(points=part))

    @rule(which=whichever)
    def release(self, which):
        self.call("release", of=self.one_of("hold", which))

    @rule(which=whichever, part=parts)
    def cancel(self, which, part):
        self.call("cancel", of=self.one_of("redeem", which, "hold", "capture"), **some(points=part))

    @rule(which=whichever, short=shortfalls)
    def reverse(self, which, short):
        self.call("reverse", of=self.one_of("earn", which), on_shortfall=short)

    @rule(which=whichever, amount=st.sampled_from([1, 5, "9.25", 20, 49]), short=shortfalls)
    def reverse_an_amount(self, which, amount, short):
        self.call("reverse", of=self.one_of("earn", which), amount=Line(amount).amount, on_shortfall=short)

    @rule(which=whichever, lines=st.sets(st.integers(0, 2), min_size=1), short=shortfalls)
    def reverse_lines(self, which, lines, short):
        self.call("reverse", of=self.one_of("earn", which), lines=tuple(sorted(lines)), on_shortfall=short)

    @rule(which=whichever, points=st.integers(1, 60), short=shortfalls)
    def reverse_points(self, which, points, short):
        self.call("reverse", of=self.one_of("earn", which), points=points, on_shortfall=short)

    @rule(which=whichever)
    def activate(self, which):
        self.call("activate", of=self.one_of("earn", which))

    @rule(points=st.sampled_from([-50, -5, -1, 1, 8, 33]), late=late)
    def adjust(self, points, late):
        self.call("adjust", late, points=points)

    @rule(which=st.integers(1, 12), days=st.sampled_from([-1, 0, 1, 2, 30, 90]))
    def extend(self, which, days):
        self.call("extend", of=which, until=civil(self.now, self.zone) + days * DAY)

    @rule(which=whichever, days=st.sampled_from([1, 30]), times=st.integers(1, 2))
    def bring_back(self, which, days, times):
        lapsed = [number for number, lot in self.state().lots.items() if lot["lapsed"]]
        for n in range(times if lapsed else 0):
            until = civil(self.now, self.zone) + (days + n) * DAY
            self.call("extend", of=lapsed[which % len(lapsed)], until=until)

    def one_of(self, verb, which, *others):
        """The id of an earlier call of that kind, or one that there never was."""
        names = [name for name, (call, _) in self.done.items() if call["verb"] in (verb, *others)]
        return names[which % len(names)] if names else "nothing"

    # Time

    @rule(which=st.integers(0, 3), off=around)
    def move_to_an_edge(self, which, off):
        ahead = [edge for edge in self.edges() if edge + off >= self.now]
        self.now = ahead[which % len(ahead)] + off

    @rule(by=st.sampled_from([TICK, timedelta(hours=1), DAY]))
    def clock_goes_back(self, by):
        """For the next call only."""
        self.behind = by

    @rule(hours=st.sampled_from([1, 20, 24 * 5, 24 * 40]))
    def move_on(self, hours):
        self.now += timedelta(hours=hours)

    @rule()
    def advance(self):
        due = self.account.advance(self.now)
        if due:
            assert self.model.refuses({"verb": "advance", "posted": due[-1].posted}) is None
            assert due[-1].posted <= self.now
        assert self.account.advance(self.now) == ()

    def edges(self):
        """Moments at which something ends or begins."""
        state = self.model.state(self.now)
        found = {when for when, _, _ in state.due()}
        today = civil(self.now, self.zone)
        found |= {first_moment(months_later(today.replace(day=1), n), self.zone) for n in (1, 2)}
        found |= {first_moment(today + n * DAY, self.zone) for n in (1, 2, 3)}
        found |= {change for change in clock_changes(self.zone) if change > self.now}
        return sorted(edge for edge in found if edge < self.now + 400 * DAY)

    # Again

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 200), later=st.booleans())
    def retry(self, which, later):
        call, entries = self.earlier(which)
        before = len(self.account.entries)
        again = {**call, "clock": self.now} if later else call
        assert written(self.tell(again)) == entries
        assert len(self.account.entries) == before

    @precondition(lambda self: self.done)
    @rule(which=st.integers(0, 200), field=whichever)
    def contradict(self, which, field):
        call, _ = self.earlier(which)
        name, (field, value) = list(contradictions(call).items())[field % len(contradictions(call))]
        before = len(self.account.entries)
        with pytest.raises(Conflict, match=f"with {field}="):
            self.tell({**call, name: value})
        assert len(self.account.entries) == before

    def earlier(self, which):
        return list(self.done.values())[which % len(self.done)]

    @rule()
    def restart(self):
        self.account, self.before = self.rebuilt(), ()

    @rule()
    def restart_from_a_snapshot(self):
        self.before = self.entries()
        self.account = self.program.account("m-1", snapshot=self.account.snapshot())

    def entries(self):
        """All entries, those before a snapshot included."""
        return (*self.before, *self.account.entries)

    def rebuilt(self):
        return self.program.account("m-1", entries=self.entries())

    # Questions

    @rule(which=st.integers(0, 30), off=around, known=st.none() | st.integers(0, 30))
    def ask(self, which, off, known):
        account = self.rebuilt() if self.before else self.account
        moments = sorted({entry.posted for entry in account.entries} | set(self.edges()))
        at = moments[which % len(moments)] + off
        if known is None:
            self.agree(account, at)
        else:
            knew = moments[known % len(moments)]
            state = self.model.state(at, knew)
            for unit in UNITS:
                assert account.totals(unit, at=at, known=knew) == all_of(state.totals(unit))

    def state(self):
        return self.model.state(self.now)

    @invariant()
    def agrees_now(self):
        before = len(self.account.entries)
        self.agree(self.account, self.now)
        assert len(self.account.entries) == before, "a question left a trace"

    @invariant()
    def agrees_when_rebuilt(self):
        self.agree(self.rebuilt(), self.now)

    @invariant()
    def posted_never_runs_backwards(self):
        entries = self.entries()
        posted = [entry.posted for entry in entries[max(0, self.looked_at - 1) :]]
        assert posted == sorted(posted)
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        self.looked_at = len(entries)

    def agree(self, account, at):
        state = self.model.state(at)
        for unit in UNITS:
            totals = account.totals(unit, at=at)
            assert totals == all_of(state.totals(unit))
            assert sum(totals[name] for name in IN) == sum(totals[name] for name in OUT)
            assert account.balance(unit, at=at) == totals["available"] - totals["owed"]
            lots = account.lots(unit, at=at)
            assert [(lot.points, lot.expires_on) for lot in lots] == state.shown_lots(unit)
            assert all(lot.points > 0 for lot in lots)


def written(result):
    """The entries that a call made."""
    return getattr(result, "entries", result)


def some(**optional):
    return {name: value for name, value in optional.items() if value is not None}


def all_of(totals):
    """The totals with the names of those that are 0."""
    return dict.fromkeys((*IN, *OUT), 0) | totals


@cache
def clock_changes(zone):
    """The instants at which the clocks of a zone change, in the years of the settings."""
    hours = [datetime(2011, 12, 1, tzinfo=UTC) + timedelta(hours=n) for n in range(24 * 366 * 16)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]


def contradictions(call):
    """Changed values of the fields of a call, with the name the account gives to the field."""
    named = {"reverse": "activity", "activate": "activity", "cancel": "redemption", "extend": "lots"}
    changed = {
        "at": ("at", call["at"] + TICK),
        "told": ("lines", [(7, ""), *call.get("told", [])]),
        "expiry": ("facts", "none such"),
        "of": (named.get(call["verb"], "hold"), 99 if call["verb"] == "extend" else "other"),
        "points": ("points", (call.get("points") or 0) + 1),
        "until": ("until", (call.get("until") or call["at"] + 90 * DAY) - DAY),
        "on_shortfall": ("on_shortfall", "owe" if call.get("on_shortfall") == "clamp" else "clamp"),
    }
    return {name: value for name, value in changed.items() if name in call}


TestAccount = AccountAndModel.TestCase
TestAccount.settings = (
    settings(max_examples=200, stateful_step_count=50)
    if os.environ.get("HYPOTHESIS_PROFILE") in ("ci", "mutants")
    else settings(max_examples=25, stateful_step_count=30)
)
