"""Replay: a history of many members is what their accounts would have lived, however it is given and done."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
import random
import re
import sys
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st
import pandas as pd
import polars as pl
import pytest

from loyaltycore import *
import loyaltycore._lives as living
from loyaltycore.calls import Call, read_calls
from loyaltycore.cli import main
from loyaltycore.datasets import read_transactions
from loyaltycore.replay import TABLES, EntryRow, MonthPoints, ReplayedBalance

EXAMPLES = Path(__file__).parents[1] / "examples"

LADDER = TierLadder(Tier("silver", Reach("spend", 100)), Tier("gold", Reach("spend", 400)), window=Rolling(months=6),
                    keeps=After(months=3))  # fmt: skip
FIRST = Program(
    "Club",
    timezone="America/New_York",
    points={
        "stars": Points(
            (PerSpend(1) * by_tier(silver="1.5", gold=2)).named("base").cap(300, per="month")
            + Flat(20).when(FirstTime()),
            pending=After(days=10),
            expiry=After(months=4).to_end_of("month") | AfterInactivity(months=2),
        ),
        "vouchers": Points(Flat(0), expiry=After(months=6)),
        "miles": Points(PerSpend("0.5"), redeemable=False),
    },
    tiers=LADDER,
    rewards={
        "coffee": Item(30, unit="stars"),
        "latte": Item(60, unit="stars").when(AtLeastTier("silver")),
        "voucher": Convert(50, into="vouchers", gives=5, unit="stars"),
        "tea": Item(5, unit="vouchers"),
    },
)
LATER = Program(
    "Club", timezone="America/New_York", points={**FIRST.points, "stars": Points(PerSpend(2), expiry=After(days=20))},
    tiers=LADDER, rewards=FIRST.rewards, grandfather=False,
)  # fmt: skip
HISTORY = ProgramHistory(FIRST, ("2026-04-01", LATER))
PROGRAMS = {
    "tiers, caps, pending, expiry": FIRST,
    "versions": HISTORY,
    "converted by themselves": Program(
        "Stars",
        points={
            "stars": Points(PerSpend(1), converts=Convert(50, into="coupons", gives=1).every("month")),
            "coupons": Points(Flat(0), expiry=After(days=30), on_event=Flat(1).when(OfKind("redeemed"))),
        },
        rewards={"coffee": Item(1, unit="coupons"), "latte": Item(40, unit="stars"), "voucher": Item(2, unit="coupons"),
                 "tea": Item(30, unit="stars")},
    ),
}  # fmt: skip


def visit(amount, at, member="m-1", id="", **facts):
    return Activity.purchase(amount, at=at, member=member, id=id, **facts)


FEW = settings(max_examples=max(20, settings.default.max_examples // 2))
"""Each is the life of four members in a program, and most are tried on three."""


def life(seed, members=4, events=12):
    """What members may do in half a year: buy, redeem, hold, return, be given points, learn late."""
    draw = random.Random(seed)  # noqa: S311 (a sample, not a secret)
    found = []
    for m in range(members):
        member, bought = f"m-{m}", []
        at = datetime(2026, 1, 1)
        for n in range(events):
            at += timedelta(hours=draw.randrange(1, 24 * 25))
            told, key = {"member": member, "at": at}, f"{member}/{n}"
            what = draw.choice(("buy", "buy", "buy", "redeem", "hold", "reverse", "adjust", "late", "note"))
            if what in ("buy", "late"):
                bought.append(key)
                activity = visit(draw.randrange(1, 300), at, member, key)
                late = at + timedelta(days=draw.randrange(1, 40))
                found.append(Call("earn", activity, posted=late) if what == "late" else activity)
            elif what == "redeem":
                found.append(Call("redeem", draw.choice(("coffee", "latte", "voucher", "tea")), id=key, **told))
            elif what == "hold":
                found.append(Call("hold", "latte", id=key, **told))
            elif what == "reverse" and bought and not isinstance(found[-1], Call):
                found.append(Call("reverse", bought[-1], id=key, on_shortfall="owe", **told))
            elif what == "adjust":
                found.append(Call("adjust", 25, unit="stars", reason="sorry", actor="desk", id=key, **told))
            elif what == "note":
                found.append(Call("note", plan="family", id=key, **told))
    return found


def live(program, events, upto, member):
    """The account of a member as an application would have made it."""
    account = program.account(member)
    placed = []
    for event in events:
        if event.member == member:
            posted = (event.posted if isinstance(event, Call) else None) or event.at
            placed.append((max(posted, event.at), event.at, event.id, event))
    for _, _, _, event in sorted(placed, key=lambda item: item[:3]):
        if isinstance(event, Activity):
            account.earn(event)
        elif event.verb == "earn":
            account.earn(event.args[0], posted=event.posted)
        else:
            getattr(account, event.verb)(*event.args, id=event.id, at=event.at, **event.facts)
    account.advance(upto)
    return account


def tables(replay):
    return replay.monthly(), replay.balances(), replay.entries(), replay.totals, replay.refused, replay.events


# What it is ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@FEW
@given(seed=st.integers(0, 10_000))
def test_a_replay_is_what_live_accounts_have_come_to(program, seed):
    events = life(seed)
    replay = program.replay(events, at="2026-12-01")
    accounts = {account.id: account for account in replay.accounts()}
    for member in {event.member for event in events}:
        lived = live(program, events, "2026-12-01", member)
        assert accounts[member].entries == lived.entries
        rows = [row for row in replay.entries() if row.member == member]
        assert [(r.seq, r.kind, r.id, r.at, r.posted, r.unit, r.points, r.source) for r in rows] == [
            (e.seq, e.kind, e.id, e.at, e.posted, e.unit, e.points, e.source) for e in lived.entries
        ]
        for row in replay.balances():
            if row.member == member:
                totals = lived.totals(row.unit, at="2026-12-01")
                assert row[3:] == tuple(totals[name] for name in ("available", "pending", "held", "owed"))
                assert row.tier == (
                    lived.tier(at="2026-12-01") if program is not PROGRAMS["converted by themselves"] else ""
                )


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
@FEW
@given(seed=st.integers(0, 10_000))
def test_the_months_add_up_to_what_there_is(program, seed):
    replay = program.replay(life(seed), at="2026-12-01")
    for unit, total in replay.totals.items():
        assert total.net == sum(row.net for row in replay.balances() if row.unit == unit)
        assert total.net == total.earned - total.spent - total.lapsed - total.reversed + total.other
        assert total.earned == sum(r.points for r in replay.entries() if (r.kind, r.unit) == ("earned", unit))
        assert total.net == sum(row.net for row in replay.monthly() if row.unit == unit)


@FEW
@given(seed=st.integers(0, 10_000), shuffled=st.integers(0, 10_000))
def test_the_order_of_the_input_never_matters(seed, shuffled):
    events = life(seed)
    again = random.Random(shuffled).sample(events, len(events))  # noqa: S311 (an order, not a secret)
    assert tables(FIRST.replay(events)) == tables(FIRST.replay(again))


def test_events_at_one_instant_go_by_their_ids_and_then_by_their_content():
    alike = [visit(n, "2026-01-05") for n in (5, 3, 9, 3)]
    for events in (alike, alike[::-1]):
        [account] = Program("Club", earning=PerSpend(1)).replay(events).accounts()
        assert [entry.points for entry in account.entries] == [3, 3, 5, 9]
    first = [Call("redeem", "coffee", member="m", id="a", at="2026-01-05"), visit(50, "2026-01-05", "m", id="b")]
    club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(30)})
    assert club.replay(first).refused == club.replay(first[::-1]).refused == 1


def test_what_happened_after_the_end_is_left_out():
    club = Program("Club", points={"points": Points(PerSpend(1), expiry=After(days=10))})
    events = [visit(50, "2026-01-05", id="t-1"), visit(30, "2026-02-20", id="t-2")]
    replay = club.replay(events, at="2026-02-01")
    assert (replay.events, replay.totals["points"].lapsed, replay.totals["points"].net) == (1, 50, 0)
    assert club.replay(events).at == datetime(2026, 2, 20, tzinfo=club.zone)
    assert [row.available for row in replay.balances(at="2026-01-10")] == [50]
    assert [row.available for row in replay.balances(at="2026-02-21")] == [30]
    assert replay.balances(at="2026-02-01") == replay.balances()


def test_an_end_is_needed_where_nothing_happened():
    club = Program("Club", earning=PerSpend(1))
    with pytest.raises(DataError, match=r"there are no events, so no end; give one by at="):
        club.replay([])
    replay = club.replay([], at="2026-01-01", members=[Member("Ada")])
    assert (replay.members, replay.monthly()) == (1, ())
    assert replay.balances() == (ReplayedBalance("Ada", "", "points", 0, 0, 0, 0),)


def test_what_is_known_of_members_is_known_to_their_accounts():
    club = Program("Club", earning=PerSpend(1) * by_member_fact("plan", {"family": 3}))
    events = [visit(10, "2026-01-05", "Ada", id="t"), visit(10, "2026-01-05", "Ben", id="t")]
    replay = club.replay(events, members=[Member("Ben", joined="2025-01-01", facts={"plan": "family"})])
    assert [row.available for row in replay.balances()] == [10, 30]
    assert replay.account("Ben").member(at="2026-02-01").joined == date(2025, 1, 1)
    with pytest.raises(DataError, match="'Zoe' has no history"):
        replay.account("Zoe")


# However it is done ------------------------------------------------------------------------------------------------


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(living, "CHUNK", 5)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("workers", [2, 3])
def test_several_processes_come_to_the_same_as_one(workers):
    events = life(7, members=9)
    steps = []
    alone = HISTORY.replay(events, entries=True)
    together = HISTORY.replay(events, entries=True, workers=workers, progress=lambda *step: steps.append(step))
    assert tables(together) == tables(alone)
    assert steps[0] == (0, len(events))
    assert steps[-1] == (len(events), len(events))
    assert steps == sorted(set(steps))


@pytest.mark.usefixtures("small_chunks")
def test_a_process_of_several_raises_what_one_does():
    club = Program("Club", earning=PerUnit(1, of="nights"))
    stays = [
        Activity.action("stay", at="2026-01-05", id=f"t-{n}", member=f"m-{m}", nights="two" if n == m == 3 else 1)
        for m in range(6)
        for n in range(6)
    ]
    for workers in (1, 2):
        with pytest.raises(DataError, match="'two' is not a number") as raised:
            club.replay(stays, workers=workers)
        assert raised.value.__notes__ == ["(stay 't-3' of member 'm-3' at 2026-01-05)"]


@FEW
@given(seed=st.integers(0, 300), cut=st.floats(0, 1))
def test_a_replay_that_was_killed_goes_on_and_comes_to_the_same(tmp_path_factory, seed, cut):
    events = life(seed, members=6)
    file = tmp_path_factory.mktemp("replay") / "checkpoint"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(living, "CHUNK", 5)
        whole = FIRST.replay(events, entries=True, checkpoint=file)
        written = file.read_bytes()
        file.write_bytes(written[: round(cut * len(written))])
        steps = []
        again = FIRST.replay(events[::-1], entries=True, checkpoint=file, progress=lambda done, _: steps.append(done))
    assert tables(again) == tables(whole)
    assert file.read_bytes() == written
    assert steps[-1] == len(events)
    assert (steps[0] == len(events)) == (cut == 1 or round(cut * len(written)) == len(written))


@pytest.mark.usefixtures("small_chunks")
def test_what_is_finished_is_not_done_again(tmp_path):
    class Stopped(Exception):
        pass

    def stop(done, _):
        if done > len(events) / 2:
            raise Stopped

    events, file = life(3, members=8), tmp_path / "checkpoint"
    with pytest.raises(Stopped):
        FIRST.replay(events, checkpoint=file, progress=stop)
    first = []
    again = FIRST.replay(events, checkpoint=file, progress=lambda done, _: first.append(done), workers=2)
    assert first[0] > len(events) / 2
    assert tables(again) == tables(FIRST.replay(events))


@pytest.mark.parametrize(
    ("what", "other"),
    [
        ("program", lambda events: LATER.replay(events, checkpoint="file")),
        ("history", lambda events: FIRST.replay(events[1:], at="2027-01-01", checkpoint="file")),
        ("members", lambda events: FIRST.replay(events, at="2027-01-01", members=[Member("x")], checkpoint="file")),
        ("at", lambda events: FIRST.replay(events, at="2027-01-02", checkpoint="file")),
        ("entries", lambda events: FIRST.replay(events, at="2027-01-01", entries=True, checkpoint="file")),
    ],
)
def test_a_checkpoint_is_of_one_replay(tmp_path, monkeypatch, what, other):
    monkeypatch.chdir(tmp_path)
    events = life(1)
    FIRST.replay(events, at="2027-01-01", checkpoint="file")
    with pytest.raises(DataError, match=f"file: it is of a replay with another {what}; give a file of its own"):
        other(events)


@pytest.mark.parametrize("text", ["member,date\n", "{}\n", "[1]\n1\n", "\0", '{"loyaltycore replay":2}\nx\n'])
def test_a_file_that_is_no_checkpoint_is_left_as_it_is(tmp_path, text):
    file = tmp_path / "other"
    file.write_text(text)
    with pytest.raises(DataError, match=r"it is no checkpoint of a replay; give the path of a new file|with another"):
        FIRST.replay(life(1), checkpoint=file)
    assert file.read_text() == text


# Progress -----------------------------------------------------------------------------------------------------------


def test_a_bar_is_shown_where_it_is_asked_for(monkeypatch):
    bars = []

    class Bar:
        def __init__(self, **options):
            bars.append((options["total"], options["disable"]))
            self.n = 0

        def update(self, more):
            self.n += more

        def __enter__(self):
            return self

        def __exit__(self, *error):
            assert self.n == bars[-1][0]

    monkeypatch.setitem(sys.modules, "tqdm", SimpleNamespace(tqdm=Bar))
    events = life(1)
    for progress in (None, True, False):
        FIRST.replay(events, progress=progress)
    assert bars == [(len(events), None), (len(events), False), (len(events), True)]


def test_without_tqdm_there_is_no_bar(monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert FIRST.replay(life(1)).events == FIRST.replay(life(1), progress=False).events
    with pytest.raises(MissingExtra, match=r"replay\(progress=True\) needs tqdm, which is not installed"):
        FIRST.replay(life(1), progress=True)


# What goes wrong ----------------------------------------------------------------------------------------------------

SIMPLE = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(30)})


@pytest.mark.parametrize(
    ("history", "error", "message"),
    [
        ([visit(5, "2026-01-05"), "coffee"], DataError, "history: 'coffee' is no event; give activities and calls"),
        (5, DataError, "5 is no history; give activities and calls, a frame, or the path of a file"),
        ([visit(5, "2026-01-05", id="t"), visit(6, "2026-01-05", id="t")], Conflict, "t: it was used before with"),
        ([Call("redeem", "tea", id="r", at="2026-01-05")], RuleError, "'tea' is no reward"),
        ([Call("capture", "h", id="c", at="2026-01-05")], RuleError, "'h' is no hold"),
        ([Call("redeem", "coffee", at="2026-01-05")], RuleError, "id: '' is no id"),
        ([Call("redeem", "coffee", id="r", at="2026-01-05", price=3)], TypeError, "price"),
    ],
)
def test_what_no_account_can_live_is_refused(history, error, message):
    with pytest.raises(error, match=message):
        SIMPLE.replay(history)


def test_an_error_names_the_call_the_member_and_the_moment():
    with pytest.raises(RuleError) as raised:
        SIMPLE.replay([Call("reverse", "t-9", member="Ada", id="x-1", at="2026-01-05T12:30")])
    assert raised.value.__notes__ == ["(reverse 'x-1' of member 'Ada' at 2026-01-05T12:30)"]


def test_a_call_says_what_it_cannot_be():
    with pytest.raises(RuleError, match="verb: 'transfer' is none for one account; give one of earn, redeem"):
        Call("transfer", 5, at="2026-01-05")
    with pytest.raises(RuleError, match="at: say when the redeem happened"):
        Call("redeem", "coffee", id="r")
    with pytest.raises(RuleError, match=r"give the activity, as in Call\('earn', activity, posted=...\)"):
        Call("earn", 5)
    call = Call("adjust", 5, reason="sorry", actor="desk", member="Ada", id="a", at="2026-01-05", posted="2026-01-06")
    assert eval(repr(call)) == call  # noqa: S307 (its own repr)
    assert eval(repr(Call("earn", visit(5, "2026-01-05", id="t"), posted="2026-01-07"))).member == "m-1"  # noqa: S307


# From files and frames ----------------------------------------------------------------------------------------------

ROWS = """id,member,date,kind,amount,category,reward,of,points,posted,on_shortfall,unit,reason,actor
t-1,Ada,2026-01-05,,120.00,dining,,,,,,,,
t-1,Ada,2026-01-05,,30.00,travel,,,,,,,,
t-2,Ben,2026-01-06T12:00,review,0,,,,,2026-01-08,,,,
r-1,Ada,2026-01-07,redeem,,,coffee,,,,,,,
h-1,Ada,2026-01-08,hold,,,coffee,,,,,,,
c-1,Ada,2026-01-08,capture,,,,h-1,20,,,,,
x-1,Ada,2026-01-09,reverse,130.00,,,t-1,,,owe,,,
a-1,Ben,2026-01-09,adjust,,,,,7,,,points,sorry,desk
k-1,Ada,2026-01-10,cancel,,,,r-1,10,,,,,
p-1,Ben,2026-01-11,redeem,10.00,,pay,,5,,,,,
"""
SHOP = Program(
    "Shop",
    earning=PerSpend(1) + Flat(50).when(OfKind("review")),
    rewards={"coffee": Item(30), "pay": PayWithPoints(worth="0.01", at_least=1)},
)
CALLS = [
    Activity([Line("120.00", "dining"), Line("30.00", "travel")], at="2026-01-05", id="t-1", member="Ada"),
    Call("earn", Activity.action("review", at="2026-01-06T12:00", id="t-2", member="Ben"), posted="2026-01-08"),
    Call("redeem", "coffee", member="Ada", id="r-1", at="2026-01-07"),
    Call("hold", "coffee", member="Ada", id="h-1", at="2026-01-08"),
    Call("capture", "h-1", member="Ada", id="c-1", at="2026-01-08", points=20),
    Call("reverse", "t-1", member="Ada", id="x-1", at="2026-01-09", amount="130.00", on_shortfall="owe"),
    Call("adjust", 7, unit="points", reason="sorry", actor="desk", member="Ben", id="a-1", at="2026-01-09"),
    Call("cancel", "r-1", member="Ada", id="k-1", at="2026-01-10", points=10),
    Call("redeem", "pay", member="Ben", id="p-1", at="2026-01-11", points=5,
         order=Activity.purchase("10.00", at="2026-01-11")),
]  # fmt: skip


def test_a_file_says_what_happened(tmp_path):
    """The capture of a hold and the hold itself are at one instant, where ids decide: the hold has come first."""
    rows = ROWS.replace("2026-01-08,capture", "2026-01-08T01:00,capture")
    calls = [*CALLS[:4], Call("capture", "h-1", member="Ada", id="c-1", at="2026-01-08T01:00", points=20), *CALLS[5:]]
    (tmp_path / "history.csv").write_text(rows)
    replay = SHOP.replay(tmp_path / "history.csv")
    assert replay.entries() == SHOP.replay(calls).entries()
    assert replay.problems == ()
    assert {row.member: (row.available, row.owed) for row in replay.balances()} == {"Ada": (0, 20), "Ben": (52, 0)}


def test_a_frame_says_what_happened_and_gives_frames():
    rows = [line.split(",") for line in ROWS.replace("2026-01-08,capture", "2026-01-08T01:00,capture").splitlines()]
    table = {name: [cell or None for cell in cells] for name, *cells in zip(*rows, strict=True)}
    for unit, dtype in ((None, pl.Decimal(10, 2)), ("minor", pl.Int64)):
        amounts = [Decimal(amount or 0) for amount in table["amount"]]
        cents = [int(amount * 100) for amount in amounts]
        frame = pl.DataFrame({**table, "amount": cents if unit else amounts}, strict=False)
        frame = frame.with_columns(pl.col("amount").cast(dtype), pl.col("date").str.slice(0, 16))
        # a reversal, a redemption and a capture of no amount have a null as they have an empty cell
        empty = pl.Series([not amount for amount in table["amount"]])
        frame = frame.with_columns(pl.when(empty).then(None).otherwise(pl.col("amount")).alias("amount"))
        replay = SHOP.replay(frame, amount_unit=unit)
        again = SHOP.replay(frame.sample(fraction=1, shuffle=True, seed=1).lazy(), amount_unit=unit)
        for name, row_type in (("monthly", MonthPoints), ("balances", ReplayedBalance), ("entries", EntryRow)):
            found = getattr(replay, name)()
            assert isinstance(found, pl.DataFrame)
            assert tuple(found.columns) == row_type._fields
            if name != "entries":
                assert found.equals(getattr(again, name)())
        assert replay.entries()["at"].dtype == pl.Datetime("us", "UTC")
        assert replay.balances()["owed"].to_list() == [20, 0]


COUNTED = Program("Club", earning=PerSpend(1).named("base").cap(50, per="month"))


@pytest.mark.parametrize("program", [COUNTED, Program("Club", earning=PerSpend(1))], ids=["counted", "lean"])
def test_a_frame_of_pandas_may_have_its_own_whole_numbers_and_missing_cells(program):
    table = {"member": ["a", "b"], "at": pd.to_datetime(["2026-01-05", "2026-01-06"])}
    for numbers in ("Int64", "int64", "int64[pyarrow]"):
        amounts, ids = pd.Series([10_50, 20_00], dtype=numbers), pd.Series([1, 2], dtype=numbers)
        replay = program.replay(pd.DataFrame({**table, "amount": amounts, "id": ids, "quantity": ids}))
        assert replay.totals["points"].earned == 30
        assert isinstance(replay.monthly(), pd.DataFrame)
    decimals = pd.Series([Decimal("10.5"), Decimal(20)])
    assert program.replay(pd.DataFrame({**table, "amount": decimals})).totals["points"].earned == 30
    frame = pd.DataFrame({**table, "amount": pd.Series([1, 2], dtype="Int64"), "id": pd.Series(["1", "2"])})
    for column, missing, said in (
        ("member", None, "there is no member"),
        ("member", pd.NA, "there is no member"),
        ("id", None, "there is no id"),
        ("amount", pd.NA, "amount: null"),
        ("at", pd.NaT, "date: null"),
    ):
        with pytest.raises(DataError, match=said):
            program.replay(frame.assign(**{column: [missing, frame[column][1]]}).astype({"amount": "Int64"}))


def test_a_frame_needs_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(MissingExtra, match=r"a replay of a frame needs narwhals.*loyaltycore\[frames\]"):
        SHOP.replay(pl.DataFrame({"member": ["a"], "at": ["2026-01-05"], "amount": [500]}))


def test_dates_and_instants_of_a_frame_are_those_of_the_program():
    new_york = Program("Club", earning=PerSpend(1), timezone="America/New_York")
    frame = pl.DataFrame({"member": ["a"], "at": [datetime(2026, 2, 1, 3, tzinfo=UTC)], "amount": [5_00]})
    assert new_york.replay(frame).monthly()["month"].to_list() == ["2026-01"]
    days = pl.DataFrame({"member": ["a"], "at": [date(2026, 2, 1)], "amount": ["5.00"]})
    assert new_york.replay(days).monthly()["month"].to_list() == ["2026-02"]


@pytest.mark.parametrize(
    ("columns", "message", "note"),
    [
        ({"amount": [5.5]}, "Float64 is not exact; give whole numbers of coins, decimals or text", None),
        ({"amount": [None]}, "amount: null; fill it in", "(row 0 of the frame)"),
        ({"at": [None]}, "date: null; say when it happened", "(row 0 of the frame)"),
        ({"member": [None]}, "there is no member; say whose it is", "(row 0 of the frame)"),
        ({"kind": ["reverse"]}, "of: a reverse says what; fill in the column", "(row 0 of the frame)"),
        (
            {"amount": [-500]},
            "comes to -5, below 0; give a refund as a row of the kind 'reverse'",
            "(row 0 of the frame)",
        ),
    ],
)
def test_a_row_that_says_nothing_is_told(columns, message, note):
    frame = pl.DataFrame({"member": ["a"], "at": ["2026-01-05"], "amount": [500], **columns},
                         schema_overrides={} if columns.get("amount") == [5.5] else {"amount": pl.Int64})  # fmt: skip
    with pytest.raises(LoyaltyError, match=message) as raised:
        SHOP.replay(frame)
    assert getattr(raised.value, "__notes__", [None]) == [note]


def test_bad_rows_of_a_file_are_told_and_left_out(tmp_path):
    good, *others = ROWS.splitlines()[1:3][:1], "t-1,Ben,2026-01-05,,1,,,,,,,,,", "q-1,Ada,2026-01-05,redeem,,,,,,,,,,"
    header = ROWS.splitlines()[0]
    more = ["n-1,Ada,2026-01-05,,-5,,,,,,,,,", "b-1,Ada,sometime,,5,,,,,,,,,", ",Ada,2026-01-05,,5,,,,,,,,,", "x"]
    file = tmp_path / "bad.csv"
    file.write_text("\n".join([header, *good, *others, *more]) + "\n")
    replay = SHOP.replay(file)
    assert replay.totals["points"].net == 120
    assert [problem.path.rpartition(":")[2] for problem in replay.problems] == ["3", "4", "5", "6", "7", "8"]
    assert "rows that share an id are one basket" in str(replay.problems[0])
    assert str(replay).endswith("Not counted: 6 problems; replay.problems says which and why.")
    with pytest.raises(DataError, match=r"bad\.csv:3"):
        read_calls(file, strict=True)


def test_several_files_are_one_history(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("member,date,amount\nAda,2026-01-05,10\n")
    calls = read_calls(tmp_path / "a.csv", tmp_path / "b.csv")
    assert [event.id for event in calls] == ["a.csv line 2", "b.csv line 2"]
    assert SIMPLE.replay(calls).totals["points"].earned == 20


def test_real_baskets_come_to_what_the_report_says():
    program = Program.load(EXAMPLES / "grocer.toml")
    transactions = read_transactions(EXAMPLES / "transactions.csv")
    replay = program.replay(transactions, at="2018-01-01", workers=2)
    assert replay.totals["points"].earned == program.report(transactions).total
    assert (replay.events, replay.totals["points"].net) == (2_275, 0)


# How it is shown ----------------------------------------------------------------------------------------------------


def test_it_shows_each_unit_by_month():
    replay = FIRST.replay([visit(50, "2026-01-05", id="t"), visit(5, "2026-03-05", "<b>", id="u")])
    text = str(replay)
    assert text.startswith("Club up to 2026-03-05: 2 events, 2 members\n\nstars")
    assert text.count("total") == 3
    html = replay._repr_html_()
    assert html.count("<table>") == 3
    assert "2026-03" in html
    assert repr(replay) == "<Replay of Club up to 2026-03-05: 2 events, 2 members>"
    assert repr(read_calls(EXAMPLES / "transactions.csv")) == "<Calls: 2,275 events, 0 bad rows>"


# The command line ---------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Run the command on the rows above, and give its exit code and what it wrote."""
    monkeypatch.chdir(tmp_path)
    Path("history.csv").write_text(ROWS.replace("2026-01-08,capture", "2026-01-08T01:00,capture"))
    SHOP.dump("shop.toml")

    def run(*options, files=("history.csv",)):
        code = main(["replay", *files, "--program", "shop.toml", "--out", "out", *options])
        return code, *capsys.readouterr()

    return run


def test_the_command_prints_the_months_and_writes_the_tables(run):
    code, out, err = run("--entries", "--workers", "2")
    replay = SHOP.replay("history.csv")
    assert (code, out) == (0, f"{replay}\n")
    assert re.fullmatch(r"loyaltycore: 9 events in [\d.]+ s, [\d,]+ a second, with reading\n", err)
    tables = {name: Path(f"out/{name}.csv").read_text().splitlines() for name in TABLES}
    assert tables["monthly"] == [
        "month,unit,earned,spent,lapsed,reversed,other,net",
        "2026-01,points,200,45,0,130,7,32",
    ]
    assert tables["balances"][1:] == ["Ada,,points,0,0,0,20", "Ben,,points,52,0,0,0"]
    assert (
        tables["entries"][2] == "Ada,2,spent,r-1,2026-01-07 00:00:00+00:00,2026-01-07 00:00:00+00:00,points,30,coffee,"
    )


def test_the_command_goes_on_from_a_checkpoint_and_ends_when_it_is_told(run):
    first = run("--checkpoint", "file", "--at", "2026-01-07")
    assert run("--checkpoint", "file", "--at", "2026-01-07")[1] == first[1]
    assert first[1].startswith("Shop up to 2026-01-07: 2 events, 2 members\n")
    assert not Path("out/entries.csv").exists()
    assert run("--checkpoint", "file")[::2] == (
        2, "loyaltycore: error: file: it is of a replay with another at; give a file of its own, or delete this one\n"
    )  # fmt: skip


def test_the_command_reads_and_writes_parquet(run):
    frame = pl.DataFrame({"member": ["a", "b"], "at": ["2026-01-05", "2026-02-05"], "amount": [500, 700]})
    for name, rows in (("a", frame[:1]), ("b", frame[1:])):
        rows.write_parquet(f"{name}.parquet")
    code, out, _ = run(files=("a.parquet", "b.parquet"))
    assert (code, out) == (0, f"{SHOP.replay(frame)}\n")
    assert pl.read_parquet("out/monthly.parquet").equals(SHOP.replay(frame).monthly())
    Path("a.parquet").write_text("no table")
    assert run(files=("a.parquet",))[::2][0] == 2


def test_the_command_tells_bad_rows_and_how_it_read_them(run):
    Path("more.csv").write_text("customer,date,amount,what\nAda,2026-02-01,5,\nAda,2026-02-02,five,\n")
    code, out, err = run("--kind-column", "what", files=("more.csv",))
    assert code == 0
    assert err.startswith("loyaltycore: reading member from 'customer'\nmore.csv:3: amount: 'five' is not a number")
    assert out.endswith("Not counted: 1 problem; replay.problems says which and why.\n")
    assert run("--strict", files=("more.csv",))[0] == 1
