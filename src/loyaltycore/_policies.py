"""The laws of date rules and redemption options, for `loyaltycore.testing`, and what they are held to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias, TypeVar

from attrs import evolve, field, frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from loyaltycore._draws import ACTIVITY_FACTS, Draw, activities, members, moments
from loyaltycore._exact import EMPTY, FrozenMap, whole
from loyaltycore._laws import VALUE_LAWS, copied, hold
from loyaltycore._strategy import Stored, Strategy
from loyaltycore.activity import ANYONE, Activity, FactValue, Member
from loyaltycore.dates import DateRule, as_date_rule
from loyaltycore.lots import Lot
from loyaltycore.redemption import Quote, RedemptionOption, as_option

S = TypeVar("S", bound=Strategy)
Law: TypeAlias = Callable[[S, Any, Member], None]


@frozen
class Subject(Stored):
    """What a date rule is asked about: points earned on one day and there from another, or from that moment."""

    since: date
    earned: date
    facts: FrozenMap[str, FactValue] = field(default=EMPTY, converter=FrozenMap)
    moment: datetime | None = None


@st.composite
def subjects(draw: Draw) -> Subject:
    """Subjects of a date rule, at the edges of time; some know the moment."""
    moment = draw(moments())
    name = draw(st.sampled_from(sorted(ACTIVITY_FACTS)))
    facts = draw(st.sampled_from([{}, *({name: value} for value in ACTIVITY_FACTS[name])]))
    earned = moment.date() - timedelta(draw(st.sampled_from([0, 14, 365])))
    return Subject(moment.date(), earned, facts, draw(st.sampled_from([None, moment])))


@st.composite
def wealthy(draw: Draw) -> Member:
    """Members with lots of points in any unit, or of whose lots nothing is known."""
    points = draw(st.none() | st.lists(st.sampled_from([1, 50, 99, 100, 150, 10_000]), max_size=3))
    member = draw(members())
    if points is None:
        return member
    unit = draw(st.sampled_from(["", "stars"]))
    return evolve(member, lots=[Lot(n, unit, p, earned=date(2026, 1, n + 1)) for n, p in enumerate(points)])


# What is checked ------------------------------------------------------------------------------------------------------


def check_date_rule(
    rule: DateRule,
    *,
    subject: st.SearchStrategy[Any] | None = None,
    member: st.SearchStrategy[Member] | None = None,
) -> None:
    """Hold a date rule to `VALUE_LAWS` and `DATE_RULE_LAWS`, as `check_rule` does an earning rule.

    >>> check_date_rule(After(months=24).to_end_of("month") | AfterInactivity(months=12))
    """
    _check(as_date_rule(rule), DATE_RULE_LAWS, subjects() if subject is None else subject, member or members())


def check_option(
    option: RedemptionOption,
    *,
    order: st.SearchStrategy[Activity] | None = None,
    member: st.SearchStrategy[Member] | None = None,
) -> None:
    """Hold a redemption option to `VALUE_LAWS` and `OPTION_LAWS`, as `check_rule` does an earning rule.

    >>> check_option(PayWithPoints(worth="0.01", at_least=100, step=100, share="0.5"))
    """
    _check(as_option(option), OPTION_LAWS, activities() if order is None else order, member or wealthy())


def _check(value: S, laws: tuple[Law[S], ...], asked: st.SearchStrategy[Any], who: st.SearchStrategy[Member]) -> None:
    for law_of_values in VALUE_LAWS:
        hold(law_of_values, value)

    @settings(
        database=None,  # what fails is this value, and leaves nothing behind for the next
        deadline=None,
        report_multiple_bugs=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=tuple(HealthCheck),
    )
    @given(asked, who)
    def for_all(about: Any, member: Member) -> None:
        for law in laws:
            hold(law, value, about, member)

    try:
        for_all()
    except Flaky as error:
        raise AssertionError(f"{type(value).__name__} did not answer as before when it was tried again") from error


# Laws of date rules ---------------------------------------------------------------------------------------------------


def names_a_date(rule: DateRule, subject: Any, member: Member) -> None:
    """It answers for every subject and member: a date, a moment, or `None` for never."""
    try:
        day = rule.falls_on(subject, member)
    except Exception as error:
        raise AssertionError(
            f"raised {type(error).__name__}: {error}: a date rule answers for every subject and member;"
            " where it is meant for some, say for which: check_date_rule(..., subject=..., member=...)"
        ) from error
    if day is not None and not isinstance(day, date):
        raise AssertionError(f"gave {day!r}: a date rule gives a date, or None for never")


def names_the_same_date(rule: DateRule, subject: Any, member: Member) -> None:
    """Asked twice, it names the same date, and so does a pickled copy, as another process has."""
    first, second = rule.falls_on(subject, member), rule.falls_on(subject, member)
    if first != second:
        raise AssertionError(f"gave {first} then {second}: a rule must neither remember anything nor draw at random")
    copy = copied(rule).falls_on(subject, member)
    if first != copy:
        raise AssertionError(f"gave {first} and its copy {copy}: let its fields say all that it goes by")


def is_as_fixed_as_it_says(rule: DateRule, subject: Any, member: Member) -> None:
    """Where it says that it is fixed, the member makes no difference: accounts ask such a rule once."""
    if not rule.fixed:
        return
    for_one, for_all = rule.falls_on(subject, member), rule.falls_on(subject, ANYONE)
    if for_one != for_all:
        raise AssertionError(f"gave {for_one} for this member and {for_all} for another: leave out fixed = True")


def is_as_hourly_as_it_says(rule: DateRule, subject: Any, member: Member) -> None:
    """Where it is fixed and does not say that the hour matters, the hour makes no difference."""
    if not rule.fixed or rule.hourly or not isinstance(subject, Subject):
        return
    known, unknown = rule.falls_on(subject, member), rule.falls_on(evolve(subject, moment=None), member)
    if known != unknown:
        raise AssertionError(f"gave {known} where the moment is known and {unknown} where not: say hourly = True")


DATE_RULE_LAWS: Final = (names_a_date, names_the_same_date, is_as_fixed_as_it_says, is_as_hourly_as_it_says)
"""What every date rule keeps; each takes the rule, a subject and a member."""

# Laws of options ------------------------------------------------------------------------------------------------------


def quotes_a_price(option: RedemptionOption, order: Activity, member: Member) -> None:
    """It answers for every order and member, whatever number of points the customer would spend."""
    try:
        for quote in _quotes(option, order, member):
            whole(quote.points, "points", at_least=0)
            str(quote)
    except Exception as error:
        raise AssertionError(
            f"raised {type(error).__name__}: {error}: an option quotes for every order and member, and refuses where it"
            " is not meant for them; or say for which it is: check_option(..., order=..., member=...)"
        ) from error


def quotes_the_same(option: RedemptionOption, order: Activity, member: Member) -> None:
    """Asked twice, it quotes the same, and so does a pickled copy, as another process has."""
    first, second, copy = (tuple(_quotes(o, order, member)) for o in (option, option, copied(option)))
    if first != second:
        raise AssertionError(f"gave {first} then {second}: an option must neither remember anything nor draw at random")
    if first != copy:
        raise AssertionError(f"gave {first} and its copy {copy}: let its fields say all that it goes by")


def asks_for_no_more_than_there_is(option: RedemptionOption, order: Activity, member: Member) -> None:
    """What it quotes and does not refuse, the member can pay."""
    if not member.lots_known:
        return
    for quote in _quotes(option, order, member):
        there = (member if quote.lots is None else member.only_lots(quote.lots)).available(quote.unit)
        if quote.ok and quote.points > there:
            raise AssertionError(f"asked for {quote.points} points of {there}: let quote() see to that, not price()")


def leaves_the_order(option: RedemptionOption, order: Activity, member: Member) -> None:
    """The order and the member are afterwards what they were before."""
    before = repr((order, member))
    tuple(_quotes(option, order, member))
    if repr((order, member)) != before:
        raise AssertionError("changed what it was given: an option only reads the order and the member")


def _quotes(option: RedemptionOption, order: Activity, member: Member) -> Iterator[Quote]:
    for points in (None, 0, 1, 100, 10_000):
        yield option.quote(order, member, points=points)


OPTION_LAWS: Final = (quotes_a_price, quotes_the_same, asks_for_no_more_than_there_is, leaves_the_order)
"""What every redemption option keeps; each takes the option, an order and a member."""
