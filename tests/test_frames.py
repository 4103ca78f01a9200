"""Bulk: a rule gives a frame exactly what it gives each row, in the order of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib import import_module
from itertools import count
import sys
import warnings

from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
import polars as pl
import pytest

from loyaltycore import *
from loyaltycore.frames import award_frame

CLASSIC = PerSpend(1).between(50, 100) + PerSpend(2).over(100)
RATES = (PerSpend(1) + PerSpend(2).when(Category("dining", "travel")) + Flat(50).when(MinSpend(200))) * by_tier(
    silver="1.25", gold="1.5"
)
GROCERIES = PerSpend(4).when(Category("groceries")).named("groceries").cap(1500, per="month")

CATEGORIES = ("dining", "travel", "groceries")
TIERS = ("silver", "gold")


@frozen
class BirthdayBonus(EarningRule):
    kind = "birthday_bonus_in_a_frame"

    def earn(self, activity, member):
        return 500 if activity.day.month == 5 else 0


@frozen
class DoubleSpend(PerSpend):
    """A built-in that was changed: what the built-in says of columns is not true of it."""

    kind = "double_spend_in_a_frame"

    def earn(self, activity, member):
        return super().earn(activity, member) * 2


def row_by_row(points, frame, program=None, hundredths=100):
    """What each row earns as an activity of its member, in the order of time and then of the rows."""
    members, earned = {}, {}
    for i, row in sorted(enumerate(frame.to_dicts()), key=lambda pair: (pair[1]["at"], pair[0])):
        who, tier = row["member"], row["tier"] or ""
        activity = Activity(Line(Fraction(row["amount"], hundredths), row["category"] or ""), at=row["at"], member=who)
        member = evolve(members.get(who, Member(who)), tier=tier)
        award = points.award(activity, member)
        if program:
            award = award["points"]
        members[who] = member.after(award)
        earned[i] = award.points
    return [earned[i] for i in range(len(frame))]


# Frames and rules to try --------------------------------------------------------------------------------------------

amounts = st.sampled_from([0, 1, 99, 4999, 5000, 5001, 10_000, 10_001, 2**53 - 1, 2**53, 2**53 + 1]) | st.integers(
    0, 30_000
)
civil_days = st.dates(date(2026, 1, 30), date(2026, 2, 2)) | st.dates(date(2025, 12, 1), date(2027, 1, 31))
instants = st.datetimes(datetime(2026, 1, 31, 22), datetime(2026, 2, 1, 8), timezones=st.just(UTC)).map(
    lambda at: at.replace(minute=0, second=0, microsecond=0)
)


def frames_of(days, dtype):
    rows = st.lists(
        st.fixed_dictionaries(
            {
                "member": st.sampled_from("abc"),
                "at": days,
                "amount": amounts,
                "category": st.sampled_from((*CATEGORIES, "other", "", None)),
                "tier": st.sampled_from((*TIERS, "", None)),
            }
        ),
        max_size=12,
    )
    schema = {"member": pl.String, "at": dtype, "amount": pl.Int64, "category": pl.String, "tier": pl.String}
    return rows.map(lambda rows: pl.DataFrame(rows, schema=schema))


numbers = st.sampled_from([0, 1, 2, 3, 50, "0.5", "0.01", "1/3", "2.75"])
modes = st.sampled_from(["floor", "ceil", "half_up", "half_down", "half_even"])
periods = st.sampled_from(["quarter", "year", "ever"])
limits = st.sampled_from([0, 1, 50, 100, "7.5", "10/3", 1500, 10**6])


@st.composite
def conditions(draw, depth=2):
    match draw(st.sampled_from(["category", "tier", "spend"] + ["and", "or", "not"] * (depth > 0))):
        case "category":
            return Category(*draw(st.lists(st.sampled_from(CATEGORIES), min_size=1, unique=True)))
        case "tier":
            return InTier(*draw(st.lists(st.sampled_from(TIERS), min_size=1, unique=True)))
        case "spend":
            return Has(draw(st.none() | conditions(depth=0)), at_least=draw(limits))
        case "and":
            return draw(conditions(depth - 1)) & draw(conditions(depth - 1))
        case "or":
            return draw(conditions(depth - 1)) | draw(conditions(depth - 1))
        case _:
            return ~draw(conditions(depth - 1))


@st.composite
def factors(draw):
    number = st.sampled_from([0, 1, "1.5", "1/3", 2])
    by = st.dictionaries(st.sampled_from(TIERS), number, min_size=1)
    factor = draw(st.builds(by_tier, by, otherwise=number))
    match draw(st.sampled_from(["number", "tier", "when", "product"])):
        case "number":
            return draw(number)
        case "tier":
            return factor
        case "when":
            return factor.when(draw(conditions()))
        case _:
            return factor * draw(number)


@st.composite
def rules(draw, depth=4, names=None):
    """Rules that columns can express; each that is capped per period has a name of its own."""
    names = names or count()
    leaf = st.builds(PerSpend, numbers, st.sampled_from([1, 3, "0.5", 10])) | st.builds(Flat, numbers)
    if depth == 0:
        return draw(leaf)
    rule = draw(rules(depth - 1, names))
    low = draw(limits)
    ways = {
        "leaf": lambda: draw(leaf),
        "sum": lambda: rule + draw(rules(depth - 1, names)),
        "times": lambda: rule * draw(factors()),
        "when": lambda: rule.when(draw(conditions())),
        "between": lambda: rule.between(low, Fraction(low) + Fraction(draw(st.sampled_from([1, 50, "0.01"])))),
        "over": lambda: rule.over(low),
        "named": lambda: rule.named("part"),
        "rounded": lambda: rule.rounded(draw(modes), to=draw(st.sampled_from([1, 5, "0.25"]))),
        "capped": lambda: rule.cap(low, per=draw(st.sampled_from(["activity", "line"]))),
        "capped per month": lambda: rule.named(f"capped {next(names)}").cap(low, per="month"),
        "capped per period": lambda: rule.named(f"capped {next(names)}").cap(low, per=draw(periods)),
    }
    return ways[draw(st.sampled_from(list(ways)))]()


@given(rules(), frames_of(civil_days, pl.Date))
def test_a_frame_is_awarded_what_its_rows_are(rule, frame):
    expected = row_by_row(rule, frame)
    assert award_frame(rule, frame)["points"].to_list() == expected
    assert award_frame(rule, frame.lazy()).collect()["points"].to_list() == expected


@given(
    rules(),
    frames_of(instants, pl.Datetime("us", "UTC")),
    st.builds(Rounding, modes, to=st.sampled_from([1, 10])),
)
def test_a_program_judges_instants_by_its_own_calendar(rule, frame, rounding):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)  # a generated factor may well stand outside a cap
        club = Program("Club", points={"points": Points(rule, rounding=rounding)}, timezone="America/New_York")
    assert award_frame(club, frame)["points"].to_list() == row_by_row(club, frame, program=True)


@given(rules(depth=2), frames_of(civil_days, pl.Date))
def test_amounts_too_large_for_columns_are_exact_all_the_same(rule, frame):
    large = frame.with_columns(amount=pl.col("amount") * 1000)  # up to 2**63
    expected = row_by_row(rule, large)
    if max(expected, default=0) < 2**63:
        assert award_frame(rule, large)["points"].to_list() == expected
    else:
        with pytest.raises(DataError, match="more than a column holds"):
            award_frame(rule, large)


# What goes in and comes out -----------------------------------------------------------------------------------------


def purchases(*amounts, **columns):
    """A frame with one purchase a day of member a, in gold, of groceries."""
    days = [date(2026, 3, 1) + timedelta(i) for i in range(len(amounts))]
    given = {"member": "a", "category": "groceries", "tier": "gold"} | columns
    return pl.DataFrame({"amount": amounts, "at": days}).with_columns(
        **{name: pl.lit(value) if isinstance(value, str) else pl.Series(value) for name, value in given.items()}
    )


def points(rule, frame, **how):
    return award_frame(rule, frame, **how)["points"].to_list()


def test_the_classic_rule_on_a_column_of_cents():
    assert points(CLASSIC, pl.DataFrame({"amount": [120_00, 100_20, 50_99, 99_99, 200_55]})) == [90, 50, 0, 49, 251]


def test_categories_and_tiers():
    frame = pl.DataFrame(
        {
            "amount": [30_00, 30_00, 200_00, 30_00],
            "category": ["dining", "fuel", "travel", None],
            "tier": ["silver", "", "gold", None],
        }
    )
    assert points(RATES, frame) == [112, 30, 975, 30]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("floor", [0, 0, 1, 2, 1, 1]),
        ("ceil", [0, 1, 2, 3, 2, 2]),
        ("half_up", [0, 1, 2, 3, 1, 2]),
        ("half_down", [0, 0, 1, 2, 1, 2]),
        ("half_even", [0, 0, 2, 2, 1, 2]),
    ],
)
def test_rounding(mode, expected):
    frame = pl.DataFrame({"amount": [0, 50, 1_50, 2_50, 1_49, 1_51]})
    assert points(PerSpend(1).rounded(mode), frame) == expected
    assert points(PerSpend(10).rounded(mode, to=10), frame) == [10 * n for n in expected]
    assert points(Program("Club", points={"points": Points(PerSpend(1), rounding=Rounding(mode))}), frame) == expected


def test_a_monthly_cap_is_filled_in_the_order_of_time_and_starts_again_with_the_month():
    frame = pl.DataFrame(
        {
            "member": ["a", "a", "b", "a", "a"],
            "at": [date(2026, 3, 9), date(2026, 3, 2), date(2026, 3, 9), date(2026, 3, 2), date(2026, 4, 1)],
            "amount": [300_00, 200_00, 300_00, 100_00, 100_00],
            "category": "groceries",
        }
    )
    # 2 March gives 800 and 400, so that 300 are left for the 9th
    assert points(GROCERIES, frame) == [300, 800, 1200, 400, 400]


def test_a_cap_counts_the_whole_points_that_it_let_through():
    rule = PerSpend("0.5").named("half").cap("2.5", per="month")
    # 1.5 gives 1, which leaves 1.5, which gives 1, which leaves half a point
    assert points(rule, purchases(3_00, 3_00, 3_00)) == [1, 1, 0]


def test_several_caps_may_stand_on_one_name():
    rule = PerSpend(1).named("base").cap(30).cap(25, per="month").cap(20)
    assert points(rule, purchases(40_00, 40_00)) == [20, 0]
    assert points(Program("Club", earning=rule), purchases(40_00, 40_00)) == [20, 0]


def test_a_lazy_frame_stays_lazy_and_every_column_stays_as_it_is():
    frame = purchases(120_00, 80_00).with_columns(Note=pl.lit("x"), _lc0=pl.lit(1), _LCROW=pl.lit(2))
    awarded = award_frame(GROCERIES, frame)
    assert awarded.columns == [*frame.columns, "points"]
    assert awarded.schema["points"] == pl.Int64
    assert awarded.drop("points").equals(frame)
    lazy = award_frame(GROCERIES, frame.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect().equals(awarded)


def test_a_lazy_frame_stays_lazy_where_rows_are_judged_one_by_one():
    frame = purchases(120_00, 2**62)
    lazy = award_frame(PerSpend(4), frame.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect()["points"].to_list() == [480, 2**64 // 100]


@pytest.mark.parametrize("rule", [RATES, GROCERIES, BirthdayBonus() * 0 + Flat(1)], ids=repr)
def test_an_empty_frame(rule):
    names = ["amount", "member", "at", "category", "tier"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        for empty in (pl.DataFrame({name: [] for name in names}), purchases(1).clear()):
            assert award_frame(rule, empty).columns == [*empty.columns, "points"]
            assert award_frame(rule, empty.lazy()).collect().height == 0


def test_columns_are_named_by_arguments():
    frame = pl.DataFrame({"cents": [500, 500], "who": [7, 7], "day": [date(2026, 3, 1)] * 2, "dept": ["groceries"] * 2})
    awarded = award_frame(
        PerSpend(4).when(Category("groceries")).named("g").cap(30, per="month"),
        frame.with_columns(dept=pl.col("dept").cast(pl.Categorical), points=pl.lit("points of another program")),
        amount="cents",
        member="who",
        at="day",
        category="dept",
        out="earned",
    )
    assert awarded["earned"].to_list() == [20, 10]


def test_a_program_of_several_units_has_a_column_for_each():
    club = Program("Club", points={"stars": Points(PerSpend(2)), "status": Points(CLASSIC, rounding=Rounding("ceil"))})
    awarded = award_frame(club, pl.DataFrame({"amount": [50_01, 120_00]}))
    assert awarded["points_stars"].to_list() == [100, 240]
    assert awarded["points_status"].to_list() == [1, 90]


def test_each_unit_goes_its_own_way():
    club = Program("Club", points={"stars": Points(PerSpend(2)), "gift": Points(BirthdayBonus())})
    with pytest.warns(LoyaltyWarning, match="BirthdayBonus"):
        awarded = award_frame(club, purchases(10_00).with_columns(at=date(2026, 5, 1)))
    assert awarded.select("points_stars", "points_gift").row(0) == (20, 500)


# Amounts ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("amounts", "unit", "expected"),
    [
        (pl.Series([1050, 999]), None, [10, 9]),
        (pl.Series([1050, 999], dtype=pl.UInt16), "minor", [10, 9]),
        (pl.Series([10, 9]), "major", [10, 9]),
        (pl.Series([Decimal("10.50"), Decimal("9.99")]), None, [10, 9]),
        (pl.Series([Decimal("10.505"), Decimal("9.999")]), "major", [10, 9]),
        (pl.Series([Decimal(1050), Decimal("999.5")]), "minor", [10, 9]),
        (pl.Series([Decimal("0.5"), Decimal("3.5")], dtype=pl.Decimal(38, 36)), None, [0, 3]),
        (pl.Series(["10.5", "9.99"]), None, [10, 9]),
        (pl.Series(["1050", "999"]), "minor", [10, 9]),
        (pl.Series(["31/3", "9.9999", "1e1", "-0"]), None, [10, 9, 10, 0]),
        (pl.Series(["999.9", "1/3"]), "minor", [9, 0]),
    ],
)
def test_amounts_in_coins_or_in_the_main_unit(amounts, unit, expected):
    assert points(PerSpend(1), pl.DataFrame({"amount": amounts}), amount_unit=unit) == expected


@pytest.mark.parametrize(("currency", "expected"), [("JPY", 1050), ("USD", 10), ("KWD", 1)])
def test_the_coins_of_a_program_are_those_of_its_currency(currency, expected):
    club = Program("Club", earning=PerSpend(1), currency=currency)
    assert points(club, pl.DataFrame({"amount": [1050]})) == [expected]


@pytest.mark.parametrize(
    ("frame", "error", "text"),
    [
        (pl.DataFrame({"amount": [1.5]}), InexactNumber, "Float64 is not exact; .* as in amount_decimals=2"),
        (pl.DataFrame({"amount": [True]}), DataError, "amount: Boolean is no amount"),
        (pl.DataFrame({"amount": [5, None, 7, None]}), DataError, r"amount\[1\]: null in 2 rows, .* the first; fill"),
        (pl.DataFrame({"amount": [5, -1, 7]}), DataError, r"amount\[1\]: below 0 in 1 row; leave .* reverses one"),
        (pl.DataFrame({"amount": ["5", "-0.01"]}), DataError, r"amount\[1\]: below 0 in 1 row"),
        (pl.DataFrame({"amount": ["5", "five"]}), InexactNumber, "amount.*: 'five' is not a number"),
        (pl.DataFrame({"total": [5]}), DataError, "total|amount=..."),
        (pl.DataFrame({"amount": [5], "Points": [1]}), DataError, "Points|out=..."),
        ([5, 6], DataError, "list is no frame"),
    ],
)
def test_what_is_no_frame_of_amounts_is_refused(frame, error, text):
    with pytest.raises(error, match=text):
        award_frame(CLASSIC, frame)


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        ("category", "reads the category .* category=..."),
        ("member", "reads the member .* member=..."),
        ("at", "reads the at .* at=..."),
    ],
)
@pytest.mark.parametrize("rule", [GROCERIES, GROCERIES + BirthdayBonus()], ids=repr)
def test_a_column_that_the_rule_reads_has_to_be_there(rule, missing, text):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        with pytest.raises(DataError, match=text):
            award_frame(rule, purchases(10_00).drop(missing))


def test_a_member_or_a_day_that_is_null_cannot_be_counted():
    for name in ("member", "at"):
        unknown = purchases(10_00, 10_00).with_columns(pl.when(pl.col("at") < date(2026, 3, 2)).then(pl.col(name)))
        with pytest.raises(DataError, match=rf"{name}\[1\]: null in 1 row"):
            award_frame(GROCERIES, unknown)


def test_a_day_has_to_be_one():
    with pytest.raises(DataError, match=r"at: String is no date; .*str.to_datetime"):
        award_frame(GROCERIES, purchases(10_00).with_columns(at=pl.lit("2026-03-01")))


def test_other_mistakes_are_named():
    with pytest.raises(RuleError, match="'cents' is no unit; give 'minor' or 'major'"):
        award_frame(CLASSIC, purchases(10_00), amount_unit="cents")
    with pytest.raises(RuleError, match="neither an earning rule nor a program"):
        award_frame("PerSpend(1)", purchases(10_00))


# Row by row ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        (CLASSIC + BirthdayBonus(), r"BirthdayBonus\(\)"),
        (DoubleSpend(1), r"DoubleSpend\(1\)"),
        (PerSpend(1).when(matching(lambda line, activity, member: line.amount > 100)), "matching"),
        (best_of(CLASSIC, GROCERIES), "best_of"),
        (PerSpend(1).named("a").running(per="month"), "running"),
        (PerSpend(1).named("a").in_a_row(1, per="day"), "in_a_row"),
        (PerSpend(1).named("a").cooldown(days=1), "cooldown"),
        (GROCERIES.limit(1, per="month"), "limit"),
        (first_of(Flat(1).when(InTier("lead")), GROCERIES), "first_of"),
        (GROCERIES.cap(100, per=Calendar("month", starts=5)), "Calendar"),
        (GROCERIES + GROCERIES, "2 rules that count as 'groceries' per 'month'"),
    ],
)
def test_what_columns_cannot_express_is_judged_by_rows_and_said_once(rule, named):
    frame = purchases(120_00, 80_00, 300_00, 99_99)
    with pytest.warns(LoyaltyWarning, match=named) as said:
        awarded = award_frame(rule, frame)
    assert len(said) == 1
    assert said[0].filename == __file__
    first, *later = row_by_row(rule, frame)
    assert awarded["points"].to_list() == [first, *later]


def test_a_fact_that_a_band_makes_smaller_is_the_smaller_one_to_a_condition_inside():
    rule = PerUnit(1).when(Fact("distance", 400)).over(100, of="distance")
    flights = pl.DataFrame({"amount": [0, 0], "at": [date(2026, 3, 1)] * 2, "distance": [500, 400]})
    with pytest.warns(LoyaltyWarning, match="a band of the distance"):
        assert award_frame(rule, flights, facts=["distance"])["points"].to_list() == [400, 0]


def test_points_beyond_a_column_are_an_error_that_names_the_row():
    frame = pl.DataFrame({"amount": [100, 2**62]})
    with pytest.raises(DataError, match=r"points\[1\]: .* points are more than a column holds"):
        award_frame(PerSpend(10**6), frame)


def test_what_a_large_row_takes_of_a_cap_is_missing_to_the_others():
    rule = (PerSpend(1000) * "1/1000").named("base").cap(50, per="month")
    frame = purchases(20_00, 2**62, 20_00, 20_00, member=["a", "a", "a", "b"])
    assert points(rule, frame) == [20, 30, 0, 20]


def test_a_running_total_beyond_a_column_is_capped_exactly():
    rule = PerSpend(100).named("base").cap(9 * 10**18, per="month")
    assert points(rule, purchases(2**62, 2**62, 2**62)) == [2**62, 9 * 10**18 - 2**62, 0]


def test_small_numbers_of_a_rule_make_large_ones():
    awarded = award_frame(Flat(100_000).when(Category("groceries")) * 100_000, purchases(1_00))
    assert awarded["points"].to_list() == [10**10]
    assert award_frame(Flat(1), purchases(1_00)).schema["points"] == pl.Int64


def test_text_may_have_more_digits_than_a_column():
    assert points(PerSpend(1, every=10**36), pl.DataFrame({"amount": ["123" + "0" * 36, "5.00"]})) == [123, 0]


def test_a_rule_with_numbers_that_no_column_holds():
    assert points(Flat(10**20) * f"1/{10**19}", purchases(1_00)) == [10]


def test_a_missing_package_is_said_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    for name in ("_frame", "_frame_engine", "frames"):
        monkeypatch.delitem(sys.modules, f"loyaltycore.{name}")
    with pytest.raises(MissingExtra, match=r"loyaltycore.frames needs narwhals.*loyaltycore\[frames\]"):
        import_module("loyaltycore.frames")


@pytest.mark.parametrize("most", [2**63, 10**25, 10**39])
def test_a_fixed_number_that_no_column_holds_is_exact_where_it_is_less_in_the_end(most):
    rule = Flat(most).when(MinSpend(50)).cap(7) + Flat(most) * f"1/{most}"
    assert points(rule, purchases(10_00, 60_00)) == [1, 8]
    for rule in (Flat(most).when(MinSpend(50)), Flat(most)):
        with pytest.raises(DataError, match=r"points are more than a column holds"):
            points(rule, purchases(60_00))
    assert points(Flat(most).when(MinSpend(50)), purchases(10_00)) == [0]
