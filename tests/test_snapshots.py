"""A snapshot and the entries after it are the account, at every cut and for every later call."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest
from stories import BEGIN, CLUB, STORIES, Teller, newcomer, plain, told

from loyaltycore import *

FEW = settings(max_examples=max(10, settings.default.max_examples // 5))


def begun(snapshot=None, entries=(), look_up=None):
    """The member of the stories, as a snapshot and entries tell it."""
    return CLUB.account(
        "m-1", joined="2026-01-01", facts={"size": "M"}, snapshot=snapshot, entries=entries, look_up=look_up
    )


def cut(entries, n):
    """The account, made from a snapshot after the first entries and from the rest."""
    return begun(begun(entries=entries[:n]).snapshot(), entries[n:])


@FEW
@given(STORIES, st.integers(0, 60))
def test_i15_every_cut_gives_the_same_account(steps, days):
    teller = Teller()
    teller.tell(steps)
    entries = teller.account.entries
    at = max(teller.now, entries[-1].posted) + timedelta(days)
    whole = told(begun(entries=entries), at)
    for n in range(len(entries) + 1):
        assert told(cut(entries, n), at) == whole


@given(STORIES, STORIES, st.data())
def test_i15_every_later_call_gives_the_same(before, after, data):
    here = Teller()
    here.tell(before)
    entries = here.account.entries
    n = data.draw(st.integers(0, len(entries)))
    there = here.fork(cut(entries, n))
    here = here.fork(begun(entries=entries))
    assert plain(there.tell(after)) == plain(here.tell(after))
    assert there.account.entries == here.account.entries[n:]
    assert told(there.account, here.now + timedelta(45)) == told(here.account, here.now + timedelta(45))


@given(STORIES, STORIES)
def test_a_snapshot_is_exactly_what_it_was(before, after):
    here = Teller()
    here.tell(before)
    snapshot = here.account.snapshot()
    again = from_json(to_json(snapshot))
    assert (again, repr(again)) == (snapshot, repr(snapshot))
    there = here.fork(begun(again))
    assert plain(there.tell(after)) == plain(here.tell(after))


@given(STORIES, STORIES, STORIES)
def test_a_snapshot_of_an_account_that_began_with_one(first, second, third):
    here = Teller()
    here.tell(first)
    there = here.fork(begun(here.account.snapshot()))
    here.tell(second)
    there.tell(second)
    there = there.fork(begun(there.account.snapshot()))
    assert plain(there.tell(third)) == plain(here.tell(third))
    assert there.account.snapshot() == here.account.snapshot()


@given(STORIES, STORIES)
def test_a_store_looks_up_what_the_snapshot_leaves_out(before, after):
    here = Teller()
    here.tell(before)
    kept = here.account.entries

    def look_up(key):
        return [entry for entry in kept if key in (entry.id, entry.source)]

    snapshot = begun(entries=kept, look_up=look_up).snapshot()
    assert snapshot.past is None
    there = here.fork(begun(snapshot, look_up=look_up))
    assert plain(there.tell(after)) == plain(here.tell(after))
    assert there.account.snapshot().past is None


@FEW
@given(STORIES)
def test_a_statement_from_the_cut_on(steps):
    teller = Teller()
    teller.tell(steps)
    entries = teller.account.entries
    for n in range(1, len(entries) + 1):
        since = entries[n - 1].posted + timedelta(microseconds=1)
        at = max(teller.now, since)
        assert cut(entries, n).statement(at=at, since=since) == begun(entries=entries).statement(at=at, since=since)


# What was before the snapshot ----------------------------------------------------------------------------------------


@pytest.fixture
def account():
    """An account that began with a snapshot of 10 January; the welcome and the gift were before it."""
    whole = newcomer()
    whole.redeem("coffee", id="r-1", at="2026-01-09")
    whole.hold("pay", id="h-1", at="2026-01-10", points=20, until="2026-02-01")
    return begun(whole.snapshot())


QUESTIONS = {
    "balance": lambda account: account.balance("stars", at="2026-01-09"),
    "balance known": lambda account: account.balance("stars", at="2026-01-12", known="2026-01-09"),
    "totals": lambda account: account.totals("stars", at="2026-01-09"),
    "lots": lambda account: account.lots("stars", at="2026-01-09"),
    "options": lambda account: account.options(at="2026-01-09"),
    "quote": lambda account: account.quote("coffee", at="2026-01-09"),
    "member": lambda account: account.member(at="2026-01-09"),
    "statement": lambda account: account.statement(at="2026-01-09", since="2026-01-09"),
    "statement since": lambda account: account.statement(at="2026-01-12", since="2026-01-09"),
    "statement since that moment": lambda account: account.statement(at="2026-01-12", since="2026-01-10"),
    "statement of all time": lambda account: account.statement(at="2026-01-12"),
}


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_a_question_about_before_the_snapshot_says_that_the_entries_are_needed(account, ask):
    with pytest.raises(RuleError, match=r"m-1: .* before the snapshot .* of 2026-01-10; the entries are needed"):
        ask(account)


def test_the_moment_of_the_snapshot_can_be_asked_about(account):
    assert account.balance("stars", at="2026-01-10") == 20 + 300 - 40 - 20


def test_a_call_tried_again_gives_what_it_gave(account):
    again = account.redeem("coffee", id="r-1", at="2026-01-09")
    assert (again.ok, again.quote.points, account.entries) == (True, 40, ())
    receipt = account.earn(Activity.action("review", at=BEGIN, id="welcome", payer="bank"))
    assert ({unit: award.points for unit, award in receipt.awards.items()}, account.entries) == (
        {"stars": 20, "cash": 0, "status": 0},
        (),
    )


REUSED = {
    "at": lambda account: account.redeem("coffee", id="r-1", at="2026-01-11"),
    "reward": lambda account: account.redeem("pay", id="r-1", at="2026-01-09"),
    "facts": lambda account: account.earn(Activity.action("review", at=BEGIN, id="welcome", payer="shop")),
    "verb": lambda account: account.cancel("h-1", id="r-1", at="2026-01-09"),
}


@pytest.mark.parametrize("field", REUSED)
def test_an_id_used_before_the_snapshot_is_a_conflict_with_other_content(account, field):
    with pytest.raises(Conflict, match=f"used before with {field}="):
        REUSED[field](account)


def test_what_was_before_can_be_undone(account):
    assert [entry.points for entry in account.cancel("r-1", id="c-1", at="2026-01-11")] == [40]
    with pytest.raises(RuleError, match="0 points of it can still be cancelled"):
        account.cancel("r-1", id="c-2", at="2026-01-11")
    assert [entry.points for entry in account.capture("h-1", id="k-1", at="2026-01-11", points=15)] == [15, 5]
    with pytest.raises(RuleError, match="the hold was captured already"):
        account.release("h-1", id="x-1", at="2026-01-11")


def test_a_captured_hold_is_cancelled_by_either_of_its_ids_whatever_was_before():
    whole = newcomer()
    whole.hold("pay", id="h-1", at="2026-01-10", points=100)
    whole.capture("h-1", id="k-1", at="2026-01-10")
    whole.cancel("h-1", id="x-1", at="2026-01-10", points=30)
    account = begun(whole.snapshot())
    assert [entry.points for entry in account.cancel("k-1", id="x-2", at="2026-01-11", points=50)] == [50]
    again = begun(account.snapshot())
    with pytest.raises(RuleError, match="20 points of it can still be cancelled"):
        again.cancel("h-1", id="x-3", at="2026-01-11", points=21)
    assert [entry.points for entry in again.cancel("h-1", id="x-3", at="2026-01-11")] == [20]


def test_a_closed_account_stays_closed():
    whole = newcomer()
    whole.close(id="c-1", at="2026-01-10")
    account = begun(whole.snapshot())
    with pytest.raises(RuleError, match="m-1: the account is closed"):
        account.redeem("coffee", id="r-1", at="2026-01-11")
    assert account.close(id="c-1", at="2026-01-10") == whole.close(id="c-1", at="2026-01-10")


def test_a_hold_from_before_times_out(account):
    assert account.balance("stars", at="2026-01-31") == 260
    assert account.totals("stars", at="2026-02-01")["held"] == 0


def test_ids_that_are_names_of_something_else_are_nothing_to_refer_to(account):
    """A redemption stems from its reward; that does not make the reward one."""
    for name in ("coffee", "pay", "m-1"):
        with pytest.raises(RuleError, match="is no redemption"):
            account.cancel(name, id="c-1", at="2026-01-11")
        with pytest.raises(RuleError, match="is no hold"):
            account.capture(name, id="c-1", at="2026-01-11")
        with pytest.raises(RuleError, match="earned nothing"):
            account.reverse(name, id="c-1", at="2026-01-11")


def test_a_snapshot_without_its_past_needs_a_store():
    snapshot = begun(look_up=lambda key: ()).snapshot()
    with pytest.raises(RuleError, match="leaves out the entries of its account; give look_up="):
        begun(snapshot)


def test_a_store_that_has_later_entries_too_confuses_nothing():
    whole = newcomer()
    whole.redeem("coffee", id="r-1", at="2026-01-09")
    snapshot = whole.snapshot()
    whole.cancel("r-1", id="c-1", at="2026-01-11", points=10)
    entries = whole.entries

    def look_up(key):
        return [entry for entry in entries if key in (entry.id, entry.source)]

    account = begun(snapshot, entries[snapshot.seq :], look_up)
    assert [entry.points for entry in account.cancel("r-1", id="c-2", at="2026-01-12")] == [30]


def test_erasing_a_member_erases_the_snapshot_too():
    whole = newcomer()
    whole.note(at="2026-01-06", id="n-1", email="ada@example.com")
    whole.hold("coffee", id="h-1", at="2026-01-10", order=Activity.purchase(10, at="2026-01-10", member="m-1"))
    account = begun(whole.snapshot())
    before = {unit: dict(account.totals(unit, at="2026-01-11")) for unit in CLUB.points}
    account.erase("x-9")
    assert {unit: dict(account.totals(unit, at="2026-01-11")) for unit in CLUB.points} == before
    text = to_json(account.snapshot())
    assert "ada@example.com" not in text
    assert "m-1" not in text


def test_a_preview_goes_on_from_the_snapshot(account):
    again = Activity.action("review", at="2026-01-11", id="t-2")
    assert account.preview(again).points == account.earn(again).points == 0


def test_an_account_says_how_many_entries_it_has(account):
    assert repr(account).endswith(f"{account.snapshot().seq} entries>")
    account.redeem("coffee", id="r-2", at="2026-01-11")
    assert account.entries[-1].seq == account.snapshot().seq


# A snapshot older than what its program counts ------------------------------------------------------------------------


def of_a_year(**program):
    """A club of that program, and the account of one who spent 60 in the January before it was so."""
    before = Program("Club", earning=PerSpend(1)).account("m-1")
    before.earn(Activity.purchase(60, at="2026-01-05", id="t-1"))
    earning = {} if "points" in program else {"earning": PerSpend(1)}
    return Program("Club", **earning, **program), before


SPENT = Reach("spend", 100, window="year")
LATER = {
    "a ladder": {"tiers": TierLadder(Tier("gold", SPENT), window="year")},
    "another ladder": {"tiers": {"club": TierLadder(Tier("gold", SPENT), window="year")}},
    "an expiry by inactivity": {"points": {"points": Points(PerSpend(1), expiry=AfterInactivity(months=6))}},
}


@pytest.mark.parametrize("later", LATER)
def test_a_snapshot_is_refused_that_does_not_have_what_the_program_counts_since(later):
    club, before = of_a_year(**LATER[later])
    with pytest.raises(RuleError, match=r"snapshot: it has not .* since it was taken; build .*\(id, entries=\.\.\.\)"):
        club.account("m-1", snapshot=before.snapshot())


def test_what_is_counted_since_is_counted_in_all_entries():
    club, before = of_a_year(**LATER["a ladder"])
    account = club.account("m-1", entries=before.entries)
    assert account.earn(Activity.purchase(40, at="2026-02-05", id="t-2")).tier_after == "gold"


def test_points_rest_from_the_last_activity_that_all_entries_tell():
    club, before = of_a_year(**LATER["an expiry by inactivity"])
    account = club.account("m-1", entries=before.entries)
    assert [account.balance(at=day) for day in ("2026-07-05", "2026-07-06")] == [60, 0]


@pytest.mark.parametrize("counted", ["nights", OfKind("review")])
def test_a_snapshot_is_refused_where_another_count_is_asked_for(counted):
    first = Program("Club", earning=PerSpend(1), tiers=TierLadder(Tier("gold", SPENT), window="year"))
    account = first.account("m-1")
    account.earn(Activity.purchase(60, at="2026-01-05", id="t-1"))
    taken = account.snapshot()
    more = TierLadder(Tier("gold", SPENT | Reach(counted, 3)), window="year")
    with pytest.raises(RuleError, match="it has not counted"):
        Program("Club", earning=PerSpend(1), tiers=more).account("m-1", snapshot=taken)
    assert first.account("m-1", snapshot=taken).balance(at="2026-02-01") == 60


WAITING = {"points": Points(PerSpend(1), pending=After(days=9))}


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (Program("Club", earning=PerSpend(1), timezone="Asia/Tokyo"), "its days are those of UTC, and the program's"),
        (Program("Club", points=WAITING), "points of 'points' wait by another rule since it was taken"),
    ],
)
def test_a_snapshot_is_refused_where_only_the_entries_tell_what_is_so_now(after, told):
    account = Program("Club", earning=PerSpend(1)).account("m-1")
    account.earn(Activity.purchase(60, at="2026-01-05T20:00", id="t-1"))
    with pytest.raises(RuleError, match=f"{told}.*; build the account from all of its entries instead"):
        after.account("m-1", snapshot=account.snapshot())
    assert after.account("m-1", entries=account.entries).entries == account.entries


def test_an_account_that_has_nothing_yet_may_begin_with_any_snapshot():
    club, _ = of_a_year(**LATER["a ladder"])
    empty = Program("Club", earning=PerSpend(1)).account("m-1").snapshot()
    account = club.account("m-1", snapshot=empty)
    assert account.earn(Activity.purchase(140, at="2026-02-05", id="t-2")).tier_after == "gold"
    abroad = Program("Club", points=WAITING, timezone="Asia/Tokyo").account("m-1", snapshot=empty)
    assert abroad.earn(Activity.purchase(140, at="2026-02-05", id="t-2")).points == 140


def test_what_the_program_counts_no_more_is_no_reason_to_refuse():
    club, _ = of_a_year(**LATER["a ladder"])
    account = club.account("m-1")
    account.earn(Activity.purchase(60, at="2026-01-05", id="t-1"))
    plain = Program("Club", earning=PerSpend(1))
    assert plain.account("m-1", snapshot=account.snapshot()).balance(at="2026-02-01") == 60
