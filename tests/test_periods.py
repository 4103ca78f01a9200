"""Periods: in which stretch an activity falls, and what can be counted over it."""

from datetime import date, timedelta

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore.periods import CALENDAR_UNITS, Span, as_period


def on(day):
    return Activity.purchase(1, at=day)


# Which stretch ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("period", "day", "first", "after"),
    [
        (Calendar("day"), "2026-03-01", "2026-03-01", "2026-03-02"),
        (Calendar("day"), "2024-02-29", "2024-02-29", "2024-03-01"),
        (Calendar("week"), "2026-03-01", "2026-02-23", "2026-03-02"),  # a Sunday ends the week
        (Calendar("week"), "2026-03-02", "2026-03-02", "2026-03-09"),
        (Calendar("week", starts=7), "2026-03-01", "2026-03-01", "2026-03-08"),
        (Calendar("week", starts=3), "2026-03-03", "2026-02-25", "2026-03-04"),
        (Calendar("week"), "2026-01-01", "2025-12-29", "2026-01-05"),
        (Calendar("month"), "2026-03-01", "2026-03-01", "2026-04-01"),
        (Calendar("month"), "2024-02-29", "2024-02-01", "2024-03-01"),
        (Calendar("month"), "2026-12-31", "2026-12-01", "2027-01-01"),
        (Calendar("month", starts=15), "2026-03-14", "2026-02-15", "2026-03-15"),
        (Calendar("month", starts=15), "2026-03-15", "2026-03-15", "2026-04-15"),
        (Calendar("month", starts=15), "2026-01-03", "2025-12-15", "2026-01-15"),
        (Calendar("month", starts=31), "2026-02-27", "2026-01-31", "2026-02-28"),
        (Calendar("month", starts=31), "2026-02-28", "2026-02-28", "2026-03-31"),  # the last day where it is shorter
        (Calendar("month", starts=31), "2024-02-28", "2024-01-31", "2024-02-29"),
        (Calendar("month", starts=31), "2026-04-30", "2026-04-30", "2026-05-31"),
        (Calendar("quarter"), "2026-03-31", "2026-01-01", "2026-04-01"),
        (Calendar("quarter"), "2026-12-31", "2026-10-01", "2027-01-01"),
        (Calendar("quarter", starts="02-01"), "2026-01-31", "2025-11-01", "2026-02-01"),
        (Calendar("quarter", starts="02-15"), "2026-05-15", "2026-05-15", "2026-08-15"),
        (Calendar("quarter", starts="11-30"), "2026-02-28", "2026-02-28", "2026-05-30"),
        (Calendar("year"), "2026-12-31", "2026-01-01", "2027-01-01"),
        (Calendar("year", starts="03-01"), "2026-02-28", "2025-03-01", "2026-03-01"),
        (Calendar("year", starts="03-01"), "2024-02-29", "2023-03-01", "2024-03-01"),
        (Calendar("year", starts="03-01"), "2026-03-01", "2026-03-01", "2027-03-01"),
        (Calendar("year", starts="02-29"), "2026-02-27", "2025-02-28", "2026-02-28"),
        (Calendar("year", starts="02-29"), "2024-02-28", "2023-02-28", "2024-02-29"),
        (Calendar("year", starts="02-29"), "2024-02-29", "2024-02-29", "2025-02-28"),
        (Calendar("year", starts="12-31"), "2026-01-01", "2025-12-31", "2026-12-31"),
    ],
    ids=str,
)
def test_a_calendar_stretch(period, day, first, after):
    assert period.span(date.fromisoformat(day), ANYONE) == (date.fromisoformat(first), date.fromisoformat(after))
    assert period.key(on(day), ANYONE) == f"{period.unit} {first}"


@pytest.mark.parametrize(
    ("joined", "day", "first", "after"),
    [
        ("2024-03-05", "2026-03-04", "2025-03-05", "2026-03-05"),
        ("2024-03-05", "2026-03-05", "2026-03-05", "2027-03-05"),
        ("2024-02-29", "2026-02-27", "2025-02-28", "2026-02-28"),
        ("2024-02-29", "2026-02-28", "2026-02-28", "2027-02-28"),
        ("2024-02-29", "2028-02-28", "2027-02-28", "2028-02-29"),
        ("2024-02-29", "2028-02-29", "2028-02-29", "2029-02-28"),
        ("2026-05-01", "2026-05-01", "2026-05-01", "2027-05-01"),
        ("2026-05-01", "2026-04-30", "2025-05-01", "2026-05-01"),  # before joining: the year before
    ],
)
def test_a_membership_year(joined, day, first, after):
    member = Member(joined=joined)
    assert MembershipYear().span(date.fromisoformat(day), member) == (
        date.fromisoformat(first),
        date.fromisoformat(after),
    )
    assert MembershipYear().key(on(day), member) == f"membership_year {first}"


def test_a_membership_year_needs_to_know_when_it_began():
    with pytest.raises(RuleError, match=r"counts from the day the member joined; give Member\(joined=\.\.\.\)"):
        MembershipYear().key(on("2026-03-01"), ANYONE)


days = st.dates(date(1990, 1, 1), date(2060, 12, 31))
periods = st.one_of(
    st.sampled_from(CALENDAR_UNITS).map(Calendar),
    st.integers(1, 7).map(lambda n: Calendar("week", starts=n)),
    st.integers(1, 31).map(lambda n: Calendar("month", starts=n)),
    st.builds(
        lambda unit, day: Calendar(unit, starts=f"{day:%m-%d}"),
        st.sampled_from(["quarter", "year"]),
        st.dates(date(2024, 1, 1), date(2024, 12, 31)),
    ),
    st.just(MembershipYear()),
)


@given(periods, days, days)
def test_stretches_tile_the_days(period, day, joined):
    member = Member(joined=joined)
    first, after = period.span(day, member)
    assert first <= day < after
    assert period.span(first, member) == (first, after) == period.span(after - timedelta(1), member)
    assert period.span(after, member)[0] == after
    assert period.span(first - timedelta(1), member)[1] == first


def test_a_month_and_a_year_that_begin_on_one_day_do_not_share_a_counter():
    january = on("2026-01-01")
    keys = {Calendar(unit).key(january, ANYONE) for unit in CALENDAR_UNITS}
    assert len(keys) == len(CALENDAR_UNITS)


# Words, facts and tuples --------------------------------------------------------------------------------------------


def test_a_word_stands_for_the_plain_period():
    assert [
        repr(as_period(word)) for word in ("activity", "line", "day", "week", "month", "quarter", "year", "ever")
    ] == [
        "'activity'",
        "'line'",
        "'day'",
        "'week'",
        "'month'",
        "'quarter'",
        "'year'",
        "'ever'",
    ]
    assert as_period("year") == Calendar("year") != Calendar("year", starts="03-01")
    assert as_period("ever") == Lifetime()
    assert Lifetime().key(on("2026-03-01"), ANYONE) == Lifetime().key(on("1999-03-01"), ANYONE) == "ever"


def test_a_start_where_the_calendar_starts_is_the_plain_period():
    for word, starts in (("week", 1), ("month", "1"), ("quarter", "01-01"), ("year", "01-01")):
        assert Calendar(word, starts=starts) == as_period(word)


def test_each_value_of_a_fact_has_its_own_counter():
    flights = [Activity.flight(base_fare=1, at="2026-03-01", ticket=ticket) for ticket in ("T1", "T2", "T1", "")]
    assert [Each("ticket").key(flight, ANYONE) for flight in flights] == [
        "ticket='T1'",
        "ticket='T2'",
        "ticket='T1'",
        "",
    ]
    numbers = [Activity.action("x", at="2026-03-01", n=n) for n in (1, "1", True, "1/2", ("1",))]
    assert len({Each("n").key(activity, ANYONE) for activity in numbers}) == 5


def test_several_periods_count_each_combination():
    both = as_period(("month", Each("store")))
    activity = Activity.action("visit", at="2026-03-04", store="x")
    assert both.key(activity, ANYONE) == "month 2026-03-01 & store='x'"
    assert both.key(Activity.action("visit", at="2026-03-04"), ANYONE) == ""
    assert both == as_period(["month", Each("store")])
    assert as_period(("month",)) == Calendar("month")


def test_what_is_counted_per_activity_needs_no_counter():
    rule = Flat(80).cap(50)
    assert rule == Flat(80).cap(50, per="activity")
    award = rule.award(on("2026-03-01"))
    assert (award.points, award.counts) == (50, {})


# What cannot be counted over ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("window", [Rolling(months=12), Rolling(days=30), TierTerm(), Balance()], ids=repr)
def test_a_window_is_for_tiers_and_cannot_be_counted_over(window):
    with pytest.raises(RuleError, match="is a window for tiers; count per a calendar period or Each"):
        Flat(5).named("x").cap(5, per=window)
    with pytest.raises(RuleError, match="is a window for tiers; count per a calendar period or Each"):
        Flat(5).named("x").limit(5, per=("month", window))
    with pytest.raises(RuleError, match="is a window for tiers and cannot be counted per; give a calendar period"):
        window.key(on("2026-03-01"), ANYONE)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "Flat(5).cap(5, per='fortnight')",
            (
                "per: 'fortnight' is no period; give one of 'activity', 'line', 'day', 'week', 'month', 'quarter',"
                " 'year', 'ever', Calendar(...), Each(...) or a tuple of them"
            ),
        ),
        (
            "Flat(5).named('x').cap(5, per=('line', 'month'))",
            "per: 'line' counts nothing, so it cannot stand with others; leave it out",
        ),
        ("Calendar('fortnight')", "unit: 'fortnight' is no calendar unit; give one of day, week, month, quarter, year"),
        ("Calendar('day', starts=3)", "starts: a day starts at its first moment; leave starts out"),
        ("Calendar('week', starts=8)", "starts: 8 is no day of a week; give 1 to 7"),
        ("Calendar('month', starts=32)", "starts: 32 is no day of a month; give 1 to 31"),
        ("Calendar('month', starts=0)", "starts: 0 is no day of a month; give 1 to 31"),
        ("Calendar('year', starts=3)", "starts: int is no day of the year; write month and day as in '03-01'"),
        (
            "Calendar('quarter', starts='31-12')",
            "starts: '31-12' is no day of the year; write month and day as in '03-01'",
        ),
        ("Rolling()", "Rolling: give either months or days, as in Rolling(months=12)"),
        ("Rolling(months=1, days=1)", "Rolling: give either months or days, as in Rolling(months=12)"),
        ("Rolling(months=-1)", "months: -1 is below 0; give 0 or more"),
        ("Rolling(days='1.5')", "days: 1.5 is not a whole number; give an int"),
        ("Each('')", "fact: '' is not a name; give text that is not empty"),
    ],
)
def test_what_a_period_cannot_be_is_refused_with_the_remedy(code, message):
    with pytest.raises(RuleError) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


@pytest.mark.parametrize("per", [None, 5, [], (), "", ["month", 5], {"month"}], ids=repr)
def test_what_is_no_period(per):
    with pytest.raises(RuleError, match="is no period; give one of 'activity'"):
        Flat(5).named("x").cap(5, per=per)


# One's own ----------------------------------------------------------------------------------------------------------


@frozen
class FromFridayOn(Span):
    """From Friday on, and Monday to Thursday."""

    kind = "test_from_friday_on"

    def span(self, day, member):
        monday = day - timedelta(day.weekday())
        friday = monday + timedelta(4)
        return (friday, monday + timedelta(7)) if day >= friday else (monday, friday)


def test_a_period_of_ones_own():
    rule = Flat(60).named("x").cap(100, per=FromFridayOn())
    member, points = Member(), []
    for day in ("2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09"):
        award = rule.award(on(day), member)
        member, points = member.after(award), [*points, award.points]
    assert points == [60, 60, 40, 0, 60]


def test_a_forgotten_frozen_is_said_when_the_rule_is_built():
    class Forgotten(Period):
        kind = "test_forgotten_period"

        def key(self, activity, member):
            return "x"

    with pytest.raises(RuleError, match="decorate Forgotten with attrs' @frozen"):
        Flat(5).named("x").cap(5, per=Forgotten())
