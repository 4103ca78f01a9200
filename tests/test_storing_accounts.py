"""Entries as data and back: a store that keeps JSON has kept the account."""

from datetime import datetime, timedelta
import json
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from stories import BEGIN, CLUB, STORIES, Teller, plain, told

from loyaltycore import *

FEW = settings(max_examples=max(10, settings.default.max_examples // 5))


def stored(entries):
    """What a store gives back that keeps a JSON text for each entry."""
    return [from_json(to_json(entry)) for entry in entries]


def reopened(account, entries):
    return CLUB.account(account.id, joined="2026-01-01", facts={"size": "M"}, entries=entries)


@given(STORIES)
def test_an_entry_is_exactly_what_it_was(steps):
    teller = Teller()
    teller.tell(steps)
    entries = teller.account.entries
    for before, after in zip(entries, stored(entries), strict=True):
        assert after == before
        assert (after.reason, repr(after)) == (before.reason, repr(before))
        assert type(after.lots) is tuple


@given(STORIES)
def test_results_are_exactly_what_they_were(steps):
    for result in Teller().tell(steps):
        if isinstance(result, (Receipt, Redemption)):
            assert from_json(to_json(result)) == result


@given(STORIES, STORIES)
def test_an_account_goes_on_from_what_was_stored(before, after):
    here = Teller()
    here.tell(before)
    there = here.fork(reopened(here.account, stored(here.account.entries)))
    assert plain(there.tell(after)) == plain(here.tell(after))
    assert there.account.entries == here.account.entries
    assert told(there.account, here.now + timedelta(45)) == told(here.account, here.now + timedelta(45))


@FEW
@given(STORIES, st.integers(0, 60))
def test_every_cut_is_the_same_account_stored_or_not(steps, days):
    teller = Teller()
    teller.tell(steps)
    entries = teller.account.entries
    at = teller.now + timedelta(days)
    kept = stored(entries)
    for cut in range(len(entries) + 1):
        here, there = reopened(teller.account, entries[:cut]), reopened(teller.account, kept[:cut])
        assert told(there, at) == told(here, at)
    assert there.statement(at=at) == here.statement(at=at)


@given(STORIES)
def test_a_statement_is_exactly_what_it_was(steps):
    teller = Teller()
    teller.tell(steps)
    statement = teller.account.statement(at=teller.now)
    assert from_json(to_json(statement)) == statement
    assert str(from_json(to_json(statement))) == str(statement)


def test_an_entry_as_data():
    account = Program("Club", earning=PerSpend("1.5"), timezone="Europe/London").account("m-1")
    [entry] = account.earn(Activity.purchase("12.60", at="2026-07-05T12:00", id="t-1")).entries
    assert to_data(entry) == {
        "version": 1,
        "type": "entry",
        "seq": 1,
        "kind": "earned",
        "id": "t-1",
        "at": "2026-07-05T11:00:00+00:00",
        "posted": "2026-07-05T11:00:00+00:00",
        "unit": "points",
        "points": 18,
        "lots": [[1, 18]],
        "reason": "PerSpend('1.5')",
        "data": {
            "activity": {
                "type": "activity",
                "lines": [{"type": "line", "amount": "12.6"}],
                "at": "2026-07-05T12:00:00+01:00[Europe/London]",
                "id": "t-1",
            },
            "exact": {"type": "number", "value": "18.9"},
        },
    }


def test_the_version_of_the_data_is_checked():
    account = CLUB.account("m-1")
    [entry] = account.adjust(5, unit="stars", reason="a gift", actor="me", id="a-1", at="2026-01-05")
    with pytest.raises(DataError, match=r"\$\.version: the number 2 is no version"):
        from_data({**to_data(entry), "version": 2})


# Moments keep their zone: civil time is what rules read, and an hour may be there twice ------------------------------

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    "at",
    [
        datetime(2026, 7, 5, 12, tzinfo=NEW_YORK),
        datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK),
        datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=NEW_YORK),
        datetime(2026, 3, 8, 2, 30, tzinfo=NEW_YORK),
        datetime(2026, 3, 8, 2, 30, fold=1, tzinfo=NEW_YORK),
        datetime(2026, 1, 5, tzinfo=ZoneInfo("UTC")),
        datetime(1890, 1, 1, tzinfo=ZoneInfo("Asia/Baku")),
        BEGIN,
        datetime(2026, 1, 5, 0, 0, 0, 1),
    ],
)
def test_a_moment_keeps_its_zone(at):
    activity = Activity.action("review", at=at)
    again = from_json(to_json(activity))
    assert again == activity
    assert (repr(again.at), again.at.tzname()) == (repr(at), at.tzname())


def test_a_retry_in_an_hour_that_is_there_twice():
    """Moments of one zone are compared by civil time; read back without it, they would never be equal."""
    club = Program("Club", earning=PerSpend(1), timezone="America/New_York")
    account = club.account("m-1")
    night = Activity.purchase(10, at=datetime(2026, 11, 1, 1, 30, fold=1), id="t-1")
    receipt = account.earn(night)
    again = club.account("m-1", entries=stored(account.entries))
    assert again.earn(night).entries == receipt.entries


@pytest.mark.parametrize("zone", ["Nowhere/Land", "../../etc/passwd", "", "Europe/London]["])
def test_a_zone_that_is_not_known_is_refused(zone):
    data = to_data(Activity.action("review", at=BEGIN))
    with pytest.raises(DataError, match=r"\$\.at: "):
        from_data({**data, "at": f"2026-01-05T12:00:00+00:00[{zone}]"})


def test_an_offset_that_is_not_the_zones_is_refused():
    data = to_data(Activity.action("review", at=BEGIN))
    with pytest.raises(DataError, match=r"\$\.at: .* is no moment of Europe/London"):
        from_data({**data, "at": "2026-01-05T12:00:00+05:00[Europe/London]"})


def test_facts_may_have_any_name():
    account = CLUB.account("m-1")
    account.note(at=BEGIN, id="n-1", type="card", version=1)
    account.earn(Activity.action("review", at=BEGIN, id="r-1", type="long", value="x"))
    assert stored(account.entries) == list(account.entries)


def test_everything_is_json():
    account = CLUB.account("m-1")
    account.earn(Activity.action("review", at=BEGIN, id="r-1"))
    texts = [json.dumps(to_data(entry)) for entry in account.entries]
    assert [from_data(json.loads(text)) for text in texts] == list(account.entries)
