"""Statements: what a member is sent, as text, as HTML in a notebook, and as data."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from fractions import Fraction
from html import escape
from typing import Any, Final

from attrs import frozen

from loyaltycore import _show
from loyaltycore._exact import Exact, FrozenMap, show, tidy
from loyaltycore._strategy import Stored
from loyaltycore.entries import Entry
from loyaltycore.ledger import Ledger
from loyaltycore.redemption import Quote

WITHIN: Final = (30, 60, 90)
"""How many days ahead a statement looks for points that will lapse."""

COLUMNS: Final = ("earned", "spent", "lapsed", "reversed", "adjusted", "moved")
"""What changes a balance."""

_COLUMN: Final = {
    "earned": "earned",
    "activated": "earned",
    "held": "spent",
    "released": "spent",
    "captured": "spent",
    "spent": "spent",
    "cancelled": "spent",
    "lapsed": "lapsed",
    "reinstated": "lapsed",
    "reversed": "reversed",
    "owed": "reversed",
    "repaid": "reversed",
    "adjusted": "adjusted",
    "transferred": "moved",
    "converted": "moved",
}


@frozen
class StatementLine(Stored):
    """One entry as the member sees it: the day, what happened, its effect on the balance, and the balance after it."""

    _kind = "statement_line"

    day: date
    kind: str
    id: str
    reason: str
    points: int
    balance: int


@frozen
class UnitStatement(Stored):
    """A unit's part of a statement; `opening` and all changes add up to `closing`."""

    _kind = "unit_statement"

    unit: str
    opening: int
    changes: FrozenMap[str, int]
    closing: int
    lines: tuple[StatementLine, ...]
    pending: tuple[tuple[date | None, int], ...]
    held: int
    owed: int
    expiring: FrozenMap[int, int]
    expires: tuple[tuple[date, int], ...]

    def __str__(self) -> str:
        rows = [("opening", self.opening), *((n, c) for n, c in self.changes.items() if c), ("closing", self.closing)]
        parts = [f"{self.unit}", _show.text_table(("", "points"), rows)]
        if self.lines:
            shown = [(str(line.day), line.kind, line.reason, line.points, line.balance) for line in self.lines]
            parts.append(_show.text_table(("day", "what", "why", "points", "balance"), shown))
        parts += [f"{n:,} pending, available from {day or 'when they are activated'}" for day, n in self.pending]
        if self.held:
            parts.append(f"{self.held:,} held")
        if self.owed:
            parts.append(f"{self.owed:,} owed")
        parts += [f"{n:,} lapse within {days} days" for days, n in self.expiring.items() if n]
        return "\n".join(parts)


@frozen
class Statement(Stored):
    """What a member has, what happened, and what is coming.

    *saved* is the value of all that was redeemed since joining, in the program's currency. *next_reward* is the
    quote of the nearest reward that only points are missing for.
    """

    _kind = "statement"

    member: str
    program: str
    at: datetime
    since: datetime | None
    units: tuple[UnitStatement, ...]
    saved: Exact
    currency: str
    next_reward: Quote | None = None

    def __str__(self) -> str:
        parts = [f"{self.program}: statement of {self.member}, {self.at.date()}"]
        parts += [str(unit) for unit in self.units]
        parts += list(self._closing_words())
        return "\n\n".join(parts)

    def _closing_words(self) -> Iterator[str]:
        if self.saved:
            yield f"saved so far: {show(self.saved)} {self.currency}"
        if self.next_reward is not None:
            yield f"next reward: {self.next_reward.option}, {self.next_reward.missing:,} points to go"

    def _repr_html_(self) -> str:
        parts = [f"<h4>{escape(self.program)}: statement of {escape(self.member)}, {self.at.date()}</h4>"]
        for unit in self.units:
            header = ("opening", *unit.changes, "closing")
            parts.append(_show.html_table(header, [(unit.opening, *unit.changes.values(), unit.closing)], unit.unit))
            rows = [(str(line.day), line.kind, line.reason, line.points, line.balance) for line in unit.lines]
            parts.append(_show.html_table(("day", "what", "why", "points", "balance"), rows))
            parts += [
                f"<p>{n:,} pending, available from {day or 'when they are activated'}</p>" for day, n in unit.pending
            ]
            parts += [f"<p>{n:,} lapse within {days} days</p>" for days, n in unit.expiring.items() if n]
        parts += [f"<p>{escape(words)}</p>" for words in self._closing_words()]
        return "".join(parts)


def unit_statement(ledger: Ledger, unit: str, at: datetime, since: datetime | None, replayed: Ledger) -> UnitStatement:
    """The statement of one unit; *replayed* is an empty ledger of the same terms to fold the entries into again."""
    opening = 0
    changes = dict.fromkeys(COLUMNS, 0)
    lines = []
    before = 0
    for entry in ledger.entries:
        replayed.apply(entry)
        if entry.unit != unit:
            continue
        book = replayed.book(unit)
        after = book.available - book.owed
        if since is not None and entry.posted < since:
            opening = after
        else:
            if entry.kind in _COLUMN:
                changes[_COLUMN[entry.kind]] += after - before
            lines.append(_line(entry, replayed.day(entry.at), after - before, after))
        before = after
    book = ledger.fresh_book(unit)
    today = ledger.day(at)
    expires = sorted((lot.expires_on, lot.points) for lot in book.live.values() if lot.expires_on is not None)
    pending = [
        (None if lot.pending_until is None else ledger.day(lot.pending_until), lot.points)
        for lot in book.lots.values()
        if lot.points and not lot.ready
    ]
    return UnitStatement(
        unit, opening, FrozenMap(changes), before, tuple(lines), tuple(sorted(pending, key=_by_day)), book.held, book.owed,
        FrozenMap({days: sum(n for day, n in expires if day <= today + timedelta(days)) for days in WITHIN}), tuple(expires),
    )  # fmt: skip


def _by_day(pending: tuple[date | None, int]) -> tuple[date, int]:
    return (pending[0] or date.max, pending[1])


def _line(entry: Entry, day: date, change: int, balance: int) -> StatementLine:
    return StatementLine(day, entry.kind, entry.id, entry.reason, change, balance)


def saved(entries: tuple[Entry, ...] | list[Entry]) -> Exact:
    """The value of what was redeemed and not cancelled, in money."""
    worth: dict[str, Fraction] = {}
    total: Any = 0
    for entry in entries:
        quote = entry.data.get("quote")
        if quote is not None and quote.points:
            worth[entry.id] = Fraction(quote.value) / quote.points
        if entry.kind == "spent":
            total += entry.points * worth.get(entry.id, 0)
        elif entry.kind == "captured":
            worth[entry.id] = worth.get(entry.source, Fraction(0))
            total += entry.points * worth[entry.id]
        elif entry.kind == "cancelled":
            total -= entry.points * worth.get(entry.source, 0)
    return tidy(total)
