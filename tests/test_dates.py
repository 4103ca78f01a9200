"""Date rules: what each says, and how they combine."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *

BORN_IN_MAY = Member(facts={"birth_month": 5})
LAST_SEEN = Member(last={"": date(2026, 3, 31), repr(OfKind("redeemed")): date(2026, 2, 28)})
CARD_CLOSED = Member(facts={"card_closed": "2025-06-10"})


def lot(earned, available=None, **facts):
    """Points of a day, available from another if they were pending."""
    return Lot(1, "stars", 10, earned=earned, available=available, facts=facts)


def falls(rule, earned, available=None, member=ANYONE, **facts):
    """When the rule falls, as text."""
    day = rule.falls_on(lot(earned, available, **facts), member)
    return None if day is None else day.isoformat()


# What each rule says -------------------------------------------------------------------------------------------------

SAID = [
    (Never(), "2026-01-31", None),
    # So long after; months clamp, and are added before the days
    (After(days=0), "2026-02-28", "2026-02-28"),
    (After(days=1), "2026-02-28", "2026-03-01"),
    (After(days=1), "2024-02-28", "2024-02-29"),
    (After(months=1), "2026-01-15", "2026-02-15"),
    (After(months=1), "2026-01-31", "2026-02-28"),
    (After(months=1), "2024-01-31", "2024-02-29"),
    (After(months=2), "2026-01-31", "2026-03-31"),
    (After(months=12), "2024-02-29", "2025-02-28"),
    (After(months=48), "2024-02-29", "2028-02-29"),
    (After(years=1), "2024-02-29", "2025-02-28"),
    (After(years=4), "2024-02-29", "2028-02-29"),
    (After(years=1, months=1, days=1), "2026-01-31", "2027-03-01"),
    (After(months=1, days=1), "2026-01-31", "2026-03-01"),
    (After(hours=36), "2026-01-05", "2026-01-06T12:00:00"),
    (After(days=1, hours=1), "2026-01-05", "2026-01-06T01:00:00"),
    # The next such day of the year, this one included
    (OnDate("12-31"), "2026-03-01", "2026-12-31"),
    (OnDate("12-31"), "2026-12-31", "2026-12-31"),
    (OnDate("01-01"), "2026-01-02", "2027-01-01"),
    (OnDate("12-31", years=1), "2026-03-01", "2027-12-31"),
    (OnDate("03-01", years=2), "2026-03-02", "2029-03-01"),
    (OnDate("02-29"), "2026-01-01", "2026-02-28"),
    (OnDate("02-29"), "2024-02-28", "2024-02-29"),
    (OnDate("02-29"), "2024-02-29", "2024-02-29"),
    (OnDate("02-29"), "2024-03-01", "2025-02-28"),
    (OnDate("02-29"), "2025-02-28", "2025-02-28"),
    (OnDate("02-29", years=4), "2024-01-01", "2028-02-29"),
    (On("2027-05-20"), "2026-01-31", "2027-05-20"),
    (On("2025-05-20"), "2026-01-31", "2025-05-20"),
    # The end of the stretch, or of one further on
    (EndOf("week"), "2026-03-02", "2026-03-08"),
    (EndOf("week"), "2026-03-08", "2026-03-08"),
    (EndOf("month"), "2024-02-01", "2024-02-29"),
    (EndOf("month"), "2026-02-28", "2026-02-28"),
    (EndOf("month", plus=1), "2026-01-31", "2026-02-28"),
    (EndOf("quarter"), "2026-01-01", "2026-03-31"),
    (EndOf("quarter", plus=4), "2026-03-31", "2027-03-31"),
    (EndOf("year"), "2026-12-31", "2026-12-31"),
    (EndOf("year", plus=1), "2026-01-01", "2027-12-31"),
    # Around a rule
    (After(days=10).plus(days=5), "2026-02-20", "2026-03-07"),
    (After(months=1).plus(months=1), "2026-01-31", "2026-03-28"),
    (OnDate("12-31").plus(years=1, days=1), "2026-03-01", "2028-01-01"),
    (After(hours=30).plus(days=1), "2026-01-05", "2026-01-07T06:00:00"),
    (After(hours=30).plus(months=1), "2026-01-31", "2026-03-01T06:00:00"),
    (Never().plus(days=1), "2026-01-05", None),
    (After(months=12).to_end_of("month"), "2020-07-06", "2021-07-31"),
    (After(months=12).to_end_of("week"), "2025-03-02", "2026-03-08"),
    (After(days=1).to_end_of("quarter"), "2026-03-31", "2026-06-30"),
    (After(days=0).to_end_of("year"), "2026-12-31", "2026-12-31"),
    (After(hours=30).to_end_of("month"), "2026-01-30", "2026-01-31"),
    (Never().to_end_of("month"), "2026-01-05", None),
]


@pytest.mark.parametrize(("rule", "since", "day"), SAID, ids=[f"{rule!r} from {since}" for rule, since, _ in SAID])
def test_a_rule_says(rule, since, day):
    assert falls(rule, since) == day


def test_rules_count_from_the_day_the_points_became_available():
    assert falls(After(days=10), "2026-01-01", available="2026-01-15") == "2026-01-25"
    assert falls(After(days=10).from_earning(), "2026-01-01", available="2026-01-15") == "2026-01-11"
    assert falls(EndOf("month").from_earning(), "2026-01-31", available="2026-02-14") == "2026-01-31"
    assert falls(AfterFact("shipped", days=1).from_earning(), "2026-01-31", shipped="2026-02-01") == "2026-02-02"


# Inactivity ----------------------------------------------------------------------------------------------------------


def test_inactivity_counts_from_the_last_activity():
    assert falls(AfterInactivity(months=1), "2026-01-15", member=LAST_SEEN) == "2026-04-30"
    assert falls(AfterInactivity(days=10, months=1, years=1), "2026-01-15", member=LAST_SEEN) == "2027-05-10"


def test_inactivity_counts_from_the_points_where_they_are_later():
    assert falls(AfterInactivity(months=1), "2026-05-15", member=LAST_SEEN) == "2026-06-15"
    assert falls(AfterInactivity(months=1), "2026-05-15") == "2026-06-15"


def test_inactivity_counts_from_what_resets_it_only():
    redeeming = AfterInactivity(months=1, resets=OfKind("redeemed"))
    assert falls(redeeming, "2026-01-15", member=LAST_SEEN) == "2026-03-28"
    reviewing = AfterInactivity(months=1, resets=OfKind("review"))
    assert falls(reviewing, "2026-01-15", member=LAST_SEEN) == "2026-02-15"


def test_an_account_keeps_the_last_activity_for_each_rule():
    club = Program(
        "Club",
        points={
            "any": Points(Flat(1).when(OfKind("review")), expiry=AfterInactivity(days=30)),
            "buying": Points(
                Flat(1).when(OfKind("review")), expiry=AfterInactivity(days=30, resets=OfKind("purchase", "redeemed"))
            ),
        },
        rewards={"gift": Item(0, unit="any")},
    )
    account = club.account("m-1")
    account.earn(Activity.action("review", at="2026-01-01", id="r-1"))
    account.earn(Activity.purchase(10, at="2026-01-20", id="p-1"))
    account.earn(Activity.action("visit", at="2026-01-25", id="v-1"))
    ends = {unit: account.lots(unit, at="2026-01-26")[0].expires_on.isoformat() for unit in club.points}
    assert ends == {"any": "2026-02-24", "buying": "2026-02-19"}
    account.redeem("gift", id="g-1", at="2026-01-28")
    ends = {unit: account.lots(unit, at="2026-01-28")[0].expires_on.isoformat() for unit in club.points}
    assert ends == {"any": "2026-02-27", "buying": "2026-02-27"}


def test_an_activity_told_late_does_not_bring_back_what_lapsed():
    account = Program("Club", points={"p": Points(Flat(1), expiry=AfterInactivity(days=30))}).account("m-1")
    account.earn(Activity.purchase(10, at="2026-01-01", id="p-1"))
    account.earn(Activity.purchase(10, at="2026-01-20", id="p-2"), posted="2026-03-01")
    assert [(entry.kind, entry.points) for entry in account.entries] == [("earned", 1), ("lapsed", 1), ("earned", 1)]


# Birthdays and facts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("since", "day"),
    [
        ("2026-04-30", "2026-05-31"),
        ("2026-05-01", "2026-05-31"),
        ("2026-05-31", "2026-05-31"),
        ("2026-06-01", "2027-05-31"),
    ],
)
def test_the_end_of_the_birth_month(since, day):
    assert falls(EndOfBirthMonth(), since, member=BORN_IN_MAY) == day
    assert falls(EndOfBirthMonth(years=1), since, member=BORN_IN_MAY) == day.replace(day[:4], str(int(day[:4]) + 1))


def test_the_end_of_a_birth_month_that_leap_years_change():
    born = Member(facts={"birthday": "2000-02-29"})
    assert falls(EndOfBirthMonth(), "2026-01-01", member=born) == "2026-02-28"
    assert falls(EndOfBirthMonth(years=2), "2026-01-01", member=born) == "2028-02-29"


def test_an_unknown_birth_month_never_comes():
    assert falls(EndOfBirthMonth(), "2026-01-01") is None


def test_a_fact_is_of_the_activity_or_else_of_the_member():
    rule = AfterFact("card_closed", months=4)
    assert falls(rule, "2026-01-01", member=CARD_CLOSED) == "2025-10-10"
    assert falls(rule, "2026-01-01", member=CARD_CLOSED, card_closed="2026-02-01") == "2026-06-01"
    assert falls(rule, "2026-01-01", card_closed="2026-02-01T23:30:00+05:00") == "2026-06-01"
    assert falls(AfterFact("trip", days=1, years=1), "2026-01-01", trip="2024-02-29") == "2025-03-01"
    assert falls(rule, "2026-01-01") is None


def test_a_fact_that_is_no_date_is_an_error():
    with pytest.raises(RuleError, match=r"AfterFact\('shipped'\): 'soon' is not a date"):
        falls(AfterFact("shipped", days=1), "2026-01-01", shipped="soon")


def test_a_fact_that_is_noted_later_moves_the_end():
    rule = After(years=5) | AfterFact("card_closed", months=1)
    account = Program("Club", points={"miles": Points(Flat(5), expiry=rule)}).account("m-1")
    account.earn(Activity.purchase(10, at="2026-01-01", id="t-1"))
    assert account.lots(at="2026-02-01")[0].expires_on == date(2031, 1, 1)
    account.note(at="2026-03-10", card_closed="2026-03-10")
    assert account.lots(at="2026-03-10")[0].expires_on == date(2026, 4, 10)
    assert (account.balance(at="2026-04-10T23:59:59"), account.balance(at="2026-04-11")) == (5, 0)


# Unless --------------------------------------------------------------------------------------------------------------


def test_never_while_a_condition_holds_of_the_member_or_of_the_activity():
    rule = After(days=10).unless(InTier("gold") | Fact("kind", "gift"))
    assert falls(rule, "2026-01-01") == "2026-01-11"
    assert falls(rule, "2026-01-01", member=Member(tier="gold")) is None
    assert falls(rule, "2026-01-01", kind="gift") is None


def test_a_condition_that_ends_brings_the_end_back():
    rule = After(days=100).unless(MemberFact("plan", "pro"))
    account = Program("Club", points={"p": Points(Flat(5), expiry=rule)}).account("m-1", facts={"plan": "pro"})
    account.earn(Activity.purchase(10, at="2026-01-01", id="t-1"))
    assert account.balance(at="2028-01-01") == 5
    account.note(at="2028-02-01", plan="free")
    assert account.balance(at="2028-02-01") == 0
    assert [entry.kind for entry in account.advance("2028-02-01")] == ["lapsed"]


def test_a_condition_that_ends_while_points_are_held_counts_when_they_come_back():
    rule = After(days=30).unless(MemberFact("plan", "pro"))
    club = Program("Club", points={"p": Points(Flat(5), expiry=rule)}, rewards={"gift": Item(5)})
    account = club.account("m-1", facts={"plan": "pro"})
    account.earn(Activity.purchase(10, at="2026-01-01", id="t-1"))
    account.hold("gift", id="h-1", at="2026-01-02", until="2026-01-10")
    account.note(at="2026-01-05", plan="free")
    assert account.balance(at="2026-01-31") == 5
    assert account.balance(at="2026-02-01") == 0


def test_an_activity_while_points_are_spent_counts_when_they_come_back():
    club = Program("Club", points={"p": Points(Flat(5), expiry=AfterInactivity(days=30))}, rewards={"gift": Item(5)})
    account = club.account("m-1")
    account.earn(Activity.purchase(10, at="2026-01-01", id="t-1"))
    account.redeem("gift", id="r-1", at="2026-01-02")
    account.earn(Activity.purchase(10, at="2026-01-25", id="t-2"))
    account.cancel("r-1", id="c-1", at="2026-01-26")
    assert [account.balance(at=at) for at in ("2026-02-24", "2026-02-25")] == [10, 0]


# Of several rules ----------------------------------------------------------------------------------------------------

DAYS = st.dates(date(2023, 12, 1), date(2028, 3, 31))
LEAVES = st.one_of(
    st.just(Never()),
    st.builds(After, days=st.integers(0, 400), months=st.integers(0, 15)),
    st.builds(After, hours=st.integers(1, 100)),
    st.builds(AfterInactivity, months=st.integers(1, 15)),
    st.builds(OnDate, st.sampled_from(["02-29", "12-31", "07-01"]), years=st.integers(0, 2)),
    st.builds(On, DAYS),
    st.builds(EndOf, st.sampled_from(["week", "month", "quarter", "year"]), plus=st.integers(0, 3)),
    st.builds(EndOfBirthMonth),
    st.builds(AfterFact, st.just("shipped"), days=st.integers(0, 40)),
)
RULES = st.recursive(
    LEAVES,
    lambda rules: st.one_of(
        st.builds(lambda a, b: a | b, rules, rules),
        st.builds(lambda a, b: a & b, rules, rules),
        st.builds(lambda a, days: a.plus(days=days), rules, st.integers(0, 40)),
        st.builds(lambda a, unit: a.to_end_of(unit), rules, st.sampled_from(["week", "month", "year"])),
        st.builds(lambda a: a.unless(MemberFact("plan", "pro")), rules),
        st.builds(lambda a: a.from_earning(), rules.filter(lambda a: not a.hourly)),
    ),
    max_leaves=5,
)
LOTS = st.builds(
    lambda earned, wait, facts: lot(earned, earned + timedelta(wait), **facts),
    DAYS,
    st.integers(0, 40),
    st.sampled_from([{}, {"shipped": "2026-02-03"}]),
)
MEMBERS = st.builds(
    lambda last, facts: Member(last={"": last}, facts=facts),
    DAYS,
    st.sampled_from([{}, {"plan": "pro"}, {"birth_month": 2, "shipped": "2025-12-31"}]),
)


def alike(a, b, lot, member):
    """Whether both say the same of this lot and member."""
    assert a.falls_on(lot, member) == b.falls_on(lot, member)


@given(RULES, RULES, RULES, LOTS, MEMBERS)
def test_date_rules_are_a_lattice(a, b, c, lot, member):
    alike(a | b, b | a, lot, member)
    alike(a & b, b & a, lot, member)
    alike((a | b) | c, a | (b | c), lot, member)
    alike((a & b) & c, a & (b & c), lot, member)
    alike(a | a, a, lot, member)
    alike(a & a, a, lot, member)
    alike(a | (a & b), a, lot, member)
    alike(a & (a | b), a, lot, member)
    alike(a & (b | c), (a & b) | (a & c), lot, member)


@given(RULES, LOTS, MEMBERS)
def test_never_is_the_top(a, lot, member):
    alike(a | Never(), a, lot, member)
    alike(a & Never(), Never(), lot, member)


@given(RULES)
def test_a_rule_is_its_repr_its_data_and_its_hash(rule):
    assert eval(repr(rule)) == rule  # noqa: S307 (our own)
    assert from_json(to_json(rule)) == rule
    assert hash(from_data(to_data(rule))) == hash(rule)


@given(RULES, LOTS, MEMBERS)
def test_a_fixed_rule_looks_at_nothing_but_the_lot(rule, lot, member):
    if rule.fixed:
        alike(rule, rule, lot, member)
        assert rule.falls_on(lot, member) == rule.falls_on(lot, ANYONE)


def test_rules_of_one_kind_are_one_list():
    a, b, c = After(days=1), After(days=2), EndOf("month")
    assert (a | b) | c == a | (b | c)
    assert repr((a | b) & c | a) == "(After(days=1) | After(days=2)) & EndOf('month') | After(days=1)"


def test_a_day_is_later_than_any_moment_in_it():
    moment, day = After(hours=30), On("2026-01-06")
    assert falls(moment | day, "2026-01-05") == "2026-01-06T06:00:00"
    assert falls(moment & day, "2026-01-05") == "2026-01-06"
    assert falls(moment | On("2026-01-05"), "2026-01-05") == "2026-01-05"
    assert falls(moment & After(hours=29), "2026-01-05") == "2026-01-06T06:00:00"


def test_whichever_comes_first_of_what_never_comes():
    assert falls(Never() | After(days=1), "2026-01-05") == "2026-01-06"
    assert falls(Never() | EndOfBirthMonth(), "2026-01-05") is None
    assert falls(EndOfBirthMonth() & After(days=1), "2026-01-05") is None


@pytest.mark.parametrize(
    ("rule", "fixed", "hourly"),
    [
        (Never(), True, False),
        (After(days=1), True, False),
        (After(hours=1), True, True),
        (AfterInactivity(days=1), False, False),
        (OnDate("12-31"), True, False),
        (After(hours=1) | AfterInactivity(days=1), False, True),
        (After(days=1) & EndOf("year"), True, False),
        (After(hours=1) & On("2026-01-01"), True, True),
        (After(hours=1).plus(days=1), True, True),
        (After(days=1).to_end_of("month"), True, False),
        (After(days=1).unless(InTier("gold")), False, False),
        (After(days=1).from_earning(), True, False),
        (EndOfBirthMonth().plus(days=1), False, False),
    ],
    ids=repr,
)
def test_what_a_rule_depends_on(rule, fixed, hourly):
    assert (rule.fixed, rule.hourly) == (fixed, hourly)


# Days and hours in an account ----------------------------------------------------------------------------------------

ZONES = {
    "America/New_York": "2026-03-08",
    "America/Sao_Paulo": "2018-11-03",
    "Africa/Cairo": "2026-04-23",
    "Asia/Beirut": "2026-03-28",
    "Pacific/Apia": "2011-12-29",
    "Europe/London": "2026-10-25",
}
"""Zones and a last day after which the clocks change, or a midnight or a whole day is missing."""


@pytest.mark.parametrize("zone", ZONES)
def test_i18_the_last_day_is_whole_and_the_next_is_not_its(zone):
    last = date.fromisoformat(ZONES[zone])
    account = Program("Club", timezone=zone, points={"p": Points(Flat(5), expiry=On(last))}).account("m-1")
    account.earn(Activity.purchase(10, at="2011-01-05", id="t-1"))
    noon = datetime(last.year, last.month, last.day, 12, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    hours = [noon + timedelta(hours=n) for n in range(40)]
    here = [hour for hour in hours if hour.astimezone(ZoneInfo(zone)).date() <= last]
    assert [account.balance(at=hour) for hour in hours] == [5] * len(here) + [0] * (len(hours) - len(here))
    [lapsed] = account.advance(hours[-1])
    assert (lapsed.at - timedelta(microseconds=1)).astimezone(ZoneInfo(zone)).date() == last


def test_hours_count_from_the_moment_and_as_they_pass():
    club = Program("Club", timezone="America/New_York", points={"p": Points(Flat(5), expiry=After(hours=24))})
    account = club.account("m-1")
    account.earn(Activity.purchase(10, at="2026-03-07T20:00", id="t-1"))
    assert account.balance(at="2026-03-08T20:59:59") == 5
    assert account.balance(at="2026-03-08T21:00") == 0


def test_points_can_be_used_at_once_and_until_the_end_of_their_day():
    club = Program("Club", timezone="America/New_York", points={"p": Points(Flat(5), expiry=After(days=0))})
    account = club.account("m-1")
    account.earn(Activity.purchase(10, at="2026-03-07T20:00", id="t-1"))
    assert [account.balance(at=at) for at in ("2026-03-07T20:00", "2026-03-07T23:59:59.999999", "2026-03-08")] == [
        5,
        5,
        0,
    ]


def test_pending_until_a_day_is_until_its_first_moment():
    club = Program("Club", timezone="America/New_York", points={"p": Points(Flat(5), pending=After(days=14))})
    account = club.account("m-1")
    account.earn(Activity.purchase(10, at="2026-03-01T20:00", id="t-1"))
    assert [account.balance(at=at) for at in ("2026-03-14T23:59:59.999999", "2026-03-15")] == [0, 5]


# The period of a ladder ----------------------------------------------------------------------------------------------


@frozen
class Held:
    """A tier that is held, as a ladder asks about it."""

    since: date
    window: object = Calendar("year", starts="03-01")
    earned: date = date(2026, 1, 1)
    facts: object = None


def test_the_end_of_the_period_of_a_ladder():
    assert EndOfPeriod(0).falls_on(Held(date(2026, 2, 28)), ANYONE) == date(2026, 2, 28)
    assert EndOfPeriod(1).falls_on(Held(date(2026, 3, 1)), ANYONE) == date(2028, 2, 29)
    joined = Member(joined="2024-05-10")
    assert EndOfPeriod(1).falls_on(Held(date(2026, 3, 1), MembershipYear()), joined) == date(2027, 5, 9)


@pytest.mark.parametrize("window", [Rolling(months=12), None])
def test_a_window_without_periods_has_no_end(window):
    with pytest.raises(RuleError, match="no ladder whose window has periods; write EndOf"):
        EndOfPeriod(1).falls_on(Held(date(2026, 3, 1), window), ANYONE)


# What is refused -----------------------------------------------------------------------------------------------------


def combined(kind, *rules):
    return from_data({"version": 1, "type": kind, "rules": list(rules)})


REFUSED = {
    "days: below 0": (lambda: After(days=-1), RuleError, "-1 is below 0"),
    "days: half": (lambda: After(days="0.5"), RuleError, "0.5 is not a whole number"),
    "a float": (lambda: After(months=1.5), InexactNumber, "the float 1.5"),
    "no time": (AfterInactivity, RuleError, r"no time is given; write AfterInactivity\(months=12\)"),
    "resets": (lambda: AfterInactivity(days=1, resets="purchase"), RuleError, "'purchase'"),
    "a day of no month": (lambda: OnDate("02-30"), RuleError, "OnDate: '02-30' is no day of the year"),
    "no date": (lambda: On("2026-02-29"), RuleError, "On: '2026-02-29' is not a date"),
    "a moment": (lambda: On(datetime(2026, 1, 1)), RuleError, "On: datetime is not a date"),
    "a word": (lambda: EndOf("fortnight"), RuleError, "'fortnight' has no end to count to"),
    "another": (lambda: After(days=1).to_end_of("day"), RuleError, "'day' has no end to count to"),
    "a fact": (lambda: AfterFact("", days=1), RuleError, "AfterFact: '' is not a name"),
    "hours from the earning": (lambda: After(hours=1).from_earning(), RuleError, "from_earning: hours count from"),
    "an operand": (lambda: After(days=1) | 5, TypeError, "unsupported operand"),
    "another operand": (lambda: After(days=1) & "x", TypeError, "unsupported operand"),
    "a truth value": (lambda: bool(After(days=1)), TruthValue, "whichever comes first"),
    "in a unit": (lambda: Points(Flat(1), expiry="never"), RuleError, "'never' is no date rule; give one such as"),
    "for pending": (lambda: Points(Flat(1), pending=14), RuleError, "14 is no date rule"),
    "past the end of time": (lambda: falls(After(days=366_000), "9026-01-01"), RuleError, "past the year 9999"),
    "months past it": (lambda: falls(After(years=1000), "9026-01-01"), RuleError, "stay within the years 1 to 9999"),
    "hours past it": (lambda: falls(After(hours=8_784_000), "9026-01-01"), RuleError, "past the year 9999"),
    "the week's end past it": (lambda: falls(EndOf("week"), "9999-12-31"), RuleError, "within the years 1 to 9999"),
    "more years than there are": (lambda: After(years=1001), RuleError, "years: 1001 is above 1,000"),
    "more periods than there are": (lambda: EndOf("week", plus=10**9), RuleError, "plus: 1000000000 is above 1,000"),
    "the earliest of nothing": (lambda: combined("earliest"), DataError, "give at least two to combine"),
    "the latest of one": (lambda: combined("latest", "Never()"), DataError, "give at least two to combine"),
}


@pytest.mark.parametrize(("make", "error", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused(make, error, says):
    with pytest.raises(error, match=says):
        make()


# A rule of one's own -------------------------------------------------------------------------------------------------


@frozen
class NextFriday(DateRule):
    kind = "next_friday_of_tests"
    fixed = True

    def falls_on(self, subject, member):
        return subject.since + timedelta((4 - subject.since.weekday()) % 7 or 7)


def test_an_own_rule_composes_is_stored_and_used():
    rule = (NextFriday() & After(days=3)).to_end_of("week")
    assert falls(rule, "2026-03-02") == "2026-03-08"
    assert from_json(to_json(rule)) == rule
    account = Program("Club", points={"p": Points(Flat(5), expiry=NextFriday())}).account("m-1")
    account.earn(Activity.purchase(10, at="2026-03-02", id="t-1"))
    assert [account.balance(at=f"2026-03-0{day}") for day in (6, 7)] == [5, 0]


def test_an_own_rule_that_is_not_finished_says_so():
    class Unfinished(After):
        kind = "unfinished"

    with pytest.raises(RuleError, match="is not finished; decorate Unfinished with attrs' @frozen"):
        Program("Club", points={"p": Points(Flat(5), expiry=Unfinished(days=1))}).account("m-1").earn(
            Activity.purchase(10, at="2026-03-02", id="t-1")
        )
