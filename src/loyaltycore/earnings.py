"""The verbs of earning: earn, activate, and reverse what was refunded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn, cast

from attrs import evolve

from loyaltycore._calendar import as_utc
from loyaltycore._exact import EMPTY, FrozenMap, Number, above_zero, whole
from loyaltycore._strategy import text
from loyaltycore.activity import Activity, Member
from loyaltycore.awards import Award
from loyaltycore.books import LotState
from loyaltycore.desk import Desk, When, several, verb
from loyaltycore.earned import write_earned
from loyaltycore.entries import Entry, Receipt, call_data
from loyaltycore.errors import RuleError
from loyaltycore.events import unused
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
        activity, at = self._placed(activity)
        done = self._earlier(activity)
        if done is not None:
            return done
        posted_at = self._posted(at, posted)
        self._ledger.advance(posted_at)
        awards, written = self._bring(activity, at, posted_at)
        self._publish()
        for unit, award in awards.items():
            if award._has_parts or not award.points:  # of any other its entry tells all there is
                self._awards[activity.id, unit] = award
        return self._receipt(awards, written)

    def _earlier(self, activity: Activity) -> Receipt | None:
        """What it earned, if it was earned for before."""
        first = self._first_of(activity.id)
        if first is None:
            return None
        return cast("Receipt", self._same(activity.id, first, call_data("earn", activity=activity)))

    def _bring(self, activity: Activity, at: datetime, posted: datetime) -> tuple[dict[str, Award], tuple[Entry, ...]]:
        """Write what an activity earns in each unit, and the tiers and events that it brings."""
        ledger = self._ledger
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
        if len(activity.lines) > 1 and (self._returned is None or activity.id in self._returned):
            parts = {unit: by_line(points, awards[unit], activity, members[unit]) for unit, points in units.items()}
        entries: list[Entry] = []
        for unit, award in awards.items():
            if award.points or award.counts is not EMPTY or not entries:
                entries += write_earned(ledger, unit, units[unit], award, activity, at, posted, activity.member,
                                        parts=parts.get(unit))  # fmt: skip
        return awards, self._judged(activity.id)

    def _placed(self, activity: Activity) -> tuple[Activity, datetime]:
        """The activity in the program's zone, and its instant."""
        if not isinstance(activity, Activity):
            raise RuleError(f"activity: {activity!r} is no activity; write Activity.purchase(..., at=..., id=...)")
        if self._in_utc and activity.at.tzinfo is None:
            return activity, as_utc(activity.at)
        local = activity.in_zone(self._terms.zone)
        return local, self._instant(local.at)

    def preview(self, activity: Activity) -> Receipt:
        """What `earn` would bring, with nothing written: a tier that is reached, and all that follows from it, too."""
        activity, at = self._placed(activity)
        ledger = self._ledger
        if not activity.id:
            activity = evolve(activity, id=unused(ledger, "preview"))
        done = self._earlier(activity)
        if done is not None:
            return done
        with ledger.upto(self._posted(at, None)):
            before = len(ledger.entries)
            receipt = self._receipt(*self._bring(activity, at, self._posted(at, None)))
            self._go_on()
            return evolve(receipt, entries=tuple(ledger.entries[before:]))

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
