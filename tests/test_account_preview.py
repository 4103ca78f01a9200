"""A preview is what earning would bring, and leaves no trace, whatever the account has been through."""

from datetime import timedelta

from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from stories import BEGIN, CLUB, STORIES, Teller, told

from loyaltycore import *

FEW = settings(max_examples=max(10, settings.default.max_examples // 8))

stars, status = CLUB.points["stars"], CLUB.points["status"]
TIERED = Program(
    "Club",
    timezone=CLUB.timezone,
    hold_timeout=CLUB.hold_timeout,
    points={
        **CLUB.points,
        "stars": evolve(
            stars,
            earning=stars.earning + PerSpend(1) * by_tier(gold=1, otherwise=0),
            pending=After(days=5).unless(OfKind("review") | InTier("gold")),
            expiry=(After(days=60) | AfterInactivity(days=40)).unless(AtLeastTier("gold")),
            converts=Convert(100, into="cash", gives=30).every("activity"),
            on_event=Flat(50).when(OfKind("tier_up")) + Flat(5).when(OfKind("converted")),
        ),
        "status": status,
    },
    tiers=TierLadder(
        Tier("silver", Reach("status", 20), deducts=True),
        Tier("gold", Reach("status", 45) | Reach("activities", 9), keeps=After(days=50)),
        window=Rolling(months=2),
        downgrade="one_level",
    ),
    rewards=CLUB.rewards,
)
"""What an activity may bring besides points: a tier, points for it, another wait and expiry, a conversion at once."""


def newcomer(program):
    account = program.account("m-1", joined="2026-01-01", facts={"size": "M"})
    account.earn(Activity.action("review", at=BEGIN, id="welcome", payer="bank"))
    account.adjust(300, unit="stars", reason="a gift", actor="me", id="gift", at=BEGIN)
    return account


def again(program, account):
    """The same account, built from its entries."""
    return program.account("m-1", joined="2026-01-01", facts={"size": "M"}, entries=account.entries)


def state(account, at):
    """All there is to an account: what it says, and what another would begin with."""
    said = told(account, at)
    return said, account.tiers_held, evolve(account.snapshot(), past=None), account.entries


ACTIVITIES = st.builds(
    lambda n, hours, kind, name: (Activity([Line(n, "dining"), Line(n + 3)], at=BEGIN, kind=kind, id=name), hours),
    st.integers(0, 60),
    st.sampled_from((-24 * 3, 0, 0, 24 * 5, 24 * 61)),
    st.sampled_from(("purchase", "review")),
    st.sampled_from(("", "new", "c-1")),
)


@pytest.mark.parametrize("program", [CLUB, TIERED], ids=["points", "tiers"])
@FEW
@given(before=STORIES, asked=ACTIVITIES, after=STORIES)
def test_a_preview_is_what_earning_would_bring_and_leaves_no_trace(program, before, asked, after):
    here = Teller(newcomer(program))
    here.tell(before)
    activity, hours = asked
    activity = activity.moved(here.now + timedelta(hours=hours))
    copy = again(program, here.account)
    was = state(here.account, here.now)

    try:
        seen = here.account.preview(activity)
    except LoyaltyError as error:
        with pytest.raises(type(error)):
            copy.earn(activity)
    else:
        brought = copy.earn(activity if activity.id else evolve(activity, id="preview"))
        assert {unit: award.points for unit, award in seen.awards.items()} == {
            unit: award.points for unit, award in brought.awards.items()
        }
        assert (seen.tier_before, seen.tier_after) == (brought.tier_before, brought.tier_after)
        assert seen.entries[: len(brought.entries)] == brought.entries
        if brought.entries[0].seq > len(was[-1]):
            assert seen.entries == tuple(entry for entry in copy.entries if entry.seq >= brought.entries[0].seq)

    assert state(here.account, here.now) == was
    there = here.fork(again(program, here.account))
    here.tell(after)
    there.tell(after)
    assert state(here.account, here.now) == state(there.account, here.now)


def test_a_preview_takes_no_longer_in_a_long_account():
    """It reads no entry: the ledger earns, and takes it back."""
    account = CLUB.account("m-1")
    for n in range(300):
        account.earn(Activity.purchase(5, at=BEGIN + timedelta(hours=n), id=f"t-{n}"))
    account.preview(Activity.purchase(5, at=BEGIN + timedelta(hours=301)))
    ledger = account._ledger
    ledger.entries = Counting(ledger.entries)
    account.preview(Activity.purchase(5, at=BEGIN + timedelta(hours=301)))
    assert ledger.entries.read < 100 < len(account.entries)


class Counting(list):
    """A list that counts how many of its items are read."""

    read = 0

    def __getitem__(self, key):
        self.read += len(range(*key.indices(len(self)))) if isinstance(key, slice) else 1
        return super().__getitem__(key)

    def __iter__(self):
        self.read += len(self)
        return super().__iter__()
