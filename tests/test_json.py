"""JSON text that is written and read in one pass: the same as by plain data, whatever the value holds."""

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
from loyaltycore._parsing import value_of

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


# Reading --------------------------------------------------------------------------------------------------------------


def quickly(text):
    """What is read in one pass; `None` where that is left to plain data."""
    try:
        return value_of(text)
    except Unusual:
        return None


def as_read(text):
    """What plain data say, or that they say no."""
    try:
        return from_data(json.loads(text))
    except LoyaltyError:
        return None


@pytest.mark.parametrize("value", EVERYTHING)
def test_each_kind_is_read_as_its_data_are(value):
    text = to_json(value)
    found = quickly(text)
    assert found is None or (found == value and repr(found) == repr(value) and to_json(found) == text)


@given(STORIES)
def test_what_an_account_keeps_is_read_in_one_pass(steps):
    teller = Teller()
    teller.tell(steps)
    for value in (*teller.account.entries, teller.account.snapshot()):
        found = value_of(to_json(value))
        assert found == value == as_read(to_json(value))
        assert to_json(found) == to_json(value)


@given(FACTS, st.fractions(min_value=0) | st.integers(min_value=0))
def test_any_facts_are_read_as_their_data_are(facts, amount):
    try:
        text = to_json(Activity([Line(amount, facts=facts)], at="2026-03-01", id="t-1", facts=facts))
    except LoyaltyError:
        return
    found = quickly(text)
    assert found is None or found == as_read(text)


@given(st.data())
def test_what_was_changed_by_hand_is_read_alike_or_left_to_plain_data(data):
    account = Program("Club", earning=PerSpend("1.5")).account("m-1")
    account.earn(Activity.purchase("10.50", at="2026-01-05", id="t-1", till=3))
    stored = json.loads(to_json(data.draw(st.sampled_from([*account.entries, account.snapshot()]))))
    places = [stored]
    for place in places:
        inside = place.values() if isinstance(place, dict) else place
        places += [it for it in inside if isinstance(it, (dict, list)) and it]
    place = data.draw(st.sampled_from(places))
    key = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
    odd = st.sampled_from(["", "2026-13-01", "PerSpend(2)", 10**50, -1, 0.5, True, None, [], {}, [1], {"type": "line"}])
    if data.draw(st.booleans()):
        place[key] = data.draw(odd)
    elif isinstance(place, dict):
        place[data.draw(st.sampled_from(["version", "type", "odd", "reason"]))] = place.pop(key)
    text = json.dumps(stored)
    found = quickly(text)
    assert found is None or (found == as_read(text) and repr(found) == repr(as_read(text)))


@pytest.mark.parametrize("text", [
    '{"version": 1, "type": "line", "amount": 1, "amount": 2}', '{"version": 1, "type": "line", "amount": NaN}',
    '{"version": true, "type": "line", "amount": 1}', '{"version": 1, "type": "line", "amount": 1, "sku": "\\ud800"}',
    '{"version": 1, "type": "line", "amount": 1, "amounts": 2}', '{"version": 1, "type": "line"}', "[]", "", "7",
    '{"version": 1, "type": [], "amount": 1}', '{"version": 1, "type": "line", "amount": "1' + "0" * 5000 + '"}',
])  # fmt: skip
def test_what_is_no_stored_value_is_left_to_plain_data_which_refuse_it(text):
    with pytest.raises(Unusual):
        value_of(text)
    with pytest.raises(LoyaltyError):
        from_json(text)
