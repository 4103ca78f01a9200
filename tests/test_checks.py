"""What is checked of a program when it is built: each mistake is told, and the nearest right program is silent."""

from fractions import Fraction
import pickle
import warnings

from attrs import evolve, frozen
import pytest

from loyaltycore import *
from loyaltycore.cli import main

STARS = Points(PerSpend(1))
STATUS = Points(PerSpend(1), redeemable=False)


def program(earning=None, **others):
    """A club that earns stars, by the rule that is given, and status points."""
    stars = STARS if earning is None else Points(earning)
    return Program("Club", **{"points": {"stars": stars, "status": STATUS}, **others})


def found(earning=None, **others):
    """The lines that are told of such a program, as warnings or in the error that refuses it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            problems = program(earning, **others).check()
        except RuleError as error:
            refused, problems = str(error), error.problems
        else:
            refused = None
    errors = [f"{problem.place}: {problem.text}" for problem in problems if problem.severity == "error"]
    assert refused == (errors[0] if errors else None)
    if refused is None:
        assert [str(warning.message) for warning in caught] == [f"{p.place}: {p.text}" for p in problems]
    return [str(problem) for problem in problems]


def only(*args, **keywords):
    """The one line that is told."""
    (line,) = found(*args, **keywords)
    return line


# The problems themselves --------------------------------------------------------------------------------------------


def test_a_problem_says_how_grave_where_and_what_to_do():
    problem = Problem("$.rewards.tea", "nobody can afford it; lower the price")

    assert str(problem) == "warning $.rewards.tea: nobody can afford it; lower the price"
    with pytest.raises(RuleError, match="severity: 'fatal' is none; give 'error' or 'warning'"):
        Problem("$", "", "fatal")


def test_an_error_has_all_problems_and_says_the_first():
    with pytest.raises(RuleError) as refused:
        program(
            PerSpend(1).cap(10) * 2, rewards={"tea": Item(5, unit="star"), "free coffee": Convert(1, into="x", gives=1)}
        )
    error = refused.value

    assert str(error) == "$.rewards.tea.unit: 'star' is no unit of the program; it has 'stars', 'status'"
    assert [(p.severity, p.place) for p in error.problems] == [
        ("warning", "$.points.stars.earning"),
        ("error", "$.rewards.tea.unit"),
        ("error", "$.rewards['free coffee'].into"),
    ]
    assert pickle.loads(pickle.dumps(error)).problems == error.problems  # noqa: S301 (our own)


def test_a_program_that_is_right_has_no_problems():
    assert program(rewards={"tea": Item(100)}).check() == ()


def test_a_warning_points_to_where_the_program_is_built():
    with pytest.warns(LoyaltyWarning) as caught:
        Program("Club", earning=PerSpend(1).cap(5) * 2)

    assert [warning.filename for warning in caught] == [__file__]


# Counters and caps --------------------------------------------------------------------------------------------------

GROCERIES = PerSpend(4).named("groceries").cap(100, per="month")


def test_two_rules_that_count_under_one_name():
    twice = GROCERIES + PerSpend(2).named("groceries").cap(50, per="month")

    assert only(twice) == (
        "error $.points.stars.earning.rules[1]: PerSpend(2).named('groceries').cap(50, per='month') counts as"
        " 'groceries' per 'month', and so does PerSpend(4).named('groceries').cap(100, per='month') at"
        " $.points.stars.earning.rules[0]; give one of them another name"
    )
    assert not found(GROCERIES + PerSpend(2).named("dining").cap(50, per="month"))
    other = PerSpend(2).named("groceries").cap(50, per="month")
    assert not found(points={"stars": Points(GROCERIES), "miles": Points(other)}), "each unit has its own counters"


def test_a_factor_outside_a_cap():
    assert only(GROCERIES * 2) == (
        "warning $.points.stars.earning: PerSpend(4).named('groceries').cap(100, per='month') * 2 multiplies past the"
        " cap inside it; write the factor before .cap(...) if the cap should hold"
    )
    assert not found((PerSpend(4) * 2).named("groceries").cap(100, per="month"))
    assert only(GROCERIES * 2 * by_tier(gold=3)).startswith("warning $.points.stars.earning: "), "told once"
    assert len(found(GROCERIES * 2 + PerSpend(1).cap(5) * 3)) == 2


# Tables and bands ---------------------------------------------------------------------------------------------------


def flights(rows, upto=(600, 1200, 2400)):
    return PointsTable(rows, by=Band("distance", upto=upto))


def test_a_band_that_no_row_covers():
    assert only(flights({600: 125, 2400: 400, "over": 500})) == (
        "warning $.points.stars.earning.rows: there is no row for distance over 600 up to 1200; add it"
    )
    assert not found(flights({600: 125, 1200: 250, 2400: 400, "over": 500}))
    assert not found(flights({600: 125, 2400: 400, "over": 500}, upto=(600, 2400)))


def test_rates_need_no_rows_for_what_is_otherwise():
    rates = RateTable({600: 2}, by=Band("distance", upto=[600]))

    assert only(PerSpend(1) * rates) == (
        "warning $.points.stars.earning.factor.rows: there is no row for distance over 600; add it"
    )
    assert not found(PerSpend(1) * evolve(rates, otherwise=1))


def test_what_lies_beyond_the_last_band_and_before_the_first():
    assert only(flights({1200: 250, 2400: 400})) == (
        "warning $.points.stars.earning.rows: there is no row for distance up to 600; distance over 2400; add it"
    )


def test_the_published_table_that_ends_at_4000_and_goes_on_from_4001():
    bands = Band("amount", upto=["2000.00", "4000.00", "4000.99"])

    assert only(PointsTable({2000: 270, 4000: 540, "over": 1080}, by=bands)) == (
        "warning $.points.stars.earning.rows: there is no row for amount over 4000 up to 4000.99; add it"
    )


def test_each_cabin_has_all_bands():
    by = (Band("distance", upto=[600]), "cabin")
    rows = {(600, "economy"): 125, ("over", "economy"): 250, (600, "first"): 500}

    assert only(PointsTable(rows, by=by)) == (
        "warning $.points.stars.earning.rows: there is no row for distance over 600 with 'first'; add it"
    )
    assert not found(PointsTable(rows | {("over", "first"): 900}, by=by))


def test_many_gaps_are_told_in_one_line():
    line = only(flights({100: 1}, upto=[100, 200, 300, 400, 500]))

    assert line.endswith(
        "over 100 up to 200; distance over 200 up to 300; distance over 300 up to 400 and more; add it"
    )


ZONES, CABINS = ("domestic", "europe", "overseas"), ("economy", "business", "first")


def test_a_hole_in_a_table_that_is_full_otherwise():
    full = {(zone, cabin): 500 for zone in ZONES for cabin in CABINS}
    holed = {key: points for key, points in full.items() if key != ("domestic", "first")}
    sparse = {key: points for key, points in full.items() if key[0] == "overseas" or key[1] == "economy"}

    assert only(PointsTable(holed, by=("zone", "cabin"))) == (
        "warning $.points.stars.earning.rows: there is no row for ('domestic', 'first'); add it"
    )
    assert not found(PointsTable(full, by=("zone", "cabin")))
    assert not found(PointsTable(sparse, by=("zone", "cabin")))


def test_an_award_chart_sells_what_it_lists():
    by = Band("distance", upto=[600, 1200, 2400])

    assert only(rewards={"flight": AwardChart({600: 5000, 2400: 9000}, by=by)}) == (
        "warning $.rewards.flight.rows: there is no row for distance over 600 up to 1200; add it"
    )
    assert not found(rewards={"flight": AwardChart({1200: 5000, 2400: 9000}, by=by)})
    chart = AwardChart({("near", "economy"): 5000, ("near", "first"): 9000, ("far", "economy"): 9000}, by=("to", "in"))
    assert not found(rewards={"flight": chart})


@pytest.mark.parametrize("start", ["4000.01", 4001])
def test_bands_that_leave_a_slip_between_them(start):
    line = only(PerSpend(1).between(2000, 4000) + PerSpend(2).over(start))

    assert line == (
        f"warning $.points.stars.earning.rules[1]: the amount between 4000 and {start} earns nothing: one band ends at"
        f" 4000 and this one begins at {start}; let it begin at 4000"
    )


def test_bands_that_overlap_by_a_slip():
    line = only(PerSpend(2).over(99) + PerSpend(1).between(0, 100) + Flat(1))

    assert line == (
        "warning $.points.stars.earning.rules[0]: the amount between 99 and 100 earns twice: one band ends at 100 and"
        " this one begins at 99; let it begin at 100"
    )


@pytest.mark.parametrize(
    "rule",
    [
        PerSpend(1).between(50, 100) + PerSpend(2).over(100),  # they meet
        PerSpend(1).between(0, 100) + PerSpend(1).over(200),  # nothing in between, as meant
        PerSpend(1).over(0) + PerSpend(1).over(100) + PerSpend(1).over("100.5"),  # more on top
        PerSpend(1).between(0, 500) + PerSpend(1).between(100, 900),
        PerSpend(1).between(0, 100).when(Category("a")) + PerSpend(2).over(101).when(Category("b")),  # other amounts
        PerUnit(1, of="nights").between(0, 4, of="nights") + PerUnit(1, of="nights").over(5, of="nights"),  # 5th free
        PerSpend(1).between(0, 1) + PerSpend(2).between(2, 3),
    ],
    ids=repr,
)
def test_bands_as_they_are_meant(rule):
    assert not found(rule)


# Units --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reward", "place", "text"),
    [
        (Item(5, unit="star"), ".unit", "'star' is no unit of the program; it has 'stars', 'status'"),
        (Item(5, unit=["stars"]), ".unit", "['stars'] is no unit of the program; it has 'stars', 'status'"),
        (Item(5, unit="star").stock(1) * 2, ".option.option.unit", "'star' is no unit of the program; it has 'stars'"),
        (Item(5, unit="status"), ".unit", "'status' cannot be redeemed; name a redeemable unit"),
        (Convert(5, into="miles", gives=1), ".into", "'miles' is no unit of the program; it has 'stars', 'status'"),
    ],
    ids=repr,
)
def test_units_that_a_reward_cannot_name(reward, place, text):
    line = only(rewards={"tea": reward})

    assert line.startswith(f"error $.rewards.tea{place}: {text}")


def test_a_reward_says_its_unit_where_there_are_several():
    units = {"stars": STARS, "miles": STARS}

    assert only(points=units, rewards={"tea": Item(5).stock(1)}) == (
        "error $.rewards.tea.option.unit: it says none of the redeemable units; name one of 'stars', 'miles'"
    )
    assert not found(points=units, rewards={"tea": Item(5, unit="miles").stock(1)})
    assert not found(rewards={"tea": Item(5)})


# Rewards ------------------------------------------------------------------------------------------------------------

SMALL = {"stars": Points(PerSpend(1), at_most=1000)}
RATES = RateTable({"near": 2, "far": 3}, by="to")


@pytest.mark.parametrize(
    ("reward", "cheaper"),
    [
        (Item(1001), Item(1000)),
        (Voucher("1000.5", worth=5), Voucher(PerSpend(1), worth=5)),
        (PercentOff(2000, percent=10).when(InTier("gold")), PercentOff(900, percent=10).when(InTier("gold"))),
        (Item(3000) * by_tier(gold="0.5"), Item(3000) * by_tier(gold="0.3")),
        (Item(600) * 2 * by_tier(gold="0.9"), Item(600) * 2 * by_tier(gold="0.9").when(MinSpend(5)) * "0.5"),
        (Item(3000) * by_fact("size", {"s": "0.5"}), Item(3000) * by_fact("size", {"s": "0.5"}, otherwise=0)),
        (Item(600) * (2 * by_tier(gold="0.9")), Item(600) * (2 * by_tier(gold="0.5"))),
        (Item(600) * RATES, Item(600) * evolve(RATES, otherwise=1)),
        (AwardChart({"near": 1500, "far": 3000}, by="to"), AwardChart({"near": 500, "far": 3000}, by="to")),
        (Increments({1100: 5, 2000: 10}).limit(1, per="day"), Increments({100: 5, 2000: 10}).limit(1, per="day")),
        (Donation(worth=1, to="school", at_least=5000), Donation(worth=1, to="school", at_least=1000)),
        (PayWithPoints(worth=1, step=1500), PayWithPoints(worth=1, step=1000)),
        (PayWithPoints(worth=1, step=300, at_least=950), PayWithPoints(worth=1, step=300, at_least=900)),
        (Convert(5000, into="stars", gives=1), Convert(500, into="stars", gives=1, at_least=1000)),
    ],
    ids=repr,
)
def test_a_reward_that_nobody_can_afford(reward, cheaper):
    line = only(points=SMALL, rewards={"tea": reward})

    assert line.startswith("warning $.rewards.tea: nobody can afford it: it costs ")
    assert line.endswith(", and an account has at most 1,000 'stars'; lower the price, or raise at_most")
    assert not found(points=SMALL, rewards={"tea": cheaper})
    assert not found(rewards={"tea": reward})


def test_a_payment_whose_steps_and_bounds_contradict():
    assert only(rewards={"pay": PayWithPoints(worth=1, step=100, at_least=250, at_most=299)}) == (
        "warning $.rewards.pay.at_most: nobody can pay with it: with steps of 100 the least is 300 points, and at most"
        " 299 can be spent; raise at_most, or lower step or at_least"
    )
    assert not found(rewards={"pay": PayWithPoints(worth=1, step=100, at_least=250, at_most=300)})


NOTHING = [
    Flat(0),
    PerSpend(0).when(MinSpend(5)),
    PerSpend(5).cap(0),
    PerSpend(5) * 0,
    best_of(Flat(0), PerItem(0)) + PerUnit(0),
]


@pytest.mark.parametrize("rule", NOTHING, ids=repr)
def test_a_reward_in_points_that_nothing_earns(rule):
    units = {"stars": STARS, "cash": Points(rule)}

    assert only(points=units, rewards={"tea": Item(5, unit="cash").stock(3)}) == (
        "warning $.rewards.tea.option: it costs 'cash', which nothing earns; let a rule earn it, or convert into it"
    )
    convert = Convert(100, into="cash", gives=1, unit="stars")
    assert not found(points=units, rewards={"tea": Item(5, unit="cash"), "convert": convert})
    assert not found(points=units, rewards={"tea": Item(5, unit="stars")})
    ended = {"stars": STARS, "cash": Points(PerSpend(1).during(None, "2026-02-28"))}
    assert not found(points=ended, rewards={"tea": Item(5, unit="cash")}), "earned once, and still spent"
    free = {"place": Item(0, unit="cash").limit(1, per="year"), "off": PercentOff(0, percent=10, unit="cash")}
    assert not found(points=units, rewards=free), "what costs nothing can be had without points"


@frozen
class Mystery(EarningRule):
    kind = "mystery_of_checks"

    def earn(self, activity, member):
        return 0


@frozen
class Whim(RedemptionOption):
    kind = "whim_of_checks"
    unit: str = "stars"
    into: str = "the blue"

    def price(self, order, member):
        return 5


def test_nothing_is_said_of_what_only_somebody_elses_class_knows():
    assert not found(Mystery(), rewards={"tea": Item(5), "whim": Whim() * 3})
    assert not found(points=SMALL, rewards={"whim": Whim()})
    assert not found(points={"a": STARS, "b": STARS, "stars": STARS}, rewards={"whim": Whim()})
    assert found(rewards={"whim": Whim(["stars"])})[0].startswith("error $.rewards.whim.unit: ['stars'] is no unit")


# Tiers --------------------------------------------------------------------------------------------------------------

LADDER = TierLadder(Tier("silver", Reach("status", 100)), Tier("gold", Reach("status", 500)))


def ladder(*qualifications, **settings):
    """Tiers of these qualifications, from the lowest up."""
    names = ("bronze", "silver", "gold", "platinum")
    return TierLadder(*(Tier(name, q) for name, q in zip(names, qualifications, strict=False)), **settings)


KEPT = Points(PerSpend(1), expiry=After(days=9).unless(InTier("gld")))


@pytest.mark.parametrize(
    ("part", "place"),
    [
        ({"earning": PerSpend(1) * by_tier(gld=2)}, "$.points.stars.earning.factor.factors"),
        ({"earning": PerSpend(1).when(InTier("gold", "gld"))}, "$.points.stars.earning.condition.tiers"),
        ({"earning": PerSpend(1) + Flat(1).when(~AtLeastTier("gld"))}, "$.points.stars.earning.rules[1].condition"),
        ({"rewards": {"tea": Item(5).when(InTier("gld"))}}, "$.rewards.tea.condition.tiers"),
        ({"rewards": {"tea": Item(5) * by_tier(gld="0.5")}}, "$.rewards.tea.factor.factors"),
        ({"points": {"stars": KEPT, "status": STATUS}}, "$.points.stars.expiry.condition.tiers"),
    ],
    ids=str,
)
def test_a_tier_that_is_not_the_programs(part, place):
    line = only(**part, tiers=LADDER)

    assert line.startswith(f"error {place}")
    assert "'gld' is no tier of the program" in line
    assert line.endswith("; it has 'silver', 'gold'")
    assert not found(**part), "without a ladder the tiers are the application's"


def test_tiers_that_are_the_programs():
    rule = PerSpend(1) * by_tier(gold=2) + Flat(5).when(InTier("silver") | AtLeastTier("gold"))

    assert not found(rule, rewards={"tea": Item(5).when(InTier("gold"))}, tiers=LADDER)


def test_factors_and_ranks_are_of_the_first_ladder():
    ladders = {"flights": LADDER, "shop": TierLadder(Tier("fan", Reach("spend", 100)))}

    assert not found(PerSpend(1).when(InTier("fan")), ladders=ladders)
    assert only(PerSpend(1) * by_tier(fan=2), ladders=ladders) == (
        "error $.points.stars.earning.factor.factors: 'fan' is no tier of the program's first ladder; it has 'silver',"
        " 'gold'"
    )


A_YEAR = Rolling(months=12)


@pytest.mark.parametrize(
    ("silver", "gold"),
    [
        (Reach("status", 500), Reach("status", 500)),
        (Reach("status", 500), Reach("status", 400)),
        (Reach("status", 500), Reach("status", 500, window="year")),
        (Reach("status", 500) & Reach("nights", 5), Reach("status", 400)),
        (Reach("status", 500), Reach("status", 400) | Reach("nights", 90)),
        (Reach("status", 500) | Reach("nights", 99), Reach("status", 400) | Reach("nights", 90)),
        (Reach("status", 500) & Reach("nights", 99), Reach("status", 400) & Reach("nights", 90)),
        (Reach(OfKind("stay"), 9), Reach(OfKind("stay"), 8)),
    ],
    ids=repr,
)
def test_a_tier_that_is_passed_over(silver, gold):
    line = only(tiers=ladder(Reach("status", 1), silver, gold, window="year"))

    assert line.startswith("warning $.tiers.tiers[1].qualification: 'silver' is never reached: whoever meets ")
    assert line.endswith("; list the tiers from the lowest up, or let 'gold' take more")
    assert not found(tiers=ladder(Reach("status", 1), gold, window="year")), "it is the order that is wrong"


@pytest.mark.parametrize(
    ("silver", "gold"),
    [
        (Reach("status", 400), Reach("status", 500)),
        (Reach("status", 500), Reach("status", 400, window=A_YEAR)),
        (Reach("status", 500) | Reach("nights", 9), Reach("status", 500)),
        (Reach("status", 500), Reach("status", 500) & Reach("nights", 9)),
        (Reach("status", 500) & Reach("nights", 9), Reach("status", 500) & Reach("nights", 10)),
        (Reach("status", 500), Reach("spend", 100)),
        (Reach("status", 500), Invitation()),
        (Invitation(), Invitation()),
        (Reach("status", 500, window=TierTerm()), Reach("status", 500, window=TierTerm())),
    ],
    ids=repr,
)
def test_a_tier_that_has_its_place(silver, gold):
    assert not found(tiers=ladder(Reach("status", 1), silver, gold, window="year"))


def test_a_base_tier_and_levels_that_deduct_what_they_take():
    levels = [Tier(name, Reach("status", 300), deducts=True) for name in ("one", "two", "three")]

    assert not found(tiers=TierLadder(Tier("base"), *levels))


def test_a_tier_of_points_that_nothing_earns():
    units = {"stars": STARS, "status": Points(Flat(0), redeemable=False)}

    assert only(points=units, tiers=ladder(Reach("status", 9))) == (
        "warning $.tiers.tiers[0].qualification.what: 'status' is never reached: nothing earns it; let a rule"
        " earn it, or convert into it"
    )
    convert = Convert(100, into="status", gives=1)
    assert not found(points=units, tiers=ladder(Reach("status", 9)), rewards={"up": convert})
    assert not found(points=units, tiers=ladder(Reach("stars", 9)))


@pytest.mark.parametrize(
    ("what", "meant"),
    [("Status", "status"), ("statsu", "status"), ("nigths", "nights")],
)
def test_a_count_that_is_misspelt(what, meant):
    rule = PerUnit(5, of="nights") + PerSpend(1)

    assert only(rule, tiers=ladder(Reach(what, 9))) == (
        f"warning $.tiers.tiers[0].qualification.what: {what!r} is no unit, and no rule looks at such a fact;"
        f" did you mean {meant!r}?"
    )


@pytest.mark.parametrize("what", ["spend", "activities", "status", "nights", "stays", "segments", "flights"])
def test_a_count_of_a_unit_or_a_fact(what):
    assert not found(PerUnit(5, of="nights") + PerSpend(1), tiers=ladder(Reach(what, 9)))


def test_facts_that_rules_look_at_may_be_alike():
    rules = [
        PerUnit(1, of="night"),
        PerStep(1, of="night"),
        PerSpend(1).over(5, of="night"),
        Flat(1).when(Has(of="night")),
        Flat(1).when(Fact("night")),
        Flat(1) * by_fact("night", {"x": 2}),
        PointsTable({"x": 5}, by="night"),
        PointsTable({5: 5, "over": 6}, by=Band("night", upto=[5])),
        Flat(1).named("x").cap(5, per=Each("night")),
    ]
    for rule in rules:
        assert not found(rule + PerUnit(1, of="nights"), tiers=ladder(Reach("night", 9))), rule


def test_a_balance_that_nobody_can_have():
    held = TierLadder(Tier("gold", Reach("stars", 1001)), window=Balance())

    assert only(points=SMALL, tiers=held) == (
        "warning $.tiers.tiers[0].qualification.n: nobody can have 1001: an account has at most 1,000 'stars';"
        " lower it, or raise at_most"
    )
    assert not found(points=SMALL, tiers=ladder(Reach("stars", 1000), window=Balance()))
    assert not found(points=SMALL, tiers=ladder(Reach("stars", 1001), window="year")), "earned and spent again"


def test_a_balance_of_what_is_no_unit():
    assert only(tiers=ladder(Reach("nights", 9, window=Balance()))) == (
        "error $.tiers.tiers[0].qualification.what: 'nights' has no balance; name a unit, of 'stars', 'status'"
    )


def test_what_is_wrong_with_a_long_list_can_still_be_read():
    long = TierLadder(*(Tier(f"tier {i}", Reach("status", i)) for i in range(1, 100)))

    assert only(PerSpend(1) * by_tier(gold=2), tiers=long).endswith(
        "it has 'tier 1', " + ", ".join(f"'tier {i}'" for i in range(2, 21)) + ", and more"
    )


# The command --------------------------------------------------------------------------------------------------------

RIGHT = 'name = "Club"\nearning = "PerSpend(1)"\nrewards.tea = "Item(100)"\n'
DOUBTFUL = RIGHT.replace("PerSpend(1)", "PerSpend(1).cap(10) * 2")
WRONG = DOUBTFUL.replace("Item(100)", "Item(100, unit='star')") + "rewards.'free tea' = \"Item(1, unit='x')\"\n"


@pytest.fixture
def check(tmp_path, monkeypatch, capsys):
    """Run `loyaltycore check` on files of these texts: the exit code, and the lines it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*texts, options=()):
        files = [f"club-{i}.toml" for i, _ in enumerate(texts, start=1)]
        for file, text in zip(files, texts, strict=True):
            (tmp_path / file).write_text(text)
        code = main(["check", *options, *files])
        out, err = capsys.readouterr()
        assert err == ""
        return code, out.splitlines()

    return run


def test_the_command_finds_nothing_in_a_program_that_is_right(check):
    assert check(RIGHT, options=["--strict"]) == (0, ["club-1.toml: no problems"])


def test_the_command_prints_warnings_which_fail_only_if_told(check):
    code, (line,) = check(DOUBTFUL)

    assert code == 0
    assert line.startswith("club-1.toml: warning $.points.points.earning: PerSpend(1).cap(10) * 2 multiplies past")
    assert check(DOUBTFUL, options=["--strict"]) == (1, [line])


def test_the_command_prints_every_problem_of_every_file(check):
    code, lines = check(WRONG, RIGHT)

    assert code == 1
    assert [line.partition(": ")[0] for line in lines] == ["club-1.toml"] * 3 + ["club-2.toml"]
    assert lines[0].startswith("club-1.toml: warning $.points.points.earning: PerSpend(1).cap(10) * 2 multiplies past")
    assert lines[1:] == [
        "club-1.toml: error $.rewards.tea.unit: 'star' is no unit of the program; it has 'points'",
        "club-1.toml: error $.rewards['free tea'].unit: 'x' is no unit of the program; it has 'points'",
        "club-2.toml: no problems",
    ]


VERSIONS = """
name = "Club"
[[versions]]
earning = "PerSpend(2).cap(10) * 2"
[[versions]]
from = 2026-03-01
earning = "PerSpend(1)"
rewards.tea = "Item(100)"
"""


def test_the_command_reads_the_versions_of_a_program(check):
    doubtful = "club-1.toml: warning $.versions[0].points.points.earning: PerSpend(2).cap(10) * 2 multiplies past"

    code, (line,) = check(VERSIONS)
    assert code == 0
    assert line.startswith(doubtful)
    assert check(VERSIONS.replace("Item(100)", "Item(100, unit='star')")) == (
        1,
        ["club-1.toml: error $.versions[1].rewards.tea.unit: 'star' is no unit of the program; it has 'points'"],
    )
    code, (line,) = check(VERSIONS.replace('earning = "PerSpend(1)"', 'currency = "EUR"\nearning = "PerSpend(1)"'))
    assert line.startswith("club-1.toml: error $.versions[1].currency: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('name = "Club"\nearning = "PerSpent(1)"\n', "error $.earning: column 1: the name 'PerSpent' is not known"),
        ('name = "Club"\nearnin = "PerSpend(1)"\n', "error $.earnin: 'program' has no such field"),
        ('name = "Club"\nearning = "Flat(1).cap(-1)"\n', "error $.earning: column "),
        ('name = "Club"\n', "error $: a program earns by one rule or by several units"),
        ("name = ", "error $: "),
    ],
)
def test_the_command_says_where_a_file_cannot_be_read(check, text, line):
    code, (printed,) = check(text)

    assert code == 1
    assert printed.startswith(f"club-1.toml: {line}")


def test_loading_a_wrong_program_names_the_file_and_the_place(tmp_path):
    file = tmp_path / "club.toml"
    file.write_text(WRONG.replace("tea =", "'iced tea' =", 1))

    with pytest.raises(DataError) as refused:
        Program.load(file)

    assert refused.value.path == f"{file}: $.rewards['iced tea'].unit"
    assert refused.value.message == "'star' is no unit of the program; it has 'points'"


def test_a_file_that_is_not_there_is_a_wrong_call(check, capsys):
    assert main(["check", "nowhere.toml"]) == 2
    assert capsys.readouterr().err == "loyaltycore: error: nowhere.toml: No such file or directory\n"


def test_a_number_between_whole_ones_is_shown_as_people_write_it():
    line = only(flights({Fraction(1, 2): 5, "over": 6}, upto=["0.5", "1.5"]))

    assert line.endswith("there is no row for distance over 0.5 up to 1.5; add it")
