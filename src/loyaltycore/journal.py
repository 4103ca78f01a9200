"""Journals: lines for the books, whose debits and credits are equal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, NamedTuple

from attrs import frozen

from loyaltycore._accounting import MoneyResult
from loyaltycore._exact import Exact, FrozenMap, show, tidy
from loyaltycore._result import Table, csv_text
from loyaltycore._show import count
from loyaltycore.errors import RuleError

NAMES: Final[Mapping[str, str]] = FrozenMap(
    {
        "cash": "Cash",
        "revenue": "Revenue",
        "liability": "Liability for points",
        "issued": "Cost of points issued",
        "reversed": "Cost of points issued",
        "redeemed": "Rewards provided",
        "lapsed": "Breakage",
        "adjusted": "Points adjusted",
        "transferred": "Points transferred",
        "converted": "Points converted",
        "repriced": "Change of estimate",
    }
)
"""What the accounts of a journal are called, unless `names` says otherwise."""


class JournalLine(NamedTuple):
    """A line of a journal: one of *debit* and *credit* is above 0, the other is 0."""

    day: str
    account: str
    debit: Exact
    credit: Exact
    text: str


@frozen(repr=False)
class Journal(MoneyResult):
    """Journal lines, whose debits and credits are equal. Journals add up: `sales.journal(...) + revenue.journal()`."""

    row: ClassVar[type[Any]] = JournalLine

    rows: tuple[JournalLine, ...]
    places: int = 2

    def __attrs_post_init__(self) -> None:
        less = tidy(self.total - sum(row.credit for row in self.rows))
        if less:
            raise RuleError(f"journal: debits less credits are {show(less)}; give lines that come to 0")

    def __add__(self, other: Journal) -> Journal:
        return Journal(self.rows + other.rows, max(self.places, other.places))

    @property
    def total(self) -> Exact:
        """All debits, which are all credits."""
        return tidy(sum(row.debit for row in self.rows))

    def balance(self, account: str) -> Exact:
        """Debits less credits of an account."""
        return tidy(sum(row.debit - row.credit for row in self.rows if row.account == account))

    def to_csv(self) -> str:
        """One line each, amounts with all digits of the coin; the side without one is empty."""
        return csv_text(
            self.columns,
            (
                (row.day, row.account, *(self._plain_money(n or None) for n in (row.debit, row.credit)), row.text)
                for row in self.rows
            ),
        )

    def _title(self) -> str:
        return f"journal, {count(len(self.rows), 'line')}, {self._money(self.total)} on each side"

    def _tables(self) -> Iterator[Table]:
        rows = [
            (f"{row.day}  {row.account}: {row.text}", *(self._money(n) if n else "" for n in (row.debit, row.credit)))
            for row in self.rows
        ]
        yield self._title(), ("account", "debit", "credit"), rows


def posting(day: str, debit: str, credit: str, amount: Exact, text: str) -> list[JournalLine]:
    """Two lines, the other way round for an amount below 0, or none for 0."""
    if amount < 0:
        debit, credit, amount = credit, debit, -amount
    return [JournalLine(day, debit, amount, 0, text), JournalLine(day, credit, 0, amount, text)] if amount else []
