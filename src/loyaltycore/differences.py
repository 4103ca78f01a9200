"""What differs between two programs, in plain words: a value for each difference, with its place.

Both programs are walked side by side. Units, rewards, tiers and benefits are told apart by their names, rules that are
added up by name or else by likeness, so that one rule more is one difference, and so is one number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
import re
from typing import Any, Final, NamedTuple, TypeAlias

from attrs import frozen

from loyaltycore._english import day, day_of_year, listed, percent, plain, stated
from loyaltycore._exact import FrozenMap
from loyaltycore._phrases import EARNED, Talk, cell, window
from loyaltycore._strategy import Part, Stored, parts_of, step, walk
from loyaltycore._terms import AVAILABLE, REACHED, REVIEWED, brings, takes, when
from loyaltycore.counted import Cap, Cooldown, EveryNthTime, InARow, Limit, Running
from loyaltycore.dates import DateRule
from loyaltycore.earning import AtLeast, BestOf, EarningRule, FirstOf, Named, Rounded, Sum, Within, _name_of
from loyaltycore.earning_rules import Flat, PerItem, PerSpend, PerStep, PerUnit, PointsTable
from loyaltycore.factors import ByTier, Constant, Factor, FactTable, RateTable
from loyaltycore.history import AnyProgram
from loyaltycore.points import Points
from loyaltycore.program import Program
from loyaltycore.redemption import Automatic, OptionLimit, RedemptionOption, Stock
from loyaltycore.redemption_options import (
    AwardChart,
    CarryOver,
    Convert,
    Donation,
    Gift,
    Increments,
    Item,
    PayWithPoints,
    PercentOff,
    Voucher,
)
from loyaltycore.tables import Table
from loyaltycore.tiers import Tier, TierLadder
from loyaltycore.words import DOWN, by_itself, earning, kept, reward, tier_words, words


@frozen
class Difference:
    """What differs between two programs: the place, what is there in the one and in the other, and a sentence.

    *before* and *after* are values as they stand in the programs, `None` where there is none. The place is that in the
    new program, or in the old one of what only that has.

    >>> old, new = (Program("Club", earning=Flat(n).named("hello")) for n in (5, 9))
    >>> [difference] = diff(old, new)
    >>> difference.place, difference.before, difference.after
    ('$.points.points.earning.rule.points', 5, 9)
    """

    place: str
    before: Any
    after: Any
    text: str

    def __str__(self) -> str:
        return self.text


def diff(before: AnyProgram, after: AnyProgram) -> tuple[Difference, ...]:
    r"""What differs between two programs, sorted by place; nothing where they are equal.

    Of histories, versions from the same day are compared; a program alone is the first version of one.

    >>> old = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(150)})
    >>> new = Program("Club", earning=PerSpend(1) + Flat(5).when(OfKind("review")), rewards={"coffee": Item(175)})
    >>> print(*diff(old, new), sep="\n")
    points: a rule is added: 5 points for each review
    coffee: the price goes from 150 to 175
    """
    return tuple(sorted(_versions(before, after), key=lambda found: _sortable(found.place)))


def _sortable(place: str) -> list[tuple[bool, Any]]:
    """A place whose numbers are compared as numbers."""
    return [(text.isdecimal(), int(text) if text.isdecimal() else text) for text in re.split(r"(\d+)", place)]


Found: TypeAlias = Iterator[Difference]


class Pair(NamedTuple):
    """The same place in both programs: where it is in each, whose it is, and how each program is spoken of."""

    old: str
    new: str
    who: str
    one: Talk
    other: Talk
    of: str = ""
    """Behind the name of a number, whose it is, where `who` does not say so."""
    since: str = ""
    """From which day on, of a later version of a history."""

    def at(self, old: str, new: str | None = None) -> Pair:
        """A place inside."""
        return self._replace(old=self.old + old, new=self.new + (old if new is None else new))

    def whose(self, who: str, **talk: Any) -> Pair:
        """The same, of something that has a name of its own."""
        return self._replace(who=f"{who}: ", of="", one=self.one._replace(**talk), other=self.other._replace(**talk))

    def said(self, before: Any, after: Any, text: str) -> Difference:
        """What differs here."""
        return Difference(self.old if after is None else self.new, before, after, f"{self.since}{self.who}{text}")

    def changed(self, label: str, before: Any, after: Any, say: Say) -> Difference:
        """A value that is another, or that only one of the programs has."""
        was, now = (
            "" if value is None else say(value, talk) for value, talk in ((before, self.one), (after, self.other))
        )
        if was == now:
            was, now = repr(before), repr(after)  # the words are the same, what they stand for is not
        what = f"the {label}{self.of}"
        if before in (None, ""):
            return self.said(before, after, f"{what} is now {now}")
        if after in (None, ""):
            return self.said(before, after, f"{what} is left out, which was {was}")
        if _is_number(before) and _is_number(after):
            return self.said(before, after, f"{what} goes from {was} to {now}")
        return self.said(before, after, f"{what} is “{now}” instead of “{was}”")


def _is_number(value: object) -> bool:
    return isinstance(value, (int, Fraction)) and not isinstance(value, bool)


Say: TypeAlias = Callable[[Any, Talk], str]
"""How a value is put into words."""


def _plainly(value: Any, talk: Talk) -> str:
    if isinstance(value, Stored):
        return words(value, talk)
    return listed(_plainly(item, talk) for item in value) if isinstance(value, tuple) and value else stated(value)


def _points(value: Any, talk: Talk) -> str:
    return _plainly(value, talk) if isinstance(value, Stored) else talk.amount(value)


def _money(value: Any, talk: Talk) -> str:
    return talk.money(value)


def _kept(value: DateRule, talk: Talk) -> str:
    return kept(value, talk._replace(since=REACHED))


def _reviewed(value: DateRule, talk: Talk) -> str:
    return when(value, talk._replace(since=REVIEWED))


def _either(yes: str, no: str) -> Say:
    return lambda value, _: yes if value else no


def _either_of(word: str, yes: str, no: str) -> Say:
    return lambda value, _: yes if value == word else no


_SAID: Final[dict[tuple[type, str], tuple[str, Say]]] = {
    (Program, "hold_timeout"): ("time that a hold lasts", _plainly),
    (Program, "grandfather"): ("expiry of points from before", _either("as it was for them", "by this version")),
    (Points, "redeemable"): ("use", _either("to be spent", "only to be counted")),
    (Points, "pending"): ("wait until they become available", lambda v, talk: when(v, talk._replace(since=EARNED))),
    (Points, "order"): ("order of spending", _plainly),
    (Points, "at_most"): ("most that an account has", _points),
    (PerSpend, "points"): ("rate", _points),
    (PerSpend, "every"): ("amount that it is for", _money),
    (PerStep, "points"): ("rate", _points),
    (PerStep, "every"): ("step", _plainly),
    (PerUnit, "points"): ("rate", _points),
    (PerItem, "points"): ("rate", _points),
    (Flat, "points"): ("number", _points),
    (Within, "low"): ("lower bound", _plainly),
    (Within, "high"): ("upper bound", _plainly),
    (AtLeast, "points"): ("minimum", _points),
    (Cap, "points"): ("cap", _points),
    (Cap, "per"): ("period of the cap", _plainly),
    (Running, "per"): ("period that is counted over", _plainly),
    (Limit, "n"): ("number of times", _plainly),
    (Limit, "per"): ("period of the limit", _plainly),
    (EveryNthTime, "n"): ("number of times", _plainly),
    (EveryNthTime, "per"): ("period of the count", _plainly),
    (InARow, "n"): ("length of a row", _plainly),
    (InARow, "per"): ("period of the row", _plainly),
    (Cooldown, "days"): ("number of days of rest", _plainly),
    (Cooldown, "months"): ("number of months of rest", _plainly),
    (Rounded, "mode"): ("rounding", _plainly),
    (Rounded, "to"): ("multiple that it is rounded to", _points),
    (Item, "cost"): ("price", _points),
    (Item, "grants"): ("thing granted", _plainly),
    (Voucher, "cost"): ("price", _points),
    (Voucher, "worth"): ("worth", _money),
    (PercentOff, "cost"): ("price", _points),
    (PercentOff, "percent"): ("percentage", _plainly),
    (PercentOff, "at_most"): ("most that it takes off", _money),
    (PayWithPoints, "worth"): ("worth of a point", _money),
    (PayWithPoints, "at_least"): ("minimum", _points),
    (PayWithPoints, "at_most"): ("maximum", _points),
    (PayWithPoints, "step"): ("step", _points),
    (PayWithPoints, "share"): ("share of the order", lambda value, _: percent(value)),
    (Increments, "table"): ("choice", lambda value, talk: words(Increments(value, unit=talk.unit), talk)),
    (Donation, "worth"): ("worth of a point", _money),
    (Donation, "to"): ("cause", _plainly),
    (Donation, "at_least"): ("minimum", _points),
    (Convert, "block"): ("number to convert", _points),
    (Convert, "gives"): ("number that it gives", _plainly),
    (Convert, "at_least"): ("minimum", _points),
    (Convert, "into"): ("unit that it becomes", _plainly),
    (CarryOver, "keeps"): ("most that carries over", _points),
    (Automatic, "per"): ("time", lambda value, _: by_itself(value)),
    (Automatic, "day"): ("day", lambda value, _: day_of_year(value)),
    (Gift, "into"): ("unit that it becomes", _plainly),
    (Gift, "at_least"): ("minimum", _points),
    (Gift, "at_most"): ("maximum", _points),
    (OptionLimit, "n"): ("limit", _plainly),
    (OptionLimit, "per"): ("period of the limit", _plainly),
    (Stock, "n"): ("stock", _plainly),
    (Tier, "qualification"): ("threshold", takes),
    (Tier, "renewal"): ("threshold to stay", takes),
    (Tier, "keeps"): ("time that it is kept", _kept),
    (Tier, "deducts"): ("treatment of what it took", _either("it is taken off", "it counts on")),
    (Tier, "carry"): ("surplus that counts in the next period", _plainly),
    (TierLadder, "window"): ("time that is counted over", lambda value, _: window(value)),
    (TierLadder, "keeps"): ("time that a tier is kept", _kept),
    (TierLadder, "downgrade"): ("outcome of a review", lambda value, _: DOWN[value]),
    (TierLadder, "starts"): ("beginning of a tier", _either_of("at_once", "at once", "with the next period")),
    (TierLadder, "grace"): ("time of grace", _reviewed),
    (TierLadder, "applies"): (
        "tier that an activity is judged in", _either_of("before", "that of earlier ones", "the one that it reaches")
    ),
}  # fmt: skip
"""What to call a field, and how to say its values, where its own name and their plain words will not do."""


# Programs -----------------------------------------------------------------------------------------------------------


def _versions(before: AnyProgram, after: AnyProgram) -> Found:
    old, new = _by_day(before), _by_day(after)
    for start in sorted({*old, *new}, key=lambda start: start or date.min):
        (was, one), (now, other) = (side.get(start, ("", None)) for side in (old, new))
        if one is not None and other is not None:
            since = "" if start is None else f"from {day(start)} on, "
            yield from _programs(one, other, Pair(was, now, "", talk_of(one), talk_of(other), since=since))
        elif start is not None:
            does = "added" if one is None else "removed"
            yield Difference(was or now, one, other, f"the version from {day(start)} on is {does}")


def _by_day(program: AnyProgram) -> dict[date | None, tuple[str, Program]]:
    """The versions of a program by the day from which they are in force, each with its place."""
    if isinstance(program, Program):
        return {None: ("$", program)}
    days = [None if isinstance(version, Program) else version[0] for version in program.versions]
    return {start: (f"$.versions[{i}]", program._programs[i]) for i, start in enumerate(days)}


def talk_of(program: Program) -> Talk:
    """How a program is spoken of."""
    redeemable = [name for name, unit in program.points.items() if unit.redeemable]
    return Talk(
        currency=program.currency,
        places=FrozenMap((name, unit.places) for name, unit in program.points.items()),
        unit=redeemable[0] if len(redeemable) == 1 else "points",
    )


def _programs(before: Program, after: Program, pair: Pair) -> Found:
    for part in parts_of(Program):
        x, y = getattr(before, part.name), getattr(after, part.name)
        if part.name == "points":
            yield from _named(x, y, pair, "unit", lambda name, _: f".points{step(name)}")
        elif part.name == "rewards":
            yield from _named(x, y, pair, "reward", lambda name, _: f".rewards{step(name)}")
        elif part.name == "ladders":
            yield from _named(x, y, pair, "ladder", _ladder_place)
        elif x != y:
            yield from _field(before, part, x, y, pair)


def _ladder_place(name: str, ladders: Mapping[str, Any]) -> str:
    """An only ladder of the usual name is written without it."""
    return ".tiers" if tuple(ladders) == ("tiers",) else f".ladders{step(name)}"


def _named(
    before: Mapping[str, Any], after: Mapping[str, Any], pair: Pair, noun: str, place: Callable[[str, Any], str]
) -> Found:
    """What goes by names: added, removed, or other inside."""
    for name in dict.fromkeys((*before, *after)):
        x, y = before.get(name), after.get(name)
        here = pair.at(place(name, before), place(name, after))
        known = x if y is None else y
        unit = name if isinstance(known, Points) else getattr(known, "_unit", "") or pair.other.unit
        inside = here.whose(plain(name), unit=unit)
        if x is None or y is None:
            does = "added" if x is None else "removed"
            what = "tiers are" if noun == "ladder" and name == "tiers" else f"{noun} {plain(name)} is"
            yield here.said(x, y, f"the {what} {does}{_shortly(name, y, inside.other)}")
        elif x != y:
            yield from _inside(x, y, inside._replace(one=_about(x, inside.one), other=_about(y, inside.other)))


def _about(value: Any, talk: Talk) -> Talk:
    """How the dates in a unit or a ladder are spoken of."""
    if isinstance(value, TierLadder):
        return talk._replace(window=value.window)
    return talk._replace(since=AVAILABLE) if isinstance(value, Points) and value.pending is not None else talk


def _shortly(name: str, value: Any, talk: Talk) -> str:
    """What is said of something that is added."""
    if isinstance(value, TierLadder):
        return f": {listed(value.names)}"
    if isinstance(value, RedemptionOption):
        return f": {reward(name, value, talk).flat().removeprefix(f'{plain(name)}: ')}"
    return ""


# Values of the same kind, field by field ----------------------------------------------------------------------------


def _inside(before: Stored, after: Stored, pair: Pair, noun: str = "reward") -> Found:
    """What differs inside of two values that are not equal."""
    if not _alike(before, after):
        yield pair.changed(noun, before, after, _plainly)
    elif isinstance(before, AwardChart) and isinstance(after, AwardChart) and before.by == after.by:
        yield from _told(_tables(before._table, after._table, pair, "price"), before, after, pair)
    else:
        yield from _told(_fields(before, after, pair), before, after, pair)


def _alike(before: Stored, after: Stored) -> bool:
    """Whether two values are of one kind, and it is known what its fields mean."""
    return type(before) is type(after) and type(before).__module__.startswith("loyaltycore.")


def _told(found: Found, before: Stored, after: Stored, pair: Pair) -> Found:
    """What was found; of values that differ in nothing that has words, their code."""
    told = list(found)
    yield from told or [pair.said(before, after, f"{after!r} instead of {before!r}")]


def _fields(before: Stored, after: Stored, pair: Pair) -> Found:
    for part in parts_of(type(before)):
        x, y = getattr(before, part.name), getattr(after, part.name)
        if x != y:
            yield from _field(before, part, x, y, pair)


def _field(owner: Stored, part: Part, x: Any, y: Any, pair: Pair) -> Found:
    """What differs in a field."""
    here = pair.at(f".{part.keyword}")
    label, say = _SAID.get((type(owner), part.name), (plain(part.keyword), _plainly))
    if isinstance(owner, Points) and part.name in ("earning", "on_event"):
        yield from _added_up(x, y, here, "rule" if part.name == "earning" else "rule for events")
    elif part.name == "converts":
        yield from _lists(x, y, here, "conversion by itself", _inside)
    elif isinstance(owner, TierLadder) and part.name == "tiers":
        yield from _tiers(owner, x, y, here)
    elif part.name == "benefits":
        yield from _benefits(x, y, here)
    elif isinstance(x, EarningRule) and isinstance(y, EarningRule):
        yield from _rules(x, y, here)
    elif isinstance(x, RedemptionOption) and isinstance(y, RedemptionOption):
        yield from _inside(x, y, here)
    elif isinstance(x, Factor) and isinstance(y, Factor):
        yield from _told(_factors(x, y, here), x, y, here)
    elif getattr(owner, "of", "") == "amount" and say is _plainly and _is_number(x) and _is_number(y):
        yield here.changed(label, x, y, _money)
    else:
        yield here.changed(label, x, y, say)


# Rules, and other lists without names -------------------------------------------------------------------------------


def _added_up(before: EarningRule | None, after: EarningRule | None, pair: Pair, noun: str = "rule") -> Found:
    """Rules that are added up, each by itself; a rule alone is a sum of one."""
    one, other = _addends(before), _addends(after)
    yield from _lists(tuple(one.values()), tuple(other.values()), pair, noun, _rules, tuple(one), tuple(other))


def _addends(rule: EarningRule | None) -> dict[str, EarningRule]:
    """The rules of a sum by their places in it."""
    if isinstance(rule, Sum):
        return {f".rules[{i}]": addend for i, addend in enumerate(rule.rules)}
    return {} if rule is None else {"": rule}


def _rules(before: EarningRule, after: EarningRule, pair: Pair) -> Found:
    """What differs between two rules that are meant to be the same one."""
    if isinstance(before, Named) or not pair.of:
        name = _name_of(before)
        pair = pair._replace(of=f" of {plain(name) if name else f'“{words(before, pair.one)}”'}")
    if isinstance(before, Sum) or isinstance(after, Sum):
        yield from _told(_added_up(before, after, pair), before, after, pair)
    elif not _alike(before, after):
        yield pair.said(before, after, f"“{words(before, pair.one)}” becomes “{words(after, pair.other)}”")
    elif isinstance(before, (BestOf, FirstOf)) and isinstance(after, (BestOf, FirstOf)):
        yield from _told(_lists(before.rules, after.rules, pair.at(".rules"), "rule", _rules), before, after, pair)
    elif isinstance(before, PointsTable) and isinstance(after, PointsTable) and before.by == after.by:
        yield from _told(_tables(before, after, pair, "number"), before, after, pair)
    else:
        yield from _told(_fields(before, after, pair), before, after, pair)


Inside: TypeAlias = Callable[[Any, Any, Pair], Found]


def _lists(
    before: Sequence[Any],
    after: Sequence[Any],
    pair: Pair,
    noun: str,
    inside: Inside,
    old: Sequence[str] = (),
    new: Sequence[str] = (),
) -> Found:
    """What differs between two lists whose items have no names of their own: added, removed, changed, another order."""
    couples = _couples(before, after)
    old, new = old or _numbered(before), new or _numbered(after)
    for i, j in couples:
        if before[i] != after[j]:
            which = len(before) > 1 and isinstance(before[i], RedemptionOption)  # a rule says which one it is itself
            here = pair._replace(of=f" of “{words(before[i], pair.one)}”" if which else "").at(old[i], new[j])
            yield from _in_short(before[i], after[j], list(inside(before[i], after[j], here)), here)
    taken = {j for _, j in couples}
    for i, x in enumerate(before):
        if i not in dict(couples):
            yield pair.at(old[i]).said(x, None, f"a {noun}{pair.of} is removed: {words(x, pair.one)}")
    for j, y in enumerate(after):
        if j not in taken:
            yield pair.at("", new[j]).said(None, y, f"a {noun}{pair.of} is added: {words(y, pair.other)}")
    if [j for _, j in couples] != sorted(taken):
        yield pair.said(tuple(before), tuple(after), f"the {noun}s{pair.of} stand in another order")


def _in_short(before: Any, after: Any, found: list[Difference], pair: Pair) -> Found:
    """What was found of a rule; of one without a name that differs in several ways, how it was and how it is."""
    named = not isinstance(before, EarningRule) or _name_of(before) is not None
    if named or len(found) == 1 or any(said.below or said.table for said in earning(before, pair.one)):
        yield from found
    else:
        yield pair.said(before, after, f"“{words(before, pair.one)}” becomes “{words(after, pair.other)}”")


def _numbered(items: Sequence[Any]) -> list[str]:
    return [f"[{i}]" for i in range(len(items))]


def _couples(before: Sequence[Any], after: Sequence[Any]) -> list[tuple[int, int]]:
    """Which items are meant to be the same: those that are equal, else of one name, else those most alike."""
    found: dict[int, int] = {}
    free = dict(enumerate(after))
    for key in (_itself, _its_name, _shape, _kinds):
        for i, x in enumerate(before):
            wanted = None if i in found else key(x)
            j = next((j for j, y in free.items() if key(y) == wanted and _may_be(x, y)), None)
            if wanted is not None and j is not None:
                found[i] = j
                del free[j]
    if len(before) == len(after) == 1 and _may_be(before[0], after[0]):
        return [(0, 0)]  # there is nothing else that it could have become
    return sorted(found.items())


def _may_be(x: Any, y: Any) -> bool:
    """Whether the two have no names that are not the same."""
    return len({_its_name(x), _its_name(y)} - {None}) < 2  # noqa: PLR2004 (a pair)


def _itself(value: Any) -> Any:
    return value


def _its_name(value: Any) -> str | None:
    return _name_of(value) if isinstance(value, EarningRule) else None


def _shape(value: Any) -> Any:
    """A value without its numbers."""
    if isinstance(value, Stored):
        return type(value), tuple(_shape(getattr(value, part.name)) for part in parts_of(type(value)))
    if isinstance(value, (tuple, list)):
        return tuple(map(_shape, value))
    if isinstance(value, Mapping):
        return frozenset(value)
    return None if _is_number(value) else value


def _kinds(value: Any) -> Any:
    """The kinds of rules, or of options, that a value is made of."""
    return [type(inside) for _, inside in walk(value) if isinstance(inside, (EarningRule, RedemptionOption))]


# Numbers by key -----------------------------------------------------------------------------------------------------


def _factors(before: Factor, after: Factor, pair: Pair) -> Found:
    if isinstance(before, Constant) and isinstance(after, Constant):
        yield pair.at(".number").changed("factor", before.number, after.number, _plainly)
    elif (
        _alike(before, after)
        and isinstance(before, RateTable)
        and isinstance(after, RateTable)
        and before.by == after.by
    ):
        yield from _tables(before, after, pair, "factor")
    elif _alike(before, after) and isinstance(before, (ByTier, FactTable)) and isinstance(after, (ByTier, FactTable)):
        if getattr(before, "name", "") != getattr(after, "name", ""):
            yield pair.changed("factor", before, after, _plainly)
            return
        for key in dict.fromkeys((*before.factors, *after.factors)):
            x, y = before.factors.get(key), after.factors.get(key)
            if x != y:
                yield pair.at(f".factors{step(key)}").changed(f"factor for {stated(key)}", x, y, _plainly)
        if before.otherwise != after.otherwise:
            yield pair.at(".otherwise").changed("factor for all others", before.otherwise, after.otherwise, _plainly)
    else:
        yield pair.changed("factor", before, after, _plainly)


def _tables(before: Table, after: Table, pair: Pair, noun: str) -> Found:
    """Two tables by the same keys, row by row."""
    for keys in dict.fromkeys((*before._numbers, *after._numbers)):
        x, y = before._numbers.get(keys), after._numbers.get(keys)
        if x != y:
            row = ", ".join(cell(by, key) for by, key in zip(before.by, keys, strict=True))
            yield pair.at(".rows").changed(f"{noun} for {row}", x, y, _plainly if noun == "factor" else _points)
    for name in ("otherwise", "unit"):
        x, y = getattr(before, name, None), getattr(after, name, None)
        if x != y:
            yield pair.at(f".{name}").changed(name, x, y, _plainly)


# Tiers --------------------------------------------------------------------------------------------------------------


def _tiers(ladder: TierLadder, before: tuple[Tier, ...], after: tuple[Tier, ...], pair: Pair) -> Found:
    for x, y, here in _by_name_in(before, after, pair):
        name = (x or y).name
        if x is None:
            yield here.said(x, y, f"a tier is added, {tier_words(y, ladder, here.other._replace(since=REACHED))}")
        elif y is None:
            yield here.said(x, y, f"the tier {name} is removed")
        elif x != y:
            yield from _inside(x, y, here.whose(f"{name}"))
    common = {tier.name for tier in before} & {tier.name for tier in after}
    if [tier.name for tier in before if tier.name in common] != [tier.name for tier in after if tier.name in common]:
        yield pair.said(before, after, "the tiers stand in another order")


def _benefits(before: tuple[Any, ...], after: tuple[Any, ...], pair: Pair) -> Found:
    for x, y, here in _by_name_in(before, after, pair):
        if x is None:
            yield here.said(x, y, f"it brings {brings(y, here.other)}, too")
        elif y is None:
            yield here.said(x, y, f"it no longer brings {brings(x, here.one)}")
        elif x != y:
            yield here.said(x, y, f"it brings {brings(y, here.other)} instead of {brings(x, here.one)}")


def _by_name_in(before: tuple[Any, ...], after: tuple[Any, ...], pair: Pair) -> Iterator[tuple[Any, Any, Pair]]:
    """The items of two lists that have the same name, or of which only one list has the name."""
    old, new = ({_called(item): (f"[{i}]", item) for i, item in enumerate(items)} for items in (before, after))
    for name in dict.fromkeys((*old, *new)):
        (was, x), (now, y) = old.get(name, ("", None)), new.get(name, ("", None))
        yield x, y, pair.at(was, now)


def _called(item: Any) -> str:
    return item if isinstance(item, str) else item.name
