"""Civil dates and zones: what `at` may be, months that clamp, and days that do not begin at midnight."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._calendar import (
    add_months,
    civil_date,
    days_in_month,
    first_moment,
    in_zone,
    moment,
    moment_text,
    month_day,
    on_day,
    show_moment,
    zone,
)

NEW_YORK = zone("America/New_York")
EASTERN = timezone(timedelta(hours=-4))


# Moments and dates --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "at"),
    [
        (date(2026, 3, 1), datetime(2026, 3, 1)),
        (datetime(2026, 3, 1, 9), datetime(2026, 3, 1, 9)),
        ("2026-03-01", datetime(2026, 3, 1)),
        ("2026-03-01T09:30", datetime(2026, 3, 1, 9, 30)),
        ("2026-03-01 09:30:15.5", datetime(2026, 3, 1, 9, 30, 15, 500_000)),
        ("2026-03-01T09:30-04:00", datetime(2026, 3, 1, 9, 30, tzinfo=EASTERN)),
        ("2026-03-01T09:30Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29)),
    ],
    ids=repr,
)
def test_a_moment_is_a_date_a_datetime_or_iso_text(given, at):
    assert moment(given) == at
    assert moment(given).tzinfo == at.tzinfo


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("2026-02-29", "at: '2026-02-29' is not a date; write ISO as in '2026-03-01' or '2026-03-01T12:30'"),
        ("yesterday", "at: 'yesterday' is not a date; write ISO as in '2026-03-01' or '2026-03-01T12:30'"),
        ("", "at: '' is not a date; write ISO as in '2026-03-01' or '2026-03-01T12:30'"),
        ("２０２６-03-01", None),  # noqa: RUF001 (digits, but not ASCII ones)
        ("9" * 100_000, None),
        (20260301, "at: int is not a date; give a date, a datetime or ISO text"),
        (None, "at: NoneType is not a date; give a date, a datetime or ISO text"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_is_no_moment_is_refused_with_the_remedy(given, message):
    with pytest.raises(DataError) as refused:
        Activity.purchase(9, at=given)
    assert len(str(refused.value)) < 150
    if message is not None:
        assert str(refused.value) == message
    assert refused.value.path == "at"


@pytest.mark.parametrize("at", ["0001-01-01", "9999-12-31T23:59"])
def test_the_first_and_the_last_year_are_refused_since_periods_would_leave_them(at):
    with pytest.raises(DataError, match="leaves no room for the periods around it"):
        Activity.purchase(9, at=at)
    assert Member(joined="9999-12-31").joined == date.max


@given(st.datetimes(timezones=st.none() | st.timezones()))
def test_a_shown_moment_reads_back(at):
    assert moment(show_moment(at)).replace(tzinfo=None) == at.replace(tzinfo=None)
    assert moment(show_moment(at)).utcoffset() == at.utcoffset()


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        (datetime(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 9, 30), "2026-03-01T09:30"),
        (datetime(2026, 3, 1, 9, 30, 15), "2026-03-01T09:30:15"),
        (datetime(2026, 3, 1, tzinfo=UTC), "2026-03-01T00:00+00:00"),
    ],
)
def test_a_moment_is_shown_as_short_as_it_can_be(at, shown):
    assert show_moment(at) == shown


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T09:00:00-05:00[America/New_York]",
        "2026-11-01T01:30:00-04:00[America/New_York]",  # the first of two
        "2026-11-01T01:30:00-05:00[America/New_York]",  # the second
        "2026-03-01T09:00:00.000500+00:00[UTC]",
        "2026-03-01T09:00:00-04:00",
        "2026-03-01T09:00:00",
    ],
)
def test_a_moment_keeps_its_zone_as_text(text):
    at = moment(text)
    assert moment_text(at) == text
    if text.endswith("]"):
        assert at.tzinfo is zone(text[text.index("[") + 1 : -1])


@pytest.mark.parametrize(
    "text", ["2026-03-01T09:00:00-04:00[America/New_York]", "2026-03-01T09:00:00[America/New_York]"]
)
def test_a_moment_that_its_zone_does_not_have_is_refused(text):
    with pytest.raises(DataError, match=r"at: .* is no moment of America/New_York; give the offset that it has then"):
        moment(text)


def test_a_moment_of_an_unknown_zone_is_refused():
    with pytest.raises(DataError, match="at: timezone: 'Moon/Base' is not known here; give a name such as"):
        moment("2026-03-01T09:00:00+00:00[Moon/Base]")


def test_a_civil_date_has_no_time_of_day():
    assert civil_date("2026-03-01") == civil_date(date(2026, 3, 1)) == date(2026, 3, 1)
    for value in ("2026-03-01T09:30", datetime(2026, 3, 1), "soon", 5, None):
        with pytest.raises(RuleError, match="is not a date"):
            civil_date(value)


# Days and months ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "day"), [("03-01", (3, 1)), ("12-31", (12, 31)), ("02-29", (2, 29))])
def test_a_day_of_the_year(text, day):
    assert month_day(text, "starts") == day


@pytest.mark.parametrize("value", ["3-1", "13-01", "00-10", "02-30", "04-31", "03-00", "03-01 ", 301, None])
def test_what_is_no_day_of_the_year(value):
    with pytest.raises(RuleError, match="is no day of the year; write month and day as in '03-01'"):
        month_day(value, "starts")


def test_a_number_too_long_to_print_is_refused_too():
    with pytest.raises(RuleError, match="int is no day of the year"):
        month_day(10**5000, "starts")


def test_months_have_their_lengths():
    assert [days_in_month(2026, month) for month in range(1, 13)] == [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert [days_in_month(year, 2) for year in (1900, 2000, 2024)] == [28, 29, 29]
    assert days_in_month(9999, 12) == 31
    assert on_day(2026, 2, 31) == date(2026, 2, 28)


@pytest.mark.parametrize(
    ("anchor", "months", "day"),
    [
        ("2026-01-31", 1, "2026-02-28"),
        ("2026-01-31", 2, "2026-03-31"),
        ("2024-02-29", 12, "2025-02-28"),
        ("2024-02-29", 48, "2028-02-29"),
        ("2026-01-15", 12, "2027-01-15"),
        ("2026-01-15", -1, "2025-12-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("2026-12-31", 0, "2026-12-31"),
    ],
)
def test_months_are_added_from_the_anchor_and_clamp(anchor, months, day):
    assert add_months(date.fromisoformat(anchor), months) == date.fromisoformat(day)


@pytest.mark.parametrize("months", [12 * 8000, -12 * 2026, 10**30])
def test_months_beyond_the_calendar_are_refused(months):
    with pytest.raises(RuleError, match="stay within the years 1 to 9999"):
        add_months(date(2026, 3, 1), months)


# Zones --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Europe/Atlantis", "../../etc/passwd", "/etc/passwd", "America", "UTC\0", "x" * 9999])
def test_an_unknown_zone_is_refused_with_the_remedy(name):
    with pytest.raises(RuleError, match="is not known here; give a name such as 'Europe/London' or 'UTC'"):
        Program("Club", earning=Flat(1), timezone=name)


def test_naive_is_civil_time_and_aware_is_converted():
    assert in_zone(datetime(2026, 3, 1, 9), NEW_YORK).isoformat() == "2026-03-01T09:00:00-05:00"
    assert in_zone(datetime(2026, 3, 1, 9, tzinfo=UTC), NEW_YORK).isoformat() == "2026-03-01T04:00:00-05:00"
    there = datetime(2026, 3, 1, 9, tzinfo=NEW_YORK)
    assert in_zone(there, NEW_YORK) is there


@pytest.mark.parametrize(
    ("name", "day", "begins"),
    [
        ("UTC", "2026-03-01", "2026-03-01T00:00+00:00"),
        ("America/New_York", "2026-03-08", "2026-03-08T05:00+00:00"),  # clocks go forward later that day
        ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00+00:00"),  # there was no midnight: it was 1 at once
        ("America/Havana", "2025-11-02", "2025-11-02T04:00+00:00"),  # midnight came twice: the first counts
        ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00+00:00"),  # the day before was skipped
    ],
)
def test_the_first_moment_of_a_day(name, day, begins):
    assert first_moment(date.fromisoformat(day), zone(name)) == datetime.fromisoformat(begins)


# Activities in zones ------------------------------------------------------------------------------------------------


def test_an_aware_activity_is_judged_by_the_civil_time_of_the_program():
    sunday_in_utc = Activity.purchase(10, at="2026-03-01T03:00+00:00")
    on_saturdays = Flat(50).when(OnWeekdays("sat"))
    assert Program("London", earning=on_saturdays, timezone="Europe/London").award(sunday_in_utc)["points"].points == 0
    new_york = Program("New York", earning=on_saturdays, timezone="America/New_York")
    assert new_york.award(sunday_in_utc)["points"].points == 50
    assert new_york.award(Activity.purchase(10, at="2026-03-01T03:00"))["points"].points == 0


def test_a_month_is_one_of_the_program():
    capped = Flat(60).named("x").cap(100, per="month")
    tokyo = Program("Tokyo", earning=capped, timezone="Asia/Tokyo")
    award = tokyo.award(Activity.purchase(1, at="2026-02-28T20:00+00:00"))["points"]
    assert dict(award.counts) == {CounterKey("points", "x", "points", "month 2026-03-01"): 60}


@pytest.mark.parametrize("minute", [0, 29, 59])
def test_activities_in_the_hour_that_comes_twice_are_two_moments(minute):
    first = Activity.purchase(1, at=datetime(2026, 11, 1, 1, minute, tzinfo=NEW_YORK))
    second = Activity.purchase(1, at=datetime(2026, 11, 1, 1, minute, tzinfo=NEW_YORK, fold=1))
    assert first != second
    assert first == Activity.purchase(1, at=f"2026-11-01T01:{minute:02}-04:00")
    assert second == Activity.purchase(1, at=f"2026-11-01T01:{minute:02}-05:00")
    for activity in (first, second):
        assert eval(repr(activity)) == activity  # noqa: S307 (our own)
        assert hash(eval(repr(activity))) == hash(activity)  # noqa: S307 (our own)


def test_an_activity_in_its_zone_stays_what_it_is():
    local = Activity.purchase(10, at="2026-03-01T09:00", id="t-1", member="m-1", store="x").in_zone(NEW_YORK)
    assert local.in_zone(NEW_YORK) is local
    assert local.at == datetime(2026, 3, 1, 9, tzinfo=ZoneInfo("America/New_York"))
    assert (local.amount, local.id, local.member, local.kind, local.fact("store")) == (
        10,
        "t-1",
        "m-1",
        "purchase",
        "x",
    )
