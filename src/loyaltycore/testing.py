"""What tests of loyalty rules need: Hypothesis strategies for the library's values, and the laws a rule must keep.

`check_rule`, `check_condition` and `check_factor` hold one of them to every law, over histories that hit the edges:
month ends, midnight, 29 February, amounts at 50 and 100, returned lines. A broken law is an `AssertionError` that says
in a sentence what is wrong and for which activity.

    def test_birthday_bonus():
        check_rule(BirthdayBonus(500))

`rules()`, `conditions()`, `activities()` and the others draw from small vocabularies, so that conditions hit. Where
the package is installed, `st.from_type(EarningRule)` and the like draw the same with nothing imported from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from html.parser import HTMLParser
from typing import Any, Final, TypeAlias, TypeVar

import attrs

import loyaltycore
from loyaltycore._exact import NO_FLOATS, exact, floor, show, tidy
from loyaltycore._laws import VALUE_LAWS, copied, hold, said
from loyaltycore._strategy import KINDS, Strategy
from loyaltycore.activity import Activity, Line, Member, Tally
from loyaltycore.awards import Award
from loyaltycore.conditions import Condition, as_condition
from loyaltycore.earning import EarningRule, Sum, as_rule
from loyaltycore.errors import InexactNumber, MissingExtra
from loyaltycore.factors import Factor, a_factor
from loyaltycore.periods import Period, Window


def _register() -> None:
    """Tell Hypothesis how to draw the library's types; Hypothesis calls it whenever it is imported."""
    from hypothesis.strategies import register_type_strategy

    for cls in (Line, Activity, Member, Period, Condition, Factor, EarningRule, *built_in_kinds()):
        register_type_strategy(cls, _of_type)


def _of_type(cls: type[Any]) -> st.SearchStrategy[Any]:
    from loyaltycore._draws import of_type

    return of_type(cls)


def built_in_kinds() -> list[type[Strategy]]:
    """The library's own kinds of period, condition, factor and rule."""
    return [
        cls
        for cls in KINDS.values()
        if issubclass(cls, (Period, Condition, Factor, EarningRule))
        and not issubclass(cls, Window)
        and cls.__module__.startswith(f"{loyaltycore.__name__}.")
    ]


# Importing Hypothesis calls `_register`, so it is defined before.
try:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st
    from hypothesis.errors import Flaky

    from loyaltycore._draws import (
        ACTIVITY_FACTS,
        CATEGORIES,
        LINE_FACTS,
        MEMBER_FACTS,
        SKUS,
        TIERS,
        activities,
        conditions,
        factors,
        histories,
        lines,
        members,
        moments,
        rules,
    )
    from loyaltycore._machine import AccountMachine
    from loyaltycore._policies import DATE_RULE_LAWS, OPTION_LAWS, check_date_rule, check_option
except ModuleNotFoundError as error:
    raise MissingExtra("testing", "hypothesis") from error

__all__ = [
    "ACTIVITY_FACTS",
    "CATEGORIES",
    "DATE_RULE_LAWS",
    "FACTOR_LAWS",
    "LAWS",
    "LINE_FACTS",
    "MEMBER_FACTS",
    "OPTION_LAWS",
    "RULE_LAWS",
    "SKUS",
    "TIERS",
    "VALUE_LAWS",
    "AccountMachine",
    "activities",
    "check_condition",
    "check_date_rule",
    "check_factor",
    "check_option",
    "check_rule",
    "conditions",
    "factors",
    "histories",
    "lines",
    "members",
    "moments",
    "rules",
]

S = TypeVar("S", bound=Strategy)
Law: TypeAlias = Callable[[S, Activity, Member], None]

# What is checked ------------------------------------------------------------------------------------------------------


def check_rule(
    rule: EarningRule,
    *,
    activity: st.SearchStrategy[Activity] | None = None,
    member: st.SearchStrategy[Member] | None = None,
) -> None:
    """Hold an earning rule to `VALUE_LAWS` and `RULE_LAWS`; a broken one is an `AssertionError` that says which.

    *activity* and *member* are strategies for those the rule is meant for, where it does not answer for all that
    `histories()` and `members()` draw. How many are tried is Hypothesis's setting `max_examples`.

    >>> check_rule(PerSpend(1).between(50, 100))
    """
    _check(as_rule(rule), RULE_LAWS, activity, member)


def check_condition(
    condition: Condition,
    *,
    activity: st.SearchStrategy[Activity] | None = None,
    member: st.SearchStrategy[Member] | None = None,
) -> None:
    """Hold a condition to `VALUE_LAWS` and `LAWS`, as `check_rule` does a rule.

    >>> check_condition(Category("dining") & ~InTier("gold"))
    """
    _check(as_condition(condition), LAWS, activity, member)


def check_factor(
    factor: Factor,
    *,
    activity: st.SearchStrategy[Activity] | None = None,
    member: st.SearchStrategy[Member] | None = None,
) -> None:
    """Hold a factor to `VALUE_LAWS` and `FACTOR_LAWS`, as `check_rule` does a rule.

    >>> check_factor(by_tier(gold="1.5"))
    """
    _check(a_factor(factor), FACTOR_LAWS, activity, member)


def _check(
    value: S,
    laws: tuple[Law[S], ...],
    some_activity: st.SearchStrategy[Activity] | None,
    some_member: st.SearchStrategy[Member] | None,
) -> None:
    for law_of_values in VALUE_LAWS:
        hold(law_of_values, value)

    @settings(
        database=None,  # what fails is this value, and leaves nothing behind for the next
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),
    )
    @given(
        histories() if some_activity is None else st.lists(some_activity, min_size=1, max_size=4),
        members() if some_member is None else some_member,
    )
    def over_a_history(history: Iterable[Activity], member: Member) -> None:
        for activity in history:
            for law in laws:
                hold(law, value, activity, member)
            member = _once_more(value, activity, member)

    try:
        over_a_history()
    except Flaky as error:
        raise AssertionError(
            f"{type(value).__name__} did not answer as before when it was tried again: {_forgetful(value)}"
        ) from error


def _once_more(value: Strategy, activity: Activity, member: Member) -> Member:
    """The member when the activity is over."""
    seen = member.seen(activity)
    return seen.after(value.award(activity, member)) if isinstance(value, EarningRule) else seen


def _noun(value: Strategy) -> str:
    return "rule" if isinstance(value, EarningRule) else "factor" if isinstance(value, Factor) else "condition"


def _forgetful(value: Strategy) -> str:
    if isinstance(value, EarningRule):
        return "a rule must neither remember anything nor draw at random; keep counters in Award.counts"
    return f"a {_noun(value)} must neither remember anything nor draw at random; read counters from Member.counted"


# Laws of what decides: an answer for every activity, and the same one each time ---------------------------------------


def answers(value: Strategy, activity: Activity, member: Member) -> None:
    """It raises for no activity and no member."""
    try:
        _asked(value, *copied((activity, member)))  # what it does to them is the next law's
    except Exception as error:
        noun = _noun(value)
        raise AssertionError(
            f"raised {said(error)}: a {noun} answers for every activity and member;"
            f" where it is meant for some, say for which: check_{noun}(..., activity=..., member=...)"
        ) from error


def changes_nothing(value: Strategy, activity: Activity, member: Member) -> None:
    """The activity and the member are afterwards what they were before."""
    before = copied((activity, member))
    _asked(value, activity, member)
    if (activity, member) != before:
        raise AssertionError(f"changed what it was given: a {_noun(value)} only reads the activity and the member")


def gives_exact_numbers(value: Strategy, activity: Activity, member: Member) -> None:
    """What it gives, and all that it counts, is an exact number."""
    given = _asked(value, activity, member)
    if isinstance(given, Award):
        inexact = [n for n in _numbers(given) if isinstance(n, bool) or not isinstance(n, (int, Fraction, Tally))]
        if inexact:
            raise AssertionError(f"put {inexact[0]!r} into its Award: points and counts are exact numbers")
        return
    if isinstance(given, float):
        raise AssertionError(f"gave the float {given!r}: {NO_FLOATS}")  # noqa: TRY004 (a broken law)
    try:
        exact(given, "points")
    except InexactNumber as error:
        raise AssertionError(f"gave {given!r}: {error}") from error


def _numbers(award: Award) -> Iterator[object]:
    yield from (award.exact, award.points, *award.counts.values())
    for part in award.parts:
        yield from _numbers(part)


def is_never_negative(value: Strategy, activity: Activity, member: Member) -> None:
    """What it gives is 0 or more."""
    given = _asked(value, activity, member)
    if not isinstance(given, Award) and exact(given) < 0:
        raise AssertionError(f"gave {show(exact(given))}: a {_noun(value)} gives 0 or more; return max(0, ...)")


def remembers_nothing(value: Strategy, activity: Activity, member: Member) -> None:
    """Asked twice, it answers the same."""
    first, second = (_answer(value, activity, member) for _ in range(2))
    if first != second:
        raise AssertionError(f"gave {_but(first, second, 'then')} for the same activity: {_forgetful(value)}")


def answers_alike_when_copied(value: Strategy, activity: Activity, member: Member) -> None:
    """A pickled copy, as another process has, answers the same."""
    here, there = (_answer(asked, activity, member) for asked in (value, copied(value)))
    if here != there:
        raise AssertionError(f"gave {_but(here, there, 'and its copy')}: let its fields say all that it goes by")


LAWS: Final = (answers, changes_nothing, remembers_nothing, answers_alike_when_copied)
"""What every rule, condition and factor keeps; each takes the value, an activity and a member."""

FACTOR_LAWS: Final = (answers, changes_nothing, gives_exact_numbers, is_never_negative, *LAWS[2:])
"""What every factor and every rule keeps."""


def _asked(value: Strategy, activity: Activity, member: Member) -> Any:
    """What the class itself returns."""
    if isinstance(value, EarningRule):
        return value.earn(activity, member)
    return value.value(activity, member) if isinstance(value, Factor) else _answer(value, activity, member)


def _answer(value: Strategy, activity: Activity, member: Member) -> Any:
    """What its callers get."""
    if isinstance(value, EarningRule):
        return value.award(activity, member)
    if isinstance(value, Factor):
        return value._exactly(activity, member)
    return as_condition(value).select(activity, member).lines  # type: ignore[arg-type]  # it raises for anything else


def _but(first: Any, second: Any, between: str) -> str:
    """Two answers that differ, in a few words."""
    texts = [
        show(answer.exact)
        if isinstance(answer, Award)
        else f"{len(answer)} lines"
        if isinstance(answer, tuple)
        else show(answer)
        for answer in (first, second)
    ]
    return f"{texts[0]} {between} {texts[1]}" + (" by another way" if texts[0] == texts[1] else "")


# Laws of rules: rounded once, explained, and what else they promise ---------------------------------------------------


def rounds_down(rule: EarningRule, activity: Activity, member: Member) -> None:
    """Its points are `exact` rounded down; how a program rounds comes after."""
    award = rule.earn(activity, member)
    if isinstance(award, Award) and award.points != floor(award.exact):
        raise AssertionError(
            f"gave {award.points} points for {show(award.exact)}: leave points out of Award(...), or use .rounded(...)"
        )


def explains_itself(rule: EarningRule, activity: Activity, member: Member) -> None:
    """Every part of its award has a reason; the text and the HTML can be made, and say the same."""
    award = rule.award(activity, member)
    try:
        cells = [cell for number, _, reason in award._rows() for cell in (number, reason)]
    except Exception as error:
        raise AssertionError(f"gave an award that cannot be shown ({said(error)}); give its reason in words") from error
    if not all(cells):
        raise AssertionError("gave an award without a reason; write Award(points, reason='...')")
    if _cells(award._repr_html_()) != cells:
        raise AssertionError("gave an award whose HTML does not say what its text says; escape it")


def adds_up(rule: EarningRule, activity: Activity, member: Member) -> None:
    """Where it is a sum, it is the sum of its parts."""
    award = rule.award(activity, member)
    parts = tidy(sum(part.exact for part in award.parts))
    if isinstance(rule, Sum) and award.exact != parts:
        raise AssertionError(f"gave {show(award.exact)} in parts of {show(parts)}: a sum gives what its parts give")


def grows_with_spend(rule: EarningRule, activity: Activity, member: Member) -> None:
    """Where it says that it is monotone, more spent never earns fewer points."""
    if not rule.monotone:
        return
    less = rule.award(activity, member).exact
    for dearer in _dearer(activity):
        more = rule.award(dearer, member).exact
        if more < less:
            raise AssertionError(
                f"gave {show(less)}, but {show(more)} for {show(tidy(dearer.amount - activity.amount))} more spent:"
                " it says that it is monotone, so more spent must not earn fewer points"
            )


RULE_LAWS: Final = (*FACTOR_LAWS, rounds_down, explains_itself, adds_up, grows_with_spend)
"""What every earning rule keeps."""


def _dearer(activity: Activity) -> Iterator[Activity]:
    """The same activity with a cent, 1 or 50 more on one of its lines."""
    for i, line in enumerate(activity.lines):
        for more in (Fraction(1, 100), 1, 50):
            dearer = attrs.evolve(line, amount=tidy(line.amount + more))
            yield attrs.evolve(activity, lines=(*activity.lines[:i], dearer, *activity.lines[i + 1 :]))


class _Cells(HTMLParser):
    """Collects the text of a table's cells."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.within = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag == "td":
            self.found.append("")
        self.within = tag == "td"

    def handle_data(self, data: str) -> None:
        if self.within:
            self.found[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.within = False


def _cells(html: str) -> list[str]:
    parser = _Cells()
    parser.feed(html)
    parser.close()
    return parser.found
