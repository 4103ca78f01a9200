"""The lots of an account, as the options of rewards and the conditions of rules see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from loyaltycore.books import LotState
from loyaltycore.conditions import Condition
from loyaltycore.lots import Lot, accepts

if TYPE_CHECKING:
    from loyaltycore.lot_ends import LotEnds


class Purse:
    """The lots of an account as an option sees them: how many points there are, of all lots or of some."""

    __slots__ = ("condition", "ledger", "unit")

    def __init__(self, ledger: LotEnds, condition: Condition | None = None, unit: str = "") -> None:
        self.ledger = ledger
        self.condition = condition
        self.unit = unit
        """The unit that is meant where none is named; the only redeemable one if this says none either."""

    def available(self, unit: str) -> int:
        """Points that can be spent now, after what is owed."""
        unit = unit or self.unit or self.ledger.main_unit
        if self.condition is None:
            return self.ledger.available(unit)
        book = self.ledger.book(unit)
        accepted = self.accepted()
        return max(0, sum(lot.points for lot in book.live.values() if accepted(lot)) - book.owed)

    def owed(self, unit: str) -> int:
        """Points that are owed beyond all that can be spent now."""
        book = self.ledger.book(unit or self.unit or self.ledger.main_unit)
        return max(0, book.owed - book.available)

    def accepted(self) -> Callable[[LotState], bool]:
        """Whether a lot is one of these."""
        condition = self.condition
        member = self.ledger.member()
        return lambda lot: condition is None or accepts(condition, lot.earned, lot.facts, member)

    def only(self, condition: Condition) -> Purse:
        """Those of the lots whose facts the condition accepts."""
        return Purse(self.ledger, condition if self.condition is None else self.condition & condition, self.unit)

    def of(self, unit: str) -> Purse:
        """The same lots, where those of that unit are meant if none is named."""
        return Purse(self.ledger, self.condition, unit)

    def __iter__(self) -> Iterator[Lot]:
        accepted = self.accepted()
        books = [self.ledger.fresh_book(unit) for unit in self.ledger.books]
        return (lot.frozen() for book in books for lot in book.in_order() if accepted(lot))
