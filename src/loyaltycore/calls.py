"""Calls: what accounts are told, as data; an activity is earned, and anything else is a `Call`.

A history is of many members, in any order. Here it is read from rows of a CSV file or a frame, and put in the order in
which each member's account learns of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
import csv
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import groupby, pairwise
from operator import itemgetter
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import Factory, define, frozen

from loyaltycore._calendar import as_utc, in_zone, moment, show_moment
from loyaltycore._exact import EMPTY, Exact, FrozenMap, show, tidy
from loyaltycore.account import Account
from loyaltycore.activity import Activity, Line
from loyaltycore.datasets import (
    _NO_TEXT,
    COLUMNS,
    Names,
    _at,
    _find_columns,
    _header,
    _line,
    _number,
    _one_character,
    _opened,
    _Problems,
    _records,
)
from loyaltycore.desk import When
from loyaltycore.errors import DataError, InexactNumber, LoyaltyError, MissingExtra, RuleError
from loyaltycore.history import AnyProgram

VERBS: Final = (
    "earn", "redeem", "hold", "capture", "release", "cancel", "convert", "activate", "reverse", "adjust", "extend",
    "note", "grant_tier", "use", "choose", "close",
)  # fmt: skip
"""What an account can be told by a `Call`: the verbs that concern it alone."""


@frozen(init=False, repr=False)
class Call:
    """A verb of an account and what it is given, as it would be called: for a history, beside activities.

    *member* says whose account; *args* and *facts* (keywords) are the verb's own. `"earn"` takes them, *id* and *at*
    from its activity, and is only needed for one that was *posted* later; an activity alone will do otherwise.

    >>> from loyaltycore.calls import Call
    >>> call = Call("redeem", "coffee", member="m-1", id="r-1", at="2026-02-01")
    >>> Program("Club", earning=PerSpend(1), rewards={"coffee": Item(9)}).replay([call]).refused
    1
    """

    verb: str
    args: tuple[Any, ...]
    member: str
    id: str
    at: datetime
    posted: datetime | None
    facts: FrozenMap[str, Any]

    def __init__(
        self, verb: str, *args: Any, member: str = "", id: str = "", at: When | None = None,
        posted: When | None = None, **facts: Any,
    ) -> None:  # fmt: skip
        if verb not in VERBS:
            raise RuleError(f"verb: {verb!r} is none for one account; give one of {', '.join(VERBS)}")
        if verb == "earn":
            if len(args) != 1 or not isinstance(args[0], Activity):
                raise RuleError("earn: give the activity, as in Call('earn', activity, posted=...)")
            earned: Activity = args[0]
            member, id, at = member or earned.member, earned.id, earned.at  # noqa: A001 (the argument's own name)
        if at is None:
            raise RuleError(f"at: say when the {verb} happened")
        learnt = None if posted is None else moment(posted, "posted")
        self.__attrs_init__(verb, args, member, id, moment(at), learnt, FrozenMap(facts))

    def __repr__(self) -> str:
        keywords = {"member": self.member, "id": self.id, "at": show_moment(self.at), **self.facts}
        if self.posted is not None:
            keywords["posted"] = show_moment(self.posted)
        return f"Call({', '.join([*map(repr, (self.verb, *self.args)), *(f'{k}={v!r}' for k, v in keywords.items())])})"

    def tell(self, account: Account) -> Any:
        """Call the account: what the verb returns."""
        keywords = {"posted": self.posted, **self.facts}
        if self.verb != "earn":
            keywords |= {"id": self.id, "at": self.at}
        return getattr(account, self.verb)(*self.args, **keywords)


Event: TypeAlias = Activity | Call
"""What an account can be told."""


Placed: TypeAlias = tuple[datetime, datetime, str, Event]
"""The instants at which an account learns of an event and at which it happened, its id, and the event."""


# In order -----------------------------------------------------------------------------------------------------------


def histories(program: AnyProgram, events: Iterable[Event]) -> dict[str, list[Placed]]:
    """The events of each member, by name, in the order (posted, at, id); of those alike in it, by their content."""
    zone = program.zone
    members: defaultdict[str, list[Placed]] = defaultdict(list)
    civil_is_utc = zone.key == "UTC"
    for event in events:
        at = happened(event)
        instant = as_utc(at) if civil_is_utc and at.tzinfo is None else instant_of(at, zone)
        posted = instant
        if type(event) is Call and event.posted is not None:
            posted = max(instant, instant_of(event.posted, zone))
        members[event.member].append((posted, instant, event.id, event))
    place = itemgetter(0, 1, 2)
    for member in sorted(members):
        history = members[member]
        history.sort(key=place)
        if any(a[2] == b[2] and a[:2] == b[:2] for a, b in pairwise(history)):
            history[:] = [event for _, ties in groupby(history, place) for event in sorted(ties, key=_content)]
    return {member: members[member] for member in sorted(members)}


def _content(placed: Placed) -> str:
    return repr(placed[3])


def happened(event: object) -> datetime:
    """When an event happened, in civil time unless it says its zone; what is none is refused."""
    if isinstance(event, (Activity, Call)):
        return event.at
    raise DataError(f"{event!r} is no event; give activities and calls, a frame, or the path of a file", "history")


def instant_of(at: datetime, zone: Any) -> datetime:
    """The instant in UTC."""
    try:
        return in_zone(at, zone).astimezone(UTC)
    except OverflowError:
        raise RuleError(f"at: {at} is no moment in UTC; give one within the years 1 to 9999") from None


# From rows ----------------------------------------------------------------------------------------------------------

ROW_VERBS: Final = {
    "redeem": ("reward", "points", "amount"),
    "hold": ("reward", "points", "amount"),
    "convert": ("reward", "points"),
    "capture": ("of", "points"),
    "release": ("of",),
    "cancel": ("of", "points"),
    "activate": ("of",),
    "reverse": ("of", "amount", "points", "on_shortfall"),
    "adjust": ("points", "unit", "reason", "actor"),
    "close": (),
}
"""The kinds of a row that are no activity but a call, and the cells that each of them takes."""

ROW_COLUMNS: Final[Names] = {
    **COLUMNS,
    "kind": ("kind", "type", "verb", "event", "eventtype"),
    "posted": ("posted", "postedat"),
    "of": ("of", "refersto"),
    "reward": ("reward",),
    "points": ("points",),
    "unit": ("unit",),
    "on_shortfall": ("onshortfall",),
    "reason": ("reason",),
    "actor": ("actor",),
}
"""What is read of a row of a history, and the names of columns that mean it; see `loyaltycore.datasets.COLUMNS`."""


@frozen(repr=False)
class Calls:
    """What a file of history holds: its events, and in *problems* the rows that are not among them."""

    events: tuple[Event, ...]
    problems: tuple[DataError, ...] = ()
    columns: Mapping[str, str] = EMPTY

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    def __len__(self) -> int:
        return len(self.events)

    def __repr__(self) -> str:
        return f"<Calls: {len(self.events):,} events, {len(self.problems):,} bad rows>"


def read_calls(
    *paths: str | PathLike[str],
    columns: Mapping[str, str] = EMPTY,
    delimiter: str = ",",
    encoding: str = "utf-8-sig",
    strict: bool = False,
) -> Calls:
    """The events in CSV files: purchases as `read_transactions` reads them, and rows that say what else happened.

    The cell `kind` says what a row is: `redeem`, `hold`, `convert`, `capture`, `release`, `cancel`, `activate`,
    `reverse`, `adjust` or `close` is a call, anything else the kind of an activity, and an empty one a purchase. A call
    reads its other cells by the names of the verb's arguments: `reward`, `points`, `unit`, `on_shortfall`, `reason`,
    `actor`; `of` is the id of the activity, hold or redemption that it is about. The `amount` of a reversal is what was
    refunded, that of a redemption the order that it pays for. `posted` is when the account learnt it.

    >>> from loyaltycore.calls import read_calls
    >>> read_calls("examples/transactions.csv")
    <Calls: 2,275 events, 0 bad rows>
    """
    events: list[Event] = []
    problems: list[DataError] = []
    read: dict[str, str] = {}
    for path in paths:
        told = _Problems(fspath(path), strict)
        with _opened(told.source, encoding) as file:
            rows = csv.reader(file, delimiter=_one_character(delimiter), skipinitialspace=True, strict=True)
            header = _header(rows, told.source)
            places = _find_columns(header, columns, told.source, delimiter, ROW_COLUMNS)
            unnamed = "line {}" if len(paths) == 1 else f"{Path(path).name} line {{}}"
            reader = _Rows(places, len(header), "id" in places, _line, _at, unnamed)
            for number, cells in _records(rows, told):
                try:
                    reader.add(number, [cell.strip() for cell in _whole_row(cells, len(header))])
                except LoyaltyError as error:
                    told.note(number, error)
        events += reader.events(told.note)
        problems += told.in_order()
        read |= {what: header[place] for what, place in places.items()}
    return Calls(tuple(events), tuple(problems), FrozenMap(read))


def _whole_row(cells: Sequence[str], width: int) -> Sequence[str]:
    if len(cells) != width:
        raise DataError(f"the row has {len(cells)} cells and the header {width}; quote cells that hold a delimiter")
    if _NO_TEXT.search("".join(cells)):
        raise DataError("the row is not text in this encoding; say which it is: --encoding, or encoding=...")
    return cells


class Basket(NamedTuple):
    """Rows of one activity, as far as they are read."""

    number: int
    member: str
    kind: str
    at: datetime
    posted: datetime | None
    lines: list[Line]


@define
class _Rows:
    """Rows as events: `add` them, then take `events`. How lines and moments are read is the source's own."""

    places: Mapping[str, int]
    width: int
    has_ids: bool
    make_line: Callable[[Any, str, Any, str], Line]
    read_at: Callable[[Any], datetime]
    unnamed: str
    baskets: dict[str, Basket] = Factory(dict)
    calls: list[Call] = Factory(list)
    cells: Any = None
    line: Any = None

    def __attrs_post_init__(self) -> None:
        # what no column says is read from an empty cell put after the last
        self.cells = itemgetter(*(self.places.get(c, self.width) for c in ("member", "date", "id", "kind", "posted")))
        self.line = itemgetter(*(self.places.get(c, self.width) for c in ("amount", "category", "quantity", "sku")))
        self.make_line = lru_cache(maxsize=2**16)(self.make_line)

    def add(self, number: int, row: Sequence[Any]) -> None:
        """One row, known by its number."""
        row = (*row, "")
        member, at, key, kind, posted = self.cells(row)
        if member in ("", None):
            raise DataError("there is no member; say whose it is")
        if self.has_ids and key in ("", None):
            raise DataError("there is no id; give every row one, or leave the column out: --id-column ''")
        member, key = str(member), str(key or self.unnamed.format(number))
        happened = self.read_at(at)
        learnt = self.read_at(posted) if posted else None
        if kind in ROW_VERBS:
            self.calls.append(self._call(row, kind, member, key, happened, learnt))
            return
        amount, category, quantity, sku = self.line(row)
        line = self.make_line(amount, category or "", quantity or "", sku or "")
        basket = self.baskets.get(key)
        if basket is None:
            self.baskets[key] = Basket(number, member, kind or "purchase", happened, learnt, [line])
            return
        for what, first, here in (
            ("member", basket.member, member), ("kind", basket.kind, kind or "purchase"),
            ("date", basket.at, happened), ("posted", basket.posted, learnt),
        ):  # fmt: skip
            if first != here:
                raise DataError(
                    f"{key!r} has the {what} {_shown(first)} on line {basket.number} and {_shown(here)} here; rows that"
                    " share an id are one basket, so give the other one an id of its own"
                )
        basket.lines.append(line)

    def _call(self, row: Sequence[Any], verb: str, member: str, id: str, at: datetime, posted: datetime | None) -> Call:
        """A row that says what else happened."""
        args: list[Any] = []
        given: dict[str, Any] = {}
        for name in ROW_VERBS[verb]:
            place = self.places.get(name, self.width)
            cell = row[place]
            if name in ("reward", "of"):
                if cell in ("", None):
                    raise DataError(f"a {verb} says what; fill in the column", name)
                args.append(str(cell))
            elif cell not in ("", None):
                given[name] = self._argument(name, cell)
        if verb == "adjust":
            args.append(given.pop("points", 0))
        if verb in ("redeem", "hold") and "amount" in given:
            given["order"] = Activity.purchase(given.pop("amount"), at=at)
        return Call(verb, *args, member=member, id=id, at=at, posted=posted, **given)

    def _argument(self, name: str, cell: Any) -> Any:
        if name == "amount":
            return self.make_line(cell, "", "", "").amount
        if name == "points":
            return _number(str(cell), "points")
        return str(cell)

    def events(self, note: Callable[[int, Exception], None]) -> Iterator[Event]:
        """All that are good."""
        for key, basket in self.baskets.items():
            amount: Exact = tidy(sum(line.amount for line in basket.lines))
            if amount < 0:
                problem = DataError(
                    f"{key!r} comes to {show(amount)}, below 0; give a refund as a row of the kind 'reverse'"
                    f" with of={key!r}, or take it out"
                )
                note(basket.number, problem)
                continue
            activity = Activity(basket.lines, at=basket.at, kind=basket.kind, id=key, member=basket.member)
            yield activity if basket.posted is None else Call("earn", activity, posted=basket.posted)
        yield from self.calls


def _shown(value: object) -> str:
    return repr(show_moment(value)) if isinstance(value, datetime) else repr(value)


_SOME_TIME: Final = datetime(2000, 1, 1, tzinfo=UTC)

# From frames --------------------------------------------------------------------------------------------------------


def is_frame(value: object) -> bool:
    """Whether it is a table of some data frame library."""
    return type(value).__module__.partition(".")[0] in ("polars", "pandas", "pyarrow", "duckdb", "narwhals")


@frozen(eq=False)
class FrameHistory:
    """A frame of history: a row is as in a file, and its amount as `award_frame` reads it."""

    frame: Any
    """The rows, as narwhals has them."""
    places: Mapping[str, int]
    """Where in a row each thing stands."""
    amounts: Any
    """How the amounts are read, exactly."""
    unnamed: str = "row {}"
    """How a row without an id is named."""
    first: int = 0
    """The number of the first row."""

    @classmethod
    def of(cls, program: AnyProgram, df: Any, columns: Mapping[str, str], amount_unit: str | None) -> FrameHistory:
        """What there is in a frame."""
        nw = _narwhals()
        from loyaltycore._frame import Numbers, coin_of, unit_of

        frame: Any = nw.from_native(df)
        types: Any = frame.collect_schema() if isinstance(frame, nw.LazyFrame) else {}
        frame = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
        header = list(frame.columns)
        places = _find_columns(header, columns, "the frame", "", ROW_COLUMNS)
        if not frame.implementation.is_polars():
            # elsewhere a cell that is missing may be a nan, and a whole number one of numpy's
            header = [header[place] for place in places.values()]
            frame = nw.from_native(frame.select(*header).to_polars())
            places = {what: place for place, what in enumerate(places)}
        amount = header[places["amount"]]
        dtype, coin = frame.schema[amount], coin_of(program.version(_SOME_TIME))
        if dtype.is_float():
            raise InexactNumber(f"{amount}: {dtype} is not exact; give whole numbers of coins, decimals or text")
        # the table of a relation may have its whole numbers as decimals, which count coins all the same
        unit = unit_of(types.get(amount, dtype), amount_unit)
        return cls(frame, places, Numbers.amounts(amount, dtype, unit, coin, None))

    def calls(self) -> Calls:
        """The events in all rows; a row that cannot be read is raised, with a note of its number."""
        events = self.events(enumerate(self.frame.iter_rows()))
        return Calls(tuple(events), (), self.read)

    @property
    def read(self) -> FrozenMap[str, str]:
        """Which column each thing is read from."""
        return FrozenMap({what: self.frame.columns[place] for what, place in self.places.items()})

    def events(self, rows: Iterable[tuple[int, Sequence[Any]]]) -> Iterator[Event]:
        """The events in some rows, each with its number."""
        reader = _Rows(self.places, len(self.frame.columns), "id" in self.places, self._line, _frame_at, self.unnamed)
        for number, row in rows:
            try:
                reader.add(self.first + number, row)
            except LoyaltyError as error:
                _note_row(number, error)
        return reader.events(_note_row)

    def _line(self, amount: Any, category: str, quantity: Any, sku: str) -> Line:
        if amount is None:
            raise DataError("null; fill it in, with 0 where nothing was paid", "amount")
        return Line(self.amounts.exact(amount), str(category), quantity=quantity or 1, sku=str(sku))


def _frame_at(value: Any) -> datetime:
    if isinstance(value, (date, str)):
        return _at(value)  # type: ignore[arg-type]  # it reads whatever `moment` does
    raise (
        DataError("null; say when it happened", "date") if value is None else DataError(f"{value!r} is no date", "date")
    )


def _note_row(number: int, error: Exception) -> None:
    error.add_note(f"(row {number} of the frame)")
    raise error


def _narwhals() -> Any:
    try:
        import narwhals
    except ImportError as error:
        raise MissingExtra("frames", "narwhals", "a replay of a frame") from error
    return narwhals


def frame_like(native: Any, columns: Sequence[Sequence[Any]], names: Sequence[str]) -> Any:
    """Columns as a frame of the same library."""
    nw = _narwhals()
    library = nw.from_native(native).implementation
    cells = {name: list(column) for name, column in zip(names, columns, strict=True)}
    if library.is_duckdb():
        return nw.from_dict(cells, backend="pyarrow").lazy("duckdb").to_native()
    return nw.from_dict(cells, backend=library).to_native()
