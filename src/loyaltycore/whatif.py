"""What if the program were another? One history, lived under several programs, and compared.

Members do what they did: what they buy, and when, does not change with the program. Only what came of it does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from attrs import frozen

from loyaltycore._accounting import digits, in_coins, money, number_of, share_of
from loyaltycore._exact import EMPTY, Exact, FrozenMap, Number, exact, show, tidy
from loyaltycore._parts import had
from loyaltycore._result import Plotted, Table, frame_of
from loyaltycore._show import count
from loyaltycore._show import points as points_text
from loyaltycore.activity import Member
from loyaltycore.calls import ROW_COLUMNS, Call, Calls, is_frame, read_calls
from loyaltycore.comparisons import (
    AMOUNTS,
    FLOWS,
    MOST,
    Comparison,
    MemberChange,
    MembersCompared,
    Outcome,
    PartChange,
    PartsCompared,
    Shown,
    TierMembers,
    TiersCompared,
)
from loyaltycore.datasets import Transactions
from loyaltycore.desk import When
from loyaltycore.errors import InexactNumber, RuleError
from loyaltycore.history import AnyProgram, ProgramHistory
from loyaltycore.program import Program
from loyaltycore.replay import EntryRow, Progress, Replay, ReplayedBalance, Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Worth = Number | Mapping[str, Any] | None
"""Money for a point: one number, by unit, or by program one of these."""


def compare(
    programs: Mapping[str, AnyProgram],
    history: Source,
    *,
    at: When | None = None,
    members: Iterable[Member] = (),
    worth: Worth = None,
    rate: Number = 1,
    places: int = 2,
    workers: int = 1,
    progress: Progress = None,
    columns: Mapping[str, str] = EMPTY,
    amount_unit: str | None = None,
) -> Comparison:
    """One history as accounts of each program live it: points, cost, liability, tiers, and who is better or worse off.

    The first of *programs* is what the others are compared with. *history*, *at*, *members*, *workers*, *progress*,
    *columns* and *amount_unit* are as in `replay`; whatever the history redeems is to be there in each program.

    *worth* is the money that a point (the smallest step of its unit) costs when it is spent: a number, or one for each
    unit, or by the names of the programs one of these. *rate* is the share of outstanding points that is expected to be
    redeemed. Cost and liability are rounded half up to *places* digits; the liability is what `rollforward` closes
    with, for prices of `worth * rate`.

    A member is better off if what they spent and what they have left is more: in money if points have a worth, else in
    points, of the one unit that can be redeemed.

    >>> from loyaltycore.reports import compare
    >>> bought = ("tea", "mugs")
    >>> history = [Activity.purchase(40, category=what, at="2026-03-01", id=what, member=what) for what in bought]
    >>> today = Program("Club", earning=PerSpend(1))
    >>> idea = Program("Club", earning=PerSpend("0.5") + PerSpend(2).when(Category("tea")))
    >>> result = compare({"today": today, "idea": idea}, history)
    >>> [(row.program, row.earned) for row in result.rows]
    [('today', 80), ('idea', 120)]
    >>> [(row.member, row.difference) for row in result.members.rows]
    [('tea', 60), ('mugs', -20)]
    >>> [(part.part, part.difference) for part in result.members.why.of("mugs")]
    [('PerSpend(1)', -40), ("PerSpend('0.5')", 20)]
    """
    if len(programs) < 2:  # noqa: PLR2004 (one alone is a replay)
        raise RuleError("programs: there is nothing to compare with; give two or more, by their names")
    for name, program in programs.items():
        _program(program, f"programs[{name!r}]")
    digits(places)
    price = _Price(tuple(programs), worth, share_of(rate), places)
    read, known = _Read.of(history, columns, amount_unit), tuple(members)
    replays: dict[str, Replay] = {}
    for name, program in programs.items():
        replays[name] = program.replay(
            read.history, at=at, members=known, entries=read.spends, workers=workers, progress=progress, **read.options
        )
        at = replays[name].at
    names = tuple(programs)
    rows = tuple(row for name in names for row in _outcomes(name, replays[name], price))
    tiers = TiersCompared(names, tuple(row for name in names for row in _tiers(name, replays[name])))
    found = _members(replays, price, spends=read.spends)
    return Comparison(names, rows, FrozenMap(replays), places, tiers, found)


def _program(program: object, what: str) -> AnyProgram:
    if not isinstance(program, (Program, ProgramHistory)):
        raise RuleError(f"{what}: {program!r} is no program; give a Program, or one read by Program.load")
    return program


@frozen
class _Read:
    """A history that can be replayed several times, how its columns are read, and whether it may spend anything."""

    history: Any
    options: Mapping[str, Any]
    spends: bool

    @classmethod
    def of(cls, history: Any, columns: Mapping[str, str], amount_unit: str | None) -> _Read:
        """A history as `replay` takes it; a file or an iterator is read once."""
        if is_frame(history):
            kinds = (*ROW_COLUMNS["kind"], columns.get("kind"))
            return cls(
                history, {"columns": columns, "amount_unit": amount_unit}, any(c in kinds for c in history.columns)
            )
        if isinstance(history, (str, PathLike)):
            history = read_calls(history, columns=columns)
        elif isinstance(history, Transactions):
            history = Calls(history.activities, history.problems)
        elif isinstance(history, Iterable) and not isinstance(history, Calls):
            history = Calls(tuple(history))
        return cls(history, {}, isinstance(history, Calls) and any(isinstance(event, Call) for event in history))


def _rows_of(table: Any, row: type[Any]) -> Iterable[Any]:
    """A table of a replay, as tuples or as a frame, row by row."""
    if isinstance(table, tuple):
        return table
    import narwhals as nw

    frame: Any = nw.from_native(table)
    return (row(*cells) for cells in (frame.collect() if isinstance(frame, nw.LazyFrame) else frame).iter_rows())


# What points are worth ----------------------------------------------------------------------------------------------


@frozen
class _Price:
    """What points are worth under each program."""

    programs: tuple[str, ...]
    worth: Worth
    rate: Exact
    places: int

    def of(self, name: str, program: AnyProgram) -> Mapping[str, Exact]:
        """Money for a point of each unit that has a worth."""
        worth = self.worth
        if isinstance(worth, Mapping) and set(worth) == set(self.programs):
            worth = worth[name]
        if worth is None:
            return EMPTY
        units = list(program.points)
        if not isinstance(worth, Mapping):
            spent = [unit for unit in units if program.points[unit].redeemable]
            if len(spent) > 1:
                raise RuleError(
                    f"worth: {name!r} has several units; give one for each of {', '.join(map(repr, spent))}"
                )
            worth = dict.fromkeys(spent, worth)
        known = {unit: number_of(value, "worth") for unit, value in worth.items()}
        if not known.keys() & set(units):
            raise RuleError(f"worth: {name!r} has none of the units that it names; there is {', '.join(units)}")
        return known

    @property
    def given(self) -> bool:
        """Whether there is a worth, so that members are compared in money."""
        return self.worth is not None


def _outcomes(name: str, replay: Replay, price: _Price) -> Iterator[Outcome]:
    worth = price.of(name, replay.program)
    for unit, total in replay.totals.items():
        each = worth.get(unit)
        cost = None if each is None else in_coins(total.spent * each, price.places)
        liability = None if each is None else in_coins(total.net * each * price.rate, price.places)
        yield Outcome(name, unit, *total[2:], cost, liability, replay.refused)


def _tiers(name: str, replay: Replay) -> Iterator[TierMembers]:
    """The tiers of the first ladder, from the lowest up."""
    ladder = next(iter(replay.program.version(replay.at).ladders.values()), None)
    held = _tiers_held(replay)
    names = [] if ladder is None else list(ladder.names)
    many = Counter(held.values())
    for tier in dict.fromkeys(["", *names, *held.values()]):
        if many[tier] or tier:
            yield TierMembers(name, tier, many[tier])


def _tiers_held(replay: Replay) -> dict[str, str]:
    return {row.member: row.tier for row in _rows_of(replay.balances(), ReplayedBalance)}


# Members ------------------------------------------------------------------------------------------------------------


def _members(replays: Mapping[str, Replay], price: _Price, *, spends: bool) -> MembersCompared:
    first, *others = replays
    units, shown = _measured(replays, price)
    by_unit = any(len(worth) > 1 for worth in units.values())
    had_by = {name: _had(replay, units[name], spends=spends) for name, replay in replays.items()}
    tiers = {name: _tiers_held(replay) for name, replay in replays.items()}
    rows: list[MemberChange] = []
    parts: list[PartChange] = []
    for name in others:
        changes = [
            MemberChange(name, member, before, after := had_by[name][member], tidy(after - before),
                         tiers[first][member], tiers[name][member])
            for member, before in had_by[first].items()
        ]  # fmt: skip
        changes.sort(key=lambda row: (-_size(row.difference), row.member))
        rows += changes
        for row in changes[:MOST]:
            if row.difference:
                was, now = (
                    _parts(replays[which], row.member, units[which], by_unit=by_unit) for which in (first, name)
                )
                parts += _why(row, was, now)
    why = PartsCompared(tuple(replays), tuple(parts), shown)
    return MembersCompared(tuple(replays), tuple(rows), why, shown)


def _measured(replays: Mapping[str, Replay], price: _Price) -> tuple[dict[str, Mapping[str, Exact]], Shown]:
    """What counts for each program, by unit, and how it is shown."""
    first = next(iter(replays.values())).program
    if price.given:
        worth = {name: price.of(name, replay.program) for name, replay in replays.items()}
        return worth, Shown(first.currency, price.places)
    found: dict[str, Mapping[str, Exact]] = {}
    for name, replay in replays.items():
        spent = [unit for unit, points in replay.program.points.items() if points.redeemable]
        if len(spent) != 1:
            raise RuleError(
                f"worth: {name!r} has {len(spent)} units that can be redeemed, which do not add up; say what a point of"
                " each is worth: worth={unit: money}"
            )
        found[name] = {spent[0]: 1}
    unit = first.main_unit
    places = first.unit(unit).places
    return found, Shown(unit, places, 10**places)


def _had(replay: Replay, worth: Mapping[str, Exact], *, spends: bool) -> dict[str, Exact]:
    """What each member had: spent, and left."""
    found: dict[str, Exact] = {}
    for row in _rows_of(replay.balances(), ReplayedBalance):
        found[row.member] = found.get(row.member, 0) + row.net * worth.get(row.unit, 0)
    for entry in _rows_of(replay.entries(), EntryRow) if spends else ():
        sign = _SPENT.get(entry.kind, 0)
        if sign:
            found[entry.member] += sign * entry.points * worth.get(entry.unit, 0)
    return {member: tidy(amount) for member, amount in found.items()}


_SPENT: Final[Mapping[str, int]] = {"spent": 1, "captured": 1, "cancelled": -1}


def _why(change: MemberChange, before: Mapping[str, Exact], after: Mapping[str, Exact]) -> list[PartChange]:
    """What each part of the two programs gave a member, the largest difference first."""
    rows = [
        PartChange(change.program, change.member, part, was := before.get(part, 0), now := after.get(part, 0),
                   tidy(now - was))
        for part in dict.fromkeys([*before, *after])
    ]  # fmt: skip
    return sorted(rows, key=lambda row: -_size(row.difference))


def _size(amount: Exact) -> Exact:
    return max(amount, -amount)


def _parts(replay: Replay, member: str, worth: Mapping[str, Exact], *, by_unit: bool) -> dict[str, Exact]:
    """What a member had by what gave or took it, and by unit where there are several."""
    account = replay._job.account(replay._job.told.members.index(member), keeps_lines=False)
    found: defaultdict[str, Exact] = defaultdict(int)
    for (unit, part), points in had(account).items():
        if unit in worth:
            found[f"{unit}: {part}" if by_unit else part] += points * worth[unit]
    return {part: tidy(amount) for part, amount in found.items()}


# One number after another -------------------------------------------------------------------------------------------


class Swept(NamedTuple):
    """What became of the points of a unit under the program of one value; see `Outcome`."""

    value: str
    unit: str
    earned: int
    spent: int
    lapsed: int
    reversed: int
    other: int
    outstanding: int
    cost: Exact | None
    liability: Exact | None
    refused: int


@frozen(repr=False)
class Sweep(Plotted):
    """One history under the programs that some values make. `print` it, or take `rows`, `plot()` or `to_frame()`.

    *values* are as they were given; in rows they are text, and in a frame numbers if all of them are.
    """

    row: ClassVar[type[Any]] = Swept

    values: tuple[Any, ...]
    rows: tuple[Swept, ...]
    replays: tuple[Replay, ...]
    places: int = 2

    def to_frame(self, backend: str = "polars") -> Any:
        """A frame with a row for each value and unit; see `Result.to_frame`."""
        numbers = [_number(row.value) for row in self.rows]
        if None in numbers:
            return super().to_frame(backend)
        return frame_of(_SweptNumber, [(n, *row[1:]) for n, row in zip(numbers, self.rows, strict=True)], backend)

    def _title(self) -> str:
        first = self.replays[0]
        return f"{count(len(self.values), 'value')}: {count(first.events, 'event')} of {count(first.members, 'member')}"

    def _tables(self) -> Iterator[Table]:
        for unit in dict.fromkeys(row.unit for row in self.rows):
            rows = [row for row in self.rows if row.unit == unit]
            digits_of = self.replays[0].program.unit(unit).places
            priced = any(row.cost is not None for row in rows)
            refused = any(row.refused for row in rows)
            cells = [
                (row.value, *(points_text(getattr(row, what), digits_of) for what in FLOWS),
                 *([money(row.cost or 0, self.places), money(row.liability or 0, self.places)] if priced else []),
                 *([row.refused] if refused else []))
                for row in rows
            ]  # fmt: skip
            header = (unit, *FLOWS, *(AMOUNTS if priced else ()), *(["refused"] if refused else []))
            yield self._title(), header, cells

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        unit = self.rows[0].unit
        rows = [row for row in self.rows if row.unit == unit]
        priced = all(row.cost is not None for row in rows)
        drawn = AMOUNTS if priced else ("earned", "spent", "lapsed", "outstanding")
        steps = 1 if priced else 10 ** self.replays[0].program.unit(unit).places
        series = {what: [float(getattr(row, what) / steps) for row in rows] for what in drawn}
        currency = self.replays[0].program.currency
        title = f"{'cost and liability' if priced else unit} by value"
        return plots.lines(ax, [row.value for row in rows], series, title=title, unit=currency if priced else unit)


class _SweptNumber(NamedTuple):
    """As `Swept`, with a number."""

    value: Exact
    unit: str
    earned: int
    spent: int
    lapsed: int
    reversed: int
    other: int
    outstanding: int
    cost: Exact | None
    liability: Exact | None
    refused: int


def sweep(
    make: Callable[[Any], AnyProgram],
    values: Iterable[Any],
    history: Source,
    *,
    at: When | None = None,
    members: Iterable[Member] = (),
    worth: Number | Mapping[str, Number] | None = None,
    rate: Number = 1,
    places: int = 2,
    workers: int = 1,
    progress: Progress = None,
    columns: Mapping[str, str] = EMPTY,
    amount_unit: str | None = None,
) -> Sweep:
    """One history under the program that *make* makes of each of the *values*: what becomes of points, and the cost.

    All else is as in `compare`.

    >>> from loyaltycore.datasets import make_history
    >>> from loyaltycore.reports import sweep
    >>> history = make_history(members=20, months=3, seed=7)
    >>> rates = sweep(lambda rate: Program("Club", earning=PerSpend(rate)), ["0.5", 1, 2], history)
    >>> [(row.value, row.earned) for row in rates.rows]
    [('0.5', 3935), ('1', 8001), ('2', 16123)]
    """
    given = tuple(values)
    if not given:
        raise RuleError("values: there are none; give those to make programs of")
    digits(places)
    made = {_label(value): _program(make(value), f"make({value!r})") for value in given}
    if len(made) < len(given):
        twice = next(name for name, times in Counter(map(_label, given)).items() if times > 1)
        raise RuleError(f"values: {twice} is there more than once; give each value once")
    price = _Price((), worth, share_of(rate), places)
    read, known = _Read.of(history, columns, amount_unit), tuple(members)
    rows: list[Swept] = []
    replays: list[Replay] = []
    for name, program in made.items():
        replays.append(program.replay(read.history, at=at, members=known, workers=workers, progress=progress,
                                      **read.options))  # fmt: skip
        at = replays[-1].at
        rows += (Swept(*row) for row in _outcomes(name, replays[-1], price))
    return Sweep(given, tuple(rows), tuple(replays), places)


def _label(value: Any) -> str:
    number = _number(value)
    return str(value) if number is None else show(number)


def _number(value: Any) -> Exact | None:
    try:
        return exact(value)
    except (InexactNumber, RuleError):
        return None
