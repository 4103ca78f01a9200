"""Rules as expressions of a data frame."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Final

import narwhals as nw

from loyaltycore._columns import ACTIVITY, LINE, Column, Engine, Key, Label, Mask, NotLowered, Scope, Term
from loyaltycore._frame import LABELS, Numbers, Source, first_day

MEASURED: Final = 2**31
"""The largest quantity, or fact that is measured, that columns read."""

_NEVER_STATED: Final = "\0"


class Expressions(Engine):
    """Rules as expressions of a frame. Their parts are `stages`: columns added one after the other."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.baskets = source.lines > 1  # type: ignore[misc]
        self.sql = source.sql
        self.stages: list[tuple[str, nw.Expr | str]] = []
        """Names, and what they are: an expression, or SQL."""
        self.doubts: list[nw.Expr] = []
        """Where the rule itself has to be asked."""
        self.reads: set[str] = set()
        """The roles that are read."""
        self.of_members: set[str] = set()
        """The columns of the members' facts that are read."""
        self._made: dict[object, str] = {}
        self._staged: list[nw.Expr] = []
        self._names: dict[int, str] = {}

    # Numbers and masks ----------------------------------------------------------------------------------------------

    def plus(self, a: Term, b: Term) -> Term:
        return a + b

    def times(self, a: Term, b: Term) -> Term:
        return a * b

    def divided(self, a: Term, by: int) -> Term:
        if type(a) is int or self.sql is None:
            return a // by
        # narwhals would look at the signs of both on DuckDB, row by row, and divide floats on Spark
        return nw.col(self._named(self.sql.divided(self._column_of(a), str(by))))

    def up_to(self, a: Term, most: int) -> Term:
        if type(a) is int:
            return min(a, most)
        return nw.when(a > most).then(_int64(most)).otherwise(a) if self.sql else a.clip(upper_bound=most)

    def above(self, a: Term, low: int) -> Term:
        if type(a) is int:
            return max(a - low, 0)
        return nw.when(a > low).then(a - low).otherwise(_int64(0)) if self.sql else a.clip(lower_bound=low) - low

    def more_than(self, a: Term, bound: int) -> Mask:
        return self._all(holds=a > bound) if type(a) is int else a > bound

    def exceeds(self, a: Term, b: Term) -> Mask:
        return self._all(holds=a > b) if type(a) is int and type(b) is int else _int64(a) > _int64(b)

    def pick(self, mask: Mask, a: Term, b: Term) -> Term:
        return nw.when(mask).then(_int64(a)).otherwise(_int64(b))

    def both(self, a: Mask, b: Mask) -> Mask:
        return a & b

    def either(self, a: Mask, b: Mask) -> Mask:
        return a | b

    def negated(self, a: Mask) -> Mask:
        return ~a

    def _all(self, *, holds: bool) -> Mask:
        row = nw.col(self.source.row)
        return row >= 0 if holds else row < 0

    # What the frame says --------------------------------------------------------------------------------------------

    def measure(self, of: str) -> Column:
        numbers = numbers_of(self.source, of)
        if of == "amount":
            return Column(self, nw.col(f"{self.source.prefix}whole"), numbers.below)
        if of == "quantity":
            self.reads.add(of)

        def make() -> nw.Expr:
            most = MEASURED * 10**numbers.places
            unlike = numbers.too_large(most) | (numbers.value() < 0)
            self.doubts.append(unlike.fill_null(value=False))
            # a quantity that is not stated is 1, a fact is 0
            unstated = 10**numbers.places if of == "quantity" else 0
            stated = ~nw.col(numbers.name).is_null()
            return nw.when(stated).then(numbers.whole(most)).otherwise(nw.lit(unstated, nw.Int64))

        return Column(self, nw.col(self._once(("measure", of), make)), numbers.below)

    def is_in(self, label: Label, values: tuple[Any, ...]) -> Mask:
        what, _ = label
        if what in LABELS:
            self.reads.add(what)
            column = nw.col(self._once(label, lambda: self.source.label(what)))
        else:
            column, values = self._fact(label, values)
            if values is None:
                return ~column.is_null()
        if not values:
            return self._all(holds=False)
        found = column == values[0] if len(values) == 1 else column.is_in(list(values))
        return found if what in LABELS else found & ~column.is_null()

    def _fact(self, label: Label, values: tuple[Any, ...]) -> tuple[nw.Expr, Any]:
        """A fact's column, and those of the values that can be in it; `None` if any will do."""
        what, name = label
        column = self.source.fact(what, name)
        if what == "member_fact":
            self.of_members.add(column)
        dtype = self.source.schema[column]
        text = dtype in (nw.String, nw.Categorical, nw.Enum)
        kind = str if text else bool if dtype == nw.Boolean else int if dtype.is_integer() else None
        if kind is None:
            raise NotLowered(f"{what.replace('_', ' ')}s of {dtype}")
        made = nw.col(self._once(label, lambda: nw.col(column).cast(nw.String) if text else nw.col(column)))
        return made, tuple(value for value in values if type(value) is kind) if values else None

    def months(self, every: int) -> Key:
        def make() -> nw.Expr | str:
            if self.sql:
                return self.sql.months(self._civil_sql(), every)
            civil = self._civil()
            return (civil.dt.year().cast(nw.Int64) * 12 + civil.dt.month() - 1) // every

        return self._once(("months", every), make)

    def days(self, every: int, start: int) -> Key:
        def make() -> nw.Expr | str:
            if self.sql:
                return self.sql.day(self._civil_sql()) if every == 1 else self.sql.week(self._civil_sql(), start)
            return first_day(self._civil(), "day" if every == 1 else "week", start)

        return self._once(("days", every, start), make)

    def values(self, label: Label) -> Key:
        column, _ = self._fact(label, ())
        self.doubts.append(column.is_null())
        return self._once(("values", label), lambda: column)

    def on_weekdays(self, days: tuple[int, ...]) -> Mask:
        self.reads.add("at")

        def make() -> nw.Expr | str:
            return self.sql.weekday(self._civil_sql()) if self.sql else self._civil().dt.weekday().cast(nw.Int64)

        weekday = nw.col(self._once("weekday", make))
        return weekday.is_in(list(days)) if days else self._all(holds=False)

    def in_minutes(self, start: int, end: int) -> Mask:
        self.reads.add("at")
        if self.source.has_days_only:
            return self._all(holds=start <= 0 < end)

        def make() -> nw.Expr | str:
            if self.sql:
                return self.sql.minute(self._civil_sql())
            civil = self._civil()
            return civil.dt.hour().cast(nw.Int64) * 60 + civil.dt.minute().cast(nw.Int64)

        minute = nw.col(self._once("minute", make))
        return (minute >= start) & (minute < end)

    def compared(self, bound: date, *, late: bool) -> Mask:
        self.reads.add("at")
        if isinstance(bound, datetime) and bound.tzinfo is not None:
            raise NotLowered(f"During, with the instant {bound.isoformat()}")
        if self.sql:
            return nw.col(self._named(self.sql.is_past(self._civil_sql(), bound, late=late)))
        civil, days_only = self._civil(), self.source.has_days_only
        if isinstance(bound, datetime):
            at = civil.cast(nw.Datetime("us")) if days_only else civil.dt.replace_time_zone(None)
        else:
            at = civil if days_only else civil.dt.date()
        return at <= nw.lit(bound) if late else at >= nw.lit(bound)

    def _civil(self) -> nw.Expr:
        """The civil time, in polars."""
        at = nw.col(self.source.civil())
        return at.cast(nw.Date) if self.source.schema[self.source.read("at")] == nw.Unknown else at

    def _civil_sql(self) -> str:
        """The civil time, in SQL."""
        return self._quoted(self.source.civil())

    # Several rows together ------------------------------------------------------------------------------------------

    def total(self, a: Term, scope: Scope, inside: Scope = LINE) -> Term:
        if not self.baskets or scope == inside:
            return a
        return self.stage(self._sum(self._first(self._at_row(a), inside), scope))

    def any(self, mask: Mask, scope: Scope) -> Mask:
        if not self.baskets or scope == LINE:
            return mask
        return self.stage(self._sum(self._count(mask), scope)) > 0

    def agreed(self, label: Label, scope: Scope) -> None:
        if self.baskets and scope != LINE:
            self._fact(label, ())
            column = self.source.fact(*label)
            differs = self.differs(column, scope)
            self.doubts.append(nw.col(self._once(("agreed", column, scope), lambda: differs)))

    def differs(self, column: str, scope: Scope = ACTIVITY) -> nw.Expr:
        """Where a column has several values in one group."""
        text = self._once(("text", column), lambda: nw.col(column).cast(nw.String).fill_null(_NEVER_STATED))
        keys = self._keys(scope)
        return nw.col(text).min().over(*keys) != nw.col(text).max().over(*keys)

    def let_through(self, points: Term, most: int, per: tuple[Key, ...], scope: Scope) -> Term:
        points = self._at_row(points)
        so_far = self._so_far(points, per, scope)
        return self.stage(so_far.clip(upper_bound=most) - (so_far - points).clip(upper_bound=most))

    def place(self, mask: Mask, per: tuple[Key, ...], scope: Scope) -> Term:
        return self._so_far(self._count(mask), per, scope)

    def ask_itself(self, mask: Mask) -> None:
        self.doubts.append(mask)

    def split(self, points: Term, weights: Term) -> Term:
        """Points of an activity in whole parts of its lines, in proportion to weights, by largest remainder."""
        points, weights = self._at_row(points), self._at_row(weights)
        product = self.stage(points * weights)
        whole = self.stage(self._sum(weights, ACTIVITY))
        share = self._quotient(product, whole)
        behind = self._named(share * whole - product)  # the larger the remainder, the further in front
        left = self.stage(points - self._sum(share, ACTIVITY))
        one = self._named(nw.col(self.source.row) * 0 + 1)
        place = nw.col(one).cum_sum().over(*self._keys(ACTIVITY), order_by=[behind, self.source.row])
        return self.stage(self.pick(self.stage(place.cast(nw.Int64)) <= left, share + 1, share))

    def _quotient(self, a: nw.Expr, b: nw.Expr) -> Term:
        if self.sql is None:
            return self.stage(a // b)
        return nw.col(self._named(self.sql.divided(self._column_of(a), self._column_of(b))))

    def weights(self, alone: Column) -> Term:
        """What lines would earn alone, else their amounts; alike, if there is neither."""
        found = self._at_row(alone.top)
        amount = nw.col(f"{self.source.prefix}whole")
        some = self.stage(self._sum(found, ACTIVITY)) > 0
        paid = self.stage(self._sum(self._at_row(amount), ACTIVITY)) > 0
        return self.stage(self.pick(some, found, self.pick(paid, amount, 1)))

    def _so_far(self, numbers: nw.Expr, per: tuple[Key, ...], scope: Scope) -> Term:
        """The sum over the member's activities of the stretch, up to and with this one."""
        self.reads |= {"member", "at"}
        source = self.source
        at = source.read("at")
        own = self._first(numbers, scope)
        order = [at, source.row]
        if self.baskets:
            order.insert(1, self._first_row(ACTIVITY))
        so_far = self.stage(self._named_sum(own).over(source.read("member"), *per, order_by=order).cast(nw.Int64))
        if not self.baskets or scope in (LINE, ACTIVITY):
            return so_far
        return self.stage(self._sum(self._first(so_far, scope), scope))

    def _named_sum(self, numbers: nw.Expr) -> Term:
        return self.stage(numbers).cum_sum()

    def _sum(self, a: nw.Expr, scope: Scope) -> Term:
        return self.stage(a).sum().over(*self._keys(scope)).cast(nw.Int64)

    def _first(self, a: nw.Expr, scope: Scope) -> Term:
        """The number on the first row of each group, 0 on the others."""
        if not self.baskets or scope == LINE:
            return a
        return nw.when(nw.col(self.source.row) == nw.col(self._first_row(scope))).then(a).otherwise(nw.lit(0, nw.Int64))

    def _first_row(self, scope: Scope) -> str:
        return self._once(("first", scope), lambda: nw.col(self.source.row).min().over(*self._keys(scope)))

    def _keys(self, scope: Scope) -> list[str]:
        """The columns that tell the groups apart."""
        activity = self.source.id or self.source.row
        facts = [self.source.fact("fact", fact) for fact in scope]
        return [activity, *facts]

    def _count(self, mask: Mask) -> Term:
        one = nw.lit(1, nw.Int64)
        if mask is None:
            return self.stage(nw.when(nw.col(self.source.row) >= 0).then(one).otherwise(nw.lit(0, nw.Int64)))
        return self.stage(nw.when(mask).then(one).otherwise(nw.lit(0, nw.Int64)))

    def _at_row(self, a: Term) -> Term:
        """A number as a column of its own: a bare one has no rows that a window could look at."""
        if type(a) is int:
            a = nw.when(nw.col(self.source.row) >= 0).then(nw.lit(a, nw.Int64)).otherwise(nw.lit(a, nw.Int64))
        return self.stage(a)

    # Columns on the way ---------------------------------------------------------------------------------------------

    def stage(self, a: Term) -> Term:
        if type(a) is int or any(a is known for known in self._staged):
            return a
        self._staged.append(nw.col(self._named(a)))
        self._names[id(self._staged[-1])] = self.stages[-1][0]
        return self._staged[-1]

    def _column_of(self, a: nw.Expr) -> str:
        """The name of a staged column, in SQL."""
        return self._quoted(self._names[id(self.stage(a))])

    def _quoted(self, name: str) -> str:
        return self.sql.quoted(name) if self.sql else name

    def _named(self, expression: nw.Expr | str) -> str:
        name = f"{self.source.prefix}{len(self.stages)}"
        self.stages.append((name, expression))
        return name

    def staged(self, frame: nw.LazyFrame[Any]) -> nw.LazyFrame[Any]:
        """The frame with all columns on the way, each on its own: nested divisions are more than SQL can bear."""
        for name, what in self.stages:
            if not isinstance(what, str):
                frame = frame.with_columns(what.alias(name))
            elif self.sql:
                frame = self.sql.with_columns(frame, {name: what})
        return frame

    def _once(self, what: object, make: Callable[[], nw.Expr | str]) -> str:
        """The name of a column that is made when it is first wanted."""
        if what not in self._made:
            self._made[what] = self._named(make())
        return self._made[what]


def _int64(term: Term) -> Term:
    # a bare number would be of 32 bits, and so would what is made of it
    return nw.lit(term, nw.Int64) if type(term) is int else term


def numbers_of(source: Source, of: str) -> Numbers:
    """How a measure is read."""
    if of == "amount":
        return source.amounts
    name = source.read(of) if of == "quantity" else source.fact("fact", of)
    dtype: Any = source.schema[name]
    if dtype.is_integer():
        return Numbers(name, dtype)
    if isinstance(dtype, nw.Decimal) and dtype.scale < 10:  # noqa: PLR2004 (so that all fit)
        return Numbers(name, dtype, dtype.scale)
    raise NotLowered(f"{of} of {dtype}")
