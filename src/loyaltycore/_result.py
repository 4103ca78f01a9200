"""What the results of reports have in common: tables as text, HTML, CSV, plain data and a frame, and a plot."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
import csv
from datetime import date, datetime
from fractions import Fraction
from io import StringIO
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias, get_args, get_type_hints

from loyaltycore._exact import round_to, show
from loyaltycore._show import HTML_ROWS, html_table, text_table
from loyaltycore.errors import MissingExtra

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Table: TypeAlias = tuple[str, Sequence[str], Sequence[Sequence[Any]]]
"""Title, header and rows."""


class Result:
    """Base of results: say what a `row` is, and give `rows`, `_title` and `_tables`.

    *row* is a class of named tuples, whose annotations say what a column of a frame holds. *note* stands below.
    """

    row: ClassVar[type[Any]]
    note: ClassVar[str] = ""

    @property
    def rows(self) -> Sequence[tuple[Any, ...]]:
        """What it says, a named tuple each."""
        raise NotImplementedError

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of what a row says."""
        fields: tuple[str, ...] = self.row._fields
        return fields

    def to_csv(self) -> str:
        """A line for each row; points are in the smallest step of their unit, and shares have at most six digits."""
        return csv_text(self.columns, ([_plain(value) for value in row] for row in self.rows))

    def to_data(self) -> dict[str, Any]:
        """All of it as plain data, for JSON; numbers that are not whole are exact text, as `exact` reads it."""
        rows = [dict(zip(self.columns, map(_data, row), strict=True)) for row in self.rows]
        return {"title": self._title(), "rows": rows} | ({"note": self.note} if self.note else {})

    def to_frame(self, backend: str = "polars") -> Any:
        """A frame with a row for each: of polars, or of the library that *backend* names, such as `"pandas"`.

        Numbers that need not be whole are floats; `to_csv` and `to_data` have them as they are. What is `None` is null.
        """
        return frame_of(self.row, self.rows, backend)

    def __str__(self) -> str:
        tables = (f"{title}\n\n{text_table(header, rows)}" for title, header, rows in self._tables())
        return "\n\n".join([*tables, *([self.note] if self.note else [])])

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._title()}>"

    def _repr_html_(self) -> str:
        note = f"<p>{self.note}</p>" if self.note else ""
        return "".join(_html(*table) for table in self._tables()) + note

    def _title(self) -> str:
        raise NotImplementedError

    def _tables(self) -> Iterator[Table]:
        """What people see."""
        raise NotImplementedError


class Plotted(Result):
    """Base of results that can be drawn: give `_draw`, too."""

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw it on these axes, or on new ones, and return them; needs the extra `plot`."""
        from loyaltycore import plots

        return self._draw(plots.axes(ax))

    @abstractmethod
    def _draw(self, ax: Axes) -> Axes:
        """Draw it."""


def _html(title: str, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    more = len(rows) - HTML_ROWS
    return html_table(header, rows[:HTML_ROWS], f"{title}. {more:,} more rows are not shown" if more > 0 else title)


# CSV and data -------------------------------------------------------------------------------------------------------


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
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


# Frames -------------------------------------------------------------------------------------------------------------

_TYPES: Final = {str: "String", int: "Int64", float: "Float64", date: "Date", bool: "Boolean", datetime: "Datetime"}


def frame_of(row: type[Any], rows: Iterable[tuple[Any, ...]], backend: str = "polars") -> Any:
    """Rows as a frame; see `Result.to_frame`. Columns of tuples are left out."""
    try:
        import narwhals as nw
    except ImportError:
        raise MissingExtra("frames", "narwhals", "to_frame") from None
    hints = get_type_hints(row)
    kinds = {name: _kind(hints[name]) for name in row._fields}
    cells = dict(zip(kinds, zip(*rows, strict=True), strict=False)) or dict.fromkeys(kinds, ())
    kept = {name: kind for name, kind in kinds.items() if kind is not tuple}
    data: dict[str, Any] = {name: [_cell(value, kind) for value in cells[name]] for name, kind in kept.items()}
    schema = {name: getattr(nw, _TYPES[kind]) for name, kind in kept.items()}
    into: Any = backend  # what is none narwhals says, and names those there are
    try:
        if backend == "pandas":  # its whole numbers have no gaps, unless they are of a kind of their own
            native: Any = nw.Implementation.PANDAS.to_native_namespace()
            gaps = [name for name, kind in kept.items() if kind is int and None in data[name]]
            data |= {name: native.array(data[name], dtype="Int64") for name in gaps}
        return nw.from_dict(data, schema=schema, backend=into).to_native()
    except ModuleNotFoundError as error:
        raise MissingExtra("frames", str(error.name), "to_frame") from None


def _kind(hint: Any) -> Any:
    """What a column holds, by its annotation: numbers that need not be whole are floats."""
    if getattr(hint, "__origin__", None) is tuple:
        return tuple
    among = [each for each in (get_args(hint) or (hint,)) if each is not type(None)]
    return float if Fraction in among else among[0]


def _cell(value: Any, kind: Any) -> Any:
    return value if value is None or kind is not float else float(value)
