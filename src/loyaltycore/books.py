"""Books: the lots of one unit as they change, sorted by when they end and in the order they are spent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from heapq import heapify, heappop, heappush
from typing import Any, Final, TypeAlias

from loyaltycore._exact import FrozenMap
from loyaltycore.dates import DateRule
from loyaltycore.lots import Lot, LotOrder


class LotState:
    """A lot as it changes: what is free to spend, what is held, and when it ends. Reads as a `Lot` does."""

    __slots__ = (
        "activity", "available", "born", "earned", "ends", "expires_on", "extended", "facts", "held", "id", "in_ends",
        "in_order", "key", "lapsed", "moment", "pending_until", "points", "policy", "ready", "size", "unit",
    )  # fmt: skip

    def __init__(  # by position, as keywords take twice as long
        self, id: int, unit: str, points: int, earned: date, born: datetime, policy: DateRule, activity: str,
        facts: FrozenMap[str, Any],
    ) -> None:  # fmt: skip
        self.id = id
        self.unit = unit
        self.points = self.size = points
        self.held = self.lapsed = 0
        self.earned = earned
        self.born = born
        self.policy = policy
        self.activity = activity
        self.facts = facts
        self.ready = False
        self.pending_until: datetime | None = None
        self.available: date | None = None
        self.moment: datetime | None = None  # of becoming available; where an expiry may ask, in the zone
        self.expires_on: date | None = None
        self.ends: datetime | None = None
        self.extended: date | None = None
        self.key: Any = None
        self.in_order = self.in_ends = False

    @property
    def since(self) -> date:
        """As `Lot.since`."""
        return self.earned if self.available is None else self.available

    def frozen(self) -> Lot:
        """The lot as it stands."""
        return Lot(
            self.id, self.unit, self.points, earned=self.earned, available=self.available,
            expires_on=self.expires_on, activity=self.activity, facts=self.facts,
        )  # fmt: skip


CHANGING: Final = (
    "points", "held", "lapsed", "ready", "available", "moment", "pending_until", "expires_on", "ends", "extended",
)  # fmt: skip
"""What of a lot an entry may change."""


class Book:
    """The lots of one unit, by when they end, by when they become available, and in the order they are spent.

    Lots are put in order when somebody first asks: most accounts earn many times before they spend.
    """

    def __init__(self, order: LotOrder) -> None:
        self.order = order
        self.lots: dict[int, LotState] = {}
        self.at_hand = self.lots
        """Where lots come in: all of them here, in an unread book those that came since."""
        self.live: dict[int, LotState] = {}
        self.available = self.pending = self.held = self.owed = 0
        self.sorted = order.fixed
        self.policy: DateRule | None = None
        self.hourly = False
        self.ends: dict[Any, tuple[datetime | None, date | None]] = {}
        """When lots of that policy end, by the days they count from."""
        self.by_order: list[tuple[Any, int]] = []
        self.by_ends: list[tuple[datetime, int]] = []
        self.unplaced: dict[int, LotState] = {}
        """Lots that are not in the heaps yet, where they belong."""
        self.soonest: datetime | None = None
        """No lot ends before this."""
        self.by_pending: list[tuple[datetime, int]] = []
        self._many_pending = 64

    def enter(self, lot: LotState) -> None:
        """Take in a lot, which is yet to be put in its place."""
        self.at_hand[lot.id] = lot
        if not lot.policy.fixed:
            self.sorted = False

    def place(self, lot: LotState) -> None:
        """Put a lot where it now belongs."""
        if not lot.ready:
            if lot.points and lot.pending_until is not None:
                heappush(self.by_pending, (lot.pending_until, lot.id))
                if len(self.by_pending) > self._many_pending:
                    # a change that is taken back puts its lot there once more, so most are doubles
                    self.by_pending = sorted(set(self.by_pending))
                    self._many_pending = 2 * len(self.by_pending) + 64
            return
        if not lot.points:
            self.live.pop(lot.id, None)
            return
        self.live[lot.id] = lot
        if not (lot.in_order and lot.in_ends):
            self.unplaced[lot.id] = lot
            if lot.ends is not None and (self.soonest is None or lot.ends < self.soonest):
                self.soonest = lot.ends

    def _put_in_order(self) -> None:
        """Put into the heaps what is not in them yet."""
        for number, lot in self.unplaced.items():
            if number not in self.live:
                continue
            if not lot.in_order and self.sorted:
                lot.key = self.order.key(lot)  # type: ignore[arg-type]
                heappush(self.by_order, (lot.key, lot.id))
            if not lot.in_ends and lot.ends is not None:
                heappush(self.by_ends, (lot.ends, lot.id))
            lot.in_order = lot.in_ends = True
        self.unplaced = {}
        if len(self.by_order) + len(self.by_ends) > 4 * len(self.live) + 128:
            self._clear_out()

    def _clear_out(self) -> None:
        """Drop what is stale from the heaps, once most of it is: lots are moved in them by adding them anew."""
        for _, number in (*self.by_order, *self.by_ends):
            if number in self.lots:
                self.lots[number].in_order = self.lots[number].in_ends = False
        self.by_order, self.by_ends = [], []
        for lot in self.live.values():
            if self.sorted:
                self.by_order.append((lot.key, lot.id))
            if lot.ends is not None:
                self.by_ends.append((lot.ends, lot.id))
            lot.in_order = lot.in_ends = True
        heapify(self.by_order)
        heapify(self.by_ends)

    def spend_in(self, order: LotOrder) -> None:
        """Take another order of spending; each lot is to be put in its new place then."""
        if order != self.order:
            self.order, self.by_order = order, []
            self.sorted = self.sorted and order.fixed

    def rekey(self, lot: LotState) -> None:
        """Put a lot in its new place after its end has moved."""
        lot.in_order = lot.in_ends = False  # what the heaps still hold of it is stale, and passed over
        self.place(lot)

    def put_back(self, lot: LotState) -> None:
        """Put a lot where it was before a change that is taken back."""
        self.live.pop(lot.id, None)
        self.rekey(lot)

    def forget(self, lot: LotState) -> None:
        """Drop a lot, as if it had never been made; what the heaps hold of it is stale."""
        del self.lots[lot.id]
        self.live.pop(lot.id, None)
        self.unplaced.pop(lot.id, None)

    def plan(self, points: int, accepted: Callable[[LotState], bool] | None = None) -> list[tuple[int, int]]:
        """Which lots to take so many points from, in the order of spending; fewer if there are not as many."""
        taken: list[tuple[int, int]] = []
        if not self.sorted or accepted is not None:
            for live in self.in_order():
                if not points:
                    break
                if accepted is None or accepted(live):
                    part = min(live.points, points)
                    taken.append((live.id, part))
                    points -= part
            return taken
        self._put_in_order()
        passed: dict[int, tuple[Any, int]] = {}
        while points and self.by_order:
            item = self.by_order[0]
            lot = self.lots.get(item[1])
            if lot is not None and item[0] == lot.key and lot.id not in passed:
                if lot.id in self.live:
                    part = min(lot.points, points)
                    taken.append((lot.id, part))
                    points -= part
                    if not points:
                        break  # the last lot can stay where it is
                    passed[lot.id] = item
                else:
                    lot.in_order = False
            heappop(self.by_order)
        for item in passed.values():
            heappush(self.by_order, item)
        return taken

    def in_order(self) -> list[LotState]:
        """The lots that can be spent, in the order they would be."""
        if self.sorted:
            self._put_in_order()
        else:
            for lot in self.live.values():
                lot.key = self.order.key(lot)  # type: ignore[arg-type]
        return sorted(self.live.values(), key=lambda lot: (lot.key, lot.id))

    def next_pending(self) -> tuple[datetime, int] | None:
        """When the next pending lot becomes available, and which."""
        while self.by_pending:
            instant, number = self.by_pending[0]
            lot = self.lots.get(number)
            if lot is None or lot.ready or not lot.points or lot.pending_until != instant:
                heappop(self.by_pending)
            else:
                return instant, number
        return None

    def next_end(self) -> tuple[datetime, int] | None:
        """When the next lot ends at the earliest, and which."""
        self._put_in_order()
        while self.by_ends:
            instant, number = self.by_ends[0]
            lot = self.lots.get(number)
            if lot is not None and number in self.live and lot.ends == instant:
                self.soonest = instant
                return instant, number
            heappop(self.by_ends)
            if lot is not None and lot.ends == instant:
                lot.in_ends = False
        self.soonest = None
        return None


Due: TypeAlias = tuple[datetime, int] | None
"""When something falls due, and of which lot."""


class UnreadBook(Book):
    """A book whose lots are still in an archive, those aside that came since: an ordinary one as soon as they are read.

    It has its totals. All else an ordinary book has (`lots`, `live`, what is in order, what falls due first) it does
    not: whoever asks for that has them read.
    """

    def __init__(self, order: LotOrder, read: Callable[[], None]) -> None:
        self.order = order
        self.available = self.pending = self.held = self.owed = 0
        self.policy = None
        self.hourly = False
        self.ends = {}
        self._new = Book(order)
        """The lots that came since."""
        self.at_hand = self._new.lots
        self.place = self._new.place  # type: ignore[method-assign]  # one call less for each lot that comes in
        self._read = read

    def __getattr__(self, name: str) -> Any:
        if name not in _OF_ALL_LOTS:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._read()
        return vars(self)[name]

    def fill(self, book: Book) -> None:
        """Become an ordinary book, which has the lots of that one, and then those that came since."""
        for lot in self.at_hand.values():
            book.enter(lot)
            book.rekey(lot)
        for name in ("available", "pending", "held", "owed"):
            setattr(book, name, getattr(self, name))
        self.__dict__ = vars(book)
        self.__class__ = Book  # type: ignore[assignment]  # it is one now

    def put_back(self, lot: LotState) -> None:
        """As `Book.put_back`."""
        self._new.put_back(lot)

    def forget(self, lot: LotState) -> None:
        """As `Book.forget`."""
        self._new.forget(lot)


_OF_ALL_LOTS: Final = frozenset({
    "lots", "live", "sorted", "by_order", "by_ends", "unplaced", "soonest", "by_pending", "_many_pending",
})  # fmt: skip


class FixedBook(UnreadBook):
    """An unread book that knows what falls due first: its lots end when they did at the snapshot.

    *end* and *wait* are the first of them to end, and to become available.
    """

    def __init__(self, order: LotOrder, read: Callable[[], None], end: Due, wait: Due) -> None:
        super().__init__(order, read)
        self.sorted = order.fixed
        self._end = end
        self._wait = wait

    @property
    def soonest(self) -> datetime | None:  # type: ignore[override]
        """As `Book.soonest`."""
        new, end = self._new.soonest, self._end
        return new if end is None or (new is not None and new < end[0]) else end[0]

    @property
    def by_pending(self) -> list[tuple[datetime, int]]:  # type: ignore[override]
        """As `Book.by_pending`, of which only the first matters."""
        new, wait = self._new.by_pending, self._wait
        return new if wait is None else [min(new[0], wait) if new else wait]

    def next_pending(self) -> Due:
        """As `Book.next_pending`."""
        return _first(self._new.next_pending(), self._wait)

    def next_end(self) -> Due:
        """As `Book.next_end`."""
        return _first(self._new.next_end(), self._end)


def _first(one: Due, other: Due) -> Due:
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
