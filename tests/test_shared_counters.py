"""Stocks, and limits among all members: counters that every account of a program shares."""

from loyaltycore import *

SHOP = Program(
    "Shop",
    earning=PerSpend(1),
    rewards={"mug": Item(10).stock(3), "tote": Item(10).limit(3, per="month", among="all")},
)


def members(*names, shared):
    accounts = [SHOP.account(name, shared=shared) for name in names]
    for account in accounts:
        account.earn(Activity.purchase(100, at="2026-01-01", id="t-1"))
    return accounts


def asked(reward, *accounts, day="02"):
    """Whether each account in turn had the reward, or why not."""
    redemptions = [
        account.redeem(reward, id=f"{reward} {day} {n}", at=f"2026-01-{day}") for n, account in enumerate(accounts)
    ]
    return [True if done.ok else done.quote.refusal.code for done in redemptions]


def test_a_stock_is_for_all_members_together():
    anna, ben = members("anna", "ben", shared={})
    assert asked("mug", anna, ben, anna, ben) == [True, True, True, "out_of_stock"]


def test_a_limit_among_all_members():
    anna, ben = members("anna", "ben", shared={})
    assert asked("tote", anna, ben, anna, anna) == [True, True, True, "limit_reached"]
    assert ben.redeem("tote", id="february", at="2026-02-01").ok


def test_what_is_cancelled_or_released_is_there_again():
    anna, ben = members("anna", "ben", shared={})
    assert asked("mug", anna, ben) == [True, True]
    assert anna.hold("mug", id="h-1", at="2026-01-03").ok
    assert asked("mug", ben, day="03") == ["out_of_stock"]
    anna.release("h-1", id="x-1", at="2026-01-03")
    assert asked("mug", ben, day="04") == [True]
    anna.cancel("mug 02 0", id="x-2", at="2026-01-05")
    assert asked("mug", ben, ben, day="05") == [True, "out_of_stock"]


def test_a_hold_that_times_out_gives_back_what_it_took_of_the_stock():
    anna, ben = members("anna", "ben", shared={})
    for n in range(3):
        anna.hold("mug", id=f"h-{n}", at="2026-01-02")
    anna.advance("2026-01-04")
    assert asked("mug", ben, day="05") == [True]


def test_an_account_that_is_rebuilt_goes_by_what_is_shared():
    shared = {}
    anna, ben = members("anna", "ben", shared=shared)
    assert asked("mug", anna, ben) == [True, True]
    again = SHOP.account("anna", entries=anna.entries, shared=shared)
    assert asked("mug", again, ben, day="03") == [True, "out_of_stock"]


def test_a_refused_redemption_and_a_retry_take_nothing_of_the_stock():
    shared = {}
    (anna,) = members("anna", shared=shared)
    anna.redeem("mug", id="r-1", at="2026-01-02")
    before = dict(shared)
    anna.redeem("mug", id="r-1", at="2026-01-02")
    anna.quote("mug", at="2026-01-02")
    SHOP.account("carla", shared=shared).redeem("mug", id="r-1", at="2026-01-02")
    assert shared == before


def test_without_counters_of_all_an_account_counts_for_itself():
    anna, ben = (account for name in ("anna", "ben") for account in members(name, shared=None))
    assert asked("mug", anna, anna, anna, anna) == [True, True, True, "out_of_stock"]
    assert asked("mug", ben) == [True]
