"""What a comparison of programs says: outcomes, tiers, members, and why they are better or worse off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from attrs import frozen

from loyaltycore._accounting import money
from loyaltycore._calendar import show_moment
from loyaltycore._exact import Exact, tidy
from loyaltycore._result import Plotted, Table
from loyaltycore._show import count
from loyaltycore._show import points as points_text
from loyaltycore.errors import RuleError
from loyaltycore.replay import Replay

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST: Final = 10
"""Of how many members it is told why they are better or worse off."""

REASONS: Final = 3
"""How many of the parts are shown of each."""


WIDEST: Final = 44
"""How many characters of a part are shown beside its numbers, so that a terminal is wide enough; `why` has them all."""


def shorten(text: str, most: int) -> str:
    """The beginning of a text, if it has more characters than that."""
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."


class Outcome(NamedTuple):
    """What became of the points of a unit under a program, up to the end.

    *outstanding* is what there is then: `earned - spent - lapsed - reversed + other`. *cost* is what those that were
    spent are worth, and *liability* what is expected of those outstanding; both are `None` without a worth. *refused*
    are the redemptions of the program that were refused, in any unit.
    """

    program: str
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


FLOWS: Final = ("earned", "spent", "lapsed", "reversed", "other", "outstanding")
AMOUNTS: Final = ("cost", "liability")


class TierMembers(NamedTuple):
    """How many members a program has in a tier of its first ladder at the end; `""` is no tier."""

    program: str
    tier: str
    members: int


class MemberChange(NamedTuple):
    """What a member had under the first program and under another: what they spent, and what they have left.

    It is in points, or in money if points are worth some. The tiers are those at the end.
    """

    program: str
    member: str
    before: Exact
    after: Exact
    difference: Exact
    tier_before: str
    tier_after: str


class PartChange(NamedTuple):
    """What a part of the programs gave a member: a rule by its name or code, or what lapsed, was reversed and so on."""

    program: str
    member: str
    part: str
    before: Exact
    after: Exact
    difference: Exact


@frozen
class Shown:
    """How what members had is shown: *what* it is, a currency or a unit, and digits after the point.

    *steps* are how many of the numbers make one, as of points that have digits after the point.
    """

    what: str
    places: int
    steps: int = 1

    def text(self, amount: Exact) -> str:
        """A number as text."""
        return money(Fraction(amount) / self.steps, self.places)

    def signed(self, amount: Exact) -> str:
        """A difference as text."""
        return f"{'+' if amount > 0 else ''}{self.text(amount)}"

    def number(self, amount: Exact) -> float:
        """A number for a plot."""
        return float(amount / self.steps)


@frozen(repr=False)
class _Compared(Plotted):
    """Base of results on several programs, the first of which the others are compared with."""

    programs: tuple[str, ...]

    @property
    def _first(self) -> str:
        return self.programs[0]

    def _columns(self) -> tuple[str, ...]:
        return (*self.programs, *(["difference"] if len(self.programs) == 2 else []))  # noqa: PLR2004 (of two there is one)


@frozen(repr=False)
class TiersCompared(_Compared):
    """Members by tier at the end, under each program. `print` it, or take `rows` or `plot()`."""

    row: ClassVar[type[Any]] = TierMembers

    rows: tuple[TierMembers, ...]

    def _title(self) -> str:
        return "members by tier at the end"

    def _tables(self) -> Iterator[Table]:
        tiers, many = self._counted()
        cells = [(tier or "no tier", *_with_difference([many[name, tier] for name in self.programs])) for tier in tiers]
        yield self._title(), ("tier", *self._columns()), cells

    def _counted(self) -> tuple[list[str], defaultdict[tuple[str, str], int]]:
        """The tiers in order, and how many members each program has in them."""
        many: defaultdict[tuple[str, str], int] = defaultdict(int)
        many.update({(row.program, row.tier): row.members for row in self.rows})
        return list(dict.fromkeys(row.tier for row in self.rows)), many

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        tiers, many = self._counted()
        series = {name: [many[name, tier] for tier in tiers] for name in self.programs}
        return plots.bars(ax, [tier or "no tier" for tier in tiers], series, title=self._title(), unit="members")


@frozen(repr=False)
class MembersCompared(_Compared):
    """Every member under the first program and under the others, the most affected first.

    `print` it, or take `rows`, `better`, `worse`, `why` or `plot()`.
    """

    row: ClassVar[type[Any]] = MemberChange

    rows: tuple[MemberChange, ...]
    why: PartsCompared
    shown: Shown

    def better(self, program: str = "") -> tuple[MemberChange, ...]:
        """Those who are better off under a program than under the first; it may be left out where there are two."""
        return tuple(row for row in self._of(program) if row.difference > 0)

    def worse(self, program: str = "") -> tuple[MemberChange, ...]:
        """Those who are worse off."""
        return tuple(row for row in self._of(program) if row.difference < 0)

    def _of(self, program: str) -> list[MemberChange]:
        others = self.programs[1:]
        name = program or others[0]
        if name not in others or (not program and len(others) > 1):
            raise RuleError(f"program: name the one to compare with {self._first!r}: {', '.join(map(repr, others))}")
        return [row for row in self.rows if row.program == name]

    def _title(self) -> str:
        return f"members under {' and '.join(self.programs)}, in {self.shown.what}"

    def _tables(self) -> Iterator[Table]:
        for name in self.programs[1:]:
            better, worse, all_ = self.better(name), self.worse(name), self._of(name)
            groups = {"better off": better, "worse off": worse, "the same": all_[len(better) + len(worse) :]}
            many = [
                (what, len(rows), self.shown.text(sum(row.difference for row in rows))) for what, rows in groups.items()
            ]
            yield f"members under {name} instead of {self._first}", ("", "members", f"{self.shown.what}, in all"), many
            lines = [line for row in all_[:MOST] if row.difference for line in self._lines(row)]
            yield (
                f"the most affected, and why, in {self.shown.what}",
                ("member", self._first, name, "difference"),
                lines,
            )

    def _lines(self, row: MemberChange) -> Iterator[tuple[str, ...]]:
        """What a member had, and the parts that made the largest difference."""
        before, after = row.tier_before or "no tier", row.tier_after or "no tier"
        yield self._line(row.member if before == after else f"{row.member}, {before} to {after}", row[2:5])
        parts = [part for part in self.why.of(row.member, row.program) if part.difference]
        for part in parts[:REASONS]:
            yield self._line(f"- {part.part}", part[3:])
        rest = [sum(numbers) for numbers in zip(*(part[3:] for part in parts[REASONS:]), strict=True)]
        if rest:
            yield self._line("- other", rest)

    def _line(self, what: str, numbers: Sequence[Exact]) -> tuple[str, ...]:
        before, after, difference = numbers
        return shorten(what, WIDEST), self.shown.text(before), self.shown.text(after), self.shown.signed(difference)

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        rows = [row for row in self._of(self.programs[1]) if row.difference][:MOST]
        notes = [self.shown.signed(row.difference) for row in rows]
        values = {row.member: self.shown.number(row.difference) for row in rows}
        title = f"the most affected under {self.programs[1]} instead of {self._first}"
        return plots.ranked(ax, values, notes, title=title, unit=self.shown.what)


@frozen(repr=False)
class PartsCompared(_Compared):
    """Why the most affected members are better or worse off: what each rule, lapse and refund came to.

    `print` it, or take `rows` or `plot()`. A member's differences add up to how much better off they are.
    """

    row: ClassVar[type[Any]] = PartChange

    rows: tuple[PartChange, ...]
    shown: Shown

    def of(self, member: str, program: str = "") -> tuple[PartChange, ...]:
        """The parts of one member, the largest difference first; of all programs, or of one."""
        return tuple(row for row in self.rows if row.member == member and program in ("", row.program))

    def _title(self) -> str:
        return f"why, in {self.shown.what}"

    def _tables(self) -> Iterator[Table]:
        for program, member in dict.fromkeys((row.program, row.member) for row in self.rows):
            cells = [
                (row.part, *map(self.shown.text, row[3:5]), self.shown.signed(row.difference))
                for row in self.of(member, program)
            ]
            yield f"{member} under {program}, in {self.shown.what}", ("part", self._first, program, "difference"), cells

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        sums: defaultdict[str, Exact] = defaultdict(int)
        for row in self.rows:
            if row.program == self.programs[1]:
                sums[row.part] += row.difference
        made = [(part, amount) for part, amount in sums.items() if amount]
        most = sorted(made, key=lambda item: -abs(float(item[1])))[:MOST]
        notes = [self.shown.signed(value) for _, value in most]
        title = f"what made the difference to the most affected under {self.programs[1]}"
        return plots.ranked(
            ax, {part: self.shown.number(value) for part, value in most}, notes, title=title, unit=self.shown.what
        )


@frozen(repr=False)
class Outcomes(_Compared):
    """What became of the points under each program. `print` it, or take `rows`, `outcome(...)` or `plot()`."""

    row: ClassVar[type[Any]] = Outcome

    rows: tuple[Outcome, ...]
    replays: Mapping[str, Replay]
    places: int

    def outcome(self, program: str, unit: str = "") -> Outcome:
        """The row of a program, and of a unit if it has several."""
        found = [row for row in self.rows if row.program == program and unit in ("", row.unit)]
        if len(found) != 1:
            known = ", ".join(f"({row.program!r}, {row.unit!r})" for row in self.rows)
            raise RuleError(f"outcome: {program!r}, {unit!r} is no row, or several; there is {known}")
        return found[0]

    def _title(self) -> str:
        first = self.replays[self._first]
        at = show_moment(first.at.replace(tzinfo=None))
        many = f"{count(first.events, 'event')} of {count(first.members, 'member')}"
        return f"{', '.join(self.programs)}: {many} up to {at}"

    def _tables(self) -> Iterator[Table]:
        for unit in dict.fromkeys(row.unit for row in self.rows):
            yield self._title(), (unit, *self._columns()), list(self._cells(unit))

    def _cells(self, unit: str) -> Iterator[tuple[str, ...]]:
        """What became of a unit under each program that has it."""
        by_program = {row.program: row for row in self.rows if row.unit == unit}
        rows = [by_program.get(name) for name in self.programs]
        for what in FLOWS:
            yield what, *_with_difference([getattr(row, what, None) for row in rows], self._places(unit))
        for what in AMOUNTS:
            amounts = [getattr(row, what, None) for row in rows]
            if any(amount is not None for amount in amounts):
                in_money = _with_difference(amounts, self.places, in_money=True)
                yield f"{what}, {self.replays[self._first].program.currency}", *in_money
        if any(row.refused for row in by_program.values()):
            yield "refused redemptions", *_with_difference([getattr(row, "refused", None) for row in rows])

    def _places(self, unit: str) -> int:
        """Digits after the point of a unit's points."""
        name = next(row.program for row in self.rows if row.unit == unit)
        return self.replays[name].program.unit(unit).places

    def _draw(self, ax: Axes) -> Axes:
        from loyaltycore import plots

        unit = self.rows[0].unit
        rows = [row for row in self.rows if row.unit == unit]
        shown = [what for what in FLOWS if any(getattr(row, what) for row in rows)]
        steps = 10 ** self._places(unit)
        series = {row.program: [getattr(row, what) / steps for what in shown] for row in rows}
        return plots.bars(ax, shown, series, title=f"what became of {unit}", unit=unit)


@frozen(repr=False)
class Comparison(Outcomes):
    """One history under several programs: all there is to say. `print` it, or take a part.

    *tiers* and *members* are results of their own; `members.why` says why members are better or worse off. *replays*
    are by the programs' names. `rows`, `plot()` and the frame are those of the outcomes.
    """

    tiers: TiersCompared
    members: MembersCompared

    @property
    def parts(self) -> tuple[_Compared, ...]:
        """The outcomes, the tiers if there are any, the members, and why: a result each, as for a page."""
        outcomes = Outcomes(self.programs, self.rows, self.replays, self.places)
        tiers = (self.tiers,) if any(row.tier for row in self.tiers.rows) else ()
        return outcomes, *tiers, self.members, self.members.why

    def _tables(self) -> Iterator[Table]:
        for part in self.parts[:-1]:
            yield from part._tables()


def _with_difference(values: Sequence[Any], places: int = 0, *, in_money: bool = False) -> list[str]:
    """Numbers as text, those that there are not as a dash; of two their difference, too."""
    known = [value for value in values if value is not None]
    both = len(values) == len(known) == 2  # noqa: PLR2004 (of two there is one)
    every = [*values, *([tidy(values[1] - values[0])] if both else [None] if len(values) == 2 else [])]  # noqa: PLR2004
    show_ = money if in_money else points_text
    return ["-" if value is None else show_(value, places) for value in every]
