"""Entries and snapshots that are not as an account wrote them are a `DataError` with the place, or harmless."""

import copy
from datetime import timedelta

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from stories import STORIES, Teller, told

from loyaltycore import *

FEW = settings(max_examples=max(20, settings.default.max_examples // 2))
CLUB = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(10)})

OTHER = st.sampled_from((None, "x", "", -5, 0, 10**6, True, "1/3", "2026-03-01", "2026-03-01T10:00+00:00", [], [1], {}))
"""What stands where something else stood."""


def places(data, path=()):
    """The paths to everything in data."""
    if isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield (*path, key)
            yield from places(value, (*path, key))


def tampered(draw, data):
    """The data with something of it replaced or left out."""
    data = copy.deepcopy(data)
    *path, last = draw(st.sampled_from(list(places(data))))
    inside = data
    for key in path:
        inside = inside[key]
    if draw(st.booleans()):
        del inside[last]
    else:
        inside[last] = draw(OTHER)
    return data


def account():
    """One with two lots, of which one was spent from, and a hold."""
    member = CLUB.account("m-1")
    member.earn(Activity.purchase(30, at="2026-01-05", id="t-1"))
    member.earn(Activity.purchase(20, at="2026-01-06", id="t-2"))
    member.redeem("coffee", id="r-1", at="2026-01-07")
    member.hold("coffee", id="h-1", at="2026-01-08")
    return member


@FEW
@given(STORIES, st.data())
def test_entries_that_were_tampered_with_are_refused_or_can_be_asked(steps, data):
    teller = Teller()
    teller.tell(steps)
    stored = tampered(data.draw, [to_data(entry) for entry in teller.account.entries])
    club = teller.account._terms
    try:
        entries = [from_data(entry) for entry in stored]
        there = club.account("m-1", joined="2026-01-01", facts={"size": "M"}, entries=entries)
        told(there, max(teller.now, *(entry.posted for entry in entries)) + timedelta(45))
    except LoyaltyError:
        pass


@FEW
@given(STORIES, st.data())
def test_a_snapshot_that_was_tampered_with_is_refused_or_can_be_asked(steps, data):
    teller = Teller()
    teller.tell(steps)
    snapshot = teller.account.snapshot()
    stored = tampered(data.draw, to_data(snapshot))
    try:
        club = teller.account._terms
        there = club.account("m-1", joined="2026-01-01", facts={"size": "M"}, snapshot=from_data(stored))
        told(there, teller.now + timedelta(45))
    except LoyaltyError:
        pass


WRONG = {
    "one is left out": (lambda e: [e[0], *e[2:]], r"entries\[1\]: it is number 3 and should be 2"),
    "one comes twice": (lambda e: [*e, e[-1]], r"entries\[4\]: it is number 4 and should be 5"),
    "the time runs backwards": (
        lambda e: [*e[:3], changed(e[3], posted=e[0].posted)],
        r"entries\[3\]: it was posted at 2026-01-05T00:00\+00:00, before the one before it",
    ),
    "a lot that there is not": (lambda e: [*e[:3], changed(e[3], lots=((9, 10),))], r"entries\[3\]: held 'h-1'"),
    "more than a lot has": (
        lambda e: [*e[:2], changed(e[2], points=90, lots=((1, 90),)), e[3]],
        r"entries: lot 1 is left with -70 points",
    ),
    "an activity that is none": (
        lambda e: [changed(e[0], data={**e[0].data, "activity": "t-1"}), *e[1:]],
        r"entries\[0\]: its activity is 't-1'",
    ),
    "a kind that is none": (lambda e: [changed(e[0], kind="stolen"), *e[1:]], r"entries\[0\]: 'stolen' is no kind"),
}


def changed(entry, **fields):
    """The entry with other fields."""
    data = type(entry.data)(fields.pop("data", entry.data))
    return evolve(entry, data=data, **fields)


@pytest.mark.parametrize("what", WRONG)
def test_the_error_names_the_place(what):
    change, told_so = WRONG[what]
    with pytest.raises(DataError, match=told_so):
        CLUB.account("m-1", entries=change(list(account().entries)))


def test_what_an_account_wrote_is_taken():
    assert CLUB.account("m-1", entries=account().entries).balance(at="2026-01-08") == 30
