"""What an account does by itself: points that turn into others, and points that do not carry over."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
import json

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore.testing import AccountMachine

TICK = timedelta(microseconds=1)
DAY = timedelta(days=1)


def club(*converts, timezone="UTC", certificates=None, rewards=None, **points):
    """Stars that become certificates, or what else is said."""
    return Program(
        "Club",
        timezone=timezone,
        points={
            "stars": Points(PerSpend(1), converts=converts, **points),
            "certificates": certificates or Points(Flat(0)),
        },
        rewards={"gift": Donation(worth="0.01", to="the school", unit="stars"), **(rewards or {})},
    )


def purchase(amount, at, id, **facts):
    return Activity.purchase(amount, at=at, id=id, **facts)


def stars(account, at):
    return account.balance("stars", at=at)


def certificates(account, at):
    return account.balance("certificates", at=at)


EVERY_MONTH = Convert(100, into="certificates", gives=5).every("month")


# When a period ends ---------------------------------------------------------------------------------------------------


def test_whole_blocks_are_converted_at_the_end_of_the_month_and_the_rest_is_carried():
    account = club(EVERY_MONTH).account("m-1")
    account.earn(purchase(250, "2026-01-10", "t-1"))
    account.earn(purchase(70, "2026-02-10", "t-2"))

    assert (stars(account, "2026-01-31T23:59:59"), certificates(account, "2026-01-31T23:59:59")) == (250, 0)
    assert (stars(account, "2026-02-01"), certificates(account, "2026-02-01")) == (50, 10)
    assert (stars(account, "2026-03-01"), certificates(account, "2026-03-01")) == (20, 15)


def test_each_conversion_is_two_entries_at_the_moment_it_is_due():
    account = club(EVERY_MONTH).account("m-1")
    account.earn(purchase(250, "2026-01-10", "t-1"))
    out, into = account.advance("2026-05-05")

    first = datetime(2026, 2, 1, tzinfo=UTC)
    assert [(e.kind, e.unit, e.points, e.lots, e.at, e.posted) for e in (out, into)] == [
        ("converted", "stars", -200, ((1, 200),), first, first),
        ("converted", "certificates", 10, ((2, 10),), first, first),
    ]
    assert (out.reason, into.reason) == ("into certificates", "from stars")


def test_a_month_ends_when_it_does_in_the_zone_of_the_program():
    account = club(EVERY_MONTH, timezone="America/New_York").account("m-1")
    account.earn(purchase(100, "2026-01-10", "t-1"))

    end = datetime(2026, 2, 1, 5, tzinfo=UTC)
    assert [certificates(account, at) for at in (end - TICK, end)] == [0, 5]


def test_points_that_happened_before_but_were_learnt_of_after_wait_for_the_next_end():
    account = club(EVERY_MONTH).account("m-1")
    account.earn(purchase(100, "2026-01-31", "t-1"), posted="2026-02-02")

    assert certificates(account, "2026-02-28") == 0
    assert certificates(account, "2026-03-01") == 5


@pytest.mark.parametrize(
    ("when", "last"),
    [
        (Convert(100, into="certificates", gives=5).on("12-31"), date(2026, 12, 31)),
        (Convert(100, into="certificates", gives=5).on("01-05"), date(2027, 1, 5)),
        (Convert(100, into="certificates", gives=5).on("02-29"), date(2026, 2, 28)),
        (Convert(100, into="certificates", gives=5).every("day"), date(2026, 1, 10)),
        (Convert(100, into="certificates", gives=5).every("quarter"), date(2026, 3, 31)),
        (Convert(100, into="certificates", gives=5).every(Calendar("month", starts=15)), date(2026, 1, 14)),
        (Convert(100, into="certificates", gives=5).every(MembershipYear()), date(2026, 6, 30)),
    ],
    ids=repr,
)
def test_the_end_is_that_of_the_last_day(when, last):
    account = club(when).account("m-1", joined="2025-07-01")
    account.earn(purchase(100, "2026-01-10T12:00", "t-1"))

    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + DAY
    assert [certificates(account, at) for at in (end - TICK, end)] == [0, 5]


def test_every_year_on_that_day_again():
    account = club(Convert(100, into="certificates", gives=5).on("02-28")).account("m-1")
    for year in (2023, 2024, 2025):
        account.earn(purchase(100, f"{year}-01-10", f"t-{year}"))

    ends = ["2023-03-01", "2024-02-29", "2025-03-01"]
    assert [certificates(account, at) for at in ends] == [5, 10, 15]
    assert certificates(account, "2024-02-28T23:59") == 5


def test_too_few_points_wait_until_there_are_at_least_so_many():
    account = club(Convert(10, into="certificates", gives=1, at_least=150).every("month")).account("m-1")
    account.earn(purchase(140, "2026-01-10", "t-1"))
    account.earn(purchase(27, "2026-02-10", "t-2"))

    assert stars(account, "2026-02-01") == 140
    assert (stars(account, "2026-03-01"), certificates(account, "2026-03-01")) == (7, 16)


def test_certificates_lapse_by_their_own_rule():
    account = club(EVERY_MONTH, certificates=Points(Flat(0), expiry=After(days=45))).account("m-1")
    account.earn(purchase(100, "2026-01-10", "t-1"))

    assert [lot.expires_on for lot in account.lots("certificates", at="2026-02-01")] == [date(2026, 3, 18)]
    assert certificates(account, "2026-03-18T23:59") == 5
    assert certificates(account, "2026-03-19") == 0


def test_the_lots_that_would_be_spent_first_are_converted_first():
    account = club(EVERY_MONTH, expiry=After(months=6)).account("m-1")
    account.earn(purchase(60, "2026-01-10", "t-1"))
    account.earn(purchase(80, "2026-01-20", "t-2"))

    assert account.advance("2026-02-01")[0].lots == ((1, 60), (2, 40))


def test_pending_and_held_points_are_left_alone():
    account = club(EVERY_MONTH, pending=AfterFact("from", days=0)).account("m-1")
    account.earn(purchase(100, "2026-01-10", "t-1", **{"from": date(2026, 1, 10)}))
    account.earn(purchase(100, "2026-01-10", "t-2", **{"from": date(2026, 2, 1)}))
    account.earn(purchase(100, "2026-01-10", "t-3", **{"from": date(2026, 2, 2)}))
    account.hold("gift", points=50, id="h-1", at="2026-01-20", until="2026-02-20")

    totals = account.totals("stars", at="2026-02-01")
    # what becomes available at the end of the day is there to be converted
    assert (totals["available"], totals["pending"], totals["held"]) == (50, 100, 50)
    assert certificates(account, "2026-02-01") == 5


def test_what_is_owed_is_paid_before_anything_is_converted():
    account = club(EVERY_MONTH).account("m-1")
    account.earn(purchase(100, "2026-01-10", "t-1"))
    account.redeem("gift", points=100, id="r-1", at="2026-01-11")
    account.reverse("t-1", id="refund", at="2026-01-12", on_shortfall="owe")
    account.earn(purchase(220, "2026-01-20", "t-2"))

    assert (stars(account, "2026-02-01"), certificates(account, "2026-02-01")) == (20, 5)


def test_what_is_converted_on_the_last_day_does_not_lapse():
    account = club(EVERY_MONTH, expiry=EndOf("month")).account("m-1")
    account.earn(purchase(250, "2026-01-10", "t-1"))

    assert [(e.kind, e.points) for e in account.advance("2026-02-01")] == [
        ("converted", -200),
        ("converted", 10),
        ("lapsed", 50),
    ]


def test_an_automatic_conversion_is_nothing_that_the_member_did():
    account = club(EVERY_MONTH, expiry=AfterInactivity(months=1)).account("m-1")
    account.earn(purchase(250, "2026-01-10", "t-1"))

    assert stars(account, "2026-02-10") == 50
    assert stars(account, "2026-02-11") == 0


def test_units_may_turn_into_one_another_in_a_row():
    program = Program(
        "Club",
        points={
            "vouchers": Points(Flat(0)),
            "certificates": Points(Flat(0), converts=Convert(10, into="vouchers", gives=1).every("month")),
            "stars": Points(PerSpend(1), converts=EVERY_MONTH),
        },
    )
    account = program.account("m-1")
    account.earn(purchase(250, "2026-01-10", "t-1"))

    assert [account.balance(unit, at="2026-02-01") for unit in program.points] == [1, 0, 50]


# Which of several -----------------------------------------------------------------------------------------------------

DSW = club(
    Convert(100, into="certificates", gives=5).every("month").when(MemberFact("plan", "quick")),
    Convert(200, into="certificates", gives=10).when(MemberFact("plan", "save")).every("month"),
    Convert(400, into="certificates", gives=20).when(MemberFact("plan", "goals")).every("month"),
)


@pytest.mark.parametrize(
    ("plan", "left", "made"), [("quick", 50, 30), ("save", 50, 30), ("goals", 250, 20), ("none", 650, 0)]
)
def test_the_member_picks_a_plan(plan, left, made):
    account = DSW.account("m-1", facts={"plan": plan})
    account.earn(purchase(650, "2026-01-10", "t-1"))

    assert (stars(account, "2026-02-01"), certificates(account, "2026-02-01")) == (left, made)


def test_the_plan_counts_that_was_picked_before_the_end():
    account = DSW.account("m-1")
    account.note(plan="goals", at="2026-01-01", id="n-1")
    account.earn(purchase(300, "2026-01-10", "t-1"))
    account.note(plan="quick", at="2026-02-01", id="n-2")

    assert certificates(account, "2026-02-28") == 0
    assert certificates(account, "2026-03-01") == 15


def test_a_conversion_for_a_while_is_judged_by_the_last_day_of_the_period():
    account = club(EVERY_MONTH.during("2026-01-01", "2026-01-31")).account("m-1")
    account.earn(purchase(100, "2026-01-10", "t-1"))
    account.earn(purchase(100, "2026-02-10", "t-2"))

    assert certificates(account, "2026-02-01") == 5
    assert certificates(account, "2026-04-01") == 5


def test_only_some_lots_may_be_converted():
    account = club(EVERY_MONTH.from_lots(Fact("channel", "partner"))).account("m-1")
    account.earn(purchase(150, "2026-01-10", "t-1"))
    account.earn(purchase(120, "2026-01-11", "t-2", channel="partner"))

    assert account.advance("2026-02-01")[0].lots == ((2, 100),)


# At once --------------------------------------------------------------------------------------------------------------

AT_ONCE = Convert(100, into="certificates", gives=5).every("activity")


def test_a_whole_block_is_converted_as_soon_as_there_is_one():
    account = club(AT_ONCE).account("m-1")
    receipt = account.earn(purchase(90, "2026-01-10", "t-1"))
    assert stars(account, "2026-01-10") == 90

    receipt = account.earn(purchase(120, "2026-01-11", "t-2"))
    assert [entry.kind for entry in account.entries] == ["earned", "earned", "converted", "converted"]
    assert receipt.entries == account.entries[1:2]
    assert (stars(account, "2026-01-11"), certificates(account, "2026-01-11")) == (10, 10)
    assert account.earn(purchase(120, "2026-01-11", "t-2")) == receipt


def test_pending_points_are_converted_when_they_become_available():
    account = club(AT_ONCE, pending=After(days=14)).account("m-1")
    account.earn(purchase(120, "2026-01-10", "t-1"))
    account.earn(purchase(120, "2026-01-20", "t-2"))
    account.activate("t-2", id="delivered", at="2026-01-22")

    assert certificates(account, "2026-01-22") == 5
    assert [certificates(account, at) for at in ("2026-01-23T23:59", "2026-01-24")] == [5, 10]


def test_points_that_are_given_by_hand_or_come_back_are_converted_too():
    account = club(AT_ONCE).account("m-1")
    account.adjust(90, unit="stars", reason="goodwill", actor="clerk", id="a-1", at="2026-01-10")
    account.redeem("gift", points=50, id="r-1", at="2026-01-11")
    account.adjust(50, unit="stars", reason="goodwill", actor="clerk", id="a-2", at="2026-01-12")
    assert certificates(account, "2026-01-12") == 0

    account.cancel("r-1", id="c-1", at="2026-01-13")
    assert (stars(account, "2026-01-13"), certificates(account, "2026-01-13")) == (40, 5)


def test_a_plan_that_is_picked_converts_what_is_there():
    account = club(AT_ONCE.when(MemberFact("plan", "quick"))).account("m-1")
    account.earn(purchase(250, "2026-01-10", "t-1"))
    assert certificates(account, "2026-01-20") == 0

    account.note(plan="quick", at="2026-01-20", id="n-1")
    assert certificates(account, "2026-01-20") == 10


# Carrying over --------------------------------------------------------------------------------------------------------


def test_at_most_so_many_carry_over_and_the_rest_lapses():
    account = club(CarryOver(500).every("month")).account("m-1")
    account.earn(purchase(900, "2026-01-10", "t-1"))
    account.earn(purchase(300, "2026-02-10", "t-2"))

    assert [stars(account, at) for at in ("2026-01-31T23:59", "2026-02-01")] == [900, 500]
    assert [stars(account, at) for at in ("2026-02-28", "2026-03-01")] == [800, 500]
    account.advance("2026-06-01")
    lapsed = [entry for entry in account.entries if entry.kind == "lapsed"]
    assert [(e.points, e.lots, e.reason) for e in lapsed] == [
        (400, ((1, 400),), "at most 500 carry over"),
        (300, ((1, 300),), "at most 500 carry over"),
    ]


def test_use_it_or_lose_it():
    account = club(CarryOver(0).every("month")).account("m-1")
    account.earn(purchase(100, "2026-01-10", "t-1"))
    account.hold("gift", points=30, id="h-1", at="2026-01-31", until="2026-02-05")

    assert stars(account, "2026-02-01") == 0
    # what was held at the end of January is free in February, and lapses with it
    assert [stars(account, at) for at in ("2026-02-05", "2026-02-28", "2026-03-01")] == [30, 30, 0]


def test_what_has_had_its_last_day_lapses_before_what_does_not_carry_over():
    account = club(CarryOver(500).every("month"), expiry=OnDate("01-31", years=0), order=NewestFirst()).account("m-1")
    account.earn(purchase(300, "2026-01-10", "t-1"))
    account.earn(purchase(400, "2026-01-20", "t-2"))
    account.extend(2, "2026-12-31", id="e-1", at="2026-01-21")

    assert [e.points for e in account.advance("2026-02-01")] == [300]
    assert stars(account, "2026-02-01") == 400


def test_how_many_carry_over_may_depend_on_the_plan():
    program = club(
        CarryOver(100).every("month").when(MemberFact("plan", "basic")),
        CarryOver(1000).every("month").when(MemberFact("plan", "pro")),
    )
    left = []
    for plan in ("basic", "pro", "unlimited"):
        account = program.account("m-1", facts={"plan": plan})
        account.earn(purchase(1500, "2026-01-10", "t-1"))
        left.append(stars(account, "2026-02-01"))

    assert left == [100, 1000, 1500]


def test_what_is_converted_need_not_carry_over():
    account = club(CarryOver(20).every("month"), EVERY_MONTH).account("m-1")
    account.earn(purchase(250, "2026-01-10", "t-1"))

    assert (stars(account, "2026-02-01"), certificates(account, "2026-02-01")) == (20, 10)


def test_lapsed_points_that_did_not_carry_over_can_be_brought_back():
    account = club(CarryOver(20).every("month")).account("m-1")
    account.earn(purchase(50, "2026-01-10", "t-1"))
    account.extend(1, "2026-12-31", id="goodwill", at="2026-02-10")

    assert [stars(account, at) for at in ("2026-02-09", "2026-02-10", "2026-03-01")] == [20, 50, 20]


# What a program may say -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("converts", "told"),
    [
        (Convert(100, into="certificates", gives=5), "does not say when"),
        (Item(5).every("month"), "give a Convert or a CarryOver"),
        (EVERY_MONTH.limit(2, per="year"), "is more than .when and .from_lots say"),
        ("month", "is no redemption option"),
    ],
    ids=repr,
)
def test_what_a_unit_cannot_convert(converts, told):
    with pytest.raises(RuleError, match=told):
        Points(PerSpend(1), converts=converts)


@pytest.mark.parametrize("period", ["ever", "line", Each("ticket"), Rolling(months=12)], ids=repr)
def test_a_period_without_an_end_is_no_time_to_do_anything(period):
    with pytest.raises(RuleError, match="has no end; give a period such as 'month'"):
        CarryOver(5).every(period)


@pytest.mark.parametrize(("day", "told"), [("31 December", "is no day of the year"), ("", "give either")])
def test_a_day_of_the_year_is_a_month_and_a_day(day, told):
    with pytest.raises(RuleError, match=told):
        CarryOver(5).on(day)


def test_when_something_is_done_is_said_once():
    with pytest.raises(RuleError, match="says already when it is taken"):
        CarryOver(5).every("month").when(MemberFact("plan", "pro")).on("12-31")


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ({"stars": Convert(100, into="coins", gives=5)}, r"\.into: 'coins' is no unit of the program"),
        ({"stars": Convert(100, into="stars", gives=5)}, "turns into 'stars' and comes back"),
        (
            {"stars": Convert(1, into="beans", gives=1), "beans": Convert(1, into="stars", gives=1)},
            r"stars\.converts\[0\]: 'stars' turns into 'beans' and comes back",
        ),
        ({"stars": Convert(1, into="beans", gives=1, unit="beans"), "beans": None}, "leave unit out"),
    ],
    ids=str,
)
def test_a_program_says_what_is_wrong_with_its_conversions(points, told):
    units = {
        name: Points(PerSpend(1), converts=() if option is None else option.every("month"))
        for name, option in points.items()
    }
    with pytest.raises(RuleError, match=told):
        Program("Club", points=units)


DAILY = Convert(100, into="certificates", gives=5, unit="stars").every("day")


@pytest.mark.parametrize("reward", [DAILY, CarryOver(5), CarryOver(5).every("month")], ids=repr)
def test_a_reward_is_asked_for(reward):
    with pytest.raises(RuleError, match=r"rewards\.gift: a reward is asked for"):
        club(rewards={"gift": reward})


def test_programs_that_convert_are_read_from_files(tmp_path):
    assert from_data(json.loads(json.dumps(to_data(DSW)))) == DSW
    file = tmp_path / "club.toml"
    DSW.dump(file)
    assert Program.load(file) == DSW

    file.write_text("""
version = 1
name = "Club"
[points.certificates]
earning = "Flat(0)"
[points.stars]
earning = "PerSpend(1)"
converts = [
    "Convert(100, into='certificates', gives=5).every('month')",
    {type = "automatic", option = "CarryOver(500)", day = "12-31"},
    {type = "automatic", option = "CarryOver(500)", per = "quarter"},
]
""")
    assert Program.load(file).points["stars"].converts == (
        Convert(100, into="certificates", gives=5).every("month"),
        CarryOver(500).on("12-31"),
        CarryOver(500).every("quarter"),
    )


def test_each_version_of_a_program_converts_in_its_time():
    cheaper = club(Convert(50, into="certificates", gives=5).every("month"))
    account = ProgramHistory(club(EVERY_MONTH), ("2026-03-01", club()), ("2026-05-01", cheaper)).account("m-1")
    account.earn(purchase(180, "2026-02-10", "t-1"))
    account.earn(purchase(180, "2026-03-10", "t-2"))

    ends = ["2026-02-28T23:59", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01"]
    assert [certificates(account, at) for at in ends] == [0, 5, 5, 5, 30]


def test_a_version_does_nothing_that_falls_due_after_its_time():
    yearly = Convert(100, into="certificates", gives=5).on("12-31")
    account = ProgramHistory(club(yearly), ("2026-03-01", club(EVERY_MONTH.during("2027-02-01", None)))).account("m-1")
    account.earn(purchase(180, "2026-02-10", "t-1"))

    assert [certificates(account, at) for at in ("2027-02-28T23:59", "2027-03-01")] == [0, 5]


# Laws -----------------------------------------------------------------------------------------------------------------

EVERYTHING = Program(
    "Club",
    timezone="America/New_York",
    points={
        "vouchers": Points(Flat(0), on_event=Flat(1).when(OfKind("redeemed")), expiry=After(months=2)),
        "certificates": Points(
            Flat(0),
            expiry=After(days=40),
            converts=(Convert(10, into="vouchers", gives=1).every("activity"), CarryOver(9).every("quarter")),
        ),
        "stars": Points(
            PerSpend(1),
            pending=AfterFact("from", days=0) | After(days=20),
            expiry=After(months=2).to_end_of("month") | AfterInactivity(months=3),
            converts=(
                Convert(100, into="certificates", gives=5).every("month").when(MemberFact("plan", "quick")),
                Convert(60, into="certificates", gives=4).on("02-28"),
                CarryOver(120).every("month"),
            ),
            on_event=Flat(7).when(OfKind("converted")) + Flat(30).when(FirstTime("joined")),
        ),
    },
    rewards={"gift": Donation(worth="0.01", to="the school", unit="stars")},
)

points = st.integers(1, 60)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("earn"), st.integers(1, 150), st.sampled_from([0, 0, 5, 40])),
        st.tuples(st.just("redeem"), points),
        st.tuples(st.just("hold"), points),
        st.tuples(st.just("reverse"), st.integers(0, 5), st.sampled_from(["clamp", "owe"])),
        st.tuples(st.just("note"), st.sampled_from(["quick", "save"])),
        st.tuples(st.just("wait"), st.sampled_from([1, 13, 35])),
    ),
    min_size=3,
    max_size=15,
)
START = date(2024, 1, 20)


def done(account, name, day, what, *how):
    """One step of a history; what is refused is passed over."""
    when = {"id": name, "at": day}
    with suppress(RuleError):
        if what == "earn":
            account.earn(purchase(how[0], day, name, **{"from": day + how[1] * DAY}))
        elif what == "reverse":
            account.reverse(f"c-{how[0]}", on_shortfall=how[1], **when)
        elif what == "note":
            account.note(plan=how[0], **when)
        else:
            getattr(account, what)("gift", points=how[0], **when)


def lived(steps, before=lambda account, day: account):
    """The account after a history, and the last day of it."""
    account, day = EVERYTHING.account("m-1", joined=START), START
    for n, (what, *how) in enumerate(steps):
        if what == "wait":
            day += how[0] * DAY
        else:
            account = before(account, day)
            done(account, f"c-{n}", day, what, *how)
    return account, day


@given(steps, st.lists(st.integers(0, 40), min_size=1, max_size=5))
def test_advancing_more_often_never_changes_anything(steps, looks):
    def look_often(account, day):
        for n in looks:
            last = account.entries[-1].posted if account.entries else datetime(2024, 1, 20, 5, tzinfo=UTC)
            account.advance(min(last + n * DAY, datetime(day.year, day.month, day.day, 5, tzinfo=UTC)))
        return account

    account, day = lived(steps)
    often, _ = lived(steps, look_often)
    account.advance(day + 400 * DAY)
    for n in range(0, 401, 3):
        often.advance(day + n * DAY)
    often.advance(day + 400 * DAY)

    assert often.entries == account.entries


@given(steps)
def test_questions_leave_no_trace(steps):
    def ask(account, day):
        told = [account.totals(unit, at=day + 100 * DAY) for unit in EVERYTHING.points]
        before = account.snapshot()
        account.statement(at=day + 50 * DAY)
        account.options(at=day + 150 * DAY)
        assert account.snapshot() == before
        assert [account.totals(unit, at=day + 100 * DAY) for unit in EVERYTHING.points] == told
        return account

    account, day = lived(steps)
    asked, _ = lived(steps, ask)
    assert asked.entries == account.entries
    assert asked.advance(day + 400 * DAY) == account.advance(day + 400 * DAY)


@given(steps, st.booleans())
def test_going_on_from_what_was_stored_is_going_on(steps, whole):
    def stored(account, day):
        if whole:
            return EVERYTHING.account("m-1", joined=START, entries=[from_data(to_data(e)) for e in account.entries])
        return EVERYTHING.account("m-1", joined=START, snapshot=from_data(to_data(account.snapshot())))

    account, day = lived(steps)
    again, _ = lived(steps, stored)
    for at in (day, day + 50 * DAY, day + 400 * DAY):
        for unit in EVERYTHING.points:
            assert again.totals(unit, at=at) == account.totals(unit, at=at)
            assert again.lots(unit, at=at) == account.lots(unit, at=at)


def begins(entry, before):
    """Whether an entry is the first of what was done together: of a call, or of a conversion with what it brings."""
    of_call = entry.id != "" and entry.id == before.id
    of_conversion = entry.kind in ("converted", "repaid") and entry.points > 0
    return not (of_call or of_conversion or "event" in entry.data)


@given(steps)
def test_what_time_did_it_does_again_from_any_cut(steps):
    account, day = lived(steps)
    account.advance(day + 400 * DAY)
    entries = account.entries
    for n in range(1, len(entries)):
        if begins(entries[n], entries[n - 1]):
            upto = next((i for i in range(n, len(entries)) if entries[i].id.startswith("c-")), len(entries))
            cut = EVERYTHING.account("m-1", joined=START, entries=entries[:n])
            cut.advance(day + 400 * DAY if upto == len(entries) else entries[upto].posted)
            assert cut.entries == entries[:upto]


def test_a_snapshot_of_the_very_moment_at_which_a_period_ends():
    program = club(EVERY_MONTH)
    account = program.account("m-1")
    account.earn(purchase(130, "2026-01-10", "t-1"))
    account.earn(purchase(80, "2026-02-01", "t-2"))
    again = program.account("m-1", snapshot=account.snapshot())

    assert (stars(account, "2026-02-01"), stars(account, "2026-03-01")) == (110, 10)
    assert (stars(again, "2026-02-01"), stars(again, "2026-03-01")) == (110, 10)


def test_points_for_a_tier_that_begins_with_the_period_are_converted_with_it():
    program = Program(
        "Club",
        points={
            "stars": Points(PerSpend(1), converts=EVERY_MONTH.when(MemberFact("plan", "quick"))),
            "bonus": Points(Flat(0), converts=AT_ONCE, on_event=Flat(100).when(OfKind("tier_up"))),
            "certificates": Points(Flat(0)),
        },
        tiers=TierLadder(Tier("gold", Reach("spend", 100)), window=Calendar("month"), starts="next_period"),
    )
    account = program.account("m-1")
    account.earn(purchase(130, "2026-01-10", "t-1"))

    assert [account.balance(unit, at="2026-02-01") for unit in program.points] == [130, 0, 5]


class Life(AccountMachine):
    program = EVERYTHING


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=20, stateful_step_count=30)
