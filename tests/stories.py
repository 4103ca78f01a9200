"""Random stories of one account: steps that are the same whoever plays them, so that two accounts can be compared."""

from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import empty, fresh_store

from loyaltycore import *

BEGIN = datetime(2026, 1, 5, 17, tzinfo=UTC)
KINDS = ("purchase", "review")
PAYERS = ("bank", "shop")

CLUB = Program(
    "Club",
    timezone="America/New_York",
    hold_timeout="3 days",
    points={
        "stars": Points(
            (PerSpend(1) + Flat(20).when(FirstTime("review")))
            + PerSpend(2).when(Category("dining")).named("dining").cap(60, per="month"),
            pending=After(days=5).unless(OfKind("review")),
            expiry=(After(days=60).to_end_of("week") | AfterInactivity(days=40)).unless(MemberFact("plan", "pro")),
            at_most=2_000,
        ),
        "cash": Points(
            PerStep(5, every=50).named("steps").running(per="year"), expiry=After(days=60, hours=5), places=2
        ),
        "status": Points(PerSpend("0.5"), redeemable=False, rounding=Rounding("half_up", each="line")),
    },
    rewards={
        "coffee": Item(40, sku="latte", unit="stars").limit(2, per="month"),
        "pay": PayWithPoints(worth="0.01", step=10, unit="stars"),
        "voucher": Voucher(PerUnit(10, of="size"), worth="2.50", expiry=After(months=1), unit="stars").stock(3),
        "bank": Item(25, unit="stars").from_lots(Fact("payer", "bank")).limit(4, per="ever", among="all"),
        "exchange": Convert(50, into="cash", gives=20, unit="stars"),
    },
)
"""Two kinds of points that can be spent and one that cannot, with everything that makes a history hard to rebuild."""


@frozen
class Step:
    """What is done, so long after the step before, with a number to choose by."""

    verb: str
    hours: int
    n: int
    late: int = 0


VERBS = (
    "earn", "earn", "earn", "redeem", "redeem", "hold", "hold", "capture", "capture", "release", "cancel", "cancel",
    "reverse", "reverse", "activate", "adjust", "extend", "note", "receive", "send", "advance", "again",
)  # fmt: skip

STEPS = st.builds(
    Step,
    verb=st.sampled_from(VERBS),
    hours=st.sampled_from((0, 0, 1, 24, 71, 72, 24 * 5, 24 * 7, 24 * 20, 24 * 41)),
    n=st.integers(0, 20),
    late=st.sampled_from((0, 0, 0, 5, 24 * 3)),
)
STORIES = st.lists(STEPS, min_size=1, max_size=25)


def newcomer():
    """A member with something to spend."""
    account = CLUB.account("m-1", joined="2026-01-01", facts={"size": "M"})
    account.earn(Activity.action("review", at=BEGIN, id="welcome", payer="bank"))
    account.adjust(300, unit="stars", reason="a gift", actor="me", id="gift", at=BEGIN)
    return account


class Teller:
    """Plays steps on an account; what it refuses is part of the story."""

    def __init__(self, account=None):
        self.account = newcomer() if account is None else account
        self.other = CLUB.account("other")
        self.now = BEGIN
        self.calls = []
        self.ids = {"earn": [], "hold": [], "redeem": []}

    def tell(self, steps):
        """What came of each step: its result, or the error in words."""
        return [self._say(step) for step in steps]

    def fork(self, account):
        """One who goes on with this story on another account."""
        teller = Teller(account)
        teller.other = CLUB.account("other", entries=self.other.entries)
        teller.now, teller.calls = self.now, list(self.calls)
        teller.ids = {verb: list(ids) for verb, ids in self.ids.items()}
        return teller

    def _say(self, step):
        self.now += timedelta(hours=step.hours)
        if step.verb == "again" and self.calls:  # an earlier call once more, with the time it said
            return self._result(self.calls[step.n % len(self.calls)])
        verb, call_id = ("earn" if step.verb == "again" else step.verb), f"c-{len(self.calls) + 1}"
        needed = {"capture": "hold", "release": "hold", "cancel": "redeem", "reverse": "earn", "activate": "earn"}
        of = self.ids[needed[verb]] if verb in needed else None
        if of == []:
            verb, of = needed[verb], None  # there is nothing to refer to yet
        what = (step, call_id, self.now) if of is None else (step, call_id, self.now, of[-1 - step.n % len(of)])
        self.calls.append(getattr(self, f"_{verb}")(*what))
        result = self._result(self.calls[-1])
        if getattr(result, "entries", ()):
            for name in {"hold": ("hold", "redeem")}.get(verb, (verb,)):
                self.ids[name].append(call_id)
        return result

    def _result(self, call):
        try:
            return call(self.account, self.other)
        except LoyaltyError as error:
            return f"{type(error).__name__}: {error}"

    def _earn(self, step, id, at):
        lines = [Line(Fraction(37 * step.n, 10), ("", "dining")[step.n % 2]), Line(step.n + 10)][: 1 + step.n % 3 // 2]
        activity = Activity(lines, at=at, kind=KINDS[step.n % 5 == 4], id=id, facts={"payer": PAYERS[step.n % 2]})
        return lambda account, other: account.earn(activity, posted=at + timedelta(hours=step.late))

    def _redeem(self, step, id, at):
        reward = ("coffee", "pay", "voucher", "bank", "exchange")[step.n % 5]
        sized = step.n % 3 or reward == "voucher"
        order = Activity.purchase(step.n * 3 + 1, at=at, size=step.n % 4 + 1) if sized else None
        return lambda account, other: account.redeem(reward, id=id, at=at, order=order)

    def _hold(self, step, id, at):
        reward, points = ("coffee", "pay")[step.n % 4 // 2], 10 + step.n // 2 * 10
        until = None if step.n % 2 else at + timedelta(hours=24 * step.n + 1)
        return lambda account, other: account.hold(reward, id=id, at=at, points=points, until=until)

    def _capture(self, step, id, at, hold):
        points = step.n + 5 if step.n % 2 else None
        return lambda account, other: account.capture(hold, id=id, at=at, points=points)

    def _release(self, step, id, at, hold):
        return lambda account, other: account.release(hold, id=id, at=at)

    def _cancel(self, step, id, at, redemption):
        points = step.n * 2 + 1 if step.n % 2 else None
        return lambda account, other: account.cancel(redemption, id=id, at=at, points=points)

    def _reverse(self, step, id, at, activity):
        how = ({}, {"amount": step.n + 1}, {"lines": [step.n % 2]}, {"points": step.n + 1})[step.n % 4]
        shortfall = ("owe", "clamp", "refuse")[step.n % 3]
        return lambda account, other: account.reverse(activity, id=id, at=at, on_shortfall=shortfall, **how)

    def _activate(self, step, id, at, activity):
        return lambda account, other: account.activate(activity, id=id, at=at)

    def _adjust(self, step, id, at):
        points, unit = (step.n - 8) * 4, ("stars", "cash", "status")[step.n % 3]
        return lambda account, other: account.adjust(points, unit=unit, reason="a test", actor="me", id=id, at=at)

    def _extend(self, step, id, at):
        until = (at + timedelta(days=step.n * 5)).date()
        return lambda account, other: account.extend(step.n // 2 + 1, until, id=id, at=at)

    def _note(self, step, id, at):
        facts = ({"plan": "pro"}, {"plan": "free"}, {"type": "card", "since": at.date()})[step.n % 3]
        return lambda account, other: account.note(at=at, id=id if step.n % 2 else "", **facts)

    def _send(self, step, id, at):
        points, keep = step.n + 1, bool(step.n % 2)
        return lambda account, other: account.transfer(points, other, unit="stars", id=id, at=at, keep_age=keep)

    def _receive(self, step, id, at):
        points, keep = step.n + 1, bool(step.n % 2)

        def receive(account, other):
            other.adjust(points, unit="stars", reason="a gift", actor="me", id=f"{id} gift", at=at)
            return other.transfer(points, account, unit="stars", id=id, at=at, keep_age=keep)

        return receive

    def _advance(self, step, id, at):
        return lambda account, other: account.advance(at)


def told(account, at):
    """All that an account says at a moment, in a form that can be compared."""
    member = account.member(at=at)
    return {
        "totals": {unit: dict(account.totals(unit, at=at)) for unit in CLUB.points},
        "lots": {unit: account.lots(unit, at=at) for unit in CLUB.points},
        "options": account.options(at=at),
        "counted": {key: count for key, count in member.counted.items() if count},
        "facts": dict(member.facts),
        "last": dict(member.last),
    }


def plain(results):
    """Results of steps without the tree of rules in an award, which no entry keeps, nor fractions that came to 0."""
    return [
        ({unit: (award.points, award.counts) for unit, award in one.awards.items()}, one.entries)
        if isinstance(one, Receipt)
        else one
        for one in results
    ]


def tell_stories(folder, *kinds):
    """Play drawn stories in memory and on new stores of each kind: the name of a database, and options."""
    with ExitStack() as stack:
        opened = [stack.enter_context(fresh_store(kind, folder, **more)) for kind, more in kinds]

        @settings(max_examples=max(8, settings.default.max_examples // 20))
        @given(STORIES)
        def each_story(steps):
            for store in opened:
                empty(store)
            tell(opened, steps)

        each_story()


def tell(stores, steps):
    """Play each step in memory and on each store, and compare: what was said, and what one sees now and later."""
    memory, first = Teller(), newcomer()
    tellers = [(store, Teller()) for store in stores]
    for store, _ in tellers:
        with store.account("m-1", CLUB, joined="2026-01-01", facts={"size": "M"}) as account:
            account.earn(first.entries[0].data["activity"])
            account.adjust(300, unit="stars", reason="a gift", actor="me", id="gift", at=first.entries[-1].at)
    left = []
    for n, step in enumerate(steps):
        said = plain([memory._say(step)])
        for store, teller in tellers:
            with store.accounts("m-1", "other", CLUB) as (teller.account, teller.other):
                found = teller._say(step)
                if n % 3 == 2:
                    assert teller.account.options(at=memory.now) == memory.account.options(at=memory.now)
            assert plain([found]) == said
            assert store.entries("m-1") == memory.account.entries
            left.append((teller.account, memory.now, told(memory.account, memory.now)))
            if n % 4 == 0:
                assert told(teller.account, memory.now) == left[-1][-1]
            seen = store.look("m-1", CLUB)
            for at in (memory.now, memory.now + timedelta(days=45)):
                for unit in CLUB.points:
                    assert seen.balance(unit, at=at) == memory.account.balance(unit, at=at)
                    assert seen.lots(unit, at=at) == memory.account.lots(unit, at=at)
    for store, _ in tellers:
        assert store.entries("other") == memory.other.entries
        assert store.verify() == ()
        assert store.look("m-1").statement(at=memory.now) == memory.account.statement(at=memory.now)
    for account, now, before in left[:: max(1, len(left) // 6)]:
        assert told(account, now) == before  # as of the end of its block, whatever came later
