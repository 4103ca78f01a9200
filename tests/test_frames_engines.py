"""Bulk: the whole language of rules, on every library's frames, row by row and basket by basket."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from itertools import count
import warnings

from attrs import evolve
import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st
import pandas as pd
import polars as pl
import pytest

from loyaltycore import *
from loyaltycore.frames import award_frame, points_by
from loyaltycore.refunds import by_line

CATEGORIES = ("dining", "travel", "groceries")
TIERS = ("silver", "gold")
KINDS = ("purchase", "review")
BRANDS = ("own", "lux")
FACTS = {"brand": "brand", "leg": "leg_no", "gift": "gift", "miles": "miles"}
MEMBER_FACTS = {"plan": "plan", "age": "age"}

SCHEMA = {
    "id": pl.String, "member": pl.String, "at": pl.Datetime("us"), "kind": pl.String, "tier": pl.String,
    "plan": pl.String, "age": pl.Int64, "amount": pl.Int64, "category": pl.String, "sku": pl.String,
    "quantity": pl.Int64, "brand": pl.String, "leg_no": pl.Int64, "gift": pl.Boolean, "miles": pl.Int64,
}  # fmt: skip

moments = st.datetimes(datetime(2026, 1, 30), datetime(2026, 2, 3)).map(
    lambda at: at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0)
)


def either(*values):
    return st.sampled_from(values)


@st.composite
def baskets(draw, most_lines=4, least=0):
    """A frame of orders, their rows in any order."""
    rows = []
    for order in range(draw(st.integers(0, 5))):
        whole = {
            "id": f"o{order}", "member": draw(either("a", "b")), "at": draw(moments), "kind": draw(either(*KINDS)),
            "tier": draw(either(*TIERS, "", None)), "plan": draw(either("pro", "free", None)),
            "age": draw(either(17, 70, None)),
        }  # fmt: skip
        rows += [
            {
                **whole,
                "amount": draw(either(0, 1, 4999, 5000, 10_001, 2**53 + 1) | st.integers(least, 30_000)),
                "category": draw(either(*CATEGORIES, "", None)),
                "sku": draw(either("x", "y", None)), "quantity": draw(either(0, 1, 2, 3, None)),
                "brand": draw(either(*BRANDS, None)), "leg_no": draw(either(1, 2, None)),
                "gift": draw(either(True, False, None)), "miles": draw(either(0, 600, 601, 5000, None)),
            }
            for _ in range(draw(st.integers(1, most_lines)))
        ]  # fmt: skip
    return pl.DataFrame(draw(st.permutations(rows)), schema=SCHEMA)


# Rules --------------------------------------------------------------------------------------------------------------

numbers = either(0, 1, 2, 3, 50, "0.5", "0.01", "1/3", "2.75")
limits = either(0, 1, 50, 100, "7.5", "10/3", 1500)
measures = either("amount", "quantity", "miles")
periods = either("day", "week", "month", Calendar("week", starts=6), "ever", Each("brand"), ("day", Each("leg")))


def one_or_more(values):
    return st.lists(either(*values), min_size=1, unique=True)


@st.composite
def conditions(draw, depth=2):
    leaves = {
        "category": lambda: Category(*draw(one_or_more(CATEGORIES))),
        "sku": lambda: Sku("x"),
        "tier": lambda: InTier(*draw(one_or_more(TIERS))),
        "kind": lambda: OfKind(draw(either(*KINDS))),
        "brand": lambda: Fact("brand", *draw(st.lists(either(*BRANDS, 1), unique=True))),
        "leg": lambda: Fact("leg", draw(either(1, True, "1", 2))),
        "gift": lambda: Fact("gift", draw(either(True, 1, False))),
        "plan": lambda: MemberFact("plan", *draw(st.lists(either("pro", "free"), unique=True))),
        "age": lambda: MemberFact("age", 70, 71),
        "spend": lambda: Has(draw(st.none() | conditions(depth=0)), at_least=draw(limits), of=draw(measures)),
        "weekday": lambda: OnWeekdays(*draw(st.lists(either("fri", "sat", "sun")))),
        "hours": lambda: InHours(draw(either(0, 6, "12:30")), draw(either(8, 23, "05:30"))),
        "during": lambda: During(*draw(either(
            ("2026-01-31", "2026-02-01"), ("2026-01-31T12:00", None), (None, "2026-02-01T12:30"),
        ))),
        "first": lambda: FirstTime(draw(st.none() | either(*KINDS))),
        "nth": lambda: EveryNth(draw(st.integers(1, 3)), draw(st.none() | either(*KINDS))),
    }  # fmt: skip
    combined = {
        "and": lambda: draw(conditions(depth - 1)) & draw(conditions(depth - 1)),
        "or": lambda: draw(conditions(depth - 1)) | draw(conditions(depth - 1)),
        "not": lambda: ~draw(conditions(depth - 1)),
    }
    ways = leaves | combined if depth else leaves
    return ways[draw(either(*ways))]()


@st.composite
def factors(draw):
    number = either(0, 1, "1.5", "1/3", 2)
    table = RateTable(
        {600: {"own": "1.5", "lux": 2}, "over": {"own": 3}},
        by=(Band("miles", upto=[600]), "brand"),
        otherwise=draw(number),
    )
    ways = {
        "number": lambda: draw(number),
        "tier": lambda: by_tier({"gold": draw(number)}, otherwise=draw(number)),
        "fact": lambda: by_fact("brand", {("own", 1): draw(number)}, otherwise=draw(number)),
        "leg": lambda: by_fact("leg", {1: draw(number), "1": 7}),
        "plan": lambda: by_member_fact("plan", {"pro": draw(number)}),
        "table": lambda: table,
        "when": lambda: by_tier(gold=2).when(draw(conditions())),
        "product": lambda: by_tier(gold="1.5") * by_member_fact("plan", {"pro": "1.1"}),
    }
    return ways[draw(either(*ways))]()


@st.composite
def rules(draw, depth=3, names=None):
    """Rules of all kinds; each that counts has a name of its own."""
    names = names or count()
    leaves = {
        "rate": lambda: PerSpend(draw(numbers), draw(either(1, 3, "0.5"))),
        "flat": lambda: Flat(draw(numbers)),
        "step": lambda: PerStep(draw(numbers), every=draw(either(1, "0.5", 7, 100)), of=draw(measures)),
        "unit": lambda: PerUnit(draw(numbers), of="miles"),
        "item": lambda: PerItem(draw(numbers)),
        "table": lambda: PointsTable({"own": 5, "lux": 7}, by="brand").when(Fact("brand", *BRANDS)),
    }
    if depth == 0:
        return leaves[draw(either(*leaves))]()
    rule = draw(rules(depth - 1, names))
    low = draw(limits)
    named = lambda: rule.named(f"part {next(names)}")  # noqa: E731
    ways = leaves | {
        "sum": lambda: rule + draw(rules(depth - 1, names)),
        "times": lambda: rule * draw(factors()),
        "when": lambda: rule.when(draw(conditions())),
        "between": lambda: rule.between(low, Fraction(low) + draw(either(1, 50)), of=draw(measures)),
        "over": lambda: rule.over(low, of=draw(measures)),
        "rounded": lambda: rule.rounded(draw(either("floor", "ceil", "half_even")), to=draw(either(1, 5, "0.25"))),
        "capped": lambda: rule.cap(low, per=draw(either("activity", "line"))),
        "capped per period": lambda: named().cap(low, per=draw(periods)),
        "limited": lambda: named().limit(draw(st.integers(1, 2)), per=draw(periods)),
        "every nth": lambda: named().every_nth(draw(st.integers(1, 3)), per=draw(periods)),
        "at least": lambda: rule.at_least(low),
        "best of": lambda: best_of(rule, draw(rules(depth - 1, names))),
        "first of": lambda: first_of(rule, draw(rules(depth - 1, names))),
        "each line": rule.each_line,
        "each leg": lambda: rule.each("leg"),
        "named": named,
    }
    return ways[draw(either(*ways))]()


# Row by row ---------------------------------------------------------------------------------------------------------


def line_of(row):
    return Line(
        Fraction(row["amount"], 100), row["category"] or "", sku=row["sku"] or "",
        quantity=1 if row["quantity"] is None else row["quantity"],
        facts={fact: row[column] for fact, column in FACTS.items()},
    )  # fmt: skip


def judged(rule, frame, *, together):
    """What each row earns, its activity judged for its member in the order of time; or the error."""
    activities = {}
    for i, row in sorted(enumerate(frame.to_dicts()), key=lambda pair: (pair[1]["at"], pair[0])):
        activities.setdefault(row["id"] if together else i, []).append((i, row))
    members, earned = {}, {}
    for rows in activities.values():
        first = rows[0][1]
        who = first["member"]
        activity = Activity([line_of(row) for _, row in rows], at=first["at"], kind=first["kind"], member=who)
        facts = Member(facts={fact: first[column] for fact, column in MEMBER_FACTS.items()}).facts
        member = evolve(members.get(who, Member(who)), tier=first["tier"] or "", facts=facts)
        points = rule if isinstance(rule, Points) else Points(rule)
        award = points.award(activity, member)
        parts = by_line(points, award, activity, member).points or (award.points,) + (0,) * (len(rows) - 1)
        earned |= {i: points for (i, _), points in zip(rows, parts, strict=True)}
        members[who] = member.after(award).seen(activity)
    return [earned[i] for i in range(len(frame))]


def outcome(compute):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        try:
            return compute()
        except LoyaltyError as error:
            return type(error)


def in_bulk(rule, frame, **how):
    return award_frame(rule, frame, facts=FACTS, member_facts=MEMBER_FACTS, **how)


def points_of(awarded):
    if isinstance(awarded, duckdb.DuckDBPyRelation):
        awarded = awarded.order('"place"').to_arrow_table()
    if isinstance(awarded, pl.LazyFrame):
        awarded = awarded.collect()
    return awarded["points"].to_pylist() if hasattr(awarded["points"], "to_pylist") else list(awarded["points"])


def as_pandas(frame):
    return frame.to_arrow().to_pandas(types_mapper=None)


def as_duckdb(frame):
    placed = frame.with_row_index("place").to_arrow()
    return duckdb.connect().from_arrow(placed)


LIBRARIES = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "pyarrow": lambda frame: frame.to_arrow(),
    "pandas": lambda frame: frame.to_arrow().to_pandas(types_mapper=pd.ArrowDtype),
    "duckdb": as_duckdb,
}


@given(rules(), baskets())
def test_every_row_by_itself(rule, frame):
    assert outcome(lambda: points_of(in_bulk(rule, frame))) == outcome(lambda: judged(rule, frame, together=False))


@given(rules(), baskets(least=-2000))
def test_the_rows_of_an_order_together(rule, frame):
    expected = outcome(lambda: judged(rule, frame, together=True))
    assert outcome(lambda: points_of(in_bulk(rule, frame, id="id"))) == expected


@given(rules(depth=2), baskets(), st.builds(Rounding, either("floor", "half_up"), each=either("line", "rule")))
def test_a_program_rounds_baskets_as_it_says(rule, frame, rounding):
    unit = Points(rule, rounding=rounding)
    club = outcome(lambda: Program("Club", points={"points": unit}))
    assert outcome(lambda: points_of(in_bulk(club, frame, id="id"))) == outcome(
        lambda: judged(unit, frame, together=True)
    )


@pytest.mark.parametrize("library", list(LIBRARIES))
@settings(max_examples=20)
@given(rules(depth=2), baskets(), st.booleans())
def test_every_library_gives_the_same(library, rule, frame, together):
    expected = outcome(lambda: judged(rule, frame, together=together))
    given = LIBRARIES[library](frame)
    awarded = outcome(lambda: in_bulk(rule, given, id="id" if together else None))
    if isinstance(awarded, type):
        assert awarded == expected
    else:
        assert type(awarded) is type(given)
        assert points_of(awarded) == expected


# Libraries ----------------------------------------------------------------------------------------------------------

SALES = pl.DataFrame(
    {
        "id": ["t1", "t1", "t2", "t3"],
        "member": ["Ada", "Ada", "Ben", "Ada"],
        "at": [date(2026, 3, 2), date(2026, 3, 2), date(2026, 3, 8), date(2026, 4, 1)],
        "amount": [120_00, 30_00, 80_50, 60_00],
        "category": ["groceries", "fuel", "dining", "groceries"],
    }
)
DOUBLE = PerSpend(1).named("base") + PerSpend(1).when(Category("groceries")).named("groceries")


def rows_of(frame):
    if isinstance(frame, (duckdb.DuckDBPyRelation, pd.DataFrame)):
        frame = pl.DataFrame(frame.to_arrow_table() if hasattr(frame, "to_arrow_table") else frame)
    return sorted(pl.from_arrow(frame).rows() if not hasattr(frame, "lazy") else frame.lazy().collect().rows())


@pytest.mark.parametrize("library", list(LIBRARIES))
def test_points_added_up_by_member_and_month(library):
    given = LIBRARIES[library](SALES)
    report = points_by(given, DOUBLE)
    assert type(report) is type(given)
    assert [(member, str(month)[:10], points) for member, month, points in rows_of(report)] == [
        ("Ada", "2026-03-01", 270),
        ("Ada", "2026-04-01", 120),
        ("Ben", "2026-03-01", 80),
    ]
    weeks = points_by(given, DOUBLE, by="week", id="id")
    assert [(str(week)[:10], points) for week, points in rows_of(weeks)] == [("2026-03-02", 350), ("2026-03-30", 120)]


def test_a_report_names_what_it_cannot_group_by():
    with pytest.raises(DataError, match=r"fortnight: the frame has no such column; .* month"):
        points_by(SALES, DOUBLE, by="fortnight")
    with pytest.raises(DataError, match="at: there is no such column to tell the month by"):
        points_by(SALES.drop("at"), DOUBLE)
    with pytest.raises(TypeError, match="colour"):
        points_by(SALES, DOUBLE, colour="red")


def test_pandas_keeps_its_index_and_its_own_types():
    frame = pd.DataFrame(
        {
            "amount": [120_00, 30_00],
            "at": pd.to_datetime(["2026-03-02", "2026-03-08"]),
            "member": ["a", None],
            7: [1, 2],
        },
        index=["x", "y"],
    )
    awarded = award_frame(DOUBLE.named("all"), frame.assign(category=["groceries", None]))
    assert awarded["points"].to_dict() == {"x": 240, "y": 30}
    assert awarded["points"].dtype == "int64"
    assert list(awarded.columns) == ["amount", "at", "member", 7, "category", "points"]


@pytest.mark.parametrize("kind", ["bigint", "hugeint", "uhugeint"])
def test_whole_amounts_of_any_width_count_coins_whichever_way_they_are_judged(kind):
    rows = duckdb.sql("select n amount, 'a' member, date '2026-01-05' \"at\" from (values (1050), (200)) t(n)")
    relation = rows.project(f'cast(amount as {kind}) amount, member, "at"')  # a sum of DuckDB is of 128 bits
    in_columns, by_rows = PerSpend(1), PerSpend(1).when(matching(lambda line, activity, member: True))
    with warnings.catch_warnings(action="ignore"):
        for rule in (in_columns, by_rows):
            assert sorted(award_frame(rule, relation).project("points").fetchall()) == [(2,), (10,)]
    assert Program("Club", earning=in_columns).replay(relation).totals["points"].net == 12


def test_a_relation_stays_on_its_connection():
    connection = duckdb.connect()
    connection.execute("create table sales (amount decimal(18, 2), category varchar)")
    connection.execute("insert into sales values (120.50, null), (90000000000000.25, null)")
    for rule in (DOUBLE, DOUBLE * 10**4):
        awarded = award_frame(rule, connection.table("sales"))  # noqa: F841 (DuckDB finds it by its name)
        bought = (Activity.purchase(*line, at="2026-03-01") for line in (("120.5",), ("90000000000000.25",)))
        assert connection.sql("select sum(points) from awarded").fetchall() == [
            (sum(rule.award(activity).points for activity in bought),)
        ]


@pytest.mark.parametrize("library", list(LIBRARIES))
def test_a_program_judges_instants_by_its_own_calendar(library):
    at = pl.Series([datetime(2026, 3, 1, 4), datetime(2026, 3, 1, 6), datetime(2026, 3, 2, 4)])
    frame = pl.DataFrame({"amount": [10_00] * 3, "member": "a", "at": at.dt.replace_time_zone("UTC")})
    rule = PerSpend(1).named("base").cap(15, per="month") + Flat(100).when(OnWeekdays("sun"))
    club = Program("Club", earning=rule, timezone="America/New_York")
    assert points_of(award_frame(club, LIBRARIES[library](frame))) == [10, 110, 105]
    report = points_by(LIBRARIES[library](frame), club)
    assert [points for _, _, points in rows_of(report)] == [10, 215]


# Explanations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", [DOUBLE, first_of(Flat(1).when(InTier("gold")), DOUBLE)], ids=repr)
def test_each_named_part_has_a_column(rule):
    frame = SALES.with_columns(tier=pl.lit(""))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        awarded = award_frame(rule, frame, explain=True)
    assert awarded["points_base"].to_list() == [120, 30, 80, 60]
    assert awarded["points_groceries"].to_list() == [120, 0, 0, 60]
    assert awarded["points"].to_list() == [240, 30, 80, 120]


def test_a_part_is_told_before_what_is_around_it_and_rounded_down():
    rule = (PerSpend("0.5").named("half") * 2).cap(50)
    awarded = award_frame(rule, SALES, explain=True)
    assert awarded["points_half"].to_list() == [60, 15, 40, 30]
    assert awarded["points"].to_list() == [50, 30, 50, 50]


@given(rules(depth=2), baskets(), st.booleans())
def test_explained_or_not_the_points_are_the_same_and_so_are_the_parts_by_rows(rule, frame, together):
    rule = (rule.named("left") + rule.named("right").over(5)).named("both")
    how = {"id": "id" if together else None, "explain": True}
    awarded = outcome(lambda: in_bulk(rule, frame, **how))
    plain = outcome(lambda: in_bulk(rule, frame, id=how["id"]))
    by_rows = outcome(lambda: in_bulk(rule.when(matching(lambda line, activity, member: True)), frame, **how))
    if isinstance(awarded, type):
        assert awarded == plain == by_rows
    else:
        assert awarded["points"].to_list() == plain["points"].to_list()
        assert awarded.equals(by_rows)


def test_one_band_in_another_is_on_what_is_left():
    frame = pl.DataFrame({"amount": [10_00, 10_00, 4_00], "quantity": [0, 1, 1]})
    assert award_frame(PerSpend(1).over(0, of="quantity").over(5), frame)["points"].to_list() == [0, 5, 0]
    assert award_frame(PerItem(2).over(5).over(0, of="quantity"), frame)["points"].to_list() == [0, 2, 0]


# Baskets ------------------------------------------------------------------------------------------------------------


def test_a_threshold_sees_the_whole_basket():
    assert award_frame(PerSpend(1).when(MinSpend(150)), SALES)["points"].to_list() == [0, 0, 0, 0]
    assert award_frame(PerSpend(1).when(MinSpend(150)), SALES, id="id")["points"].to_list() == [120, 30, 0, 0]


def test_a_basket_is_rounded_once_and_its_points_split_by_what_lines_would_earn():
    frame = pl.DataFrame({"id": [1, 1, 1, 2], "amount": [33, 33, 34, 99]})
    assert award_frame(PerSpend(1), frame)["points"].sum() == 0
    assert award_frame(PerSpend(1), frame, id="id")["points"].to_list() == [0, 0, 1, 0]
    assert award_frame(PerSpend(1).cap(100), SALES, id="id")["points"].to_list() == [80, 20, 80, 60]


def test_rows_of_a_basket_have_one_member_and_one_moment():
    rule = PerSpend(1).named("base").cap(100, per="month")
    with pytest.raises(DataError, match=r"member\[0\]: not the same as in other rows with that 'id' in 2 rows"):
        award_frame(rule, SALES.with_columns(member=pl.Series(["Ada", "Ben", "Ben", "Ada"])), id="id")
    with pytest.raises(DataError, match=r"id\[1\]: null in 1 row"):
        award_frame(rule, SALES.with_columns(id=pl.Series(["t1", None, "t2", "t3"])), id="id")
    with pytest.raises(DataError, match=r"order: the frame has no such column; name that of the ids with id=..."):
        award_frame(rule, SALES, id="order")


def test_a_basket_of_many_lines_at_the_edge_of_a_column():
    amount = (2**63 - 1) // 1000
    frame = pl.DataFrame({"id": [1] * 1000 + [2], "amount": [amount] * 1000 + [1_00]})
    points = award_frame(PerSpend(1), frame, id="id")["points"]
    assert points.sum() == 1000 * amount // 100 + 1
    assert points[-1] == 1


# Floats -------------------------------------------------------------------------------------------------------------


def test_floats_are_rounded_where_that_is_asked_for():
    frame = pl.DataFrame({"amount": [19.99, 0.29, 1.005, 1e9]})
    assert award_frame(PerSpend(100), frame, amount_decimals=2)["points"].to_list() == [1999, 29, 100, 10**11]
    cents = pl.DataFrame({"amount": [1999.0, 28.999999999]})
    assert award_frame(PerSpend(100), cents, amount_unit="minor", amount_decimals=1)["points"].to_list() == [1999, 29]
    for wrong in (float("nan"), float("inf"), 1e15):
        with pytest.raises(InexactNumber, match=r"amount: a float such as .* is not exact to 2 decimals"):
            award_frame(PerSpend(100), pl.DataFrame({"amount": [wrong, 1.0]}), amount_decimals=2)


def test_facts_are_named_by_their_columns():
    frame = SALES.with_columns(plan=pl.lit("pro"), n=pl.Series([1, 2, 3, 4]))
    rule = PerUnit(10, of="nights").when(MemberFact("plan", "pro"))
    assert award_frame(rule, frame, facts={"nights": "n"}, member_facts=["plan"])["points"].to_list() == [
        10,
        20,
        30,
        40,
    ]
    with pytest.raises(DataError, match=r"nights: the rule reads the fact 'nights', .* facts={'nights': ...}"):
        award_frame(rule, frame, member_facts=["plan"])
    with pytest.raises(RuleError, match="'plan' is one name"):
        award_frame(rule, frame, member_facts="plan")
    with pytest.raises(DataError, match="m: the frame has no such column; name that of a fact"):
        award_frame(rule, frame, facts={"nights": "m"}, member_facts=["plan"])


def test_a_key_that_a_table_does_not_have_is_the_error_of_the_rule():
    frame = SALES.with_columns(zone=pl.Series(["a", "b", None, "a"]))
    rule = PointsTable({"a": 5, "b": 6}, by="zone")
    assert award_frame(rule.when(Fact("zone")), frame, facts=["zone"])["points"].to_list() == [5, 6, 0, 5]
    with pytest.raises(RuleError, match="has no row for None"):
        award_frame(rule, frame, facts=["zone"])


@pytest.mark.parametrize("library", list(LIBRARIES))
@pytest.mark.parametrize(
    ("amounts", "how", "expected"),
    [
        (pl.Series([10.5, 9.99, 0.29]), {"amount_decimals": 2}, [10, 9, 0]),
        (pl.Series(["10.5", "9.99", "31/3"]), {}, [10, 9, 10]),
        (pl.Series(["1050", "999", "100"]), {"amount_unit": "minor"}, [10, 9, 1]),
        (pl.Series([Decimal("10.505"), Decimal("9.999"), Decimal(1)]), {}, [10, 9, 1]),
        (pl.Series([1050, 999, 100], dtype=pl.UInt16), {}, [10, 9, 1]),
        (pl.Series([2**63 - 1, 999, 100]), {"amount_unit": "major"}, [2**63 - 1, 999, 100]),
    ],
)
def test_amounts_of_every_library(library, amounts, how, expected):
    frame = LIBRARIES[library](pl.DataFrame({"amount": amounts}))
    assert points_of(award_frame(PerSpend(1), frame, **how)) == expected


@pytest.mark.parametrize("library", list(LIBRARIES))
@pytest.mark.parametrize("rule", [DOUBLE, DOUBLE.when(matching(lambda line, activity, member: True))], ids=repr)
def test_an_empty_frame_and_one_of_one_row(library, rule):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        for how in ({}, {"id": "id"}, {"explain": True}):
            assert points_of(award_frame(rule, LIBRARIES[library](SALES.clear()), **how)) == []
            assert points_of(award_frame(rule, LIBRARIES[library](SALES.head(1)), **how)) == [240]
