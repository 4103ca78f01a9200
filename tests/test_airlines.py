"""Airlines: tickets of several flights, told one activity a flight or one a ticket, in the ways miles are published."""

from fractions import Fraction
from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from pages import ROOT, blocks
import pytest

from loyaltycore import *

# How a ticket is told ------------------------------------------------------------------------------------------------


def flight(n, base_fare=0, fees=0, taxes=0, *, ticket="016-1", day=0, **facts):
    """One flight of a ticket as an activity of its own."""
    return Activity.flight(
        base_fare=base_fare,
        carrier_fees=fees,
        taxes=taxes,
        at=f"2026-03-{day or n:02d}",
        ticket=ticket,
        id=f"{ticket}/{n}",
        **facts,
    )


def segment(n, base_fare=0, fees=0, taxes=0, *, distance=0, **labels):
    """The lines of one flight of a ticket: each has its labels, the first its distance."""
    amounts = {"base_fare": base_fare, "carrier_fee": fees, "tax": taxes}
    kept = {category: amount for category, amount in amounts.items() if amount} or {"base_fare": 0}
    measures = [{"distance": distance} if distance else {}] + [{}] * 2
    return [
        Line(amount, category, facts={"segment": str(n), **labels, **measure})
        for (category, amount), measure in zip(kept.items(), measures, strict=False)
    ]


def whole_ticket(*segments, ticket="016-1", at="2026-03-01", id="", **facts):
    """All flights of a ticket as one activity."""
    lines = [line for lines in segments for line in lines]
    return Activity(lines, at=at, kind="flight", id=id or ticket, facts={"ticket": ticket, **facts})


def in_turn(rule, *activities, member=ANYONE):
    earned = []
    for activity in activities:
        award = rule.award(activity, member)
        member = member.after(award)
        earned.append(award.points)
    return earned


def airline(**units):
    return Program("Airline", points=units)


# By money -------------------------------------------------------------------------------------------------------------

FARE = PerSpend(5).when(Category("base_fare", "carrier_fee"))
SPENT = FARE * by_tier({"silver": "1.4", "gold": "1.6", "platinum": "1.8", "1k": "2.2"})
FLOWN = SPENT.named("flown").cap(75_000, per=Each("ticket"))
MILES = airline(miles=Points(FLOWN))


@pytest.mark.parametrize(
    ("tier", "miles"), [("", 1750), ("silver", 2450), ("gold", 2800), ("platinum", 3150), ("1k", 3850)]
)
def test_fare_and_fees_earn_and_taxes_do_not(tier, miles):
    assert SPENT.award(flight(1, 300, 50, "62.40"), Member(tier=tier)).points == miles


def test_a_rate_for_the_tier_is_the_base_rate_and_a_bonus_on_it():
    bonus = FARE * by_tier({"silver": "0.4", "gold": "0.6", "platinum": "0.8", "1k": "1.2"}, otherwise=0)
    for tier in ("", "silver", "gold", "platinum", "1k"):
        paid, member = flight(1, "312.47", "18.90", 40), Member(tier=tier)
        assert (FARE + bonus).award(paid, member).exact == SPENT.award(paid, member).exact


def test_a_ticket_earns_at_most_its_cap_whichever_flights_come_first():
    flights = [flight(1, 9000, taxes=40), flight(2, 8000, taxes=40), flight(3, 3000, taxes=40)]
    for order in permutations(flights):
        assert sum(in_turn(FLOWN, *order)) == 75_000
    assert in_turn(FLOWN, *flights) == [45_000, 30_000, 0]


def test_each_ticket_has_a_cap_of_its_own():
    assert in_turn(FLOWN, flight(1, 20_000), flight(2, 20_000, ticket="016-2"), flight(3, 100)) == [75_000, 75_000, 0]


def test_a_booking_of_two_tickets_says_how_to_judge_each():
    booking = Activity(
        [Line(20_000, "base_fare", facts={"ticket": ticket}) for ticket in ("016-1", "016-2")], at="2026-03-01"
    )
    with pytest.raises(DataError, match=r"the lines disagree on 'ticket'; .*\.each\('ticket'\)"):
        FLOWN.award(booking)
    assert FLOWN.each("ticket").award(booking).points == 150_000


def test_a_cap_for_each_flight_and_one_for_the_ticket():
    rule = FARE.cap(30_000).each("segment").named("flown").cap(75_000, per=Each("ticket"))
    ticket = whole_ticket(segment(1, 8000, 100), segment(2, 5000), segment(3, 7000, 500))
    assert rule.award(ticket).points == 75_000
    assert rule.award(whole_ticket(segment(1, 8000, 100), segment(2, 5000))).points == 55_000
    assert in_turn(rule, flight(1, 8000, 100), flight(2, 5000), flight(3, 7000, 500)) == [30_000, 25_000, 20_000]


# Allocated over the flights -------------------------------------------------------------------------------------------


def by_segment(receipt, activity, unit="miles"):
    printed = {}
    for line, points in zip(activity.lines, receipt.by_line(unit), strict=True):
        printed[line.fact("segment")] = printed.get(line.fact("segment"), 0) + points
    return printed


def test_what_the_cap_leaves_is_shared_by_what_each_flight_would_have_earned():
    ticket = whole_ticket(segment(1, 16_000, taxes=300), segment(2, 3_900, 100, taxes=90))
    receipt = MILES.account("m-1").earn(ticket)
    assert receipt.points == 75_000
    assert by_segment(receipt, ticket) == {"1": 60_000, "2": 15_000}


def test_the_parts_that_are_printed_add_up():
    ticket = whole_ticket(*(segment(n, 10_000) for n in (1, 2, 3, 4, 5, 6, 7)))
    parts = by_segment(MILES.account("m-1").earn(ticket), ticket)
    assert parts == {"1": 10_715, "2": 10_715, "3": 10_714, "4": 10_714, "5": 10_714, "6": 10_714, "7": 10_714}
    assert sum(parts.values()) == 75_000


def test_what_little_is_left_of_a_cap_is_shared_in_the_same_proportion():
    account = MILES.account("m-1")
    account.earn(flight(1, 14_980))
    rest = whole_ticket(segment(2, 900), segment(3, 100), id="rest")
    assert account.earn(rest).by_line("miles") == (90, 10)


def test_a_receipt_has_the_points_of_each_line_in_each_unit():
    program = airline(miles=Points(PerSpend(5).when(Category("base_fare"))), flights=Points(Flat(1), redeemable=False))
    account = program.account("m-1")
    receipt = account.earn(flight(1, 101, taxes=40))
    assert receipt.by_line("miles") == (505, 0)
    assert sum(receipt.by_line("flights")) == 1
    assert account.earn(Activity.flight(taxes=5, at="2026-03-02", id="t")).by_line("miles") == (0,)
    with pytest.raises(RuleError, match="unit: there are several; name one of 'miles', 'flights'"):
        receipt.by_line()
    with pytest.raises(RuleError, match="unit: 'mile' is none of them; name one of 'miles', 'flights'"):
        receipt.by_line("mile")
    assert MILES.account("m-2").earn(flight(1, 101, 10, 40)).by_line() == (505, 50, 0)


def test_what_earns_nothing_has_nothing_on_any_line():
    assert MILES.account("m-1").preview(flight(1, taxes=40)).by_line() == (0,)
    upgrade = whole_ticket(segment(1, taxes=10), segment(2, taxes=20))
    assert MILES.account("m-1").preview(upgrade).by_line() == (0, 0)


# Refunds of a part of a ticket ----------------------------------------------------------------------------------------


def counted(account, at="2026-04-01"):
    """What is counted by the rules, and not of the activities themselves."""
    return {
        key.name: count
        for key, count in account.member(at=at).counted.items()
        if count and key.name in ("flown", "status")
    }


@pytest.mark.parametrize("order", list(permutations([1, 2, 3])), ids=str)
def test_flights_posted_one_by_one_are_refunded_one_by_one_in_any_order(order):
    account = MILES.account("m-1")
    for n, fare in enumerate((9000, 8000, 3000), start=1):
        account.earn(flight(n, fare, taxes=40))
    left = {1: 45_000, 2: 30_000, 3: 0}
    for n in order:
        account.reverse(f"016-1/{n}", id=f"refund {n}", at="2026-03-20")
        del left[n]
        assert account.balance(at="2026-03-20") == sum(left.values())
        assert counted(account).get("flown", 0) == sum(left.values())
    assert account.earn(flight(4, 20_000, day=21)).points == 75_000


def test_a_refunded_flight_frees_the_cap_for_the_flight_that_replaces_it():
    account = MILES.account("m-1")
    for n, fare in enumerate((9000, 8000), start=1):
        account.earn(flight(n, fare))
    account.reverse("016-1/1", id="refund", at="2026-03-20")
    assert account.earn(flight(3, 20_000, day=21)).points == 45_000


def test_refunded_taxes_free_nothing_of_the_cap():
    account = MILES.account("m-1")
    account.earn(flight(1, 14_000, taxes=1_000))
    [entry] = account.reverse("016-1/1", lines=[1], id="taxes", at="2026-03-20")
    assert entry.points == 0
    assert counted(account) == {"flown": 70_000}
    account.reverse("016-1/1", id="the rest", at="2026-03-21")
    assert counted(account) == {}


def test_a_refunded_line_frees_what_it_took_of_the_cap():
    account = MILES.account("m-1")
    account.earn(whole_ticket(segment(1, 16_000), segment(2, 4_000)))
    assert [entry.points for entry in account.reverse("016-1", lines=[1], id="second", at="2026-03-20")] == [15_000]
    assert counted(account) == {"flown": 60_000}
    assert account.earn(flight(3, 10_000, day=21)).points == 15_000


def test_flights_without_a_price_of_their_own_free_the_cap_by_what_they_earned():
    miles = PerUnit(1, of="distance").at_least(500).each("segment").named("status").cap(3_000, per=Each("ticket"))
    account = airline(status=Points(miles)).account("m-1")
    account.earn(whole_ticket(segment(1, distance=2_800), segment(2, distance=187), segment(3, distance=700)))
    assert counted(account) == {"status": 3_000}
    assert [entry.points for entry in account.reverse("016-1", lines=[0], id="first", at="2026-03-20")] == [2_100]
    assert counted(account) == {"status": 900}
    account.reverse("016-1", lines=[1, 2], id="others", at="2026-03-20")
    assert counted(account) == {}


def test_two_caps_in_one_unit_are_each_freed_by_their_own_lines():
    fares = PerSpend(5).when(Category("base_fare")).named("flown").cap(75_000, per=Each("ticket"))
    extras = PerSpend(2).when(Category("seat")).named("status").cap(100, per=Each("ticket"))
    account = airline(miles=Points(fares + extras)).account("m-1")
    lines = [Line(200, "base_fare"), Line(80, "seat")]
    account.earn(Activity(lines, at="2026-03-01", kind="flight", id="t", facts={"ticket": "016-1"}))
    assert counted(account) == {"flown": 1000, "status": 100}
    account.reverse("t", lines=[1], id="seat", at="2026-03-20")
    assert counted(account) == {"flown": 1000}


def test_a_running_total_is_freed_of_the_lines_that_are_refunded():
    nights = PerUnit(1, of="distance").named("flown").running(per="year")
    account = airline(miles=Points(nights)).account("m-1")
    account.earn(whole_ticket(segment(1, distance=700), segment(2, distance=300)))
    account.reverse("016-1", lines=[0], id="first", at="2026-03-20")
    tallied = {key.what: count for key, count in account.member(at="2026-03-20").counted.items() if key.name == "flown"}
    assert tallied["paid"] == 300
    assert [line.fact("distance") for line in tallied["lines"].lines] == [300]


@given(
    st.lists(st.integers(0, 9_000), min_size=2, max_size=5),
    st.data(),
)
def test_parts_of_a_ticket_that_are_refunded_by_line_and_by_amount_free_all_that_it_took(fares, data):
    account = MILES.account("m-1")
    receipt = account.earn(whole_ticket(*(segment(n, fare, taxes=30) for n, fare in enumerate(fares))))
    earned, lines = receipt.points, range(len(receipt.by_line()))
    gone = data.draw(st.lists(st.sampled_from(lines), unique=True, max_size=3))
    for n in gone:
        account.reverse("016-1", lines=[n], id=f"line {n}", at="2026-03-20")
        assert counted(account).get("flown", 0) == account.balance(at="2026-03-20")
    if sum(fares) and len(gone) < len(lines):
        account.reverse("016-1", amount=1, id="amount", at="2026-03-20")
        assert 0 <= counted(account).get("flown", 0) - account.balance(at="2026-03-20") <= 1
    if account.balance(at="2026-03-20") < earned or not earned:
        account.reverse("016-1", id="rest", at="2026-03-21")
        assert (counted(account), account.balance(at="2026-03-21")) == ({}, 0)


# Laws of the cap ------------------------------------------------------------------------------------------------------

tickets = st.lists(st.integers(0, 9_000), min_size=1, max_size=6)


@given(tickets, st.randoms(use_true_random=False))
def test_any_order_and_any_grouping_of_flights_earns_the_ticket_up_to_its_cap(fares, random):
    segments = [segment(n, fare, taxes=40) for n, fare in enumerate(fares)]
    random.shuffle(segments)
    account, earned, number = MILES.account("m-1"), 0, 0
    while segments:
        size = random.randint(1, len(segments))
        together, segments, number = segments[:size], segments[size:], number + 1
        earned += account.earn(whole_ticket(*together, id=f"part {number}")).points
        assert earned <= 75_000
    assert earned == min(75_000, 5 * sum(fares))


@given(st.lists(st.integers(0, 90_000), min_size=1, max_size=6), st.permutations(range(6)))
def test_a_running_cap_carries_fractions_from_flight_to_flight(millimiles, order):
    """Parts of a point are lost with each activity under a cap; a running total loses them once a ticket."""
    rule = (PerUnit("0.001", of="distance").rounded().cap(200)).named("flown").running(per=Each("ticket"))
    flights = [flight(n + 1, distance=miles) for n, miles in enumerate(millimiles)]
    shuffled = [flights[n] for n in order if n < len(flights)]
    assert sum(in_turn(rule, *shuffled)) == min(200, sum(millimiles) // 1000)


linear = st.sampled_from(
    [
        FARE,
        FARE * by_tier(gold="1.6"),
        PerUnit(1, of="distance"),
        PerUnit(1, of="distance") * by_tier(gold="0.5", otherwise=0) + PerSpend("0.1"),
    ]
)
segments = st.lists(
    st.builds(segment, st.integers(1, 3), *[st.integers(0, 500)] * 3, distance=st.integers(0, 4_000)),
    min_size=1,
    max_size=5,
)


@given(linear, segments, st.sampled_from(["", "gold"]))
def test_flight_by_flight_a_rate_earns_what_the_whole_ticket_does(rule, several, tier):
    ticket, member = whole_ticket(*several), Member(tier=tier)
    whole = rule.award(ticket, member).exact
    assert rule.each("segment").award(ticket, member).exact == whole
    assert rule.each_line().award(ticket, member).exact == whole
    assert sum(rule.award(whole_ticket(one), member).exact for one in several) == whole


# By distance ----------------------------------------------------------------------------------------------------------

MILE = PerUnit(1, of="distance")


def test_a_short_flight_earns_the_minimum_however_the_ticket_is_told():
    rule = MILE.at_least(500).each("segment")
    hops = [{"distance": 187}, {"distance": 2_475}, {"distance": 90}]
    ticket = whole_ticket(*(segment(n, 100, 20, 15, **hop) for n, hop in enumerate(hops)))
    assert rule.award(ticket).points == 500 + 2_475 + 500
    assert sum(in_turn(rule, *(flight(n, 100, 20, 15, **hop) for n, hop in enumerate(hops, start=1)))) == 3_475


def test_lines_of_no_flight_are_judged_together():
    rule = MILE.at_least(500).each("segment") + PerSpend(1).each("segment")
    ticket = whole_ticket([Line(90, "base_fare"), Line(30, "tax")], segment(1, distance=187), segment(2, distance=600))
    assert rule.award(ticket).points == 1_100 + 120


def test_what_is_judged_flight_by_flight_is_told_so():
    ticket = whole_ticket([Line(90, "base_fare")], segment(1, 10, distance=187), segment(2, distance=600))
    assert str((MILE + PerSpend(1)).at_least(500).each("segment").award(ticket)).splitlines() == [
        "    1,600  for each 'segment'",
        "      500    without one",
        "      500      at least 500",
        "       90        total of",
        "        0          PerUnit(1)",
        "       90          PerSpend(1)",
        "      500    segment '1'",
        "      500      at least 500",
        "      197        total of",
        "      187          PerUnit(1)",
        "       10          PerSpend(1)",
        "      600    segment '2'",
        "      600      at least 500, and there are more",
        "      600        total of",
        "      600          PerUnit(1)",
        "        0          PerSpend(1)",
    ]


def test_counters_are_carried_from_flight_to_flight_of_one_ticket():
    rule = Flat(100).when(Fact("segment")).named("bonus").limit(2, per=Each("ticket")).each("segment")
    assert rule.award(whole_ticket(*(segment(n, 10) for n in (1, 2, 3)))).points == 200


def test_flights_whose_lines_come_to_less_than_0_earn_nothing():
    lines = [Line(100, facts={"segment": "1"}), Line(-20, facts={"segment": "2"})]
    assert PerSpend(1).each("segment").award(Activity(lines, at="2026-03-01")).points == 100


def test_a_bonus_for_the_tier_is_a_share_of_the_flown_miles_or_of_the_minimum():
    hop, gold = flight(1, distance=187, cabin="first"), Member(tier="gold")
    tier, cabin = by_tier(gold=1, otherwise=0), by_fact("cabin", {"first": "0.5"}, otherwise=0)
    of_the_miles = MILE.at_least(500) + MILE * tier + MILE * cabin
    of_the_minimum = MILE.at_least(500) + MILE.at_least(500) * tier + MILE * cabin
    all_of_it = (MILE + MILE * tier + MILE * cabin).at_least(500)
    assert of_the_miles.award(hop, gold).exact == 500 + 187 + Fraction("93.5")
    assert of_the_minimum.award(hop, gold).exact == 500 + 500 + Fraction("93.5")
    assert all_of_it.award(hop, gold).exact == 500


def test_a_minimum_for_elites_only():
    rule = best_of(MILE, Flat(500).when(AtLeastTier("silver")))
    ladder = ("silver", "gold")
    assert [rule.award(flight(1, distance=187), Member(tier=t, ladder=ladder)).points for t in ("", "gold")] == [
        187,
        500,
    ]


def test_a_minimum_before_the_share_of_the_class_and_one_after_it():
    share = by_fact("booking_class", {"Q": "0.5"}, otherwise=0)
    hop = flight(1, distance=187, booking_class="Q")
    assert (MILE.at_least(310) * share).award(hop).points == 155
    assert (MILE * share).at_least(310).award(hop).points == 310
    free = flight(1, distance=187, booking_class="X")
    assert (MILE * share).at_least(310).award(free).points == 0  # a class that earns nothing has no minimum


def test_each_flight_is_rounded_by_itself():
    rule = (MILE * "1.5").rounded("half_up").each("segment")
    ticket = whole_ticket(segment(1, distance=1_389), segment(2, distance=1_389))
    assert rule.award(ticket).points == 2_084 * 2
    assert (MILE * "1.5").award(ticket).points == 4_167


# Shares of the distance by booking class ------------------------------------------------------------------------------

# China Eastern as China Airlines publishes it: the class H earns by where it is flown
EASTERN = RateTable(
    {
        (("F", "U"), ("domestic", "international")): "1.5",
        (("J", "C", "D", "I", "Q"), ("domestic", "international")): "1.3",
        (("W", "P"), ("domestic", "international")): "1.1",
        (("Y", "B", "M", "E"), ("domestic", "international")): 1,
        ("H", "international"): 1,
        ("H", "domestic"): "0.3",
        (("K", "L", "N", "R", "S", "V"), ("domestic", "international")): "0.5",
        ("T", ("domestic", "international")): "0.3",
    },
    by=("booking_class", "area"),
)


@pytest.mark.parametrize(
    ("booking_class", "area", "miles"),
    [("F", "domestic", 1500), ("Q", "international", 1300), ("H", "international", 1000), ("H", "domestic", 300)],
)
def test_a_table_of_shares_by_class_and_area(booking_class, area, miles):
    flown = flight(1, distance=1000, booking_class=booking_class, area=area)
    assert (MILE * EASTERN).award(flown).points == miles


def test_a_class_that_is_not_in_the_table_is_an_error_that_names_it():
    with pytest.raises(RuleError, match=r"the table by booking_class, area has no row for \('X', 'domestic'\); it has"):
        (MILE * EASTERN).award(flight(1, distance=1000, booking_class="X", area="domestic"))
    with pytest.raises(RuleError, match=r"has no row for \('Y', None\)"):
        (MILE * EASTERN).award(flight(1, distance=1000, booking_class="Y"))


def test_a_table_may_say_what_any_other_class_earns():
    shares = RateTable({("J", "C"): "1.25"}, by="booking_class", otherwise=0)
    assert [(MILE * shares).award(flight(1, distance=1000, booking_class=c)).points for c in "JCZ"] == [1250, 1250, 0]


def test_flights_of_one_ticket_have_classes_of_their_own():
    shares = RateTable({"D": "1.25", "Q": "0.5"}, by="booking_class")
    rule = (MILE * shares).at_least(500).each("segment")
    ticket = whole_ticket(
        segment(1, 10, distance=3_442, booking_class="D"), segment(2, 10, 5, distance=187, booking_class="Q")
    )
    assert rule.award(ticket).exact == Fraction("4302.5") + 500
    with pytest.raises(DataError, match=r"the lines disagree on 'booking_class'; .*\.each\('booking_class'\)"):
        (MILE * shares).award(ticket)


def test_several_classes_may_stand_in_one_row_of_a_factor():
    by_class = by_fact("booking_class", {("F", "A", "P"): "1.5", "Y": 1}, otherwise="0.5")
    assert [(MILE * by_class).award(flight(1, distance=100, booking_class=c)).points for c in "FAPYZ"] == [
        150,
        150,
        150,
        100,
        50,
    ]
    with pytest.raises(RuleError, match="factors: 'F' stands twice; give each value one factor"):
        by_fact("booking_class", {("F", "A"): 2, "F": 3})


# Tables of points -----------------------------------------------------------------------------------------------------

ZONES = PointsTable(
    {
        "domestic": {("light", "basic"): 250, "flex": 500},
        "europe": {("light", "basic"): 500, "flex": 1_500},
    },
    by=("zone", "brand"),
)


@pytest.mark.parametrize(
    ("zone", "brand", "points"), [("domestic", "basic", 250), ("europe", "light", 500), ("europe", "flex", 1_500)]
)
def test_a_table_by_zone_and_fare_brand(zone, brand, points):
    assert ZONES.award(flight(1, zone=zone, brand=brand)).points == points


def test_a_route_that_is_not_in_the_table_is_an_error_that_names_it():
    with pytest.raises(RuleError, match=r"no row for \('nordic', 'flex'\); it has \('domestic', 'light'\)"):
        ZONES.award(flight(1, zone="nordic", brand="flex"))


def test_the_flights_of_a_ticket_are_looked_up_one_by_one():
    ticket = whole_ticket(
        segment(1, 90, 10, zone="domestic", brand="flex"), segment(2, 120, 10, zone="europe", brand="light")
    )
    assert ZONES.each("segment").award(ticket).points == 1_000


def test_a_table_by_distance_and_cabin_of_each_flight():
    bands = PointsTable(
        {650: {"economy": 6, "business": 12}, 1_150: {"economy": 9, "business": 18}, "over": {"economy": 10}},
        by=(Band("distance", upto=[650, 1_150]), "cabin"),
    ).each("segment")
    ticket = whole_ticket(
        segment(1, 50, 10, distance=650, cabin="business"), segment(2, 50, 10, distance=651, cabin="economy")
    )
    assert bands.award(ticket).points == 12 + 9


def test_rates_by_distance_band():
    rates = RateTable({600: 2, "over": 1}, by=Band("distance", upto=[600]))
    assert [(MILE * rates).award(flight(1, distance=d)).points for d in (600, 601)] == [1_200, 601]


# Partners -------------------------------------------------------------------------------------------------------------

PARTNERS = {
    "SN": {("J", "C", "D", "Z"): "1.25", ("Y", "B", "M"): 1, ("Q", "V"): "0.5", ("I", "X"): 0},
    "TK": {("C", "D"): "1.5", ("Y", "B"): 1},
}
ON_PARTNERS = MILE * RateTable(PARTNERS, by=("carrier", "booking_class"))
OURS = FARE
EARNED = OURS.when(Fact("carrier", "XY")) + ON_PARTNERS.when(Fact("carrier", *PARTNERS))


@pytest.mark.parametrize(
    ("carrier", "booking_class", "miles"),
    [("XY", "I", 500), ("SN", "J", 1250), ("SN", "I", 0), ("TK", "C", 1500), ("ZZ", "Y", 0)],
)
def test_partners_have_tables_of_their_own(carrier, booking_class, miles):
    flown = flight(1, 100, distance=1000, carrier=carrier, booking_class=booking_class)
    assert EARNED.award(flown).points == miles


def test_a_class_that_a_partner_does_not_know_is_an_error_that_names_both():
    with pytest.raises(RuleError, match=r"no row for \('TK', 'Z'\)"):
        EARNED.award(flight(1, 100, distance=1000, carrier="TK", booking_class="Z"))


def test_where_a_partner_pays_nothing_the_first_that_earns_would_be_our_own():
    flown = flight(1, 100, distance=1000, carrier="SN", booking_class="I")
    assert first_of(ON_PARTNERS, OURS).award(flown).points == 500
    assert EARNED.award(flown).points == 0


def test_partners_whose_rules_differ_in_kind_are_added_up():
    rules = {"SN": MILE * "0.5", "TK": Flat(300), "QR": PerSpend(3).when(Category("base_fare"))}
    family = sum(rule.when(Fact("carrier", code)) for code, rule in rules.items())
    flights = [flight(1, 200, distance=1000, carrier=code) for code in rules]
    assert [family.award(flown).points for flown in flights] == [500, 300, 600]


def test_who_sold_the_flight_decides_and_not_who_flew_it():
    sold_by_us = Fact("marketing", "XY")
    rule = OURS.when(sold_by_us) + (MILE * RateTable(PARTNERS, by=("operating", "booking_class"))).when(~sold_by_us)
    codeshare = {"marketing": "XY", "operating": "SN", "booking_class": "Q"}
    assert rule.award(flight(1, 100, distance=1000, **codeshare)).points == 500
    assert rule.award(flight(1, 100, distance=1000, **codeshare | {"marketing": "SN"})).points == 500 * 1
    assert rule.award(flight(1, 400, distance=1000, **codeshare)).points == 2_000


# Several units --------------------------------------------------------------------------------------------------------

CLASS_BONUS = MILE * by_fact("cabin", {"business": "0.25", "first": "0.5"}, otherwise=0)
ELITE_BONUS = MILE * by_tier(gold="0.25", platinum=1, otherwise=0)
PROMOTION = Flat(1_000).when(Fact("promotion", "spring"))
CLASSIC = airline(
    miles=Points(MILE + CLASS_BONUS + ELITE_BONUS + PROMOTION),
    qualifying_miles=Points(MILE.at_least(500), redeemable=False),
    qualifying_points=Points(
        (MILE * by_fact("cabin", {("business", "first"): "1.5"})).rounded("half_up"), redeemable=False
    ),
    segments=Points(Flat(1), redeemable=False),
)


def test_one_flight_earns_in_several_units_by_rules_of_their_own():
    hop = flight(1, 89, distance=187, cabin="first", promotion="spring")
    awards = CLASSIC.award(hop, Member(tier="platinum"))
    assert {unit: award.points for unit, award in awards.items()} == {
        "miles": 187 + 187 + 1_000 + 93,
        "qualifying_miles": 500,
        "qualifying_points": 281,
        "segments": 1,
    }


def test_points_for_status_cannot_be_spent():
    program = Program("Airline", points=dict(CLASSIC.points), rewards={"seat": Item(100)})
    account = program.account("m-1")
    account.earn(flight(1, distance=800, cabin="first"))
    assert account.redeem("seat", id="r-1", at="2026-03-02").ok
    assert account.balance("miles", at="2026-03-02") == 1_100
    assert account.balance("qualifying_miles", at="2026-03-02") == 800


def test_a_bonus_that_does_not_count_for_status_is_in_one_unit_alone():
    card = PerSpend(1)
    accelerator = PerSpend(1).when(Category("travel")).named("accelerator")
    program = airline(miles=Points(card + accelerator), loyalty_points=Points(card, redeemable=False))
    awards = program.award(Activity.purchase(1_000, at="2026-03-01", category="travel"))
    assert {unit: award.points for unit, award in awards.items()} == {"miles": 2_000, "loyalty_points": 1_000}


def test_a_cap_in_one_unit_counts_nothing_in_another():
    program = airline(miles=Points(FLOWN), spend=Points(FARE.named("flown").cap(1_000, per=Each("ticket"))))
    account = program.account("m-1")
    receipt = account.earn(flight(1, 300))
    assert {unit: award.points for unit, award in receipt.awards.items()} == {"miles": 1_500, "spend": 1_000}
    account.reverse("016-1/1", id="refund", at="2026-03-05")
    assert [account.balance(unit, at="2026-03-05") for unit in ("miles", "spend")] == [0, 0]
    assert account.earn(flight(2, 300, day=6)).awards["spend"].points == 1_000


# The examples ---------------------------------------------------------------------------------------------------------


def example(name):
    return Program.load(ROOT / "examples" / f"{name}.toml")


def test_the_page_shows_the_examples():
    shown = [block.text for block in blocks(ROOT / "docs/how-to/airlines.md", "toml")]
    assert shown == [(ROOT / f"examples/miles_by_{what}.toml").read_text() for what in ("fare", "distance")]


@pytest.mark.parametrize(
    ("facts", "tier", "miles", "dollars", "counted"),
    [
        ({"carrier": "XY", "booking_class": "Z"}, "", 1_750, 350, 500),
        ({"carrier": "XY", "booking_class": "Z"}, "gold", 2_800, 350, 500),
        ({"carrier": "SN", "booking_class": "J"}, "gold", 233, 0, 500),
        ({"carrier": "TK", "booking_class": "Q"}, "", 46, 0, 500),
        ({"carrier": "ZZ", "booking_class": "Q"}, "", 0, 0, 500),
    ],
)
def test_the_example_by_fare(facts, tier, miles, dollars, counted):
    awards = example("miles_by_fare").award(flight(1, 300, 50, 62, distance=187, **facts), Member(tier=tier))
    assert [awards[unit].points for unit in ("miles", "qualifying_dollars", "qualifying_miles")] == [
        miles,
        dollars,
        counted,
    ]


def test_the_example_by_distance_gives_the_same_however_a_ticket_is_told():
    program, member = example("miles_by_distance"), Member(tier="platinum")
    flights = [{"distance": 187, "cabin": "first"}, {"distance": 1_389, "cabin": "business"}, {"distance": 900}]
    apart = [program.award(flight(n, 90, 10, 20, **facts), member) for n, facts in enumerate(flights, start=1)]
    together = program.award(
        whole_ticket(*(segment(n, 90, 10, 20, **facts) for n, facts in enumerate(flights))), member
    )
    assert {unit: award.points for unit, award in together.items()} == {
        "miles": (500 + 187 + 1_389 + 1_389 + 900 + 900) + int(Fraction(187, 2) + Fraction(1_389, 4)),
        "qualifying_miles": 500 + 1_389 + 900,
        "qualifying_points": 281 + 2_084 + 900,
        "flights": 3,
    }
    for unit in together:
        assert sum(awards[unit].exact for awards in apart) == together[unit].exact
