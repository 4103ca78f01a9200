"""The verbs of spending: quote, redeem, hold and capture, cancel."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final, cast

from loyaltycore._exact import EMPTY, FrozenMap, whole
from loyaltycore._strategy import text
from loyaltycore.activity import Activity
from loyaltycore.automatic import convert
from loyaltycore.desk import Desk, When, verb
from loyaltycore.entries import Entry, Redemption, call_data
from loyaltycore.errors import RuleError
from loyaltycore.ledger import Ledger
from loyaltycore.records import from_end
from loyaltycore.redemption import Quote, RedemptionOption
from loyaltycore.redemption_options import conversion, gift_in

_NO_ORDER: Final = Activity.action("redemption", at="2000-01-01")
"""What an option is asked about where there is no order; it is moved to the moment that is asked about."""


class Spending(Desk):
    """The part of an account that spends."""

    # Spending -------------------------------------------------------------------------------------------------------

    def quote(self, reward: str, order: Activity | None = None, *, at: When, points: int | None = None) -> Quote:
        """What a reward would cost and give at that moment, or why not."""
        instant = self._instant(at)
        with self._as_of(instant) as ledger:
            return self._quote(ledger, reward, self._order(order, instant), points)

    def _order(self, order: Activity | None, at: datetime) -> Activity:
        if order is None:
            return _NO_ORDER.moved(at if self._in_utc else at.astimezone(self._ledger.zone))
        if not isinstance(order, Activity):
            raise RuleError(f"order: {order!r} is no activity; write Activity.purchase(..., at=...)")
        return order.in_zone(self._ledger.zone)

    def _option(self, reward: str, at: datetime) -> RedemptionOption:
        rewards: FrozenMap[str, RedemptionOption] = self._terms.version(at).rewards
        option: RedemptionOption | None = rewards.get(text(reward, "reward"))
        if option is None:
            raise RuleError(f"{reward!r} is no reward; the program has {', '.join(map(repr, rewards)) or 'none'}")
        return option

    def _quote(self, ledger: Ledger, reward: str, order: Activity, points: int | None) -> Quote:
        at = self._instant(order.at)
        option = self._option(reward, at)
        member = ledger.member(reward)
        if self._shared is not None:
            counted = member.counted.replacing(self._counted_by_all(ledger, reward))
            member = member._with(counted, member.lots, member.unit)
        quote = option.quote(order, member, points=points)
        unit = quote.unit or self._ledger.main_unit
        if not self._terms.unit(unit, at).redeemable and gift_in(option) is None:
            raise RuleError(f"{reward!r} costs {unit!r}, which cannot be redeemed; give the option another unit=")
        return quote._with(option=reward, unit=unit)

    def options(self, order: Activity | None = None, *, at: When | None = None) -> tuple[Quote, ...]:
        """A quote for each reward, those that can be had first, then the nearest."""
        instant = self._instant(_order_at(order, at))
        with self._as_of(instant) as ledger:
            asked = self._order(order, instant)
            rewards = self._terms.version(instant).rewards
            quotes = [
                self._quote(ledger, name, asked, None) if order else self._asked(ledger, name, asked)
                for name in rewards
            ]
        return tuple(sorted(quotes, key=lambda q: (not q.ok, q.missing == 0, q.missing, q.points, q.option)))

    def _asked(self, ledger: Ledger, reward: str, asked: Activity) -> Quote:
        """A quote where there is no order; one that needs it does not keep the others from being told."""
        try:
            return self._quote(ledger, reward, asked, None)
        except RuleError as error:
            return Quote(reward).refused("not_eligible", f"it cannot be priced without an order: {error}")

    def _affordable(self, at: datetime) -> tuple[str, ...]:
        """The rewards that could be had at an instant, by name: those of `options` that are not refused."""
        rewards = self._terms.version(at).rewards
        if not rewards:
            return ()
        with self._as_of(at) as ledger:
            return tuple(sorted([name for name, option in rewards.items() if self._can_have(ledger, name, option, at)]))

    def _can_have(self, ledger: Ledger, reward: str, option: RedemptionOption, at: datetime) -> bool:
        price = option._price_alone
        if price is None:
            return self._asked(ledger, reward, self._order(None, at)).ok
        return ledger.available(option._unit or ledger.main_unit) >= price  # as of most rewards

    def next_reward(self, *, at: When, order: Activity | None = None) -> Quote | None:
        """The reward that is nearest of those for which only points are missing; `None` if there is none.

        A `Gift` is none: nobody saves for what they give away.
        """
        rewards = self._terms.version(self._instant(_order_at(order, at))).rewards
        short = (quote for quote in self.options(order, at=at) if quote.missing)
        return next((quote for quote in short if gift_in(rewards[quote.option]) is None), None)

    @verb
    def redeem(
        self,
        reward: str,
        *,
        id: str,
        at: When,
        order: Activity | None = None,
        points: int | None = None,
        posted: When | None = None,
    ) -> Redemption:
        """Spend points on a reward. A refused one raises nothing, writes nothing, and says why in its quote."""
        done, at, posted_at = self._start(id, at, posted, "redeem", reward=reward, order=order, points=points)
        return (
            cast("Redemption", done)
            if done is not None
            else self._take("spent", reward, id, at, posted_at, order, points)
        )

    @verb
    def hold(
        self,
        reward: str,
        *,
        id: str,
        at: When,
        order: Activity | None = None,
        points: int | None = None,
        until: When | None = None,
        posted: When | None = None,
    ) -> Redemption:
        """Set points aside for a reward until they are captured or released, or the hold times out.

        Held points do not lapse. *until* is the first moment at which it no longer holds; left out, it is the
        program's `hold_timeout` after *at*.
        """
        content = {"reward": reward, "order": order, "points": points}
        given = None if until is None else self._instant(until)
        done, at, posted_at = self._start(id, at, posted, "hold", until=given, **content)
        if done is not None:
            return cast("Redemption", done)
        if conversion(self._option(reward, at)) is not None:
            raise RuleError(f"{reward!r} turns points into others at once, so they cannot be held; use convert")
        ends = self._timeout(at) if given is None else given
        if ends <= posted_at:
            raise RuleError(f"until: {ends.isoformat()} is over when the hold is posted; give a later moment")
        return self._take("held", reward, id, at, posted_at, order, points, until=ends, given=given)

    def _timeout(self, at: datetime) -> datetime:
        lasts: timedelta = self._terms.version(at).hold_for
        try:
            return at + lasts
        except OverflowError:
            raise RuleError(f"at: a hold from {at.isoformat()} ends past the year 9999; give until=...") from None

    def _take(
        self, kind: str, reward: str, id: str, at: datetime, posted: datetime, order: Activity | None,
        points: int | None, until: datetime | None = None, given: datetime | None = None,
    ) -> Redemption:  # fmt: skip
        ledger = self._ledger
        option = self._option(reward, at)
        if gift_in(option) is not None:
            raise RuleError(f"{reward!r} is for another member; name the account by give(reward, to, points=...)")
        with ledger.upto(posted):
            quote = self._quote(ledger, reward, self._order(order, at), points)
            if quote.ok:
                lots = ledger.plan(quote.unit, quote.points, quote.lots)
                ledger.keep()
        if not quote.ok:
            return Redemption(id, reward, quote)
        verb = "redeem" if kind == "spent" else "hold"
        content = {"reward": reward, "order": order, "points": points, **({} if kind == "spent" else {"until": given})}
        data: dict[str, Any] = {"call": call_data(verb, at=at, **content), "quote": quote}
        if quote.counts:
            data["counts"] = quote.counts
        if until is not None:
            data["until"] = until
        into = conversion(option)
        if into is not None:
            entries = convert(ledger, into.into, quote, id, at, posted, lots, data, reward=reward)
        else:
            entries = (ledger.write(kind, id, at, posted, quote.unit, quote.points, lots, reward, source=reward,
                                    data=FrozenMap.over(data)),)  # fmt: skip
            if kind == "spent":
                self._has_redeemed(entries[0], reward)
        entries = self._judged(id)
        self._publish()
        return Redemption(id, reward, quote, entries)

    def _has_redeemed(self, entry: Entry, reward: str) -> None:
        """What the account's own event brings, under the id of the call and `/redeemed`."""
        event = f"{entry.id}/redeemed"
        self._ledger.event("redeemed", event, entry.at, entry.posted, cause=entry.id, reward=reward,
                           points=entry.points, unit=entry.unit)  # fmt: skip

    @verb
    def capture(
        self, hold_id: str, *, id: str, at: When, points: int | None = None, posted: When | None = None
    ) -> tuple[Entry, ...]:
        """Spend what a hold set aside, all or *points* of it; the rest goes back to its lots."""
        text(hold_id, "hold_id")
        count = None if points is None else whole(points, "points", at_least=1)
        done, at, posted_at = self._start(id, at, posted, "capture", hold=hold_id, points=count)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        ledger = self._ledger
        with ledger.upto(posted_at):
            hold = self._open_hold(hold_id)
            if count is not None and count > hold.points:
                raise RuleError(f"{hold_id}: {hold.points:,} points are held; capture at most those")
            ledger.keep()
        rest = hold.points - (hold.points if count is None else count)
        back = from_end(hold.lots, 0, rest)
        kept = _less(hold.lots, back)
        data = FrozenMap.over({"call": call_data("capture", hold=hold_id, points=count, at=at),
                               "counts": hold.entry.data.get("counts", EMPTY)})  # fmt: skip
        unit = hold.entry.unit
        entries = [ledger.write("captured", id, at, posted_at, unit, hold.points - rest, kept, hold.entry.reason,
                                source=hold_id, data=data)]  # fmt: skip
        if rest:
            entries.append(ledger.release(hold, id, at, posted_at, "not captured", back))
            entries += ledger.repay(unit, at, posted_at, id)
        self._has_redeemed(entries[0], hold.entry.source)
        return self._finish(id, entries, at, posted_at, None)

    @verb
    def release(self, hold_id: str, *, id: str, at: When, posted: When | None = None) -> tuple[Entry, ...]:
        """Give back what a hold set aside; what would have lapsed meanwhile lapses then."""
        text(hold_id, "hold_id")
        done, at, posted_at = self._start(id, at, posted, "release", hold=hold_id)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        ledger = self._ledger
        with ledger.upto(posted_at):
            hold = self._open_hold(hold_id)
            ledger.keep()
        points = hold.points
        data = FrozenMap({"call": call_data("release", hold=hold_id, at=at)})
        entry = ledger.write("released", id, at, posted_at, hold.entry.unit, points, hold.lots, "released",
                             source=hold_id, data=data)  # fmt: skip
        return self._finish(id, [entry, *ledger.repay(entry.unit, at, posted_at, id)], at, posted_at, None)

    def _open_hold(self, hold_id: str) -> Any:
        hold = self._ledger.holds.get(hold_id)
        if hold is None:
            raise RuleError(f"{hold_id!r} is no hold of this account; give the id of a hold")
        if not hold.open:
            end = next(e for e in self._ledger.about(hold_id) if e.source == hold_id)
            how = f"was {end.kind}" if end.id else "timed out"
            raise RuleError(f"{hold_id}: the hold {how} already; a hold is resolved once")
        return hold

    @verb
    def cancel(
        self, redemption_id: str, *, id: str, at: When, points: int | None = None, posted: When | None = None
    ) -> tuple[Entry, ...]:
        """Undo a redemption, all or *points* of it: the same lots have their points again, with their old expiry."""
        text(redemption_id, "redemption_id")
        count = None if points is None else whole(points, "points", at_least=1)
        done, at, posted_at = self._start(id, at, posted, "cancel", redemption=redemption_id, points=count)
        if done is not None:
            return cast("tuple[Entry, ...]", done)
        ledger = self._ledger
        taken = ledger.taken(redemption_id)
        if taken is None:
            raise RuleError(f"{redemption_id!r} is no redemption of this account; give the id of one that took points")
        left = taken.points - taken.back
        back = left if count is None else count
        if not taken.open or not min(1, left) <= back <= left:
            raise RuleError(f"{redemption_id}: {left:,} points of it can still be cancelled; ask for at most those")
        ledger.advance(posted_at)
        lots = tuple(from_end(taken.lots, taken.back, back))
        data = FrozenMap({"call": call_data("cancel", redemption=redemption_id, points=count, at=at)})
        entry = ledger.write("cancelled", id, at, posted_at, taken.entry.unit, back, lots, "cancelled",
                             source=redemption_id, data=data)  # fmt: skip
        return self._finish(id, [entry, *ledger.repay(taken.entry.unit, at, posted_at, id)], at, posted_at, None)

    def convert(
        self, reward: str, *, id: str, at: When, points: int | None = None, posted: When | None = None
    ) -> Redemption:
        """Turn points into another unit by a `Convert` among the rewards."""
        if conversion(self._option(reward, self._instant(at))) is None:
            raise RuleError(f"{reward!r} is no Convert; use redeem")
        return self.redeem(reward, id=id, at=at, points=points, posted=posted)


def _less(lots: tuple[tuple[int, int], ...], back: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    given = dict(back)
    return tuple((number, n - given.get(number, 0)) for number, n in lots if n > given.get(number, 0))


def _order_at(order: Activity | None, at: When | None) -> When:
    if at is not None:
        return at
    if not isinstance(order, Activity):
        raise RuleError("at: give the moment, or an order that has one")
    return order.at
