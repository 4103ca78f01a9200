"""Pending points: for a time, until a day, until a fact is known, or until the application activates them."""

import pytest

from loyaltycore import *


def account(pending, **points):
    return Program("Club", points={"points": Points(PerSpend(1), pending=pending, **points)}).account("m-1")


def buy(account, amount, at, **facts):
    account.earn(Activity.purchase(amount, at=at, id=f"buy-{at}", **facts))


def pending_and_available(account, at):
    totals = account.totals(at=at)
    return totals["pending"], totals["available"]


def test_for_fourteen_days():
    club = account(After(days=14))
    buy(club, 100, "2026-01-05T12:00")
    assert pending_and_available(club, "2026-01-18T23:59:59.999999") == (100, 0)
    assert pending_and_available(club, "2026-01-19") == (0, 100)


def test_for_so_many_hours_to_the_moment():
    club = account(After(hours=48))
    buy(club, 100, "2026-01-05T12:00")
    assert pending_and_available(club, "2026-01-07T11:59:59.999999") == (100, 0)
    assert pending_and_available(club, "2026-01-07T12:00") == (0, 100)


def test_until_a_day_of_the_calendar():
    club = account(On("2026-03-01"))
    buy(club, 100, "2026-01-05")
    buy(club, 50, "2026-03-02")
    assert pending_and_available(club, "2026-02-28") == (100, 0)
    assert pending_and_available(club, "2026-03-02") == (0, 150)


def test_until_a_fact_of_the_activity():
    club = account(AfterFact("departs", days=1))
    buy(club, 100, "2026-01-05", departs="2026-02-10")
    assert pending_and_available(club, "2026-02-10") == (100, 0)
    assert pending_and_available(club, "2026-02-11") == (0, 100)


def test_until_a_fact_of_the_member_is_noted():
    club = account(AfterFact("verified"))
    buy(club, 100, "2026-01-05")
    buy(club, 20, "2026-01-06")
    assert pending_and_available(club, "2026-06-01") == (120, 0)

    club.note(at="2026-06-02", verified="2026-06-02")

    assert pending_and_available(club, "2026-06-01") == (120, 0)
    assert pending_and_available(club, "2026-06-02") == (0, 120)
    assert club.lots(at="2026-06-02")[0].available.isoformat() == "2026-06-02"
    buy(club, 5, "2026-06-03")
    assert pending_and_available(club, "2026-06-03") == (0, 125)


def test_the_day_of_a_fact_may_be_ahead_and_may_move():
    club = account(AfterFact("verified"))
    buy(club, 100, "2026-01-05")
    club.note(at="2026-02-01", verified="2026-03-01")
    club.note(at="2026-02-02", verified="2026-04-01")
    assert pending_and_available(club, "2026-03-31") == (100, 0)
    assert pending_and_available(club, "2026-04-01") == (0, 100)


def test_a_rebuilt_account_remembers_what_the_note_changed():
    club = account(AfterFact("verified"), expiry=After(months=1))
    buy(club, 100, "2026-01-05")
    club.note(at="2026-06-02", verified="2026-06-10")
    program = Program(
        "Club", points={"points": Points(PerSpend(1), pending=AfterFact("verified"), expiry=After(months=1))}
    )
    again = program.account("m-1", entries=club.entries)
    for at in ("2026-06-09", "2026-06-10", "2026-07-10", "2026-07-11"):
        assert again.totals(at=at) == club.totals(at=at)


def test_until_the_application_activates_them():
    club = account(Never())
    buy(club, 100, "2026-01-05")
    assert pending_and_available(club, "2030-01-01") == (100, 0)
    club.activate("buy-2026-01-05", id="delivered", at="2026-01-09")
    assert pending_and_available(club, "2026-01-09") == (0, 100)


@pytest.mark.parametrize("pending", [After(days=14), On("2026-03-01"), AfterFact("verified"), Never()], ids=repr)
def test_the_application_may_always_activate_earlier(pending):
    club = account(pending)
    buy(club, 100, "2026-01-05")
    club.activate("buy-2026-01-05", id="delivered", at="2026-01-06")
    assert pending_and_available(club, "2026-01-06") == (0, 100)


def test_expiry_counts_from_the_day_the_points_became_available_or_from_earning():
    for expiry, last_day in ((After(months=1), "2026-02-19"), (After(months=1).from_earning(), "2026-02-05")):
        club = account(After(days=14), expiry=expiry)
        buy(club, 100, "2026-01-05")
        assert club.lots(at="2026-01-19")[0].expires_on.isoformat() == last_day
