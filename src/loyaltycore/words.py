"""Plain words for rules and rewards, and through `_phrases` for whatever stands inside them.

What is said of a rule is a `Clause`: a line, and below it the rules it is made of, or a table. A rule around another
adds a phrase behind its line: `4 points for each dollar on groceries, at most 1,500 points a month`.
"""

from __future__ import annotations

from functools import singledispatch
from typing import Any, Final, NamedTuple

from loyaltycore._english import (
    counted,
    day_of_year,
    is_plural,
    length,
    listed,
    number,
    ordinal,
    percent,
    plain,
    singular,
)
from loyaltycore._exact import Exact, tidy
from loyaltycore._phrases import Talk, condition, each_period, factor, own, rate_tables, stretch, table_lines, window
from loyaltycore._terms import brings, takes, when
from loyaltycore.conditions import Condition
from loyaltycore.counted import Cap, Cooldown, EveryNthTime, InARow, Limit, Running
from loyaltycore.dates import DateRule, Never
from loyaltycore.earning import (
    AtLeast,
    BestOf,
    EachLine,
    EachOf,
    EarningRule,
    FirstOf,
    Named,
    Rounded,
    Sum,
    Times,
    When,
    Within,
    Wrapped,
)
from loyaltycore.earning_rules import Flat, PerItem, PerSpend, PerStep, PerUnit, PointsTable
from loyaltycore.factors import Factor
from loyaltycore.lots import LotOrder, NewestFirst, OldestFirst, SoonestToExpire
from loyaltycore.periods import Lifetime, Period, Window, Word
from loyaltycore.points import Rounding
from loyaltycore.redemption import (
    Automatic,
    FromLots,
    OptionLimit,
    OptionWhen,
    Priced,
    RedemptionOption,
    Stock,
    inside,
)
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
    gift_in,
)
from loyaltycore.tiers import Benefit, Choice, Qualification, Tier, TierLadder


class Clause(NamedTuple):
    """A line, and what stands below it: clauses that it is made of, and tables, line by line."""

    text: str
    below: tuple[Clause, ...] = ()
    table: tuple[str, ...] = ()
    bare: bool = True
    """Whether nothing has been added to it yet; the first phrase follows without a comma."""

    def plus(self, phrase: str, table: tuple[str, ...] = (), *, comma: bool = True) -> Clause:
        """The clause with a phrase behind its line."""
        between = ", " if comma or not self.bare else " "
        return self._replace(text=f"{self.text}{between}{phrase}", table=self.table + table, bare=False)

    def lines(self, indent: str = "") -> list[str]:
        """It, as an item of a list."""
        end = ":" if self.below or self.table else ""
        inner = f"{indent}  "
        return [
            f"{indent}- {self.text}{end}",
            *(f"{inner}  {line}".rstrip() for line in self.table),
            *(line for clause in self.below for line in clause.lines(inner)),
        ]

    def flat(self) -> str:
        """It in one line."""
        rows = [" ".join(line.split()) for line in self.table if line.strip("- ")]
        table = [" | ".join(rows)] if rows else []
        parts = "; ".join([*table, *(f"({c.flat()})" if c.below or c.table else c.flat() for c in self.below)])
        return f"{self.text}: {parts}" if parts else self.text


# Earning rules ------------------------------------------------------------------------------------------------------


def earning(rule: EarningRule, talk: Talk) -> tuple[Clause, ...]:
    """What is earned, a clause for each rule that is added up."""
    return tuple(_alone(inner, talk) for inner in (rule.rules if isinstance(rule, Sum) else (rule,)))


def _alone(rule: EarningRule, talk: Talk) -> Clause:
    """A rule that stands by itself: `50 points` says for what."""
    said = clause(rule, talk)
    return said.plus("for each activity", comma=False) if said.bare and _once(rule) and not said.table else said


def _once(rule: EarningRule) -> bool:
    """Whether what is earned is for an activity as a whole, whatever its amount."""
    while isinstance(rule, Wrapped):
        rule = rule.rule
    return isinstance(rule, (Flat, PointsTable))


@singledispatch
def clause(rule: EarningRule, talk: Talk) -> Clause:
    """What is said of a rule."""
    return Clause(f"what {own(rule)} gives")


@clause.register
def _(rule: PerSpend, talk: Talk) -> Clause:
    return Clause(f"{talk.points(rule.points)} {talk.each(rule.every, 'amount')}")


@clause.register
def _(rule: PerStep, talk: Talk) -> Clause:
    return Clause(f"{talk.points(rule.points)} {talk.each(rule.every, rule.of, 'full ')}")


@clause.register
def _(rule: PerUnit, talk: Talk) -> Clause:
    return Clause(f"{talk.points(rule.points)} {talk.each(1, rule.of)}")


@clause.register
def _(rule: PerItem, talk: Talk) -> Clause:
    return Clause(f"{talk.points(rule.points)} {talk.each(1, 'quantity')}")


@clause.register
def _(rule: Flat, talk: Talk) -> Clause:
    return Clause(talk.points(rule.points))


@clause.register
def _(rule: PointsTable, talk: Talk) -> Clause:
    by = listed(plain(str(key)) for key in rule.by)
    return Clause(f"{talk.noun()} by {by}", table=table_lines(rule, talk.noun(), talk))


@clause.register
def _(rule: Sum, talk: Talk) -> Clause:
    return Clause("the total of these", earning(rule, talk))


@clause.register
def _(rule: BestOf, talk: Talk) -> Clause:
    return Clause("whichever of these gives most", tuple(_alone(inner, talk) for inner in rule.rules))


@clause.register
def _(rule: FirstOf, talk: Talk) -> Clause:
    return Clause("the first of these that gives anything", tuple(_alone(inner, talk) for inner in rule.rules))


@clause.register
def _(rule: Times, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus(factor(rule.factor, talk), _tables(rule.factor, talk))


def _tables(value: Factor, talk: Talk) -> tuple[str, ...]:
    """The lines of the tables that a factor is looked up in."""
    return tuple(line for table in rate_tables(value) for line in table_lines(table, "factor", talk))


@clause.register
def _(rule: When, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus(condition(rule.condition, talk._replace(once=_once(rule))), comma=False)


@clause.register
def _(rule: Within, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus(f"on {_band(rule, talk)}", comma=False)


def _band(rule: Within, talk: Talk) -> str:
    """Of what part: `the first $6,000`, `the amount between $50 and $100`, `the nights over 30`."""
    if rule.low == 0 and rule.high is not None:
        return f"the first {talk.measure(rule.high, rule.of)}"
    shown = talk.money if rule.of == "amount" else number
    name = plain(rule.of)
    if rule.high is None:
        return f"the {name} over {shown(rule.low)}"
    return f"the {name} between {shown(rule.low)} and {shown(rule.high)}"


@clause.register
def _(rule: Named, talk: Talk) -> Clause:
    said = clause(rule.rule, talk)
    return said._replace(text=f"{plain(rule.name)}: {said.text}")


@clause.register
def _(rule: AtLeast, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus(f"at least {talk.points(rule.points)} if any")


@clause.register
def _(rule: EachLine, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus("line by line")


@clause.register
def _(rule: EachOf, talk: Talk) -> Clause:
    said, fact = clause(rule.rule, talk), plain(rule.fact)
    each = said.bare and _once(rule)
    return said.plus(f"for each {fact}" if each else f"{fact} by {fact}", comma=not each)


@clause.register
def _(rule: Rounded, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus(_rounded(rule.mode, rule.to, talk))


@clause.register
def _(rule: Cap, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus(f"at most {talk.points(rule.points)} {each_period(rule.per)}")


@clause.register
def _(rule: Running, talk: Talk) -> Clause:
    if isinstance(rule.per, Word):
        return clause(rule.rule, talk).plus(f"counted over the {stretch(rule.per)}")
    over = "all that there was so far" if rule.per == Lifetime() else f"the {stretch(rule.per)} so far"
    return clause(rule.rule, talk).plus(f"counted over {over}")


@clause.register
def _(rule: Limit, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus(f"at most {_times(rule.n)} {each_period(rule.per)}")


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n:,} times")


@clause.register
def _(rule: EveryNthTime, talk: Talk) -> Clause:
    anew = "" if rule.per == Lifetime() else f", counted anew for each {stretch(rule.per)}"
    return clause(rule.rule, talk).plus(f"only every {ordinal(rule.n)} time{anew}")


@clause.register
def _(rule: InARow, talk: Talk) -> Clause:
    noun, *starts = stretch(rule.per).partition(" (")
    return clause(rule.rule, talk).plus(f"once for every {counted(rule.n, noun)} in a row{''.join(starts)}")


@clause.register
def _(rule: Cooldown, talk: Talk) -> Clause:
    return clause(rule.rule, talk).plus(f"then not again for {length(days=rule.days, months=rule.months)}")


_ROUNDED: Final = {
    "floor": "down",
    "ceil": "up",
    "half_up": "halves up",
    "half_down": "halves down",
    "half_even": "halves to even",
}
"""The modes of rounding in words: the direction, or what becomes of a half."""


def _rounded(mode: str, to: Exact, talk: Talk) -> str:
    """How a rule is rounded: `rounded down to whole points`, `rounded to the nearest 10 points, halves up`."""
    noun = talk.noun() if is_plural(talk.noun()) else "numbers"
    n = talk.amount(to)
    if mode in ("floor", "ceil"):
        return f"rounded {_ROUNDED[mode]} to {f'whole {noun}' if n == '1' else f'multiples of {n}'}"
    return f"rounded to the nearest {f'whole {singular(noun)}' if n == '1' else n}, {_ROUNDED[mode]}"


# Rewards ------------------------------------------------------------------------------------------------------------


def reward(name: str, option: RedemptionOption, talk: Talk) -> Clause:
    """What is said of a reward of that name."""
    said = offer(option, talk._replace(unit=option._unit or talk.unit))
    # a latte called latte is said once
    return said._replace(
        text=f"{plain(name)}: {said.text.removeprefix(f'{plain(name)} for ').removeprefix(f'{plain(name)}, ')}"
    )


@singledispatch
def offer(option: RedemptionOption, talk: Talk) -> Clause:
    """What is said of a redemption option."""
    return Clause(f"what {own(option)} offers")


def _priced(cost: Exact | EarningRule, talk: Talk, what: str = "") -> Clause:
    """Something for its price."""
    if cost == 0:
        return Clause(f"{what}, free" if what else "free")
    said = clause(cost, talk) if isinstance(cost, EarningRule) else Clause(talk.points(cost))
    return said._replace(text=f"{what} for {said.text}" if what else said.text)


@offer.register
def _(option: Item, talk: Talk) -> Clause:
    given = [plain(name) for name in (option.sku, option.grants) if name]
    return _priced(option.cost, talk, listed(given) if given else "")


@offer.register
def _(option: Voucher, talk: Talk) -> Clause:
    said = _priced(option.cost, talk, f"a voucher worth {talk.money(option.worth)}")
    if option.expiry is None:
        return said
    return said.plus(f"which {lapse(option.expiry, talk, 'it is redeemed', 'lapses')}")


@offer.register
def _(option: PercentOff, talk: Talk) -> Clause:
    most = "" if option.at_most is None else f" (at most {talk.money(option.at_most)})"
    return _priced(option.cost, talk, f"{number(option.percent)}% off the order{most}")


@offer.register
def _(option: AwardChart, talk: Talk) -> Clause:
    by = listed(plain(str(key)) for key in option._table.by)
    return Clause(f"priced by {by}", table=table_lines(option._table, talk.noun(), talk))


@offer.register
def _(option: PayWithPoints, talk: Talk) -> Clause:
    limits = _limits(option.at_least, option.at_most, talk)
    steps = [] if option.step == 1 else [f"in steps of {talk.points(option.step)}"]
    share = [] if option.share == 1 else [f"for at most {percent(option.share)} of the order"]
    return Clause(", ".join([f"money off the order, {_worth(option.worth, talk)}", *limits, *steps, *share]))


def _worth(worth: Exact, talk: Talk) -> str:
    """What a point is worth, as it is shown: with `places=2` a point is a hundred of the smallest step."""
    shown = 10 ** talk.places.get(talk.unit, 0)
    noun = talk.noun()
    return f"{talk.money(tidy(worth * shown))} for {'each' if is_plural(noun) else '1'} {singular(noun)}"


def _limits(at_least: int, at_most: int | None, talk: Talk) -> list[str]:
    least = [f"at least {talk.points(at_least)}"] if at_least > 1 else []
    return least if at_most is None else [*least, f"at most {talk.points(at_most)} at a time"]


@offer.register
def _(option: Increments, talk: Talk) -> Clause:
    steps = (f"{talk.money(worth)} for {talk.points(n)}" for n, worth in option.table.items())
    return Clause(f"money off the order, {listed(steps, 'or')}")


@offer.register
def _(option: Donation, talk: Talk) -> Clause:
    limits = _limits(option.at_least, None, talk)
    return Clause(", ".join([f"a donation to {option.to}, {_worth(option.worth, talk)}", *limits]))


@offer.register
def _(option: Convert, talk: Talk) -> Clause:
    block = talk.points(option.block)
    each = f"each {block.removeprefix('1 ')} becomes" if talk.amount(option.block) == "1" else f"every {block} become"
    said = Clause(f"{each} {talk.points(option.gives, option.into)}")
    return said.plus(f"from {talk.points(option.at_least)} on") if option.at_least else said


@offer.register
def _(option: CarryOver, talk: Talk) -> Clause:
    return Clause(
        f"at most {talk.points(option.keeps)} carry over and the rest lapses" if option.keeps else "all lapse"
    )


@offer.register
def _(option: Gift, talk: Talk) -> Clause:
    into = [f"who gets it as {plain(option.into)}"] if option.into else []
    return Clause(", ".join(["a gift to another member", *into, *_limits(option.at_least, option.at_most, talk)]))


@offer.register
def _(option: OptionWhen, talk: Talk) -> Clause:
    return offer(option.option, talk).plus(condition(option.condition, talk))


@offer.register
def _(option: Priced, talk: Talk) -> Clause:
    return offer(option.option, talk).plus(f"the price {factor(option.factor, talk)}", _tables(option.factor, talk))


@offer.register
def _(option: OptionLimit, talk: Talk) -> Clause:
    most = _times(option.n) if option.of == "times" else talk.points(option.n)
    among = " for all members together" if option.among == "all" else ""
    often = each_period(option.per)
    if gift_in(option) is not None:
        often = often.replace("for each to", "to each member")  # of a gift that fact is who gets it
    return offer(option.option, talk).plus(f"at most {most} {often}{among}")


@offer.register
def _(option: Stock, talk: Talk) -> Clause:
    return offer(option.option, talk).plus(f"while the stock of {option.n:,} lasts")


@offer.register
def _(option: FromLots, talk: Talk) -> Clause:
    earned = condition(option.condition, talk)
    how = "counting only" if isinstance(inside(option)[-1], (CarryOver, Convert)) else "paid only with"
    return offer(option.option, talk).plus(f"{how} {talk.noun()} that were earned {earned}")


@offer.register
def _(option: Automatic, talk: Talk) -> Clause:
    then = f"at the end of every {day_of_year(option.day)}" if option.per is None else by_itself(option.per)
    return offer(option.option, talk).plus(then)


def by_itself(per: Period) -> str:
    """When an option is taken that is so every period: `at the end of each month`."""
    return "as soon as there are enough" if isinstance(per, Word) else f"at the end of each {stretch(per)}"


# Tiers --------------------------------------------------------------------------------------------------------------


def tier_words(tier: Tier, ladder: TierLadder, talk: Talk) -> str:
    """What a tier takes, and what else there is to say of it."""
    said = [f"{tier.name}: {'everyone' if tier.qualification is None else takes(tier.qualification, talk)}"]
    if tier.renewal is not None:
        said.append(f"To stay: {takes(tier.renewal, talk)}")
    if tier.keeps is not None:
        said.append(f"It is kept {kept(tier.keeps, talk)}")
    if tier.deducts:
        said.append("What it took is then taken off what was counted")
    if tier.carry is not None:
        said.append(f"Of what is beyond that, at most {number(tier.carry)} counts in the next {stretch(ladder.window)}")
    if tier.benefits:
        said.append(f"Benefits: {', '.join(brings(benefit, talk) for benefit in tier.benefits)}")
    return ". ".join(said)


DOWN: Final = {
    "requalify": "members who do not qualify again move to the highest tier that they qualify for",
    "one_level": "members who do not qualify again move one tier down",
    "none": "tiers are never lost",
}
"""What follows a review that a tier does not pass."""


def kept(rule: DateRule, talk: Talk) -> str:
    """How long a tier is kept: `for good`, `until it is reviewed 12 months after it is reached`."""
    return "for good" if isinstance(rule, Never) else f"until it is reviewed {when(rule, talk)}"


# The rest -----------------------------------------------------------------------------------------------------------


def lapse(rule: DateRule, talk: Talk, since: str, verb: str = "lapse") -> str:
    """When something lapses: `lapse 24 months after they are earned`, `never lapse`."""
    said = when(rule, talk._replace(since=since))
    return f"never {verb}" if said == "never" else f"{verb} {said}"


def rounding(value: Rounding, talk: Talk) -> str:
    """How a unit is rounded."""
    each = {"activity": "an activity", "line": "each line", "rule": "each of these rules"}[value.each]
    return f"what {each} earns is {_rounded(value.mode, value.to, talk)}"


@singledispatch
def spending(order: LotOrder) -> str:
    """Which points are spent first."""
    return f"they are spent in the order of {own(order)}"


@spending.register
def _(order: SoonestToExpire) -> str:
    return "those that lapse soonest are spent first"


@spending.register
def _(order: OldestFirst) -> str:
    return "those earned first are spent first"


@spending.register
def _(order: NewestFirst) -> str:
    return "those earned last are spent first"


def words(value: Any, talk: Talk | None = None) -> str:
    """What is said of a strategy, in one line."""
    talk = Talk() if talk is None else talk
    if isinstance(value, EarningRule):
        return "; ".join(said.flat() for said in earning(value, talk))
    if isinstance(value, RedemptionOption):
        return offer(value, talk._replace(unit=value._unit or talk.unit)).flat()
    if isinstance(value, Condition):
        return condition(value, talk)
    if isinstance(value, Factor):
        return Clause(factor(value, talk), table=_tables(value, talk)).flat()
    if isinstance(value, DateRule):
        return when(value, talk)
    if isinstance(value, Qualification):
        return takes(value, talk)
    if isinstance(value, Period):
        return window(value) if isinstance(value, Window) else each_period(value)
    if isinstance(value, LotOrder):
        return spending(value)
    if isinstance(value, Rounding):
        return rounding(value, talk)
    return brings(value, talk) if isinstance(value, (Benefit, Choice)) else own(value)
