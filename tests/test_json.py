"""JSON text that is written in one pass: the same as of plain data, whatever the value holds."""

from datetime import UTC, date, datetime
from fractions import Fraction
import json

from hypothesis import given
from hypothesis import strategies as st
import pytest
from stored import EVERYTHING
from stories import STORIES, Teller

from loyaltycore import *
from loyaltycore._json import Unusual, text_of

PLAIN = st.one_of(
    st.text(st.characters(exclude_categories=[])), st.integers(), st.booleans(), st.none(), st.fractions(),
    st.dates().map(date.isoformat), st.dates(), st.datetimes(timezones=st.just(UTC)),
)  # fmt: skip
FACTS = st.dictionaries(st.text(min_size=1, max_size=5) | st.just("type"), PLAIN, max_size=4)


@pytest.mark.parametrize("value", EVERYTHING)
def test_each_kind_is_written_as_its_data(value):
    assert text_of(value) == json.dumps(to_data(value), ensure_ascii=False)


@given(STORIES)
def test_what_an_account_keeps_is_written_as_its_data(steps):
    teller = Teller()
    teller.tell(steps)
    for value in (*teller.account.entries, teller.account.snapshot()):
        assert text_of(value) == json.dumps(to_data(value), ensure_ascii=False)


@given(FACTS, st.fractions(min_value=0) | st.integers(min_value=0))
def test_any_facts_are_written_as_their_data_or_refused_alike(facts, amount):
    try:
        activity = Activity([Line(amount, facts=facts)], at="2026-03-01", id="t-1", facts=facts)
    except LoyaltyError:
        return
    try:
        said = json.dumps(to_data(activity), ensure_ascii=False)
    except LoyaltyError as error:
        with pytest.raises(type(error), match=r"surrogate|digits"):
            to_json(activity)
    else:
        assert to_json(activity) == said


def test_what_is_out_of_the_ordinary_is_left_to_plain_data():
    deep = "x"
    for _ in range(15):
        deep = (deep,)
    for fact in ("\ud800", 10**2000, deep):
        with pytest.raises((Unusual, LoyaltyError)):
            text_of(Activity.action("visit", at="2026-03-01", odd=fact))
    with pytest.raises(Unusual):
        text_of(matching(lambda line, activity, member: True))


def test_numbers_and_moments_that_would_stay_text_say_what_they_are():
    activity = Activity.action(
        "visit", at="2026-03-01", half=Fraction(1, 2), on=date(2026, 1, 1), since=datetime(2026, 1, 1)
    )
    assert from_json(to_json(activity)) == activity
    assert '"half": {"type": "number", "value": "0.5"}' in to_json(activity)
