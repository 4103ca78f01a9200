"""The verbs of earning: earn, activate, and reverse what was refunded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn, cast

from attrs import evolve

from loyaltycore._exact import EMPTY, FrozenMap, Number, above_zero, apportion, floor, whole
from loyaltycore._strategy import text
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.books import LotState
from loyaltycore.dates import DateRule
from loyaltycore.desk import Desk, When, several, verb
from loyaltycore.entries import Entry, Receipt, call_data
from loyaltycore.errors import RuleError
from loyaltycore.events import Waiting
from loyaltycore.instants import start_of
from loyaltycore.points import Points
from loyaltycore.records import Earned, Seen
from loyaltycore.refunds import ByLine, by_line, counts_back, dues_of

SHORTFALLS: Final = ("refuse", "clamp", "owe")


class Earning(Desk):
    """The part of an account that earns."""

    # Earning --------------------------------------------------------------------------------------------------------

    @verb
    def earn(self, activity: Activity, *, posted: When | None = None) -> Receipt:
        """Award what the activity earns, under the rules of its `at`; its `id` is the id of the call.

        Points are pending if the unit says so. Debts are paid first from what is available at once.
        """
        activity = self._local(activity)
        done = self._again(activity.id, "earn", activity=activity)
        if done is not None:
            return cast("Receipt", done)
        at = self._instant(activity.at)
        posted_at = self._posted(at, posted)
        ledger = self._ledger
        ledger.advance(posted_at)
        units = self._terms.version(at).points
        members: dict[str, Member] = {}
        awards: dict[str, Award] = {}
        for unit, points in units.items():
            member = members[unit] = ledger.member_at(unit, at)
            awards[unit] = points.award(activity, member)
        if ledger.standings is not None and ledger.standings.judge_after(at):
            members = ledger.standings.members_after(activity, at, members, awards)
            awards = {unit: points.award(activity, members[unit]) for unit, points in units.items()}
        parts: Mapping[str, ByLine] = EMPTY
        if len(activity.lines) > 1:
            parts = {unit: by_line(points, awards[unit], activity, members[unit]) for unit, points in units.items()}
        entries: list[Entry] = []
        for unit, award in awards.items():
            if award.points or award.counts is not EMPTY or not entries:
                entries += self._earn_in(unit, units[unit], award, parts.get(unit), activity, at, posted_at)
        written = self._judged(activity.id)
        self._publish()
        for unit, award in awards.items():
            if award._parts or not award.points:  # of any other its entry tells all there is
                self._awards[activity.id, unit] = award
        return self._receipt(awards, written)

    def _local(self, activity: Activity) -> Activity:
        if not isinstance(activity, Activity):
            raise RuleError(f"activity: {activity!r} is no activity; write Activity.purchase(..., at=..., id=...)")
        return activity if self._in_utc and activity.at.tzinfo is None else activity.in_zone(self._terms.zone)

    def _earn_in(
        self, unit: str, points: Points, award: Award, parts: ByLine | None, activity: Activity,
        at: datetime, posted: datetime,
    ) -> list[Entry]:  # fmt: skip
        ledger = self._ledger
        earned = award.points
        why: Any = award._why
        if points.at_most is not None:
            book = ledger.book(unit)
            room = max(0, points.at_most - book.available - book.pending - book.held)
            if earned > room:
                earned, why = room, ("{} points were earned and the balance can take {}", earned, room)
        exact = award.exact
        data: dict[str, Any] = {"activity": activity, "exact": exact}
        if award.points != earned or exact != award.points != floor(exact):
            data["points"] = award.points
        if award.counts is not EMPTY:
            data["counts"] = award.counts
        if parts is not None and parts.points and earned:
            data["by_line"] = parts.points if earned == award.points else tuple(apportion(earned, parts.points))
        if parts is not None and parts.counts:
            data["counts_by_line"] = parts.counts
        available = True
        if points.pending is not None:
            until = self._pending_until(points.pending, activity, ledger.member(unit))
            available = until is not None and until <= posted
            if not available:
                data["available"] = until
        lots = ((self._new_lot(), earned),) if earned else ()
        entry = ledger.write("earned", activity.id, at, posted, unit, earned, lots, why, source=activity.member,
                             data=FrozenMap.over(data))  # fmt: skip
        return [entry, *(ledger.repay(unit, at, posted, activity.id) if available and ledger.books[unit].owed else ())]

    def _pending_until(self, pending: DateRule, activity: Activity, member: Member) -> datetime | None:
        day = pending.falls_on(Waiting(activity), member)
        return None if day is None else start_of(day, self._terms.zone)

    def preview(self, activity: Activity) -> Receipt:
        """What `earn` would bring, with nothing written: a tier that is reached, and all that follows from it, too."""
        activity = self._local(activity)
        copy = type(self)(
            self._terms, self.id, joined=self._joined, facts=self._facts, entries=self._ledger.entries,
            snapshot=self._snapshot, look_up=self._look_up,
        )  # fmt: skip
        receipt = copy.earn(activity if activity.id else evolve(activity, id="preview"))
        first = receipt.entries[0].seq - copy._ledger.before - 1
        return evolve(receipt, entries=tuple(copy._ledger.entries[max(0, first) :]))

    @verb
    def activate(self, activity_id: str, *, id: str, at: When, posted: When | None = None) -> tuple[Entry, ...]:
        """Make the pending points of an activity available now, such as when the parcel was delivered."""
        text(activity_id, "activity_id")
        done, at, posted_at = self._start(id, at, posted, "activate", activity=activity_id)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        lots = self._lots_of(activity_id)
        ledger = self._ledger
        ledger.advance(posted_at)
        entries: list[Entry] = []
        call = call_data("activate", activity=activity_id, at=at)
        for lot in lots:
            if not lot.ready and lot.points:
                entries.append(ledger.write("activated", id, at, posted_at, lot.unit, lot.points,
                                            ((lot.id, lot.points),), source=activity_id,
                                            data=FrozenMap({"call": call})))  # fmt: skip
                entries += ledger.repay(lot.unit, at, posted_at, id)
        return self._finish(id, entries, at, posted_at, call)

    def _lots_of(self, activity_id: str) -> list[LotState]:
        """The lots of an activity that was earned for here, or in an account that was taken over."""
        lots = self._ledger.lots
        seen = self._ledger.seen(activity_id)
        if seen is not None:
            return [lots[earned.lot] for earned in seen.units.values() if earned.lot is not None]
        return [lot for lot in lots.values() if lot.activity == activity_id] or self._unknown(activity_id)

    def _seen(self, activity_id: str) -> Seen:
        seen = self._ledger.seen(activity_id)
        if seen is None:
            self._unknown(activity_id)
        return seen

    @staticmethod
    def _unknown(activity_id: str) -> NoReturn:
        raise RuleError(f"{activity_id!r} earned nothing in this account; give the id of an activity it has earned for")

    # Taking back ----------------------------------------------------------------------------------------------------

    @verb
    def reverse(
        self,
        activity_id: str,
        *,
        id: str,
        at: When,
        amount: Number | None = None,
        lines: Iterable[int] | None = None,
        points: int | None = None,
        on_shortfall: str = "refuse",
        posted: When | None = None,
    ) -> tuple[Entry, ...]:
        """Take back what an activity earned: all of it, or for an *amount* refunded, some *lines*, or some *points*.

        Partial refunds, in any order, add up exactly to the full one. The activity's own points are taken first, then
        pending ones, then those that would be spent next. Where they fall short, `"refuse"` raises a `RuleError` and
        changes nothing, `"clamp"` takes what there is, and `"owe"` makes the rest a debt that the next points pay.
        """
        text(activity_id, "activity_id")
        if on_shortfall not in SHORTFALLS:
            raise RuleError(f"on_shortfall: {on_shortfall!r} is no way; give one of {', '.join(SHORTFALLS)}")
        given = [value for value in (amount, lines, points) if value is not None]
        if len(given) > 1:
            raise RuleError("a reversal is by amount, by lines or by points; give one of them")
        refund = None if amount is None else above_zero(amount, "amount")
        numbers = (
            None if lines is None else tuple(sorted({whole(n, "lines", at_least=0) for n in several(lines, "lines")}))
        )
        count = None if points is None else whole(points, "points", at_least=1)
        content = {
            "activity": activity_id,
            "amount": refund,
            "lines": numbers,
            "points": count,
            "on_shortfall": on_shortfall,
        }
        done, at, posted_at = self._start(id, at, posted, "reverse", **content)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        seen = self._seen(activity_id)
        dues, refunded, gone = dues_of(seen, refund, numbers, count)
        ledger = self._ledger
        with ledger.upto(posted_at):
            plans = {unit: self._plan_reversal(unit, seen.units[unit], due) for unit, due in dues.items()}
            for unit, plan in plans.items():
                short = dues[unit] - sum(n for _, n in plan)
                if short and on_shortfall == "refuse":
                    raise RuleError(
                        f"{activity_id}: {dues[unit]:,} points are to be taken back and {short:,} of them are no longer"
                        " there; pass on_shortfall='clamp' to take what there is, or 'owe' to make the rest a debt"
                    )
            ledger.keep()
        call = call_data("reverse", at=at, **content)
        back = counts_back(seen, refunded, gone)  # of all units before the first entry says that it is done
        entries: list[Entry] = []
        for unit, plan in plans.items():
            due, taken = dues[unit], sum(n for _, n in plan)
            data: dict[str, Any] = {"call": call, "due": due, "amount": refunded, "lines": tuple(sorted(gone))}
            if back[unit]:
                data["counts"] = back[unit]
            owed = due - taken if on_shortfall == "owe" else 0
            entries.append(
                ledger.write(
                    "reversed",
                    id,
                    at,
                    posted_at,
                    unit,
                    taken + owed,
                    tuple(plan),
                    "refunded",
                    source=activity_id,
                    data=FrozenMap(data),
                )
            )
            if owed:
                entries.append(ledger.write("owed", id, at, posted_at, unit, owed, source=activity_id))
        return self._finish(id, entries, at, posted_at, call)

    def _plan_reversal(self, unit: str, earned: Earned, due: int) -> list[tuple[int, int]]:
        """The activity's own lot, then pending ones, then the order of spending."""
        ledger = self._ledger
        book = ledger.book(unit)
        plan: dict[int, int] = {}

        def take(lot: LotState) -> None:
            nonlocal due
            part = min(lot.points, due)
            if part:
                plan[lot.id] = part
                due -= part

        if earned.lot is not None:
            take(ledger.lots[earned.lot])
        if due and book.pending:
            for lot in book.lots.values():
                if not lot.ready and lot.id not in plan:
                    take(lot)
        if due:
            own = plan.get(earned.lot or 0, 0)
            for number, part in ledger.plan(unit, due + own):
                if number != earned.lot and due:
                    plan[number] = min(part, due)
                    due -= plan[number]
        return list(plan.items())
