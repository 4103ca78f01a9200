"""What `loyaltycore.testing` offers for accounts: checks of date rules and options, and a machine for any program."""

from datetime import date, timedelta
from itertools import count

from attrs import field, frozen
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
import pytest

from loyaltycore import *
from loyaltycore.testing import AccountMachine, check_date_rule, check_option

ASKED = count()


def finding(check, value, **given):
    with pytest.raises(AssertionError) as found:
        check(value, **given)
    return str(found.value)


# Date rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "rule",
    [
        Never(),
        After(months=24).to_end_of("month") | AfterInactivity(months=12),
        After(hours=36) & EndOf("quarter"),
        OnDate("02-29", years=1).plus(days=10),
        AfterFact("until", days=1).unless(Fact("channel")),
        EndOfBirthMonth(1).unless(MemberFact("plan", "family")),
    ],
    ids=repr,
)
def test_date_rules_keep_the_laws(rule):
    check_date_rule(rule)


@frozen
class Whimsical(DateRule):
    def falls_on(self, subject, member):
        return subject.since + timedelta(next(ASKED) % 7)


@frozen
class ByPlan(DateRule):
    fixed = True

    def falls_on(self, subject, member):
        return None if member.facts.get("plan") == "pro" else subject.since


@frozen
class HalfDay(DateRule):
    fixed = True

    def falls_on(self, subject, member):
        moment = getattr(subject, "moment", None)
        return subject.since if moment is None else moment + timedelta(hours=12)


@frozen
class InWords(DateRule):
    def falls_on(self, subject, member):
        return "soon"


@frozen
class OfFacts(DateRule):
    def falls_on(self, subject, member):
        return date.fromisoformat(subject.facts["until"])


def test_date_rules_that_break_a_law_are_found():
    assert "must neither remember anything nor draw at random" in finding(check_date_rule, Whimsical())
    assert "leave out fixed = True" in finding(check_date_rule, ByPlan())
    assert "say hourly = True" in finding(check_date_rule, HalfDay())
    assert "InWords gave 'soon': a date rule gives a date, or None for never" in finding(check_date_rule, InWords())
    assert "OfFacts raised KeyError: 'until'" in finding(check_date_rule, OfFacts())


def test_a_date_rule_is_held_to_the_subjects_it_is_meant_for():
    check_date_rule(OfFacts(), subject=st.just(Lot(1, "stars", 5, earned="2026-01-05", facts={"until": "2026-02-01"})))


# Options --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option",
    [
        Item(150, sku="latte").limit(2, per="month").stock(9),
        Item(PerSpend(10)).when(Category("dining")) * by_tier(gold="0.5"),
        PayWithPoints(worth="0.01", at_least=100, step=100, share="0.5").during("2026-01-01", "2026-12-31"),
        Increments({100: "3.00", 250: "8.00"}),
        Donation(worth="0.01", to="the school"),
        Convert(100, into="miles", gives=3).from_lots(Fact("channel", "web")),
        Voucher(500, worth=5, expiry=After(months=3)),
        PercentOff(100, percent=10, at_most=5),
    ],
    ids=repr,
)
def test_options_keep_the_laws(option):
    check_option(option)


@frozen
class ByWhim(RedemptionOption):
    def price(self, order, member):
        return 100 + next(ASKED) % 7


@frozen
class ByArea(RedemptionOption):
    def price(self, order, member):
        return {"north": 100}[order.fact("area")]


@frozen
class ByHalf(RedemptionOption):
    points: list[int] = field(factory=list)

    def price(self, order, member):
        return 0.5


def test_options_that_break_a_law_are_found():
    assert "must neither remember anything nor draw at random" in finding(check_option, ByWhim())
    assert "ByArea raised KeyError: None: an option quotes for every order and member" in finding(
        check_option, ByArea()
    )
    assert "cannot be hashed" in finding(check_option, ByHalf())
    check_option(ByArea(), order=st.just(Activity.action("order", at="2026-03-01", area="north")))


# Accounts -------------------------------------------------------------------------------------------------------------

STARS = Points(
    PerSpend(1).named("base").cap(300, per="month") + Flat(20).when(FirstTime()),
    expiry=After(months=2).to_end_of("month") | AfterInactivity(months=1),
    pending=After(days=3),
    at_most=2_000,
)
CAFE = Program(
    "Cafe",
    timezone="America/New_York",
    points={"stars": STARS, "status": Points(PerSpend(2), redeemable=False)},
    rewards={
        "coffee": Item(50, sku="latte").limit(2, per="month"),
        "pay": PayWithPoints(worth="0.01"),
        "perk": Item(0),
    },
)
AIRLINE = Program(
    "Airline",
    timezone="Pacific/Apia",
    points={
        "miles": Points(
            PerUnit(1, of="distance").at_least(500), expiry=After(years=3), pending=AfterFact("flown", days=1)
        ),
        "vouchers": Points(Flat(1).named("third").every_nth(3), expiry=After(hours=100)),
    },
    rewards={
        "upgrade": Item(400, unit="miles"),
        "convert": Convert(100, into="vouchers", gives=2, unit="miles").limit(3, per="year"),
        "half off": PercentOff(1, percent=50, unit="vouchers"),
    },
    hold_timeout="3 days",
)


class LifeOfACafe(AccountMachine):
    program = CAFE


class LifeOfAnAirline(AccountMachine):
    program = AIRLINE
    start = "2011-12-20"


TestCafe = LifeOfACafe.TestCase
TestAirline = LifeOfAnAirline.TestCase
TestCafe.settings = TestAirline.settings = settings(max_examples=20, stateful_step_count=30)


@frozen
class FromNow(DateRule):
    """A rule that goes by when it is asked."""

    fixed = True

    def falls_on(self, subject, member):
        return subject.since + timedelta(next(ASKED))


@pytest.mark.parametrize(
    ("program", "broken"),
    [
        (Program("Whim", points={"stars": Points(Flat(5), expiry=FromNow())}), "rebuilt from its entries"),
        (None, "has no program: say which"),
    ],
    ids=["a rule that remembers", "no program"],
)
def test_a_broken_program_is_found(program, broken):
    class Life(AccountMachine):
        pass

    if program is not None:
        Life.program = program
    with pytest.raises(AssertionError, match=broken):
        run_state_machine_as_test(Life, settings=settings(max_examples=30, stateful_step_count=10, database=None))
