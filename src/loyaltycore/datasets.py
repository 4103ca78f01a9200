"""Reading transactions: rows of a CSV file become activities, and every row that cannot be read is accounted for.

`make_history` makes a history up instead, for examples and tests.

Rows that share an id are the lines of one basket, wherever they stand in the file; without ids each row is an activity
of its own. A file is read row by row. What is held is its baskets, in which rows alike share one `Line`, and its bad
rows; never its text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
import csv
from datetime import date, datetime
from functools import lru_cache
from operator import itemgetter
from os import PathLike, fspath
import re
from sys import intern
from typing import TYPE_CHECKING, Any, Final, TextIO, TypeAlias

from attrs import Factory, define, frozen

from loyaltycore._calendar import civil_date, moment
from loyaltycore._exact import EMPTY, Exact, FrozenMap, exact, show, tidy, whole
from loyaltycore._strategy import text
from loyaltycore.activity import Activity, Line
from loyaltycore.errors import DataError, InexactNumber, RuleError

if TYPE_CHECKING:
    from loyaltycore._made import MadeHistory

Names: TypeAlias = Mapping[str, tuple[str, ...]]

COLUMNS: Final[Names] = {
    "member": ("member", "memberid", "customer", "customerid", "household", "householdid", "client", "clientid"),
    "date": ("date", "at", "datetime", "timestamp", "transactiondate", "transactiontimestamp", "orderdate"),
    "amount": ("amount", "spend", "sales", "salesvalue", "netamount", "total", "totalamount", "value"),
    "category": ("category", "department", "productcategory"),
    "quantity": ("quantity", "qty", "units"),
    "sku": ("sku", "product", "productid", "item", "itemid"),
    "id": ("id", "transaction", "transactionid", "basket", "basketid", "order", "orderid", "receipt", "receiptid"),
}
"""What is read of a row, and the names of columns that mean it, compared without case, spaces and punctuation."""

REQUIRED: Final = ("member", "date", "amount")

YEARS: Final = range(1900, 2200)
"""A date outside of them is a slip or a stand-in for no date at all, as 9999-12-31 often is."""

_NO_TEXT = re.compile("[\udc80-\udcff]")
"""How bytes that the encoding does not have come out of `surrogateescape`."""


class BadRow(DataError):
    """A row that is not read; `path` is its place, as in `sales.csv:17`."""


@frozen(repr=False)
class Transactions:
    """What a file of transactions holds: its activities, and in *problems* the rows that are not among them.

    *columns* says which column each thing was read from.
    """

    activities: tuple[Activity, ...]
    problems: tuple[BadRow, ...] = ()
    columns: Mapping[str, str] = EMPTY

    def __repr__(self) -> str:
        return f"<Transactions: {len(self.activities):,} activities, {len(self.problems):,} bad rows>"

    def __iter__(self) -> Iterator[Activity]:
        return iter(self.activities)

    def __len__(self) -> int:
        return len(self.activities)


def read_transactions(
    path: str | PathLike[str],
    *,
    columns: Mapping[str, str] = EMPTY,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
    strict: bool = False,
) -> Transactions:
    """The activities in a CSV file that starts with a row of names, and the rows that are bad.

    *columns* names the column of the `member`, `date`, `amount`, `category`, `quantity`, `sku` or `id`, as in
    `{"member": "card_no"}`. Those it leaves out are found by their usual names (see `COLUMNS`); an empty name leaves
    out one that may be missing. Dates are ISO text, amounts and quantities digits with a point. A row without an id
    becomes the activity `"line 17"`.

    A row is bad if a cell is missing or cannot be read, if its id belongs to another member or moment on an earlier
    line, and if its basket comes to less than 0 (told once, at its first line). With *strict* the first bad row is
    raised, as a `BadRow`. A file in which there is no telling the columns is a `DataError`.

    >>> from loyaltycore.datasets import read_transactions
    >>> len(read_transactions("examples/transactions.csv"))
    2275
    """
    problems = _Problems(fspath(path), strict)
    with _opened(problems.source, encoding) as file:
        rows = csv.reader(file, delimiter=_one_character(delimiter), skipinitialspace=True, strict=True)
        header = _header(rows, problems.source)
        places = _find_columns(header, columns, problems.source, delimiter)
        baskets = _Baskets(places, width=len(header))
        for number, cells in _records(rows, problems):
            try:
                baskets.add(number, cells)
            except DataError as error:
                problems.note(number, error)
    return Transactions(
        tuple(baskets.activities(problems)),
        problems.in_order(),
        FrozenMap({what: header[place] for what, place in places.items()}),
    )


def make_history(
    members: int, months: int, seed: int = 1, *, rewards: Iterable[str] = (), start: date | str = "2025-01-01"
) -> MadeHistory:
    """A history that is made up, the same on every machine, in every version: for examples and tests.

    It has so many *members*, of whom half joined before the day *start* and half at some time in the *months* from
    then, and what they did. The n-th member does the same however many there are. With *rewards*, names of a program's,
    members ask for one of them at a tenth of their visits. Now and then a line is returned, and taken back with
    `on_shortfall="owe"`.

    Members come 5 times a month on average, but most of them less often: a gamma mixture of chances by day, so that
    visits are close to negative-binomial (Ehrenberg 1959). They may leave after each visit (Fader, Hardie and Lee
    2005). Lines are by category, and log-normal around a level of the member. Weekdays, hours, categories and amounts
    are as measured on the Complete Journey; December is richer than January.

    >>> from loyaltycore.datasets import make_history
    >>> club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(100)})
    >>> history = make_history(members=20, months=3, seed=7, rewards=["coffee"])
    >>> club.replay(history, members=history.members).totals["points"].spent
    1500
    """
    from loyaltycore._made import make_history

    names = (rewards,) if isinstance(rewards, str) else tuple(rewards)
    return make_history(
        whole(members, "members", at_least=1, at_most=10**7),
        whole(months, "months", at_least=1, at_most=1_200),
        whole(seed, "seed"),
        tuple(text(name, "rewards") for name in names),
        civil_date(start, "start"),
    )


@define
class _Problems:
    """The bad rows so far; with `strict` there is never more than one."""

    source: str
    strict: bool
    found: list[tuple[int, BadRow]] = Factory(list)

    def note(self, number: int, error: Exception | str) -> None:
        """The row that begins on that line is bad."""
        problem = BadRow(str(error), f"{self.source}:{number}")
        if self.strict:
            raise problem from None
        self.found.append((number, problem))

    def in_order(self) -> tuple[BadRow, ...]:
        """All of them as the file has them."""
        return tuple(problem for _, problem in sorted(self.found, key=itemgetter(0)))


# The file -----------------------------------------------------------------------------------------------------------


@contextmanager
def _opened(source: str, encoding: str) -> Iterator[TextIO]:
    try:
        # bytes that are no text must not stop the reading: they are found, and told, row by row
        file = open(source, encoding=encoding, errors="surrogateescape", newline="")  # noqa: PTH123, SIM115
    except LookupError:
        raise RuleError(f"encoding: {encoding!r} is not known; give one such as 'utf-8' or 'latin-1'") from None
    with file:
        try:
            yield file
        except UnicodeError:
            raise DataError(
                f"this is no {encoding} text; say what it is: --encoding, or encoding=...", source
            ) from None


def _one_character(delimiter: str) -> str:
    if len(delimiter) != 1 or delimiter in '"\r\n ':
        raise RuleError(f"delimiter: {delimiter!r} separates no cells; give one character, such as ';' or a tab")
    return delimiter


def _header(rows: Any, source: str) -> list[str]:
    try:
        header: list[str] = next(rows, [])
    except csv.Error as error:
        raise DataError(
            f"the names of the columns cannot be read ({error}); look at the quotes", f"{source}:1"
        ) from None
    if not header:
        raise DataError("the first line is empty; name the columns there", f"{source}:1")
    if _NO_TEXT.search("".join(header)):
        raise DataError(
            "this is not text in this encoding; say which it is: --encoding, or encoding=...", f"{source}:1"
        )
    return [name.strip() for name in header]


def _records(rows: Any, problems: _Problems) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of the line it begins on."""
    while True:
        number = rows.line_num + 1
        try:
            cells = next(rows, None)
        except csv.Error as error:
            lost = "the row" if number == rows.line_num else f"lines {number} to {rows.line_num}"
            problems.note(number, f"{lost} cannot be split into cells ({error}); look at the quotes")
            continue
        if cells is None:
            return
        if any(cells):
            yield number, cells


def _find_columns(
    header: Sequence[str], wanted: Mapping[str, str], source: str, delimiter: str, known: Names = COLUMNS
) -> dict[str, int]:
    """Where in a row each thing stands."""
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        raise RuleError(f"columns: {unknown[0]!r} is nothing that is read; give some of {', '.join(known)}")
    places = {}
    for what in known:
        name = wanted.get(what)
        found = _named(header, name) if name else [] if name == "" else _guessed(header, what, known)
        remedy = f"say which one it is: --{what}-column NAME, or columns={{{what!r}: NAME}}"
        shown = ", ".join(map(repr, header))
        if len(found) > 1:
            several = " and ".join(repr(header[place]) for place in found)
            raise DataError(f"{several} could each be the {what}; {remedy}", f"{source}:1")
        if found:
            places[what] = found[0]
        elif name:
            raise DataError(
                f"there is no column {name!r} for the {what}, the columns are {shown}; {remedy}", f"{source}:1"
            )
        elif what in REQUIRED:
            raise DataError(
                f"no column looks like the {what}, the columns are {shown}; {remedy}{_separated(header, delimiter)}",
                f"{source}:1",
            )
    return places


def _named(header: Sequence[str], name: str) -> list[int]:
    return [i for i, column in enumerate(header) if column == name]


def _guessed(header: Sequence[str], what: str, known: Names) -> list[int]:
    """The columns called so, else those with another of its names."""
    plain = ["".join(c for c in column.casefold() if c.isalnum()) for column in header]
    return [i for i, column in enumerate(plain) if column == what] or [
        i for i, column in enumerate(plain) if column in known[what]
    ]


def _separated(header: Sequence[str], delimiter: str) -> str:
    """What to add if the header is one cell that looks like several."""
    other = next((c for c in ";\t|," if c != delimiter and c in header[0]), "") if len(header) == 1 else ""
    name = "tab" if other == "\t" else f"'{other}'"
    return f" (or are they separated otherwise? --delimiter {name}, or delimiter={other!r})" if other else ""


# Baskets ------------------------------------------------------------------------------------------------------------


@define
class _Basket:
    """Rows of one id, as far as they are read."""

    number: int
    id: str
    member: str
    date: str
    at: datetime
    lines: list[Line]

    def join(self, member: str, date: str, line: Line) -> None:
        """Take in one more row, if it has the same member and moment."""
        if member != self.member:
            raise self._another("member", self.member, member)
        if date != self.date and _at(date) != self.at:
            raise self._another("date", self.date, date)
        self.lines.append(line)

    def _another(self, what: str, first: str, here: str) -> DataError:
        return DataError(
            f"{self.id!r} has the {what} {first!r} on line {self.number} and {here!r} here; rows that share an id are"
            " one basket, so give the other one an id of its own"
        )

    def activity(self) -> Activity:
        """All of its rows."""
        amount = tidy(sum(line.amount for line in self.lines))
        if amount < 0:
            raise DataError(
                f"{self.id!r} comes to {show(amount)}, below 0; give a refund the id and the date of its purchase,"
                " or take it out of the file"
            )
        return Activity(self.lines, at=self.at, id=self.id, member=self.member)


class _Baskets:
    """The baskets of a file: those with an id, which more rows may join, and those of one row."""

    def __init__(self, places: Mapping[str, int], *, width: int) -> None:
        # what no column says is read from an empty cell put after the last
        self._cells: Callable[[Sequence[str]], tuple[str, ...]] = itemgetter(*(places.get(c, width) for c in COLUMNS))
        self._width = width
        self._has_ids = "id" in places
        self._line = lru_cache(maxsize=2**16)(_line)
        self._by_id: dict[str, _Basket] = {}
        self._of_one: list[Activity] = []

    def add(self, number: int, cells: Sequence[str]) -> None:
        """One row, which begins on that line of the file."""
        if len(cells) != self._width:
            raise DataError(
                f"the row has {len(cells)} cells and the header {self._width}; quote cells that hold a delimiter"
            )
        if _NO_TEXT.search("".join(cells)):
            raise DataError("the row is not text in this encoding; say which it is: --encoding, or encoding=...")
        member, date, amount, category, quantity, sku, key = map(str.strip, self._cells((*cells, "")))
        if not member:
            raise DataError("there is no member; say whose it is")
        if self._has_ids and not key:
            raise DataError("there is no id; give every row one, or leave the column out: --id-column ''")
        line = self._line(amount, category, quantity, sku)
        if key in self._by_id:
            self._by_id[key].join(member, date, line)
            return
        basket = _Basket(number, key or f"line {number}", intern(member), date, _at(date), [line])
        if key:
            self._by_id[key] = basket
        else:
            self._of_one.append(basket.activity())

    def activities(self, problems: _Problems) -> Iterator[Activity]:
        """All that are good."""
        yield from self._of_one
        for basket in self._by_id.values():
            try:
                yield basket.activity()
            except DataError as error:
                problems.note(basket.number, error)


def _at(date: str) -> datetime:
    at = moment(date, "date")
    if at.year not in YEARS:
        raise DataError(f"the year {at.year} cannot be meant; give one from {YEARS.start} to {YEARS.stop - 1}", "date")
    return at


def _line(amount: str, category: str, quantity: str, sku: str) -> Line:
    return Line(_number(amount, "amount"), category, quantity=_number(quantity or "1", "quantity"), sku=sku)


def _number(text: str, what: str) -> Exact:
    try:
        return exact(text, what)
    except InexactNumber:
        raise DataError(
            f"{text[:24]!r} is not a number; write digits, a point before the decimals, and nothing else:"
            " '1234.50', not '$1,234.50'",
            what,
        ) from None
