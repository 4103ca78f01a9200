"""What the reports for accountants have in common: their accounts, their money, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
import csv
from datetime import date, timedelta
from fractions import Fraction
from io import StringIO
from typing import Any, ClassVar, Final, TypeAlias

from loyaltycore._exact import Exact, at_least_zero, round_to, show, tidy, whole
from loyaltycore._show import html_table, text_table
from loyaltycore._show import points as points_text
from loyaltycore.account import Account
from loyaltycore.entries import Entry
from loyaltycore.errors import DataError, RuleError
from loyaltycore.history import AnyProgram
from loyaltycore.instants import end_of
from loyaltycore.ledger import Ledger

NO_ADVICE: Final = "A calculation, and no accounting advice."

Accounts: TypeAlias = Iterable[Account] | Mapping[str, Iterable[Entry]]
"""Accounts of one program, or the entries of each member."""

Table: TypeAlias = tuple[str, Sequence[str], Sequence[Sequence[Any]]]
"""Title, header and rows."""


class Result:
    """Base of these results: tables as text, as HTML in a notebook, as CSV and as plain data."""

    columns: ClassVar[tuple[str, ...]]

    @property
    def rows(self) -> Sequence[tuple[Any, ...]]:
        """What it says, a named tuple each."""
        raise NotImplementedError

    def to_csv(self) -> str:
        """A line for each row; points are in the smallest step of their unit, and shares have at most six digits."""
        return csv_text(self.columns, ([_plain(value) for value in row] for row in self.rows))

    def to_data(self) -> dict[str, Any]:
        """All of it as plain data, for JSON; numbers that are not whole are exact text, as `exact` reads it."""
        rows = [dict(zip(self.columns, map(_data, row), strict=True)) for row in self.rows]
        return {"title": self._title(), "rows": rows, "note": NO_ADVICE}

    def __str__(self) -> str:
        tables = (f"{title}\n\n{text_table(header, rows)}" for title, header, rows in self._tables())
        return "\n\n".join([*tables, NO_ADVICE])

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._title()}>"

    def _repr_html_(self) -> str:
        tables = (html_table(header, rows, title) for title, header, rows in self._tables())
        return "".join([*tables, f"<p>{NO_ADVICE}</p>"])

    def _title(self) -> str:
        raise NotImplementedError

    def _tables(self) -> Iterator[Table]:
        """What people see."""
        raise NotImplementedError


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return show(round_to(value, "half_up", Fraction(1, 10**6)))
    return " ".join(map(str, value)) if isinstance(value, tuple) else value


def _data(value: Any) -> Any:
    if isinstance(value, Fraction):
        return show(value)
    return list(value) if isinstance(value, tuple) else value


# Numbers ------------------------------------------------------------------------------------------------------------


def in_coins(amount: Exact, places: int) -> Exact:
    """An amount rounded half up to the smallest coin, which has so many digits after the point."""
    return tidy(Fraction(int(round_to(amount * 10**places, "half_up")), 10**places))


def money(amount: Exact, places: int, *, thousands: str = ",") -> str:
    """An amount as text."""
    return points_text(int(round_to(amount * 10**places, "half_up")), places, thousands=thousands)


def whole_points(points: Exact) -> str:
    """Points as text, rounded if they are estimated."""
    return money(points, 0)


def percent(share: Exact) -> str:
    """A share as text."""
    return f"{money(share * 100, 1)}%"


def number_of(value: object, what: str) -> Exact:
    """A number of 0 or more; a fraction may have more digits than what people write, as estimates do."""
    if not isinstance(value, Fraction):
        return at_least_zero(value, what)
    if value < 0:
        raise RuleError(f"{what}: {show(value)} is below 0; give 0 or more")
    return tidy(value)


def share_of(value: object) -> Exact:
    """A share, from 0 to 1."""
    number = number_of(value, "rate")
    if number > 1:
        raise RuleError(f"rate: {show(number)} is no share; give one from 0 to 1, such as '0.95'")
    return number


def digits(places: object) -> int:
    """How many digits of money stand after the point."""
    return whole(places, "places", at_least=0, at_most=4)


# Accounts -----------------------------------------------------------------------------------------------------------


def ledgers(accounts: Accounts, program: AnyProgram | None, until: date) -> Iterator[tuple[Account, Ledger]]:
    """Each account with its ledger as it stood just before the day after *until* began: one pass, one at a time."""
    name = None
    for account in _each(accounts, program):
        if not isinstance(account, Account):
            raise DataError(f"{account!r} is no account; give accounts, or entries by member", "accounts")
        if name not in (None, account._terms.name):
            raise DataError(
                f"{account.id!r} is an account of {account._terms.name!r} and others of {name!r}; give those of one",
                "accounts",
            )
        name = account._terms.name
        account._needs_entries(None)
        with account._as_of(end_of(until, account._terms.zone) - timedelta.resolution) as ledger:
            yield account, ledger


def _each(accounts: Accounts, program: AnyProgram | None) -> Iterator[Account]:
    if not isinstance(accounts, Mapping):
        yield from accounts
        return
    if program is None:
        raise RuleError("program: entries alone do not say what they are of; give the program")
    for member, entries in accounts.items():
        yield program.account(member, entries=entries)
