"""Statements: what a member is sent, as text, as HTML in a notebook, and as data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from html import escape
from typing import Any, Final

from loyaltycore import _show
from loyaltycore._exact import Exact, FrozenMap, show, tidy
from loyaltycore._strategy import Stored, frozen
from loyaltycore.activity import Activity
from loyaltycore.books import Book
from loyaltycore.entries import Entry
from loyaltycore.ledger import Ledger
from loyaltycore.points import Points
from loyaltycore.redemption import Quote
from loyaltycore.status import TierProgress

WITHIN: Final = (30, 60, 90)
"""How many days ahead a statement looks for points that will lapse."""

COLUMNS: Final = ("earned", "spent", "lapsed", "reversed", "adjusted", "moved")
"""What changes a balance."""

LINES: Final = ("what happened", "points", "balance")

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

    @property
    def words(self) -> str:
        """What happened, and why."""
        return f"{self.kind}: {self.reason}" if self.reason else self.kind


@frozen
class UnitStatement(Stored):
    """A unit's part of a statement; *opening* and all *changes* add up to *closing*.

    Points are whole numbers of the unit's smallest step, *places* digits of which stand after the point when shown.
    *pending* are pairs of the day they become available (`None`: when they are activated) and points. *expiring* says
    how many points have their last day within so many days of the statement's, *expires* how many have it when.
    """

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
    places: int = 0

    def shown(self, points: int) -> str:
        """Points of this unit as text."""
        return _show.points(points, self.places)

    def __str__(self) -> str:
        parts = [_show.text_table((self.unit, ""), self._sums())]
        if self.lines:
            parts.append(_show.text_table(LINES, self._lines()))
        return "\n\n".join(parts + (["\n".join(self._remarks())] if self._remarks() else []))

    def _repr_html_(self) -> str:
        names, sums = zip(*self._sums(), strict=True)
        tables = [_show.html_table(names, [sums], self.unit)]
        if self.lines:
            tables.append(_show.html_table(LINES, self._lines()))
        remarks = "<br>".join(map(escape, self._remarks()))
        return "".join([*tables, f"<p>{remarks}</p>" if remarks else ""])

    def _sums(self) -> list[tuple[str, str]]:
        changes = [(name, change) for name, change in self.changes.items() if change]
        sums = [("opening", self.opening), *changes, ("closing", self.closing)]
        return [(name, self.shown(points)) for name, points in sums]

    def _lines(self) -> list[tuple[str, str, str]]:
        return [(f"{ln.day}  {ln.words}", self.shown(ln.points), self.shown(ln.balance)) for ln in self.lines]

    def _remarks(self) -> list[str]:
        remarks = [
            f"{self.shown(n)} pending, available {'when they are activated' if day is None else f'from {day}'}"
            for day, n in self.pending
        ]
        remarks += [f"{self.shown(n)} {what}" for n, what in ((self.held, "held"), (self.owed, "owed")) if n]
        return remarks + [f"{self.shown(n)} lapse within {days} days" for days, n in self.expiring.items() if n]


@frozen
class Statement(Stored):
    """What a member has, what happened, and what is coming.

    *saved* is the value of all that was redeemed since joining, in the program's currency. *next_reward* is the
    quote of the nearest reward that only points are missing for. *tiers* is where the member stands in each ladder.
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
    tiers: tuple[TierProgress, ...] = ()

    def __str__(self) -> str:
        return "\n\n".join([self._title(), *map(str, self.units), *self._closing_words()])

    def _repr_html_(self) -> str:
        units = [unit._repr_html_() for unit in self.units]
        words = ["<p>" + escape(words).replace("\n", "<br>") + "</p>" for words in self._closing_words()]
        return "".join([f"<h4>{escape(self._title())}</h4>", *units, *words])

    def _title(self) -> str:
        since = "" if self.since is None else f"{self.since.date()} to "
        return f"{self.program}: statement of {self.member}, {since}{self.at.date()}"

    def _closing_words(self) -> list[str]:
        words = [f"{'tier' if tier.ladder == 'tiers' else tier.ladder}: {tier}" for tier in self.tiers]
        words += [f"saved so far: {_money(self.saved)} {self.currency}"] if self.saved else []
        quote = self.next_reward
        if quote is not None:
            places = next((unit.places for unit in self.units if unit.unit == quote.unit), 0)
            missing = _show.points(quote.missing, places)
            words.append(f"next reward: {quote.option}, {quote.unit} to go: {missing}")
        return words


def _money(amount: Exact) -> str:
    """An amount with two digits after the point, or as many as it has."""
    text = show(amount)
    whole, _, rest = text.partition(".")
    return text if "/" in text else f"{whole}.{rest:0<2}"


# How it is made -----------------------------------------------------------------------------------------------------


def unit_statements(
    ledger: Ledger, replayed: Ledger, units: Mapping[str, Points], at: datetime, since: datetime | None
) -> tuple[UnitStatement, ...]:
    """The statement of each unit; *replayed* is the ledger before its entries, to fold them into again one by one."""
    histories = {unit: _History(replayed.book(unit)) for unit in units}
    earned = {entry.id for entry in ledger.entries if entry.kind == "earned" and entry.points}
    for entry in ledger.entries:
        replayed.apply(entry)
        elsewhere = entry.kind == "earned" and not entry.points and entry.id in earned  # no news in this unit
        if entry.unit in histories and not elsewhere:
            histories[entry.unit].add(entry, replayed.day(entry.at), shown=since is None or entry.posted >= since)
    return tuple(_unit_statement(ledger, unit, units[unit].places, history, at) for unit, history in histories.items())


class _History:
    """What happened in a unit: the balance before what is shown, what changed it and what it came to."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.opening = self.balance = book.available - book.owed
        self.changes = dict.fromkeys(COLUMNS, 0)
        self.lines: list[StatementLine] = []

    def add(self, entry: Entry, day: date, *, shown: bool) -> None:
        """Take in an entry that the book has just changed by."""
        before, self.balance = self.balance, self.book.available - self.book.owed
        if not shown:
            self.opening = self.balance
            return
        change = self.balance - before
        if entry.kind in _COLUMN:
            self.changes[_COLUMN[entry.kind]] += change
        self.lines.append(StatementLine(day, entry.kind, entry.id, reason_of(entry), change, self.balance))


def reason_of(entry: Entry) -> str:
    """Why, for a member: of what was earned the activity, not the rule."""
    if entry.kind != "earned":
        return entry.reason
    activity: Activity = entry.data["activity"]
    pending = " (pending)" if "available" in entry.data else ""
    return f"{activity.kind}{f' {_money(activity.amount)}' if activity.amount else ''}{pending}"


def _unit_statement(ledger: Ledger, unit: str, places: int, history: _History, at: datetime) -> UnitStatement:
    book, today = ledger.fresh_book(unit), ledger.day(at)
    expires: Counter[date] = Counter()
    for lot in book.live.values():
        if lot.expires_on is not None:
            expires[lot.expires_on] += lot.points
    pending: Counter[date | None] = Counter()
    for lot in book.lots.values():
        if lot.points and not lot.ready:
            pending[None if lot.pending_until is None else ledger.day(lot.pending_until)] += lot.points
    within = {days: sum(n for day, n in expires.items() if day <= today + timedelta(days)) for days in WITHIN}
    return UnitStatement(
        unit, history.opening, FrozenMap(history.changes), history.balance, tuple(history.lines),
        tuple(sorted(pending.items(), key=lambda item: item[0] or date.max)), book.held, book.owed,
        FrozenMap(within), tuple(sorted(expires.items())), places,
    )  # fmt: skip


def saved(ledger: Ledger) -> Exact:
    """The value of what was redeemed and not cancelled, in money."""
    total: Any = ledger.saved_before
    for entry in ledger.entries:
        if entry.kind in ("spent", "captured"):
            total += entry.points * _worth(ledger, entry.id)
        elif entry.kind == "cancelled":
            total -= entry.points * _worth(ledger, entry.source)
    return tidy(total)


def _worth(ledger: Ledger, redemption_id: str) -> Fraction:
    """Money for each point of a redemption."""
    entry = ledger.first_of[redemption_id]
    if entry.kind == "captured":
        entry = ledger.first_of[entry.source]  # the hold
    quote: Quote = entry.data["quote"]
    return Fraction(quote.value) / quote.points if quote.points else Fraction(0)
