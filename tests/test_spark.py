"""Spark: the same points and the same history as on one machine."""

from datetime import date, datetime
from decimal import Decimal
import re
import sys
import warnings

from hypothesis import given, settings
from hypothesis import strategies as st
import polars as pl
from polars.testing import assert_frame_equal
from pyspark.errors import PythonException
import pytest
from sparks import MayBonus, session
from test_frames_engines import FACTS, MEMBER_FACTS, baskets, in_bulk, judged, outcome, rules
from test_replay import PROGRAMS, life

from loyaltycore import *
from loyaltycore.calls import Call
from loyaltycore.spark import award_frame, points_by, replay_spark

EXAMPLES = max(settings().max_examples // 60, 1)
"""Each takes Spark seconds, and tries several rules."""


@pytest.fixture(scope="module")
def spark():
    found = session()
    yield found
    found.stop()


def on(spark, frame, parts=2):
    """The frame on Spark, with the places of its rows."""
    placed = frame.with_row_index("place").cast({"place": pl.Int64})
    return spark.createDataFrame(placed.to_arrow()).coalesce(parts)


def back(frame):
    """A frame of Spark in polars, in the order of its rows."""
    return pl.from_arrow(frame.toArrow()).sort("place").drop("place")


def runs_python(frame, capsys):
    """Whether Spark hands the rows to Python."""
    frame.explain()
    return "MapInArrow" in capsys.readouterr().out


# Points ---------------------------------------------------------------------------------------------------------------


@st.composite
def sales(draw):
    """Orders of several members, some with more of the same."""
    frames = [
        draw(baskets()).with_columns(pl.format("{}/{}", "id", pl.lit(n)), pl.format("{}/{}", "member", pl.lit(n)))
        for n in range(draw(st.integers(1, 3)))
    ]
    return pl.concat(frames)


def in_columns(rule, frame, **how):
    """What polars gives by columns, or `None` where it asks the rule itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", LoyaltyWarning)
        try:
            return in_bulk(rule, frame, **how)["points"].to_list()
        except LoyaltyWarning:
            return None


@settings(max_examples=EXAMPLES)
@given(st.lists(rules(depth=2), min_size=4, max_size=6), sales(), st.booleans())
def test_a_frame_of_spark_is_awarded_what_its_rows_are(spark, tried, frame, together):
    how = {"id": "id"} if together else {}
    expected = {rule: outcome(lambda rule=rule: judged(rule, frame, together=together)) for rule in tried}
    by_columns = {rule: outcome(lambda rule=rule: in_columns(rule, frame, **how)) for rule in tried}
    for on_columns in (True, False):
        units = {
            f"unit {n}": rule
            for n, rule in enumerate(tried)
            if isinstance(expected[rule], list) and (by_columns[rule] is not None) is on_columns
        }
        if not units:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LoyaltyWarning)
            club = Program(
                "Club", points={name: Points(rule) for name, rule in units.items()} | {"none": Points(Flat(0))}
            )
            found = back(award_frame(club, on(spark, frame), facts=FACTS, member_facts=MEMBER_FACTS, **how))
        for name, rule in units.items():
            assert found[f"points_{name}"].to_list() == expected[rule]
            assert by_columns[rule] in (None, expected[rule])


EDGE = [0, 1, 2**31, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 3, 3 * 2**53 + 1]


def test_numbers_past_what_a_float_tells_apart_are_exact(spark, capsys):
    tried = [
        PerSpend("1/3"),
        PerSpend(1, every="0.07"),
        PerSpend(1).rounded("half_even", to=3),
        PerSpend(7).over("0.5"),
    ]
    club = Program("Club", points={f"unit {n}": Points(rule) for n, rule in enumerate(tried)})
    awarded = award_frame(club, on(spark, pl.DataFrame({"amount": EDGE})))
    assert not runs_python(awarded, capsys)
    found = back(awarded)
    for n, rule in enumerate(tried):
        exact = [rule.award(Activity.purchase(Decimal(amount) / 100, at="2026-03-01")).points for amount in EDGE]
        assert found[f"points_unit {n}"].to_list() == exact


def test_numbers_past_a_column_are_exact_all_the_same(spark, capsys):
    awarded = award_frame(PerSpend(90), on(spark, pl.DataFrame({"amount": [100, 2**62, 2**63 - 1]})))
    assert runs_python(awarded, capsys)
    assert back(awarded)["points"].to_list() == [90, 2**62 * 90 // 100, (2**63 - 1) * 90 // 100]


def test_the_split_of_a_basket_at_the_edge_of_a_float(spark):
    frame = pl.DataFrame({"id": [1] * 30 + [2], "amount": [2**53 + 1] * 30 + [1_00]})
    for rule in (PerSpend("0.01"), PerSpend(1).over(1)):
        expected = points_alone(rule, frame, id="id")
        assert back(award_frame(rule, on(spark, frame), id="id"))["points"].to_list() == expected


def points_alone(rule, frame, **how):
    return award_frame(rule, frame, **how)["points"].to_list()


SALES = pl.DataFrame(
    {
        "id": ["t1", "t1", "t2", "t3", "t4"],
        "member": ["Ada", "Ada", "Ben", "Ada", "Ada"],
        "at": [datetime(2026, 3, 2, 8), datetime(2026, 3, 2, 8), datetime(2026, 3, 8, 2, 30), datetime(2026, 5, 1),
               datetime(2026, 5, 31, 23, 59)],
        "amount": [120_00, 30_00, 80_50, 60_00, 45_99],
        "category": ["groceries", None, "dining", "groceries", ""],
    }
)  # fmt: skip
CAPPED = PerSpend(4).when(Category("groceries")).named("groceries").cap(500, per="month")


def test_a_rule_of_ones_own_is_asked_row_by_row_and_that_is_said_once(spark, capsys):
    rule = MayBonus().named("may").cap(550, per="month") + PerSpend(1)
    frame = on(spark, SALES).repartition(4)  # no member's rows are together
    with pytest.warns(LoyaltyWarning, match=r"columns cannot express MayBonus\(\); each row") as said:
        awarded = award_frame(rule, frame, explain=True)
    assert len(said) == 1
    assert runs_python(awarded, capsys)
    found = back(awarded)
    assert found["points"].to_list() == [240, 60, 160, 560, 95]
    assert found["points_may"].to_list() == [120, 30, 80, 500, 500]
    with pytest.warns(LoyaltyWarning, match="matching"):
        odd = award_frame(
            PerSpend(1).when(matching(lambda line, activity, member: line.amount == 120)), on(spark, SALES)
        )
    assert back(odd)["points"].to_list() == [120, 0, 0, 0, 0]


@pytest.mark.parametrize("rule", [CAPPED, MayBonus()], ids=repr)
def test_an_empty_frame_and_one_of_one_row(spark, rule):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoyaltyWarning)
        for how in ({}, {"id": "id"}):
            for frame in (SALES.clear(), SALES.head(1)):
                expected = award_frame(rule, frame, **how)
                assert_frame_equal(back(award_frame(rule, on(spark, frame), **how)), expected)


def test_the_frame_stays_as_it_is_whatever_its_columns_are_called(spark):
    odd = {"a.b": 1, "Amount ": 2, "`": 3, "_LC0": 4, "x": 5, "X": 6}
    frame = on(spark, SALES).selectExpr(
        "*", *(f"{value} AS `{name.replace('`', '``')}`" for name, value in odd.items())
    )
    for rule in (CAPPED, CAPPED + PerSpend(2**60)):  # by columns, and in Python
        awarded = award_frame(rule, frame)
        assert awarded.columns == [*frame.columns, "points"]
        assert awarded.schema["points"].dataType.typeName() == "long"
    with pytest.raises(DataError, match=r"net.amount: a dot or a backtick .* withColumnRenamed\('net.amount', ...\)"):
        award_frame(CAPPED, on(spark, SALES.rename({"amount": "net.amount"})), amount="net.amount")
    with pytest.raises(DataError, match="AMOUNT: Spark does not tell it from 'amount'; rename one of them"):
        award_frame(PerSpend(1), on(spark, SALES.with_columns(AMOUNT=1)))


def test_amounts_of_every_kind(spark):
    for amounts, how in (
        ([Decimal("10.505"), Decimal("9.999")], {}),
        ([Decimal("0.5"), Decimal("3.5")], {}),
        (pl.Series([Decimal("0.5"), Decimal("3.5")], dtype=pl.Decimal(38, 30)), {}),
        (["10.5", "31/3", "1e1", "-0"], {}),
        (["1050", "1/3"], {"amount_unit": "minor"}),
        ([0.125, 0.375, 19.99, 0.29], {"amount_decimals": 2}),
        (pl.Series([1050, 999], dtype=pl.Int16), {}),
        ([2**63 - 1, 999], {"amount_unit": "major"}),
    ):
        frame = pl.DataFrame({"amount": amounts})
        expected = points_alone(PerSpend(1), frame, **how)
        assert back(award_frame(PerSpend(1), on(spark, frame), **how))["points"].to_list() == expected


@pytest.mark.parametrize("text", ["12\n", "twelve"])
def test_what_only_the_rule_itself_can_tell_is_said_when_spark_computes(spark, text):
    awarded = award_frame(PerSpend(1), on(spark, pl.DataFrame({"amount": ["12", text]})))
    with pytest.raises(PythonException, match=f"InexactNumber: amount: {re.escape(repr(text))} is not a number"):
        awarded.collect()


def test_what_is_wrong_with_a_frame_is_said_as_of_any_other(spark):
    for frame, error, message in (
        (pl.DataFrame({"amount": [5, None]}), DataError, r"amount\[\d+\]: null in 1 row; fill them in"),
        (pl.DataFrame({"amount": [5, -1]}), DataError, r"amount\[\d+\]: below 0 in 1 row"),
        (pl.DataFrame({"amount": [1.5]}), InexactNumber, "is not exact; say to how many decimals"),
        (pl.DataFrame({"total": [5]}), DataError, "total|amount="),
    ):
        with pytest.raises(error, match=message):
            award_frame(PerSpend(1), on(spark, frame))


# Time -----------------------------------------------------------------------------------------------------------------

TIMED = {
    "weekend": PerSpend(1).when(OnWeekdays("sat", "sun")),
    "early": PerSpend(1).when(InHours("01:30", "02:30")),
    "days": PerSpend(1).when(During("2026-03-08", "2026-11-01")),
    "moments": PerSpend(1).when(During("2026-03-08T02:30", "2026-11-01T01:30")),
    "month": PerSpend(1).named("m").cap(15, per="month"),
    "week": PerSpend(1).named("w").cap(15, per=Calendar("week", starts=6)),
    "quarter": PerSpend(1).named("q").cap(25, per="quarter"),
    "day": PerSpend(1).named("d").cap(15, per="day"),
}
CLUB = Program("Club", points={name: Points(rule) for name, rule in TIMED.items()}, timezone="America/New_York")
HOURS = [
    *pl.datetime_range(datetime(2026, 3, 7), datetime(2026, 3, 9), "90m", eager=True),
    *pl.datetime_range(datetime(2026, 10, 31), datetime(2026, 11, 2), "90m", eager=True),
    *[datetime(1969, 12, 28), datetime(1969, 12, 31, 23), datetime(1970, 1, 1), datetime(1903, 2, 28)],
]


@pytest.mark.parametrize(
    "moments",
    [
        pl.Series(HOURS).dt.replace_time_zone("UTC").dt.convert_time_zone("America/Los_Angeles"),
        pl.Series(HOURS),
        pl.Series(HOURS).dt.date(),
    ],
    ids=["instants", "civil times", "days"],
)
def test_calendars_are_the_programs_whatever_zone_the_session_has(spark, moments):
    frame = pl.DataFrame({"at": moments, "member": "a", "amount": 10_00})
    expected = award_frame(CLUB, frame)
    assert_frame_equal(back(award_frame(CLUB, on(spark, frame))).drop("at"), expected.drop("at"))
    periods = ("day", "week", "month", "quarter", "year")
    plain = Program("Club", earning=PerSpend(1), timezone="America/New_York")
    summed = pl.from_arrow(points_by(on(spark, frame), plain, by=periods).toArrow())
    assert_frame_equal(summed.sort(periods), points_by(frame, plain, by=periods))


def test_points_added_up_by_member_and_month(spark):
    report = points_by(on(spark, SALES), CAPPED, id="id")
    assert report.columns == ["member", "month", "points"]
    assert sorted(tuple(row) for row in report.collect()) == [
        ("Ada", date(2026, 3, 1), 480),
        ("Ada", date(2026, 5, 1), 240),
        ("Ben", date(2026, 3, 1), 0),
    ]


# Replay ---------------------------------------------------------------------------------------------------------------


def history(seeds):
    """What members did as rows, each seed's members by names of their own."""
    rows = []
    for seed in seeds:
        for event in life(seed, members=2, events=8):
            call = isinstance(event, Call)
            if call and event.verb == "note":
                continue
            bought = event.args[0] if call and event.verb == "earn" else event
            row = {"id": event.id, "member": event.member, "at": event.at, "posted": event.posted if call else None}
            if isinstance(bought, Activity):
                row |= {"amount": int(bought.amount * 100)}
            else:
                what = {"reverse": "of", "adjust": "points"}.get(event.verb, "reward")
                row |= {"amount": None, "kind": event.verb, what: event.args[0]}
                row |= {
                    name: event.facts[name]
                    for name in ("on_shortfall", "unit", "reason", "actor")
                    if name in event.facts
                }
            rows.append(
                {name: f"{value}.{seed}" if name in ("id", "member", "of") else value for name, value in row.items()}
            )
    schema = {"id": pl.String, "member": pl.String, "at": pl.Datetime("us"), "posted": pl.Datetime("us"),
              "amount": pl.Int64, "kind": pl.String, "reward": pl.String, "of": pl.String, "points": pl.Int64,
              "on_shortfall": pl.String, "unit": pl.String, "reason": pl.String, "actor": pl.String}  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


def sorted_rows(frame):
    frame = frame if isinstance(frame, pl.DataFrame) else pl.from_arrow(frame.toArrow())
    return sorted(frame.rows())


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@settings(max_examples=max(EXAMPLES // 2, 1))
@given(seeds=st.lists(st.integers(0, 10_000), min_size=1, max_size=6, unique=True), shuffled=st.randoms())
def test_a_replay_on_spark_is_that_of_one_process(spark, program, seeds, shuffled):
    frame = history(seeds)
    order = list(range(len(frame)))
    shuffled.shuffle(order)
    one = program.replay(frame, entries=True, progress=False)
    with replay_spark(program, on(spark, frame[order], parts=3), entries=True) as many:
        assert many.at == one.at
        assert many.counts == (one.events, one.refused, one.members)
        assert sorted_rows(many.monthly()) == sorted_rows(one.monthly())
        assert sorted_rows(many.balances()) == sorted_rows(one.balances())
        assert sorted_rows(many.entries()) == sorted_rows(one.entries())


def test_members_are_whole_however_many_partitions_there_are(spark, monkeypatch):
    monkeypatch.setattr("loyaltycore.spark.CHUNK", 5)
    frame = history(range(9))
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 3)
    try:
        with replay_spark(PROGRAMS["versions"], on(spark, frame), at="2026-08-01") as many:
            one = PROGRAMS["versions"].replay(frame, at="2026-08-01", progress=False)
            assert many.counts == (one.events, one.refused, one.members)
            assert sorted_rows(many.balances()) == sorted_rows(one.balances())
            assert sorted_rows(many.balances(at="2026-03-01")) == sorted_rows(one.balances(at="2026-03-01"))
            assert sorted_rows(many.entries()) == sorted_rows(one.entries())
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")


def test_instants_members_and_columns_of_other_names(spark):
    club = Program("Club", earning=PerSpend(1) * by_member_fact("plan", {"pro": 2}), timezone="America/New_York")
    frame = pl.DataFrame(
        {
            "who.is": [1, 2],
            "when": pl.Series([datetime(2026, 3, 1, 4, 59), datetime(2026, 3, 1, 5)]).dt.replace_time_zone("UTC"),
            "amount": [10_00, 20_00],
            "AMOUNT due": [0, 0],
        }
    )
    known = [Member("2", facts={"plan": "pro"}), Member("3")]
    columns = {"member": "who.is", "date": "when", "amount": "amount"}
    with replay_spark(club, on(spark, frame), members=known, columns=columns) as many:
        assert str(many.at) == "2026-03-01 00:00:00-05:00"
        assert repr(many) == "<SparkReplay of Club up to 2026-03-01>"
        assert many.program is club
        assert [(row.month, row.earned) for row in many.monthly().collect()] == [("2026-02", 10), ("2026-03", 40)]
        assert sorted_rows(many.balances())[1][:4] == ("2", "", "points", 40)


def test_what_cannot_be_replayed_is_said(spark):
    club = PROGRAMS["versions"]
    text = on(spark, SALES.with_columns(pl.col("at").cast(pl.String)))
    with pytest.raises(DataError, match=r"at: String is no moment; convert it, as in F.to_timestamp\('at'\)"):
        replay_spark(club, text)
    with pytest.raises(DataError, match=r"DataFrame is no frame of Spark; give one, or use program.replay"):
        replay_spark(club, SALES)
    with pytest.raises(DataError, match="there are no events, so no end"):
        replay_spark(club, on(spark, SALES.clear()))
    with pytest.raises(DataError, match="no column looks like the member"):
        replay_spark(club, on(spark, SALES.drop("member")))
    with replay_spark(club, on(spark, SALES.clear()), at="2026-03-01") as empty:
        assert empty.counts == (0, 0, 0)
        assert empty.monthly().collect() == []


def test_without_pandas_spark_cannot_hand_rows_to_python(spark, monkeypatch):
    frame = on(spark, SALES)
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'loyaltycore\[spark\]'"):
        replay_spark(PROGRAMS["versions"], frame)
