"""A state machine that holds an account of any program to what the ledger promises, for `loyaltycore.testing`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, Final

from attrs import evolve
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from loyaltycore._calendar import first_moment, in_zone, moment
from loyaltycore._draws import activities
from loyaltycore._exact import divided
from loyaltycore.account import Account
from loyaltycore.activity import Activity
from loyaltycore.entries import Entry, Redemption
from loyaltycore.errors import LoyaltyError
from loyaltycore.history import AnyProgram

IN: Final = ("earned", "adjusted_up", "transferred_in", "converted_in", "reinstated", "owed", "repaid")
OUT: Final = (
    "available", "pending", "held", "spent", "lapsed", "reversed", "repaid",
    "adjusted_down", "transferred_out", "converted_out",
)  # fmt: skip

_TICK: Final = timedelta.resolution
_which = st.integers(0, 99)
_some = st.none() | st.integers(1, 200)
_late = st.sampled_from([timedelta(), timedelta(), timedelta(hours=30), timedelta(days=40)])


class AccountMachine(RuleBasedStateMachine):
    """Lives the life of an account, and holds it to the promises that need no second opinion.

    Whatever the program's rules, what came in is there or went, no lot is below zero, the entries rebuild the account,
    a call that is tried again changes nothing, what is refused writes nothing, redeeming and cancelling is as if
    nothing had been, and questions leave no trace. It stops on purpose one tick before, at and after every moment at
    which something falls due.

        class Life(AccountMachine):
            program = club

        TestLife = Life.TestCase

    *program* is the program. *activity* draws activities where its rules do not answer for all that
    `loyaltycore.testing.activities()` does; their moment and id are set by the machine. *start* is the first day.
    """

    program: ClassVar[AnyProgram]
    activity: ClassVar[st.SearchStrategy[Activity]] = activities()
    start: ClassVar[date | datetime | str] = "2024-02-27"

    @initialize(data=st.data())
    def open(self, data: st.DataObject) -> None:
        """Open an account that has earned a few times."""
        if getattr(type(self), "program", None) is None:
            raise AssertionError(f"{type(self).__name__} has no program: say which, as in program = Program(...)")
        zone = self.program.zone
        self.now = in_zone(moment(self.start), zone).astimezone(UTC)
        self.account = self.program.account("m-1", joined=self.now.astimezone(zone).date())
        self.before: tuple[Entry, ...] = ()
        self.calls: list[tuple[Callable[[Account], Any], tuple[Entry, ...]]] = []
        self.names: dict[str, list[str]] = {}
        for _ in range(data.draw(st.integers(0, 4))):
            self.earn(data, timedelta())

    # Calls ------------------------------------------------------------------------------------------------------------

    def call(self, kind: str, doing: Callable[[Account, dict[str, Any]], Any], late: timedelta = timedelta()) -> bool:
        """Do something to the account; whether it was accepted."""
        name = f"{kind}-{len(self.calls)}"
        when = {"id": name, "at": self.now - late, "posted": self.now}
        written = len(self.account.entries)
        try:
            result = doing(self.account, when)
        except LoyaltyError as refused:
            self.has_written_nothing(written, f"{kind} was refused ({refused})")
            return False
        if isinstance(result, Redemption) and not result.ok:
            self.has_written_nothing(written, f"{kind} was refused ({result.quote})")
            return False
        self.calls.append((lambda account: doing(account, when), _entries(result)))
        self.names.setdefault(kind, []).append(name)
        return True

    def has_written_nothing(self, before: int, what: str) -> None:
        """Raise if there are more entries than before."""
        if len(self.account.entries) != before:
            raise AssertionError(f"{what} and has written {self.account.entries[before:]}")

    def one_of(self, kind: str, which: int) -> str:
        """The id of an earlier call of that kind."""
        names = self.names.get(kind, ["none"])
        return names[which % len(names)]

    @rule(data=st.data(), late=_late)
    def earn(self, data: st.DataObject, late: timedelta) -> None:
        """Earn for an activity."""
        drawn = data.draw(self.activity)

        def doing(account: Account, when: dict[str, Any]) -> Any:
            return account.earn(evolve(drawn, id=when["id"], at=when["at"]), posted=when["posted"])

        self.call("earn", doing, late)

    @precondition(lambda self: self.program.rewards)
    @rule(data=st.data(), which=_which, points=_some, late=_late, kind=st.sampled_from(["redeem", "hold"]))
    def spend(self, data: st.DataObject, which: int, points: int | None, late: timedelta, kind: str) -> None:
        """Redeem a reward, or hold the points for it."""
        reward, order = self.reward(which), data.draw(st.none() | self.activity)
        self.call(kind, lambda a, when: getattr(a, kind)(reward, order=order, points=points, **when), late)

    def reward(self, which: int) -> str:
        """The name of a reward."""
        return sorted(self.program.rewards)[which % len(self.program.rewards)]

    @rule(which=_which, points=_some)
    def capture(self, which: int, points: int | None) -> None:
        """Spend what a hold set aside."""
        hold = self.one_of("hold", which)
        self.call("capture", lambda a, when: a.capture(hold, points=points, **when))

    @rule(which=_which)
    def release(self, which: int) -> None:
        """Give back what a hold set aside."""
        hold = self.one_of("hold", which)
        self.call("release", lambda a, when: a.release(hold, **when))

    @rule(which=_which, points=_some, kind=st.sampled_from(["redeem", "capture", "hold"]))
    def cancel(self, which: int, points: int | None, kind: str) -> None:
        """Undo a redemption, or a part of it."""
        redemption = self.one_of(kind, which)
        self.call("cancel", lambda a, when: a.cancel(redemption, points=points, **when))

    @rule(which=_which, part=st.sampled_from([1, 3, 10]), short=st.sampled_from(["refuse", "clamp", "owe"]))
    def reverse(self, which: int, part: int, short: str) -> None:
        """Refund an activity, or a part of it."""
        earned = self.one_of("earn", which)

        def doing(account: Account, when: dict[str, Any]) -> Any:
            first = next((e for e in self.entries() if e.id == earned and e.kind == "earned"), None)
            whole = 0 if first is None else first.data["activity"].amount
            amount = None if part == 1 or not whole else divided(whole, part)
            return account.reverse(earned, amount=amount, on_shortfall=short, **when)

        self.call("reverse", doing)

    @rule(which=_which, points=st.sampled_from([-50, -1, 1, 30]))
    def adjust(self, which: int, points: int) -> None:
        """Give or take points by hand."""
        unit = self.unit(which)
        self.call("adjust", lambda a, when: a.adjust(points, unit=unit, reason="by hand", actor="clerk", **when))

    @rule(which=_which)
    def activate(self, which: int) -> None:
        """Make pending points available."""
        earned = self.one_of("earn", which)
        self.call("activate", lambda a, when: a.activate(earned, **when))

    @rule(lot=st.integers(1, 9), days=st.integers(0, 60))
    def extend(self, lot: int, days: int) -> None:
        """Give a lot another last day."""
        until = self.now.astimezone(self.program.zone).date() + timedelta(days)
        self.call("extend", lambda a, when: a.extend(lot, until, **when))

    def unit(self, which: int) -> str:
        """The name of a unit."""
        return sorted(self.program.points)[which % len(self.program.points)]

    # Time -------------------------------------------------------------------------------------------------------------

    @rule(which=_which, off=st.sampled_from([-_TICK, timedelta(), _TICK]))
    def move_to_an_edge(self, which: int, off: timedelta) -> None:
        """Let time pass up to a moment at which something falls due or a month ends, or to just before or after it."""
        edges = self.edges()
        self.now = max(self.now, edges[which % len(edges)] + off)

    def edges(self) -> list[datetime]:
        """When the next things fall due, and when the next days and months begin."""
        ledger = self.account._ledger
        today = self.now.astimezone(self.program.zone).date()
        next_month = (today.replace(day=1) + timedelta(31)).replace(day=1)
        due = ledger._next_due(datetime.max.replace(tzinfo=UTC))
        ends = [lot.ends for book in ledger.books.values() for lot in book.live.values() if lot.ends is not None]
        days = [first_moment(day, self.program.zone) for day in (today + timedelta(1), next_month)]
        return sorted({*days, *ends[:4], *([] if due is None else [due[0]])})

    @rule(hours=st.sampled_from([1, 30, 24 * 20, 24 * 200]))
    def move_on(self, hours: int) -> None:
        """Let time pass."""
        self.now += timedelta(hours=hours)

    @rule()
    def advance(self) -> None:
        """Write what has fallen due; once is enough."""
        self.account.advance(self.now)
        written = len(self.account.entries)
        self.account.advance(self.now)
        self.has_written_nothing(written, "advance was called again")

    # Again ------------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.calls)
    @rule(which=_which)
    def retry(self, which: int) -> None:
        """Make an earlier call again: the same comes of it, and nothing is written."""
        doing, entries = self.calls[which % len(self.calls)]
        written = len(self.account.entries)
        again = _entries(doing(self.account))
        if again != entries:
            raise AssertionError(f"a call that was tried again gave {again} and not {entries}")
        self.has_written_nothing(written, "a call was tried again")

    @precondition(lambda self: self.program.rewards)
    @rule(which=_which, points=_some)
    def redeem_and_cancel(self, which: int, points: int | None) -> None:
        """Spend and give back: it is as if nothing had been."""
        reward = self.reward(which)
        self.account.advance(self.now)
        before = self.there()
        if self.call("redeem", lambda a, when: a.redeem(reward, points=points, **when)):
            redemption = self.names["redeem"][-1]
            if self.account.entries[-1].kind == "spent":  # a conversion cannot be undone
                self.call("cancel", lambda a, when: a.cancel(redemption, **when))
                after = self.there()
                if after != before:
                    raise AssertionError(f"redeeming {reward!r} and cancelling it left {after} of {before}")

    @rule()
    def restart(self) -> None:
        """Go on with the account that its entries rebuild."""
        self.account, self.before = self.rebuilt(), ()

    @rule()
    def restart_from_a_snapshot(self) -> None:
        """Go on from a snapshot."""
        self.before = self.entries()
        self.account = self.program.account("m-1", joined=self.account._joined, snapshot=self.account.snapshot())

    def entries(self) -> tuple[Entry, ...]:
        """All entries, those before a snapshot included."""
        return (*self.before, *self.account.entries)

    def rebuilt(self) -> Account:
        """The account that the entries tell of."""
        return self.program.account("m-1", joined=self.account._joined, entries=self.entries())

    # What holds after every step --------------------------------------------------------------------------------------

    @invariant()
    def what_came_in_is_there_or_went(self) -> None:
        """Points are conserved, in each unit."""
        for unit in self.program.points:
            totals = self.account.totals(unit, at=self.now)
            came, went = sum(totals[n] for n in IN), sum(totals[n] for n in OUT)
            if came != went:
                raise AssertionError(f"of {unit!r} {came} came in, and {went} are there or went: {dict(totals)}")

    @invariant()
    def nothing_is_below_zero(self) -> None:
        """No lot has less than nothing, and what is free is what the lots have."""
        for unit in self.program.points:
            totals, lots = self.account.totals(unit, at=self.now), self.account.lots(unit, at=self.now)
            free = totals["available"] + totals["pending"]
            if any(lot.points <= 0 for lot in lots) or sum(lot.points for lot in lots) != free:
                raise AssertionError(f"the lots of {unit!r} are not {free} points, each some of them: {lots}")
            if any(totals[name] < 0 for name in (*IN, *OUT)):
                raise AssertionError(f"a total of {unit!r} is below zero: {dict(totals)}")

    @invariant()
    def the_entries_are_the_account(self) -> None:
        """An account that is rebuilt from the entries is this one, now and later; asking leaves no trace."""
        written = len(self.account.entries)
        rebuilt = self.rebuilt()
        for at in (self.now, self.now + timedelta(days=40)):
            for unit in self.program.points:
                one, other = self.account.totals(unit, at=at), rebuilt.totals(unit, at=at)
                if one != other or self.account.lots(unit, at=at) != rebuilt.lots(unit, at=at):
                    raise AssertionError(f"{unit!r} is {dict(one)}, and rebuilt from its entries {dict(other)}")
        self.has_written_nothing(written, "a question was asked")

    @invariant()
    def posted_never_runs_backwards(self) -> None:
        """Entries are in the order in which the account learnt them."""
        posted = [entry.posted for entry in self.entries()]
        if posted != sorted(posted):
            raise AssertionError(f"an entry was posted before the one before it: {posted}")

    def there(self) -> dict[str, Any]:
        """Totals, and how many points each lot has."""
        account, now = self.account, self.now
        return {
            unit: (account.totals(unit, at=now), {lot.id: lot.points for lot in account.lots(unit, at=now)})
            for unit in self.program.points
        }


def _entries(result: Any) -> tuple[Entry, ...]:
    """The entries that a call made."""
    entries: tuple[Entry, ...] = getattr(result, "entries", result)
    return entries
