"""Redemption options: what each costs and gives, and why not."""

from decimal import Decimal
from fractions import Fraction

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *

NOW = "2026-03-01T12:00"
NOTHING = Activity.action("order", at=NOW)


def order(amount, category="", **facts):
    return Activity.purchase(amount, category=category, at=NOW, **facts)


def having(points, unit="", **facts):
    """A member with so many points."""
    return Member(lots=[Lot(1, unit, points, earned="2026-01-01", facts=facts)])


def said(option, asked=NOTHING, member=ANYONE, points=None):
    """Points, value and refusal of a quote."""
    quote = option.quote(asked, member, points=points)
    return quote.points, quote.value, quote.refusal and quote.refusal.code


# Fixed prices --------------------------------------------------------------------------------------------------------


def test_an_item_costs_its_price_and_grants_what_is_handed_over():
    quote = Item(150, sku="latte", grants="warm").quote(NOTHING)
    assert (quote.points, quote.value, quote.ok, quote.missing) == (150, 0, True, 0)
    assert quote.grants == {"sku": "latte", "grants": "warm"}
    assert str(quote) == "latte: 150 points"
    assert Item(150).quote(NOTHING).grants == {}
    assert str(Item(1500, grants="lounge", unit="miles").quote(NOTHING)) == "lounge: 1,500 miles"
    assert str(Item(0).quote(NOTHING)) == "a reward: 0 points"


def test_a_price_is_rounded_up():
    assert said(Item("1.01")) == (2, 0, None)
    assert said(Item(PerSpend("0.1")), order("10.50")) == (2, 0, None)
    assert said(Item(10) * "0.33") == (4, 0, None)


def test_a_price_may_be_a_rule_that_is_read_on_the_order():
    option = Item(PerSpend(100).when(Category("shoes")) + Flat(50))
    assert said(option, order(20, "shoes")) == (2050, 0, None)
    assert said(option, order(20, "hats")) == (50, 0, None)
    tree = option.quote(order(20, "shoes")).parts[0]
    assert [part.points for part in tree.parts] == [2000, 50]


def test_a_voucher_is_worth_money_until_a_day():
    voucher = Voucher(500, worth="5.00", expiry=After(months=1).to_end_of("month"), unit="stars")
    quote = voucher.quote(NOTHING)
    assert (quote.points, quote.unit, quote.value) == (500, "stars", 5)
    assert quote.grants == {"voucher": 5, "expires_on": "2026-04-30"}
    assert Voucher(500, worth=5).quote(NOTHING).grants == {"voucher": 5}
    assert Voucher(500, worth=5, expiry=Never()).quote(NOTHING).grants == {"voucher": 5}
    assert Voucher(500, worth=5, expiry=AfterFact("trip", days=1)).quote(
        Activity.action("order", at=NOW, trip="2026-05-05")
    ).grants == {"voucher": 5, "expires_on": "2026-05-06"}


def test_a_share_of_the_order_off():
    assert said(PercentOff(300, percent="12.5"), order(80)) == (300, 10, None)
    assert said(PercentOff(300, percent=100), order("19.99")) == (300, Fraction(1999, 100), None)
    assert said(PercentOff(300, percent=50, at_most="15.00"), order(80)) == (300, 15, None)
    assert PercentOff(300, percent=50).quote(order(80)).grants == {"percent": 50}


def test_an_award_chart_looks_the_price_up():
    chart = AwardChart({("europe", "economy"): 15_000, ("europe", "first"): 40_000}, by=("zone", "cabin"))
    trip = Activity.action("trip", at=NOW, zone="europe", cabin="first")
    assert said(chart, trip) == (40_000, 0, None)
    assert chart.quote(trip).grants == {"zone": "europe", "cabin": "first"}
    assert said(chart, Activity.action("trip", at=NOW, zone="asia", cabin="first")) == (0, 0, "not_eligible")
    by_distance = AwardChart({600: 5_000, 1200: 10_000}, by=Band("distance", upto=[600, 1200]))
    assert said(by_distance, Activity.flight(at=NOW, distance=601)) == (10_000, 0, None)


# Where the customer chooses ------------------------------------------------------------------------------------------

PAY = PayWithPoints(worth="0.01", at_least=100, step=50, at_most=2000, share="0.5")


@pytest.mark.parametrize(
    ("amount", "points", "expected"),
    [
        (50, 100, (100, 1, None)),
        (50, 2000, (2000, 20, None)),
        (50, 9000, (2000, 20, None)),
        ("12.50", 2000, (600, 6, None)),
        ("2.00", 500, (100, 1, None)),
        ("1.98", 500, (50, Fraction(1, 2), "below_minimum")),
        ("0.50", 500, (0, 0, "below_minimum")),
        (50, 50, (50, Fraction(1, 2), "below_minimum")),
        (50, 0, (0, 0, "below_minimum")),
        (50, 120, (100, 1, "not_in_increment")),
        (50, 30, (0, 0, "below_minimum")),
        (50, None, (2000, 20, None)),
        ("12.50", None, (600, 6, None)),
    ],
)
def test_points_as_money(amount, points, expected):
    assert said(PAY, order(amount), points=points) == expected


def test_points_as_money_take_what_there_is():
    assert said(PAY, order(50), having(430)) == (400, 4, None)
    assert said(PAY, order(50), having(430), points=500) == (500, 5, "insufficient_points")
    assert said(PAY, order(50), having(99)) == (100, 1, "insufficient_points")
    assert said(PAY, order("1.50"), having(99)) == (50, Fraction(1, 2), "below_minimum")


def test_the_least_is_a_whole_number_of_steps():
    pay = PayWithPoints(worth="0.01", at_least=100, step=30)
    assert said(pay, order(50), points=119) == (90, Fraction(9, 10), "below_minimum")
    assert pay.quote(order(50), points=90).refusal.numbers == {"at_least": 120, "points": 90}
    assert said(pay, order(50), points=120) == (120, Fraction(6, 5), None)
    assert said(pay, order(50), having(100)) == (120, Fraction(6, 5), "insufficient_points")
    assert said(pay) == (120, Fraction(6, 5), None)


def test_points_as_money_without_an_amount_are_bounded_by_what_was_asked():
    assert said(PAY, NOTHING, points=500) == (500, 5, None)
    assert said(PAY) == (2000, 20, None)
    assert said(PayWithPoints(worth=1, at_least=5)) == (5, 5, None)
    assert said(PayWithPoints(worth=1, step=3)) == (3, 3, None)


RETURNED = Activity([Line(30, "shoes"), Line(20, "hats"), Line(-25, "hats")], at=NOW)
"""An order with a line that was returned for more than the others of its category."""


@pytest.mark.parametrize(
    ("option", "refusal"),
    [
        (PayWithPoints(worth="0.01"), "below_minimum"),
        (Increments({100: "3.00"}), "not_eligible"),
    ],
    ids=repr,
)
def test_an_order_that_comes_to_nothing_takes_no_points(option, refusal):
    assert said(option, order(0), points=100)[2] == refusal
    assert said(option, order(0), having(500))[2] == refusal
    assert said(option.when(Category("hats")), RETURNED, points=100)[2] == refusal
    assert said(option.when(Category("shoes")), RETURNED, points=100)[2] is None


def test_a_share_of_what_was_returned_is_nothing():
    assert said(PercentOff(300, percent=50).when(Category("hats")), RETURNED) == (300, 0, None)


@given(
    amount=st.decimals("0.01", 500, places=2),
    points=st.none() | st.integers(0, 100_000),
    there=st.none() | st.integers(0, 100_000),
    option=st.builds(
        PayWithPoints,
        worth=st.sampled_from(["0.01", "0.005", "1/3", "2"]),
        at_least=st.integers(0, 500),
        step=st.sampled_from([1, 7, 100]),
        at_most=st.none() | st.integers(1, 5000),
        share=st.sampled_from(["1", "0.5", "1/3"]),
    ),
)
def test_points_as_money_never_exceed_the_order(amount, points, there, option):
    asked = order(amount)
    quote = option.quote(asked, ANYONE if there is None else having(there), points=points)
    if quote.ok:
        assert 0 < quote.value <= asked.amount * option.share
        assert quote.value == quote.points * option.worth
        assert quote.points % option.step == 0
        assert quote.points >= option.at_least
        assert option.at_most is None or quote.points <= option.at_most
        assert there is None or quote.points <= there
        assert points is None or quote.points <= points
    else:
        assert quote.refusal.text


@given(
    amount=st.decimals(0, 50, places=2),
    points=st.none() | st.integers(0, 600),
    there=st.none() | st.integers(0, 600),
)
def test_increments_never_exceed_the_order(amount, points, there):
    asked = order(amount)
    quote = Increments({100: "3.00", 250: "8.00", 500: "20.00"}).quote(
        asked, ANYONE if there is None else having(there), points=points
    )
    assert not quote.ok or quote.value <= asked.amount
    assert not quote.ok or there is None or quote.points <= there


STEPS = Increments({100: "3.00", 250: "8.00"})


@pytest.mark.parametrize(
    ("amount", "there", "points", "expected"),
    [
        (50, None, 100, (100, 3, None)),
        (50, None, None, (250, 8, None)),
        (5, None, None, (100, 3, None)),
        (50, 249, None, (100, 3, None)),
        (50, 99, None, (100, 3, "insufficient_points")),
        (2, None, None, (100, 3, "not_eligible")),
        (5, None, 250, (250, 8, "not_eligible")),
        (50, None, 150, (150, 0, "not_in_increment")),
        (50, None, 99, (99, 0, "not_in_increment")),
        (None, None, 250, (250, 8, None)),
    ],
)
def test_fixed_steps_each_with_its_worth(amount, there, points, expected):
    member = ANYONE if there is None else having(there)
    assert said(STEPS, NOTHING if amount is None else order(amount), member, points) == expected


def test_a_step_that_is_not_there_names_the_nearest():
    assert STEPS.quote(order(50), points=300).refusal.numbers == {"nearest": 250}
    assert STEPS.quote(order(50), points=50).refusal.numbers == {"nearest": 100}
    assert PAY.quote(order(50), points=130).refusal.numbers == {"step": 50, "nearest": 100}


def test_a_donation():
    gift = Donation(worth="0.01", to="school fund", at_least=100)
    assert said(gift, points=250) == (250, Fraction(5, 2), None)
    assert said(gift, points=99) == (99, Fraction(99, 100), "below_minimum")
    assert said(gift, points=0) == (0, 0, "below_minimum")
    assert said(gift, member=having(730)) == (730, Fraction(73, 10), None)
    assert said(gift, member=having(73)) == (100, 1, "insufficient_points")
    assert said(gift) == (100, 1, None)
    assert gift.quote(NOTHING, points=250).grants == {"to": "school fund"}


def test_whole_blocks_into_another_unit():
    convert = Convert(100, into="miles", gives=60, at_least=200)
    assert said(convert, points=250) == (200, 0, None)
    assert convert.quote(NOTHING, points=399).grants == {"into": "miles", "points": 180}
    assert said(convert, points=199) == (100, 0, "below_minimum")
    assert said(convert, member=having(730)) == (700, 0, None)
    assert said(convert, member=having(150)) == (200, 0, "insufficient_points")


# Around an option ----------------------------------------------------------------------------------------------------


def test_a_factor_scales_the_price():
    gold = Member(tier="gold")
    half = Item(151, sku="tea") * by_tier(gold="0.5")
    assert (said(half), said(half, member=gold)) == ((151, 0, None), (76, 0, None))
    assert said(3 * Item(10)) == said(Item(10) * 3) == (30, 0, None)
    assert said(Item("0.5") * 3 * "1/3") == (1, 0, None)
    assert "times 0.5" in str(half.quote(NOTHING, gold).parts[0])
    assert half.quote(NOTHING, gold).grants == {"sku": "tea"}


def test_a_factor_on_points_as_money_makes_them_dearer_not_worth_more():
    quote = (PayWithPoints(worth="0.01") * 2).quote(order(5), points=100)
    assert (quote.points, quote.value) == (200, 1)


def test_an_option_behind_a_condition_sees_the_kept_lines():
    pay = PayWithPoints(worth="0.01").when(Category("shoes"))
    basket = Activity([Line(20, "shoes"), Line(80, "hats")], at=NOW)
    assert said(pay, basket, points=9000) == (2000, 20, None)
    assert said(pay, order(80, "hats"), points=100) == (100, 1, "not_eligible")


def test_not_eligible_says_for_whom_it_is():
    quote = Item(10).when(InTier("gold")).quote(NOTHING)
    assert quote.refusal.text == "it is for InTier('gold') only"
    assert Item(10).when(InTier("gold")).quote(NOTHING, Member(tier="gold")).ok


@pytest.mark.parametrize(
    ("option", "code"),
    [
        (Item(10).during("2026-03-01", "2026-03-31"), None),
        (Item(10).during("2026-03-02", None), "not_available_yet"),
        (Item(10).during(None, "2026-02-28"), "not_eligible"),
        (Item(10).when(During("2026-03-02", "2026-03-31")), "not_available_yet"),
    ],
    ids=repr,
)
def test_an_option_for_a_time(option, code):
    assert said(option) == (10, 0, code)


def test_not_available_yet_says_from_when():
    assert "from 2026-03-02" in Item(10).during("2026-03-02", None).quote(NOTHING).refusal.text


# In an account: limits, stock, lots ----------------------------------------------------------------------------------


def club(**rewards):
    return Program("Club", points={"stars": Points(PerSpend(1))}, rewards=rewards)


def rich(program, points=1000, **keywords):
    account = program.account("m-1", joined="2026-01-15", **keywords)
    account.earn(Activity.purchase(points, at="2026-01-15", id="t-1"))
    return account


@pytest.mark.parametrize(
    ("per", "first", "same", "other"),
    [
        ("day", "2026-02-01", "2026-02-01T23:59", "2026-02-02"),
        ("month", "2026-02-01", "2026-02-28", "2026-03-01"),
        ("year", "2026-02-01", "2026-12-31", "2027-01-01"),
        (MembershipYear(), "2026-02-01", "2027-01-14", "2027-01-15"),
    ],
)
def test_a_limit_per_period(per, first, same, other):
    account = rich(club(coffee=Item(10).limit(1, per=per)))
    had = [account.redeem("coffee", id=at, at=at) for at in (first, same, other)]
    assert [one.quote.refusal and one.quote.refusal.code for one in had] == [None, "limit_reached", None]
    assert had[1].quote.refusal.numbers == {"limit": 1, "used": 1}


def test_a_limit_for_each_value_of_a_fact():
    account = rich(club(coffee=Item(10).limit(1, per=Each("store"))))

    def at_store(store, id):
        return account.redeem("coffee", id=id, at=NOW, order=order(5, store=store)).ok

    assert [at_store("a", "1"), at_store("a", "2"), at_store("b", "3")] == [True, False, True]


def test_a_refused_redemption_uses_up_neither_the_limit_nor_its_id():
    account = rich(club(coffee=Item(600).limit(1, per="ever")), points=500)
    assert account.redeem("coffee", id="r-1", at=NOW).quote.missing == 100
    account.earn(Activity.purchase(100, at=NOW, id="t-2"))
    assert account.redeem("coffee", id="r-1", at=NOW).ok


def test_two_limits_count_apart():
    option = Item(10).limit(2, per="month").limit(3, per="ever")
    account = rich(club(coffee=option))
    days = ("2026-02-01", "2026-02-02", "2026-02-03", "2026-03-01", "2026-03-02")
    codes = [account.redeem("coffee", id=at, at=at).quote.refusal for at in days]
    assert [code and code.code for code in codes] == [None, None, "limit_reached", None, "limit_reached"]


PAYERS = Program(
    "Payers",
    points={"points": Points(PerSpend(1), order=OldestFirst())},
    rewards={"bank's": Item(50).from_lots(Fact("payer", "bank")), "anyone's": Item(50)},
)


def paid_for():
    account = PAYERS.account("m-1")
    account.earn(Activity.purchase(60, at="2026-01-01", id="t-1", payer="shop"))
    account.earn(Activity.purchase(70, at="2026-01-02", id="t-2", payer="bank"))
    return account


def test_an_option_is_paid_from_some_lots_only():
    account = paid_for()
    assert account.redeem("bank's", id="r-1", at=NOW).entries[0].lots == ((2, 50),)
    refused = account.redeem("bank's", id="r-2", at=NOW).quote
    assert refused.refusal.numbers == {"required": 50, "available": 20, "missing": 30}
    assert account.redeem("anyone's", id="r-3", at=NOW).entries[0].lots == ((1, 50),)


def test_two_conditions_on_lots_must_both_hold():
    both = Item(5).from_lots(Fact("payer", "bank")).from_lots(Fact("season", "winter"))
    lots = [
        Lot(1, "", 5, earned="2026-01-01", facts={"payer": "bank"}),
        Lot(2, "", 5, earned="2026-01-01", facts={"payer": "bank", "season": "winter"}),
    ]
    assert both.quote(NOTHING, Member(lots=lots)).ok
    assert not both.quote(NOTHING, Member(lots=lots[:1])).ok
    assert said(PayWithPoints(worth=1).from_lots(Fact("season", "winter")), order(100), Member(lots=lots)) == (
        5,
        5,
        None,
    )


def test_lots_may_have_facts_of_any_name():
    option = Item(5).from_lots(Fact("kind", "gift") & Fact("at", "home"))
    assert option.quote(NOTHING, having(5, kind="gift", at="home")).ok


# Refusals: which one is named ----------------------------------------------------------------------------------------

CODES = [
    "not_eligible",
    "not_available_yet",
    "out_of_stock",
    "limit_reached",
    "below_minimum",
    "not_in_increment",
    "insufficient_points",
]


@pytest.mark.parametrize("first", range(len(CODES)))
def test_of_several_refusals_the_one_that_is_named_before_stands(first):
    for second in range(len(CODES)):
        quote = Quote("x", 10).refused(CODES[first], "first").refused(CODES[second], "second")
        assert quote.refusal.code == CODES[min(first, second)]


def test_each_refusal_gives_way_to_the_one_before_it():
    """One option that is refused for everything, until the reason named first is gone, and so on."""
    option = (
        PayWithPoints(worth="0.01", at_least=100, step=30, unit="stars")
        .limit(0, per="ever")
        .stock(0)
        .during("2026-03-02", None)
        .when(InTier("gold"))
    )
    gold, poor = Member(tier="gold", lots=()), Member(lots=())
    later = Activity.purchase(50, at="2026-03-03")
    assert said(option, order(50), poor, 70)[2] == "not_eligible"
    assert said(option, order(50), gold, 70)[2] == "not_available_yet"
    assert said(option, later, gold, 70)[2] == "out_of_stock"
    assert said(option.option.option.option, later, gold, 70)[2] == "limit_reached"
    pay = option.option.option.option.option
    assert said(pay, later, gold, 70)[2] == "below_minimum"
    assert said(pay, later, gold, 130)[2] == "not_in_increment"
    assert said(pay, later, gold, 120)[2] == "insufficient_points"
    assert said(pay, later, having(120, "stars"), 120)[2] is None


def test_a_refusal_is_a_code_a_sentence_and_the_numbers():
    refusal = Item(150).quote(NOTHING, having(1)).refusal
    assert str(refusal) == "1 points are available and 150 are needed; 149 are missing"
    assert refusal.numbers == {"required": 150, "available": 1, "missing": 149}
    assert str(Refusal("out_of_stock")) == "out_of_stock"
    with pytest.raises(RuleError, match="'sold_out' is no refusal; give one of not_eligible"):
        Refusal("sold_out")


def test_what_is_missing_is_0_where_points_are_not_the_reason():
    assert Item(150).when(InTier("gold")).quote(NOTHING, having(1)).missing == 0
    assert Item(150).quote(NOTHING, having(1)).missing == 149
    assert Item(150).quote(NOTHING).missing == 0


def test_a_quote_in_words_says_why_not():
    quote = Voucher(500, worth="7.50").quote(NOTHING, having(400))
    assert str(quote) == (
        "voucher: 500 points, worth 7.5; refused, 400 points are available and 500 are needed; 100 are missing"
    )


# All the rewards of a program ----------------------------------------------------------------------------------------

MENU = Program(
    "Menu",
    points={"stars": Points(PerSpend(1)), "status": Points(PerSpend(1), redeemable=False)},
    rewards={
        "dinner": Item(400),
        "coffee": Item(50),
        "lunch": Item(120),
        "cake": Item(50),
        "gold only": Item(10).when(InTier("gold")),
    },
)


def test_options_are_those_that_can_be_had_and_then_the_nearest():
    account = rich(MENU, 100)
    assert [(quote.option, quote.ok, quote.missing) for quote in account.options(at=NOW)] == [
        ("cake", True, 0),
        ("coffee", True, 0),
        ("lunch", False, 20),
        ("dinner", False, 300),
        ("gold only", False, 0),
    ]
    assert account.options(order(5)) == account.options(order(5), at=NOW)
    assert account.entries == rich(MENU, 100).entries


def test_the_next_reward_is_the_nearest_that_only_points_are_missing_for():
    account = rich(MENU, 100)
    assert (account.next_reward(at=NOW).option, account.next_reward(at=NOW).missing) == ("lunch", 20)
    assert rich(MENU, 500).next_reward(at=NOW) is None


def test_options_need_a_moment():
    with pytest.raises(RuleError, match="at: give the moment, or an order that has one"):
        rich(MENU, 100).options()


def test_questions_about_rewards_leave_no_trace():
    account = rich(MENU, 100)
    before = account.entries
    account.quote("lunch", at="2027-01-01")
    account.options(at="2027-01-01")
    account.next_reward(at="2027-01-01")
    assert account.entries == before


def test_a_reward_may_cost_any_unit_that_is_redeemable():
    two = Program(
        "Two",
        points={"miles": Points(PerSpend(1)), "cash": Points(PerSpend(2))},
        rewards={"seat": Item(10, unit="miles"), "snack": Item(5, unit="cash")},
    )
    account = two.account("m-1")
    account.earn(Activity.purchase(10, at="2026-01-15", id="t-1"))
    account.redeem("seat", id="r-1", at=NOW)
    account.redeem("snack", id="r-2", at=NOW)
    assert (account.balance("miles", at=NOW), account.balance("cash", at=NOW)) == (0, 15)


def test_what_saves_money_is_added_up_in_the_statement():
    program = club(pay=PayWithPoints(worth="0.01"), voucher=Voucher(100, worth="1.50"))
    account = rich(program)
    account.redeem("pay", id="r-1", at=NOW, points=250, order=order(10))
    account.redeem("voucher", id="r-2", at=NOW)
    assert account.statement(at=NOW).saved == 4


# What is refused when it is built ------------------------------------------------------------------------------------

REFUSED = {
    "price": (lambda: Item(-1), "price: -1 is below 0"),
    "worth": (lambda: Voucher(1, worth=0), "worth: 0 is not above 0"),
    "percent of 0": (lambda: PercentOff(1, percent=0), "percent: 0 is not above 0"),
    "percent over": (lambda: PercentOff(1, percent=101), "percent: 101 is more than the order"),
    "share": (lambda: PayWithPoints(worth=1, share="1.1"), "share: 1.1 is more than the order"),
    "step": (lambda: PayWithPoints(worth=1, step=0), "step: 0 is below 1"),
    "at_most": (lambda: PayWithPoints(worth=1, at_most=0), "at_most: 0 is below 1"),
    "increments": (lambda: Increments({}), "Increments: there are none"),
    "no mapping": (lambda: Increments([100]), "Increments: there are none"),
    "block": (lambda: Convert(0, into="x", gives=1), "points: 0 is below 1"),
    "gives": (lambda: Convert(1, into="x", gives=0), "gives: 0 is below 1"),
    "into": (lambda: Convert(1, into="", gives=1), "into: '' is not a name"),
    "to": (lambda: Donation(worth=1, to=""), "to: '' is not a name"),
    "a limit of activities": (lambda: Item(1).limit(1, per="activity"), "per: 'activity' counts nothing"),
    "a limit of windows": (lambda: Item(1).limit(1, per=Rolling(months=1)), "per: .* is a window for tiers"),
    "among": (lambda: Item(1).limit(1, per="day", among="friends"), "among: 'friends' is nobody"),
    "n": (lambda: Item(1).stock(-1), "n: -1 is below 0"),
    "a condition": (lambda: Item(1).when("gold"), "'gold'"),
    "a factor": (lambda: Item(1) * -1, "-1 is below 0"),
    "an expiry": (lambda: Voucher(1, worth=1, expiry="soon"), "'soon' is no date rule"),
    "a reward": (lambda: club(coffee=150), r"150 is no redemption option; give one such as Item\(150"),
    "a unit": (lambda: club(coffee=Item(1, unit="x")), r"coffee.unit: 'x' is no unit of the program"),
    "a target": (lambda: club(c=Convert(1, into="x", gives=1)), "c.into: 'x' is no unit of the program"),
    "points asked for": (lambda: PAY.quote(order(5), points=-1), "points: -1 is below 0"),
    "half a point": (lambda: PAY.quote(order(5), points="0.5"), "points: 0.5 is not a whole number"),
}


@pytest.mark.parametrize(("make", "says"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_meant_is_refused(make, says):
    with pytest.raises(RuleError, match=says):
        make()


def test_floats_operands_and_truth_values_are_refused():
    with pytest.raises(InexactNumber, match=r"the float 0\.01 is not exact"):
        PayWithPoints(worth=0.01)
    with pytest.raises(TypeError, match="unsupported operand"):
        Item(1) + Item(2)
    with pytest.raises(TypeError, match="unsupported operand"):
        Item(1) * Item(2)
    with pytest.raises(TruthValue):
        bool(Item(1))


def test_a_unit_that_cannot_be_redeemed_is_refused():
    points = {"stars": Points(PerSpend(1)), "status": Points(PerSpend(1), redeemable=False)}
    with pytest.raises(RuleError, match="'status' cannot be redeemed; name a redeemable unit"):
        Program("Club", points=points, rewards={"x": Item(1, unit="status")})


# An option of one's own ----------------------------------------------------------------------------------------------


@frozen
class HappyHour(RedemptionOption):
    kind = "happy_hour_of_tests"
    usual: int = 150

    def price(self, order, member):
        return Decimal("99.5") if order.at.hour == 12 else self.usual


@frozen
class OneEach(RedemptionOption):
    """An option that makes its own quote."""

    kind = "one_each_of_tests"

    def price(self, order, member):
        quote = Quote(points=10, value="1.50", grants={"hats": 1})
        return quote.refused("out_of_stock", "the hats are gone") if order.fact("hats") == 0 else quote


def test_an_own_option_composes_is_stored_and_redeemed():
    option = (HappyHour() * 2).limit(1, per="day")
    assert said(HappyHour()) == (100, 0, None)
    assert said(option) == (199, 0, None)
    assert from_json(to_json(option)) == option
    account = rich(club(happy=option))
    assert account.redeem("happy", id="r-1", at=NOW).quote.points == 199


def test_an_own_option_may_make_its_own_quote():
    assert said(OneEach()) == (10, Fraction(3, 2), None)
    assert said(OneEach(), Activity.action("order", at=NOW, hats=0))[2] == "out_of_stock"
    assert said(OneEach(), member=having(3))[2] == "insufficient_points"


def test_an_own_option_that_is_not_finished_says_so():
    class Unfinished(RedemptionOption):
        kind = "unfinished_option"

        def price(self, order, member):
            return 1

    with pytest.raises(RuleError, match="decorate Unfinished with attrs' @frozen"):
        Unfinished().quote(NOTHING)


def test_a_price_below_0_is_refused():
    @frozen
    class Refund(RedemptionOption):
        def price(self, order, member):
            return -5

    with pytest.raises(RuleError, match=r"gave -5"):
        Refund().quote(NOTHING)
