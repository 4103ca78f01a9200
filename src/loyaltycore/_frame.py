"""What is in a data frame: which library's it is, where in it to find what, and its amounts, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import field, frozen

from loyaltycore._exact import EMPTY, Exact, divided, exact
from loyaltycore.errors import DataError, InexactNumber, MissingExtra, RuleError
from loyaltycore.program import Program

try:
    import narwhals as nw
    import polars as pl  # noqa: F401 (what frames are computed in)
except ImportError as error:
    raise MissingExtra("frames", str(error.name)) from error

from loyaltycore._frame_sql import Sql, frame_of, is_spark, sql_of

LIMIT: Final = 2**63 - 1
"""The largest whole number of a column; polars, DuckDB and Spark's SQL compute exactly up to there."""

FLOAT_LIMIT: Final = 2**52
"""The largest whole number beside which a float still tells halves."""

ROLES: Final = {
    "amount": "the amounts",
    "quantity": "the quantity",
    "member": "the member",
    "at": "the at",
    "category": "the category",
    "sku": "the sku",
    "kind": "the kind",
    "tier": "the tier",
}
LABELS: Final = ("category", "sku", "kind", "tier")
"""The roles that are read as text, nothing as `""`."""

_DECIMAL_DIGITS: Final = 38

_COINS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
"""The currencies of ISO 4217 that do not have two digits after the point, by how many they have."""


def coin_of(program: Program | None) -> int:
    """Digits after the point of the smallest coin; two for a bare rule."""
    return next((n for n, currencies in _COINS.items() if program and program.currency in currencies), 2)


def unit_of(dtype: Any, unit: str | None) -> str:
    """What amounts of a type count: what is said, else coins if they are whole numbers."""
    if unit is not None:
        return unit
    return "major" if dtype.is_float() or dtype in (nw.Decimal, nw.String) else "minor"


# Numbers ------------------------------------------------------------------------------------------------------------


@frozen
class Numbers:
    """How a column of numbers is read, exactly: as whole numbers over `below`."""

    name: str
    dtype: Any
    places: int = 0
    """Digits after the point that a value may have."""
    shift: int = 0
    """Digits from the unit of the values to the one that is meant."""

    @classmethod
    def amounts(cls, name: str, dtype: Any, unit: str | None, coin: int, decimals: int | None) -> Numbers:
        """Amounts of money, in the currency's main unit."""
        if unit not in (None, "minor", "major"):
            raise RuleError(f"amount_unit: {unit!r} is no unit; give 'minor' or 'major'")
        if dtype.is_float():
            if decimals is None:
                raise InexactNumber(
                    f"{name}: {dtype} is not exact; say to how many decimals to round it, as in amount_decimals=2"
                )
            return cls(name, nw.Int64(), 0, decimals + (coin if unit == "minor" else 0))
        if not (dtype.is_integer() or dtype in (nw.Decimal, nw.String, nw.Unknown)):
            raise DataError(f"{dtype} is no amount; give whole numbers, decimals or text", name)
        minor = unit_of(dtype, unit) == "minor"
        places = dtype.scale if isinstance(dtype, nw.Decimal) else coin if dtype == nw.String and not minor else 0
        return cls(name, dtype, places, coin if minor else 0)

    @property
    def below(self) -> int:
        """The denominator."""
        below: int = 10 ** (self.places + self.shift)
        return below

    @property
    def most(self) -> int:
        """The largest whole number that columns read."""
        most: int = 10 ** (_DECIMAL_DIGITS - self.places) - 1
        return min(LIMIT, most)

    def plain(self) -> nw.Expr:
        """Where text is written as most amounts are, with no more digits than columns read."""
        after = rf"(\.[0-9]{{1,{self.places}}})?" if self.places else ""
        return nw.col(self.name).str.contains(rf"^-?[0-9]{{1,18}}{after}\z")

    def value(self) -> nw.Expr:
        """The column as numbers; 0 for text that is not plain."""
        column = nw.col(self.name)
        if self.dtype == nw.String:
            plain = nw.when(self.plain()).then(column).otherwise(nw.lit("0"))
            return plain.cast(nw.Decimal(_DECIMAL_DIGITS, self.places))
        return column.cast(nw.Int64) if self.dtype == nw.Unknown else column

    def too_large(self, most: int) -> nw.Expr:
        """Where the whole number is above `most`, or the text not plain."""
        above = self.value() > (Decimal(f"{most}e-{self.places}") if self.places else most)
        return above | ~self.plain() if self.dtype == nw.String else above

    def whole(self, most: int) -> nw.Expr:
        """The whole numbers; 0 where they are too large, below 0 or not stated."""
        fits = ~self.too_large(most) & ~(self.value() < 0)
        value = nw.when(fits).then(self.value()).otherwise(nw.lit(0))
        if not self.places:
            return value.cast(nw.Int64)
        by: int = 10**self.places
        return (value * (by if by <= LIMIT else Decimal(by))).cast(nw.Int64)

    def exact(self, value: object) -> Exact:
        """One value."""
        return divided(exact(value, self.name), 10**self.shift)


# Frames -------------------------------------------------------------------------------------------------------------


def fact_columns(facts: Mapping[str, str] | Iterable[str], what: str) -> Mapping[str, str]:
    """The column of each fact; names alone are those of their columns."""
    if isinstance(facts, str):
        raise RuleError(f"{what}: {facts!r} is one name; give {what}=[{facts!r}], or a mapping of facts to columns")
    return dict(facts) if isinstance(facts, Mapping) else {name: name for name in facts}


@frozen
class Source:
    """A frame, with the place of each row, and where in it to find what."""

    given: Any
    library: str
    """`"polars"`, `"lazy"` (polars too), `"pandas"`, `"pyarrow"`, `"duckdb"` or `"spark"`."""
    frame: nw.LazyFrame[Any]
    """Its rows with their places: in polars, in DuckDB or in Spark."""
    schema: nw.Schema
    names: Mapping[str, str]
    id: str | None
    program: Program | None
    prefix: str
    amounts: Numbers
    lines: int
    """The most rows that one activity has."""
    facts: Mapping[str, str] = field(default=EMPTY, kw_only=True)
    member_facts: Mapping[str, str] = field(default=EMPTY, kw_only=True)

    @classmethod
    def of(
        cls,
        df: Any,
        names: Mapping[str, str],
        program: Program | None,
        *,
        id: str | None = None,
        facts: Mapping[str, str] | Iterable[str] = EMPTY,
        member_facts: Mapping[str, str] | Iterable[str] = EMPTY,
        amount_unit: str | None = None,
        amount_decimals: int | None = None,
        others: Iterable[str] = (),
    ) -> Source:
        """What there is in *df*."""
        facts, member_facts = fact_columns(facts, "facts"), fact_columns(member_facts, "member_facts")
        given, library = _opened(df)
        columns = given.collect_schema().names()
        named = [*names.values(), *facts.values(), *member_facts.values(), *((id,) if id else ()), *others]
        for what, name in _required(names, facts, member_facts, id):
            if name not in columns:
                raise DataError(f"the frame has no such column; name that of {what}", name)
        if library == "spark":
            _check_names([name for name in named if name in columns], columns)
        prefix = "_lc"
        while any(str(name).lower().startswith(prefix) for name in columns):
            prefix += "_"
        frame = _placed(given, library, [name for name in dict.fromkeys(named) if name in columns], f"{prefix}row")
        schema = nw.Schema({name: dtype for name, dtype in frame.collect_schema().items() if name != f"{prefix}row"})
        amounts = Numbers.amounts(
            names["amount"], schema[names["amount"]], amount_unit, coin_of(program), amount_decimals
        )
        if schema[amounts.name].is_float():
            frame, amounts = _from_floats(frame, amounts, int(amount_decimals or 0), f"{prefix}amount")
        if names["at"] in schema and in_a_zone(program, schema[names["at"]]):
            frame = with_civil(frame, names["at"], program, f"{prefix}civil")
        lines = 1 if id is None else _most_lines(frame, id, f"{prefix}row")
        return cls(
            df, library, frame, schema, names, id, program, prefix, amounts, lines,
            facts=facts, member_facts=member_facts,
        )  # fmt: skip

    @property
    def sql(self) -> Sql | None:
        """The words of an engine that speaks SQL; nothing for polars."""
        return sql_of(self.frame)

    @property
    def row(self) -> str:
        """The column of the rows' places."""
        return f"{self.prefix}row"

    def read(self, role: str) -> str:
        """The column of a role."""
        name = self.names[role]
        if name not in self.schema:
            raise DataError(
                f"the rule reads {ROLES[role]} and the frame has no such column; name it with {role}=...", name
            )
        if role == "at" and self.schema[name] not in (nw.Date, nw.Datetime, nw.Unknown):
            raise DataError(
                f"{self.schema[name]} is no date; convert it, as in pl.col({name!r}).str.to_datetime()", name
            )
        return name

    def label(self, role: str) -> nw.Expr:
        """A category, or another label, as text; null is empty."""
        return nw.col(self.read(role)).cast(nw.String).fill_null("")

    def fact(self, what: str, name: str) -> str:
        """The column of a fact of the lines, `"fact"`, or of the members, `"member_fact"`."""
        column = (self.facts if what == "fact" else self.member_facts).get(name)
        if column is None:
            raise DataError(
                f"the rule reads the {what.replace('_', ' ')} {name!r}, and no column is named for it; name it with"
                f" {what}s={{{name!r}: ...}}",
                name,
            )
        return column

    def civil(self) -> str:
        """The column of the moment in civil time: of a program's zone, else as it is."""
        name = self.read("at")
        return f"{self.prefix}civil" if in_a_zone(self.program, self.schema[name]) else name

    @property
    def has_days_only(self) -> bool:
        """Whether the moments are dates."""
        return self.schema[self.read("at")] != nw.Datetime

    def finished(self, frame: nw.LazyFrame[Any] | nw.DataFrame[Any], columns: list[str]) -> Any:
        """The frame that was given, with more columns."""
        if self.library in ("polars", "lazy"):
            lazy: Any = frame.lazy().select(*self.schema, *columns).to_native()
            return lazy if self.library == "lazy" else lazy.collect()
        if self.library == "duckdb":
            return frame.select(*self.schema, *columns).to_native()
        if self.library == "spark":
            given = frame_of(self.given).collect_schema().names()
            return frame.drop([name for name in frame.collect_schema() if name not in (*given, *columns)]).to_native()
        found: Any = frame.lazy().select(*columns).collect()
        if self.library == "pandas":
            return self.given.assign(**{name: found[name].to_numpy() for name in columns})
        table = self.given
        for name in columns:
            table = table.append_column(name, found[name].to_arrow())
        return table


def in_a_zone(program: Program | None, dtype: Any) -> bool:
    """Whether moments are instants, which the program has its own civil time for."""
    return program is not None and isinstance(dtype, nw.Datetime) and dtype.time_zone is not None


def with_civil(frame: nw.LazyFrame[Any], at: str, program: Any, column: str) -> nw.LazyFrame[Any]:
    """The frame with the program's civil time of instants."""
    if sql := sql_of(frame):
        # narwhals knows no other zone than the connection's
        return sql.with_columns(frame, {column: sql.in_zone(sql.quoted(at), program.timezone)})
    return frame.with_columns(
        nw.col(at).dt.convert_time_zone(program.timezone).dt.replace_time_zone(None).alias(column)
    )


_TRUNCATED: Final = {"day": "1d", "month": "1mo", "quarter": "1q", "year": "1y"}


def first_day(civil: nw.Expr, period: str, start: int = 1) -> nw.Expr:
    """The first day of the period; a week begins with the ISO weekday *start*."""
    if period != "week":
        return civil.dt.truncate(_TRUNCATED[period])
    day, weekday = civil.dt.truncate("1d"), civil.dt.weekday()
    first = day
    for back in range(1, 7):
        # narwhals adds the same time to all rows only
        first = nw.when(weekday == (start - 1 + back) % 7 + 1).then(day.dt.offset_by(f"-{back}d")).otherwise(first)
    return first


def _opened(df: Any) -> tuple[Any, str]:
    """A frame as narwhals sees it, and whose it is."""
    given = nw.from_native(df, pass_through=True)
    if isinstance(given, nw.LazyFrame):
        known = given.implementation
        libraries = {"lazy": known.is_polars(), "duckdb": known.is_duckdb(), "spark": is_spark(given)}
    elif isinstance(given, nw.DataFrame):
        known = given.implementation
        libraries = {"polars": known.is_polars(), "pandas": known.is_pandas(), "pyarrow": known.is_pyarrow()}
    else:
        libraries = {}
    for library, is_it in libraries.items():
        if is_it:
            return given, library
    raise DataError(
        f"{type(df).__name__} is no frame; give one of polars, pandas, pyarrow, DuckDB or Spark, such as"
        " pl.DataFrame(...)",
        "df",
    )


def as_lazy(
    df: Any, named: list[str | None]
) -> tuple[nw.LazyFrame[Any], Callable[[nw.LazyFrame[Any], list[str]], Any]]:
    """The columns of a frame that are named, for a lazy query; and what makes its result one of the same library."""
    given, library = _opened(df)
    columns = given.collect_schema().names()
    if isinstance(given, nw.LazyFrame):
        return given, lambda result, _: result.to_native()
    native: Any = given.select(*(name for name in dict.fromkeys(named) if name in columns)).to_polars()
    convert = {"polars": "clone", "pandas": "to_pandas", "pyarrow": "to_arrow"}[library]
    return nw.from_native(native.lazy()), lambda result, by: getattr(
        result.collect().sort(by, nulls_last=True).to_native(), convert
    )()


def _required(
    names: Mapping[str, str], facts: Mapping[str, str], member_facts: Mapping[str, str], id: str | None
) -> Iterator[tuple[str, str]]:
    yield "the amounts with amount=...", names["amount"]
    if id is not None:
        yield "the ids with id=...", id
    yield from ((f"a fact with facts={{{fact!r}: ...}}", column) for fact, column in facts.items())
    yield from ((f"a fact with member_facts={{{fact!r}: ...}}", column) for fact, column in member_facts.items())


def _check_names(named: Iterable[str], columns: list[str]) -> None:
    """Refuse names that mean something else to Spark."""
    for name in named:
        if set(".`") & set(name):
            raise DataError(
                f"a dot or a backtick means something else to Spark; rename it, as in withColumnRenamed({name!r}, ...)",
                name,
            )
        alike = [other for other in columns if other != name and other.lower() == name.lower()]
        if alike:
            raise DataError(f"Spark does not tell it from {name!r}; rename one of them", alike[0])


def _placed(given: Any, library: str, named: list[str], row: str) -> nw.LazyFrame[Any]:
    """The rows with their places; of pandas and pyarrow only the columns that are named, in polars."""
    if sql := sql_of(given.lazy()):
        return sql.with_columns(given, {row: sql.places})
    native: Any = given.to_native() if library in ("polars", "lazy") else given.select(*named).to_polars()
    return frame_of(native.lazy().with_row_index(row))


def _from_floats(
    frame: nw.LazyFrame[Any], amounts: Numbers, decimals: int, column: str
) -> tuple[nw.LazyFrame[Any], Numbers]:
    """The amounts rounded to so many decimals, as whole numbers."""
    scaled = nw.col(amounts.name).cast(nw.Float64) * float(10**decimals)
    wrong = (scaled.is_nan() | (scaled.abs() > float(FLOAT_LIMIT))).fill_null(value=False)
    bad = frame.filter(wrong).select(nw.col(amounts.name).max()).collect().to_dict(as_series=False)[amounts.name]
    if any(value is not None for value in bad):
        raise InexactNumber(
            f"{amounts.name}: a float such as {bad[0]} is not exact to {decimals} decimals; give whole numbers,"
            " decimals or text"
        )
    frame = frame.with_columns(scaled.round(0).cast(nw.Int64).alias(column))
    return frame, Numbers(column, nw.Int64(), 0, amounts.shift)


def _most_lines(frame: nw.LazyFrame[Any], id: str, row: str) -> int:
    sizes = frame.group_by(id).agg(nw.len().alias(row)).select(nw.col(row).max()).collect("polars")
    return int(sizes.item() or 1)


def as_relation(relation: Any, loyalty_rows: Any) -> Any:  # noqa: ARG001 (DuckDB finds it by its name)
    """A table as a relation of the same DuckDB connection as another."""
    return relation.query("loyalty_given", "select * from loyalty_rows")
