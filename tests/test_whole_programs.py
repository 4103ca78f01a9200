"""Whole programs in a life: what becomes of tiers where several things come together."""

from datetime import datetime, timedelta

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *

SILVER, GOLD, PLATINUM = (Tier(n, Reach("status", k)) for n, k in (("silver", 100), ("gold", 500), ("platinum", 1000)))
A_YEAR_AND_THE_NEXT = {"window": "year", "keeps": EndOfPeriod(1)}
UNITS = {"stars": Points(PerSpend(1)), "status": Points(PerSpend(1), redeemable=False)}
REWARDS = {"gift": Donation(worth="0.01", to="the school")}


def club(*tiers, **ladder):
    """A point and a status point a dollar, and a ladder if there are tiers."""
    return Program("Club", points=UNITS, rewards=REWARDS, tiers=TierLadder(*tiers, **ladder) if tiers else None)


METALS = club(SILVER, GOLD, PLATINUM, **A_YEAR_AND_THE_NEXT)
NO_TIERS = club()


def who_spends(program, *spent, id="m-1"):
    """A member who has spent so much on each of these days."""
    account = program.account(id)
    for at, amount in spent:
        buy(account, amount, at)
    return account


def buy(account, amount, at, posted=None, **facts):
    return account.earn(Activity.purchase(amount, at=at, id=f"{account.id}/{at}", **facts), posted=posted)


def tiers_on(account, *days):
    return [account.tier(at=day) for day in days]


# Taking over another account ------------------------------------------------------------------------------------------


def two_members(program=METALS, *, first=300, second=450):
    return who_spends(program, ("2026-01-05", first)), who_spends(program, ("2026-01-06", second), id="m-2")


def test_what_both_have_counted_brings_a_tier_together():
    account, other = two_members()
    entries = account.merge(other, id="merge", at="2026-02-01")
    assert [entry.reason for entry in entries[-2:]] == ["from m-2", "gold is reached"]
    assert tiers_on(account, "2026-01-31", "2026-02-01", "2027-12-31", "2028-01-01") == ["silver", "gold", "gold", ""]
    assert account.tier_progress(at="2026-02-01").to_next.have == 750


def test_a_merge_that_was_cut_off_between_the_two_is_completed_by_a_retry():
    account, other = two_members()
    before = account.entries
    done = account.merge(other, id="merge", at="2026-02-01")
    again = METALS.account("m-1", entries=before)
    for closed in (METALS.account("m-2", entries=other.entries), METALS.account("m-2", snapshot=other.snapshot())):
        again = METALS.account("m-1", entries=before)
        assert again.merge(closed, id="merge", at="2026-02-01") == done
        assert again.entries == account.entries


def test_an_account_that_took_another_over_goes_on_from_its_entries_and_from_a_snapshot():
    account, other = two_members()
    account.merge(other, id="merge", at="2026-02-01")
    for kept in (METALS.account("m-1", entries=account.entries), METALS.account("m-1", snapshot=account.snapshot())):
        assert kept.tier_progress(at="2026-03-01") == account.tier_progress(at="2026-03-01")
        kept.merge(other, id="merge", at="2026-02-01")
        buy(kept, 250, "2026-03-01")
        assert kept.tier(at="2026-03-01") == "platinum"


def test_a_merge_is_completed_even_if_the_program_has_tiers_only_since():
    account, other = two_members(NO_TIERS)
    before = account.entries
    account.merge(other, id="merge", at="2026-02-01")
    with_tiers = METALS.account("m-1", entries=before)
    with_tiers.merge(METALS.account("m-2", entries=other.entries), id="merge", at="2026-02-01")
    assert with_tiers.balance("stars", at="2026-02-01") == 750


@pytest.mark.parametrize(
    ("own", "granted", "until", "then"),
    [
        (500, "gold", "2030-12-31", "gold"),  # the same tier, for longer
        (1000, "gold", "2030-12-31", "gold"),  # a lower one, for longer
        (1000, "gold", None, "gold"),
        (0, "platinum", "2026-12-31", ""),
    ],
)
def test_what_was_granted_to_the_other_stays_granted(own, granted, until, then):
    account, other = who_spends(METALS, ("2026-01-05", own)), METALS.account("m-2")
    other.grant_tier(granted, until=until, id="grant", at="2026-01-05")
    account.merge(other, id="merge", at="2026-02-01")
    assert account.tier(at="2029-06-01") == then
    kept = METALS.account("m-1", entries=account.entries)
    assert kept.tier(at="2029-06-01") == then


def test_what_outlasts_nothing_that_the_member_has_is_not_granted_as_well():
    account, other = who_spends(METALS, ("2026-01-05", 1000)), METALS.account("m-2")
    other.grant_tier("gold", until="2027-12-31", id="grant", at="2026-01-05")
    entries = account.merge(other, id="merge", at="2026-02-01")
    assert [entry.kind for entry in entries] == ["noted"]


def test_a_tier_of_the_balance_goes_with_the_points_and_is_no_floor():
    program = club(Tier("rich", Reach("stars", 100)), window=Balance())
    account, other = program.account("m-1"), who_spends(program, ("2026-01-05", 100), id="m-2")
    account.merge(other, id="merge", at="2026-02-01")
    assert account.tier(at="2026-02-01") == "rich"
    account.redeem("gift", points=1, id="gift", at="2026-02-02")
    assert account.tier(at="2026-02-02") == ""


# Carrying over and deducting ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("starts", ["at_once", "next_period"])
def test_a_surplus_is_what_the_tiers_that_were_reached_have_left(starts):
    tiers = (
        Tier("silver", Reach("status", 100), deducts=True),
        Tier("gold", Reach("status", 200), deducts=True, carry=900),
    )
    account = who_spends(club(*tiers, starts=starts, **A_YEAR_AND_THE_NEXT), ("2026-06-01", 1000))
    assert account.tier_progress(at="2027-01-01").tier == "gold"
    [carried] = [entry.data["carried"] for entry in account.advance("2027-01-01") if entry.data.get("carried")]
    assert carried == {"status": 700}


def test_a_surplus_of_a_year_that_only_kept_the_tier_is_what_is_beyond_it():
    tier = Tier("gold", Reach("status", 200), deducts=True, carry=900)
    account = who_spends(club(tier, **A_YEAR_AND_THE_NEXT), ("2026-06-01", 200), ("2027-06-01", 300))
    carried = [entry.data.get("carried", {}) for entry in account.advance("2028-01-01")]
    assert {"status": 100} in carried


def test_what_is_carried_over_is_said():
    account = who_spends(
        club(Tier("gold", Reach("status", 500), carry=200), **A_YEAR_AND_THE_NEXT), ("2026-06-01", 600)
    )
    assert [entry.reason for entry in account.advance("2027-01-01")] == ["carried over: 100 status"]


# Programs that change -------------------------------------------------------------------------------------------------


def test_a_program_without_tiers_reads_the_entries_of_one_with_tiers():
    account = who_spends(METALS, ("2026-01-05", 500))
    assert NO_TIERS.account("m-1", entries=account.entries).balance("stars", at="2026-02-01") == 500


def test_the_tiers_held_are_told_as_they_were_then():
    renamed = club(SILVER, Tier("golden", Reach("status", 500)), PLATINUM, **A_YEAR_AND_THE_NEXT)
    account = who_spends(ProgramHistory(METALS, ("2026-07-01", renamed)), ("2026-01-05", 500), ("2026-07-02", 1))
    assert [(held.tier, str(held.since.date())) for held in account.tiers_held] == [
        ("gold", "2026-01-05"),
        ("golden", "2026-07-01"),
    ]
    assert str(account.tiers_held[0].until.date()) == "2026-07-01"


def test_a_ladder_that_a_version_drops_is_still_told_of():
    account = who_spends(ProgramHistory(METALS, ("2026-07-01", NO_TIERS)), ("2026-01-05", 500), ("2026-07-02", 1))
    assert [str(held) for held in account.tiers_held] == ["gold since 2026-01-05 until 2026-07-01"]


# What is said ---------------------------------------------------------------------------------------------------------


def test_a_tier_that_is_refunded_at_once_was_not_reached():
    account = METALS.account("m-1")
    account.earn(Activity.purchase(500, at="2026-01-05", id="t-1"))
    assert account.reverse("t-1", id="r-1", at="2026-01-05")[-1].reason == "gold is not reached after all"
    assert account.tiers_held == ()


def test_a_use_that_is_refused_says_how_many_are_left_of_how_many():
    tier = Tier("gold", Reach("status", 500), benefits=(Benefit("bag", 2),))
    account = who_spends(club(tier), ("2026-01-05", 500))
    account.use("bag", id="u-1", at="2026-01-06")
    assert str(account.use("bag", quantity=2, id="u-2", at="2026-01-06")) == "bag: 1 of 2 left"


def test_a_membership_year_asks_for_the_day_of_an_account_too():
    account = club(GOLD, window=MembershipYear()).account("m-1")
    with pytest.raises(RuleError, match=r"give Member\(joined=\.\.\.\), or program\.account\(id, joined=\.\.\.\)"):
        buy(account, 1, "2026-01-05")
    assert account.entries == ()


# What is refused ------------------------------------------------------------------------------------------------------


@frozen
class Wrong(Qualification):
    """One that does not answer with a progress, or not in numbers."""

    kind = "wrong_of_tests"

    how: str

    def progress(self, counts):
        return True if self.how == "a truth" else Progress("km", {"a float": 1.5, "text": "many"}[self.how], 2)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (lambda: Tier("gold", Reach("status", 1), benefits=5), "benefits: 5 is no list"),
        (lambda: Tier("gold", Reach("status", 1), benefits=None), "benefits: None is no list"),
        (lambda: Choice("gift", 5), "options: 5 is no choice"),
        (lambda: Choice("gift", ("a", "b"), default=None), "default: None is none of the options"),
        (lambda: Choice("gift", ("a", "b"), default=[]), r"default: \[\] is none of the options"),
        (lambda: TierLadder(Tier("gold", Wrong("a truth"))), "progress returned True; return a Progress"),
        (lambda: TierLadder(Tier("gold", Wrong("a float"))), "have: .*float"),
        (lambda: TierLadder(Tier("gold", Wrong("text"))), "have: 'many'"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_built(made, message):
    with pytest.raises(LoyaltyError, match=message):
        made()


# Points for rising ----------------------------------------------------------------------------------------------------


def test_a_tier_that_is_lost_and_reached_again_at_once_brings_its_points_once():
    bonus = Points(PerSpend(1), on_event=Flat(50).when(OfKind("tier_up")))
    program = Program("Club", points={**UNITS, "stars": bonus}, tiers=TierLadder(GOLD))
    account = program.account("m-1")
    account.earn(Activity.purchase(500, at="2026-01-05", id="t-1"))
    account.reverse("t-1", id="r-1", at="2026-01-05")
    account.earn(Activity.purchase(500, at="2026-01-05", id="t-2"))
    assert (account.tier(at="2026-01-05"), account.balance("stars", at="2026-01-05")) == ("gold", 550)


def test_points_that_wait_count_where_they_were_taken_to():
    waiting = Points(PerSpend(1), redeemable=False, pending=After(days=14))
    program = Program("Club", points={**UNITS, "status": waiting}, tiers=TierLadder(GOLD, **A_YEAR_AND_THE_NEXT))
    account, other = two_members(program, first=100, second=400)
    account.merge(other, id="merge", at="2026-01-07")
    assert tiers_on(account, "2026-01-19", "2026-01-20") == ["", "gold"]
    kept = program.account("m-1", entries=account.entries)
    assert kept.tier(at="2026-01-20") == "gold"


# By when --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("qualification", "by"),
    [
        (Reach("status", 500), "2026-12-31"),
        (Reach("status", 500, window="ever"), "None"),
        (Reach("status", 500, window=Rolling(months=12)), "None"),
        (Reach("status", 500, window="month") | Reach("spend", 2000), "2026-03-31"),
        (Reach("status", 500, window="ever") & Reach("spend", 2000), "2026-12-31"),
    ],
)
def test_progress_says_until_when_all_of_it_counts(qualification, by):
    account = who_spends(club(Tier("gold", qualification), window="year"), ("2026-03-05", 100))
    assert str(account.tier_progress(at="2026-03-06").by) == by


# What the next period brings ------------------------------------------------------------------------------------------


WITH_SURPLUS = club(
    Tier("silver", Reach("status", 50), deducts=True, carry=60),
    Tier("gold", Reach("status", 150), deducts=True, carry=60),
    window="month", keeps=EndOfPeriod(), starts="next_period",
)  # fmt: skip


def test_what_was_carried_over_brings_a_tier_again_in_the_period_after():
    account = who_spends(WITH_SURPLUS, ("2026-01-05", 260))
    assert tiers_on(account, "2026-02-01", "2026-03-01", "2026-04-01") == ["gold", "silver", ""]
    account.advance("2026-02-01")
    kept = WITH_SURPLUS.account("m-1", entries=account.entries)
    for once in (account, kept):
        assert tiers_on(once, "2026-02-01", "2026-03-01", "2026-04-01") == ["gold", "silver", ""]


def test_what_the_other_has_counted_brings_a_tier_in_the_next_period():
    account, other = WITH_SURPLUS.account("m-1"), who_spends(WITH_SURPLUS, ("2026-01-05", 200), id="m-2")
    account.merge(other, id="merge", at="2026-01-10")
    assert tiers_on(account, "2026-01-31", "2026-02-01") == ["", "gold"]
    assert WITH_SURPLUS.account("m-1", entries=account.entries).tier(at="2026-02-01") == "gold"


# Any life, with accounts that are taken over --------------------------------------------------------------------------


BENEFITS = ("lounge", Benefit("bag", 2, per="month"), Choice("gift", ("a", "b"), default="a", within=After(days=10)))


def steps(what, **tier):
    return (
        Tier("silver", Reach(what, 50), benefits=BENEFITS, **tier),
        Tier("gold", Reach(what, 150) | Reach("nights", 9, window="month"), **tier),
        Tier("platinum", Invitation() | Reach(what, 400), benefits=BENEFITS),
    )


def a_life_in(**ladders):
    """Points whose end hangs on a tier, points that a tier brings, and status points that wait."""
    stars = Points(
        PerSpend(1) * by_tier(gold=2),
        on_event=Flat(7).when(OfKind("tier_up")),
        expiry=After(days=40).unless(InTier("gold")),
    )
    waiting = Points(PerSpend(1), redeemable=False, pending=After(days=5))
    points = {**UNITS, "stars": stars, "waiting": waiting}
    return Program("Club", points=points, ladders=ladders, rewards=REWARDS, timezone="America/New_York")


LIVES = [
    a_life_in(
        months=TierLadder(*steps("status"), window="month", keeps=EndOfPeriod(1), downgrade="one_level"),
        balance=TierLadder(*steps("stars"), window=Balance(), grace=After(days=3)),
    ),
    a_life_in(rolling=TierLadder(*steps("waiting"), window=Rolling(days=30), keeps=After(days=30))),
    a_life_in(
        next=TierLadder(
            *steps("status", deducts=True, carry=60), window="month", keeps=EndOfPeriod(), starts="next_period"
        ),
        after=TierLadder(*steps("spend", carry=30), window="month", keeps=EndOfPeriod(1), applies="after"),
    ),
    a_life_in(
        term=TierLadder(
            *steps("status", renewal=Reach("status", 40)), window=TierTerm(), keeps=After(days=25), grace=After(days=5)
        )
    ),
]

CALLS = st.tuples(
    st.sampled_from(["earn"] * 6 + ["merge", "merge", "redeem", "reverse", "grant", "use", "choose", "adjust"]),
    st.sampled_from([0, 1, 24, 100, 300, 600]),
    st.sampled_from([0, 0, 50, 400]),
    st.integers(0, 5),
)


def do(accounts, call, n, now):
    """Do a call on the first of two accounts; the other, once it is taken over, makes room for a new one."""
    verb, _, late, choice = call
    account, other = accounts if choice % 2 else accounts[::-1]
    at, new = max(now - timedelta(hours=late), datetime(2026, 1, 1)), f"c-{n}"
    if verb == "earn":
        bought = Activity.purchase((10, 40, 60, 160, 300, 500)[choice], at=at, id=new, nights=choice)
        account.earn(bought, posted=now)
    elif verb == "merge":
        account.merge(other, id=new, at=now)
        accounts[accounts.index(other)] = account._terms.account(f"m-{n}", joined="2024-02-29")
    elif verb == "redeem":
        account.redeem("gift", points=10 * (choice + 1), id=new, at=now)
    elif verb == "reverse":
        earned = [entry.id for entry in account.entries if entry.kind == "earned"]
        if earned:
            account.reverse(earned[choice % len(earned)], amount=5, id=new, at=now, on_shortfall="owe")
    elif verb == "grant":
        ladder = [*account._terms.ladders][choice % len(account._terms.ladders)]
        until = None if choice < 2 else now.date() + timedelta(10 * choice)
        account.grant_tier(("silver", "gold", "platinum")[choice % 3], ladder=ladder, until=until, id=new, at=now)
    elif verb == "use":
        account.use("bag", id=new, at=at, posted=now)
    elif verb == "choose":
        account.choose("gift", "ab"[choice % 2], id=new, at=at, posted=now)
    else:
        account.adjust(30, unit="status", reason="a kindness", actor="me", id=new, at=now)


def told(account, at):
    ladders = [account.tier_progress(at=at, ladder=name) for name in account._terms.ladders]
    return ladders, account.balance("stars", at=at), account.benefits(at=at), account.tiers_held


@given(st.sampled_from(LIVES), st.lists(CALLS, min_size=10, max_size=30), st.sampled_from([0, 3, 40, 400]))
def test_an_account_is_what_its_entries_and_its_snapshot_say_whoever_was_taken_over(program, calls, days):
    accounts = [program.account(name, joined="2024-02-29") for name in ("m-a", "m-b")]
    now = datetime(2026, 1, 5, 17)
    for n, call in enumerate(calls):
        now += timedelta(hours=call[1])
        try:
            do(accounts, call, n, now)
        except RuleError:
            continue  # such as a refund of what was refunded
    later = now + timedelta(days)
    for account in accounts:
        live = told(account, later)
        for kept in ({"entries": account.entries}, {"snapshot": account.snapshot()}):
            assert told(program.account(account.id, joined="2024-02-29", **kept), later) == live
