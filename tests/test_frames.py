"""Bulk: a rule gives a frame exactly what it gives each row, in the order of time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from importlib import reload
from itertools import count
import sys
import warnings

from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st
import polars as pl
import pytest

from loyaltycore import *
from loyaltycore import frames
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
class DoubleSpend(type(PerSpend(1))):
    """A built-in that was changed: what the built-in says of columns is not true of it."""

    kind = "double_spend_in_a_frame"

    def earn(self, activity, member):
        return activity.amount * 2


def row_by_row(points, frame, program=None, hundredths=100):
    """What each row earns as an activity of its member, in the order of time and then of the rows."""
    members, earned = {}, {}
    for i, row in sorted(enumerate(frame.to_dicts()), key=lambda pair: (pair[1]["at"], pair[0])):
        who, tier = row["member"], row["tier"] or ""
        activity = Activity(
            Line(Fraction(row["amount"], hundredths), row["category"] or ""), at=row["at"], member=who
        )
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
    match draw(st.sampled_from(["leaf", "sum", "times", "when", "between", "over", "named", "round", "cap", "capped"])):
        case "leaf":
            return draw(leaf)
        case "sum":
            return rule + draw(rules(depth - 1, names))
        case "times":
            return rule * draw(factors())
        case "when":
            return rule.when(draw(conditions()))
        case "between":
            low = draw(st.sampled_from([0, 1, 50, "49.99", "10/3"]))
            return rule.between(low, Fraction(low) + draw(st.sampled_from([1, 50, "0.01"]).map(Fraction)))
        case "over":
            return rule.over(draw(limits))
        case "named":
            return rule.named("part")
        case "round":
            mode = draw(st.sampled_from(["floor", "ceil", "half_up", "half_down", "half_even"]))
            return rule.rounded(mode, to=draw(st.sampled_from([1, 5, "0.25"])))
        case "cap":
            return rule.cap(draw(limits), per=draw(st.sampled_from(["activity", "line"])))
        case _:
            per = draw(st.sampled_from(["month", "month", "quarter", "year", "ever"]))
            return rule.named(f"capped {next(names)}").cap(draw(limits), per=per)


@given(rules(), frames_of(civil_days, pl.Date))
def test_a_frame_is_awarded_what_its_rows_are(rule, frame):
    expected = row_by_row(rule, frame)
    assert award_frame(rule, frame)["points"].to_list() == expected
    assert award_frame(rule, frame.lazy()).collect()["points"].to_list() == expected


@given(
    rules(),
    frames_of(instants, pl.Datetime("us", "UTC")),
    st.builds(Rounding, st.sampled_from(["floor", "ceil", "half_up", "half_down", "half_even"]), to=st.just(1) | st.just(10)),
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
