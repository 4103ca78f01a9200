"""Lean accounts: what most members need, to the same end as accounts, from objects and from columns alike."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
import polars as pl
import pytest

from loyaltycore import *
from loyaltycore._lean import Lean
import loyaltycore._lives as living
from loyaltycore._told_frame import ToldFrame
from loyaltycore.calls import Call
import loyaltycore.replay as replaying

MEMBERS = ("Ada", "Ben", "Cleo")


def tables(replay):
    """All that a replay tells, as tuples also where it gives frames."""
    given = (replay.monthly(), replay.balances(), replay.entries())
    rows = [sorted(t.iter_rows() if isinstance(t, pl.DataFrame) else map(tuple, t)) for t in given]
    return *rows, replay.totals, replay.refused, replay.events, replay.at


@st.composite
def simple_programs(draw):
    """Programs of one unit, whose points lapse by the day and whose tiers count what was spent."""
    expiry = draw(st.sampled_from([
        Never(), After(days=20), After(months=1).to_end_of("month"), OnDate("02-28"), On("2026-02-10"),
        EndOf("month") | After(days=10), After(days=0),
    ]))  # fmt: skip
    earning = draw(st.sampled_from([
        PerSpend(1), PerSpend("0.5") * by_tier(silver=2, gold=4) + Flat(3).when(OnWeekdays("sat", "sun")),
        (PerSpend(1) + PerSpend(3).over(20)).when(Category("tea")).rounded("half_up", to=5),
        PerSpend(1) * by_member_fact("plan", {"family": 3}),
        PerItem(2) + PerSpend(1).when(OfKind("purchase") & Sku("a", "b")) * by_tier(gold=2),
        best_of(PerSpend(1), Flat(9).when(During("2026-01-20", "2026-02-03T05:00"))),
    ]))  # fmt: skip
    count = draw(st.sampled_from(["spend", "activities"]))
    steps = [Tier(name, Reach(count, n)) for name, n in (("silver", 3), ("gold", 5))]
    if draw(st.booleans()):
        steps[0] = Tier("silver")
    ladder = TierLadder(
        *steps,
        window=draw(st.sampled_from([Rolling(days=3), Rolling(months=1), Lifetime()])),
        keeps=draw(st.sampled_from([Never(), After(days=5), After(months=1), After(days=0)])),
        downgrade=draw(st.sampled_from(["requalify", "one_level", "none"])),
    )
    rounding = draw(st.sampled_from([Rounding(), Rounding("ceil")]))
    return Program(
        "Simple",
        timezone=draw(st.sampled_from(["UTC", "America/New_York"])),
        points={"points": Points(earning, expiry=expiry, rounding=rounding)},
        tiers=draw(st.sampled_from([None, ladder])),
        rewards={"coffee": Item(7), "cake": Item(30), "sale": Item(9).when(OnWeekdays("mon"))},
    )


USUAL = (0, 1, 2, "4.50", "19.99", 60, "coffee", "coffee", "cake")


@st.composite
def simple_rows(draw, unusual=()):
    """Rows of a history: the member, the moment, what was bought or done, and of which kind.

    They are on few days, at few moments of them, and often at the same moment; two or three take an account.
    """
    days = st.integers(0, 80).map(lambda n: datetime(2026, 1, 5) + timedelta(days=n))
    hours = st.sampled_from([timedelta(0), timedelta(hours=5), timedelta(hours=12), -timedelta.resolution])
    moments = st.tuples(st.sampled_from(MEMBERS), st.builds(lambda day, hour: day + hour, days, hours))
    rows = draw(st.lists(st.tuples(moments, st.sampled_from(USUAL)), max_size=40))
    if unusual:
        rows += draw(st.lists(st.tuples(moments, st.sampled_from(unusual)), max_size=3))
    return [(member, at, what) for (member, at), what in rows]


def as_events(rows):  # noqa: C901 (a branch for each that can be done)
    """Rows as activities and calls."""
    events = []
    for n, (member, at, what) in enumerate(rows):
        told = {"member": member, "id": f"{n}", "at": at}
        bought = {"category": "tea" if n % 2 else "", "sku": "abc"[n % 3], "quantity": n % 4 + 1}
        if what in ("coffee", "cake", "sale"):
            events.append(Call("redeem", what, **told))
        elif what == "paid":
            events.append(Call("redeem", "coffee", order=Activity.purchase(5, at=at), **told))
        elif what == "adjust":
            events.append(Call("adjust", 20, reason="sorry", actor="desk", **told))
        elif what == "late":
            events.append(Call("earn", Activity.purchase(9, **told, **bought), posted=at + timedelta(9)))
        elif what == "review":
            events.append(Activity.action("review", **told))
        elif what == "baskets":
            events.append(Activity([Line(3, "tea"), Line("2.50")], **told))
        elif what == "third":
            events.append(Activity.purchase(Fraction(1, 3), **told))
        elif what == "fact":
            events.append(Activity.purchase(4, tender="card", **told))
        elif what == "nameless":
            events.append(Activity.purchase(4, at=at, member=member))
        elif what == "aware":
            events.append(Activity.purchase(4, member=member, id=f"{n}", at=at.replace(tzinfo=UTC)))
        else:
            events.append(Activity.purchase(5 if what == "again" else what, **told, **bought))
            events += [events[-1]] * (what == "again")
    return events


def as_frame(rows, *, text=False):
    """The same rows as a frame: amounts in cents, or all of it as text, as a file has it."""
    cells = [
        {
            "member": event.member,
            "at": event.at.isoformat() if text else event.at,
            "id": event.id,
            "kind": event.verb if isinstance(event, Call) and event.verb != "earn" else "",
            "amount": None,
            "category": "",
            "sku": "",
            "quantity": None,
            "reward": event.args[0] if isinstance(event, Call) and event.verb == "redeem" else None,
            "points": event.args[0] if isinstance(event, Call) and event.verb == "adjust" else None,
            "posted": event.posted if isinstance(event, Call) else None,
            "reason": "sorry",
            "actor": "desk",
        }
        for event in as_events(rows)
    ]
    for cell, event in zip(cells, as_events(rows), strict=True):
        activity = event.args[0] if isinstance(event, Call) and event.verb == "earn" else event
        if "order" in getattr(event, "facts", ()):
            cell["amount"] = "5" if text else 500
        if isinstance(activity, Activity):
            [line] = activity.lines
            cell["amount"] = f"{float(line.amount):.2f}" if text else int(line.amount * 100)
            cell |= {"category": line.category, "sku": line.sku, "quantity": int(line.quantity)}
            cell["kind"] = "" if activity.kind == "purchase" else activity.kind
    schema = {
        "member": pl.String, "at": pl.String if text else pl.Datetime, "id": pl.String, "kind": pl.String,
        "amount": pl.String if text else pl.Int64, "category": pl.String, "sku": pl.String, "quantity": pl.Int64,
        "reward": pl.String, "points": pl.Int64, "posted": pl.Datetime, "reason": pl.String, "actor": pl.String,
    }  # fmt: skip
    return pl.DataFrame(cells, schema=schema, orient="row")


def in_accounts(program, history, **told):
    """What accounts alone come to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lean, "of", lambda *_: None)
        return tables(program.replay(history, **told))


ENDS = st.sampled_from(["2026-01-20", "2026-02-10T05:00", "2026-06-01"])
UNUSUAL = ("paid", "sale", "late", "adjust", "again", "baskets", "third", "nameless", "fact", "aware", "review")
OF_A_FRAME = ("paid", "sale", "late", "adjust", "review")


@given(program=simple_programs(), rows=simple_rows(UNUSUAL), known=st.booleans(), at=ENDS)
def test_lean_accounts_come_to_what_accounts_do(program, rows, known, at):
    members = [Member("Ada", facts={"plan": "family"}), Member("Zoe")] if known else []
    assert Lean.of(program, 2) is not None
    told = {"at": at, "entries": True, "members": members}
    assert tables(program.replay(as_events(rows), **told)) == in_accounts(program, as_events(rows), **told)


@given(simple_programs(), simple_rows(OF_A_FRAME), ENDS, st.integers(0, 99), st.booleans())
def test_rows_of_a_frame_come_to_what_events_do(program, rows, at, shuffled, text):
    frame = as_frame(rows, text=text).sample(fraction=1, shuffle=True, seed=shuffled)
    replay = program.replay(frame, at=at, entries=True, amount_unit="major" if text else "minor")
    again = program.replay(as_events(rows), at=at, entries=True)
    assert isinstance(replay._job.told, ToldFrame)
    assert tables(replay) == tables(again)
    assert [account.entries for account in replay.accounts()] == [account.entries for account in again.accounts()]


@given(program=simple_programs(), rows=simple_rows(OF_A_FRAME), cut=st.floats(0, 1))
def test_a_frame_whose_replay_was_killed_goes_on_and_comes_to_the_same(tmp_path_factory, program, rows, cut):
    frame, file = as_frame(rows), tmp_path_factory.mktemp("lean") / "checkpoint"
    told = {"at": "2026-07-01", "entries": True, "checkpoint": file, "amount_unit": "minor"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(living, "CHUNK", 5)
        whole = tables(program.replay(frame, **told))
        written = file.read_bytes()
        file.write_bytes(written[: round(cut * len(written))])
        assert tables(program.replay(frame[::-1], **told)) == whole
    assert whole == tables(program.replay(frame, at="2026-07-01", amount_unit="minor"))
    assert file.read_bytes() == written


@pytest.mark.parametrize("kind", ["frame", "events"])
def test_several_processes_come_to_the_same_as_one(monkeypatch, kind):
    monkeypatch.setattr(living, "CHUNK", 5)
    days = [datetime(2026, 1, 5) + timedelta(days=n // 3) for n in range(90)]
    whats = [*USUAL, "adjust", "late"] * 9
    rows = [(MEMBERS[n % 3] + str(n % 7), day, whats[n]) for n, day in enumerate(days)]
    club = Program(
        "Club",
        points={"points": Points(PerSpend(1) * by_tier(gold=2), expiry=After(days=20))},
        tiers=TierLadder(Tier("gold", Reach("spend", 60)), window=Rolling(days=9), keeps=After(days=9)),
        rewards={"coffee": Item(7), "cake": Item(30)},
    )
    history = as_frame(rows) if kind == "frame" else as_events(rows)
    alone = club.replay(history, entries=True, amount_unit="minor")
    assert isinstance(alone._job.told, ToldFrame) == (kind == "frame")
    assert tables(alone) == in_accounts(club, history, entries=True, amount_unit="minor")
    assert tables(club.replay(history, entries=True, amount_unit="minor", workers=2)) == tables(alone)


def test_a_replay_of_any_frame_gives_one_of_its_library():
    import duckdb

    club = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(7)})
    frame = as_frame([("Ada", datetime(2026, 1, 5, n), what) for n, what in enumerate([60, "coffee", 2, "cake"][:3])])
    table = frame.to_arrow()
    for native in (frame.lazy(), table, frame.to_pandas(use_pyarrow_extension_array=True), duckdb.from_arrow(table)):
        replay = club.replay(native, entries=True, amount_unit="minor")
        assert isinstance(replay._job.told, ToldFrame)
        assert isinstance(replay.entries(), pl.DataFrame if isinstance(native, pl.LazyFrame) else type(native))
        assert replay.totals["points"][2:5] == (62, 7, 0)


@given(simple_programs(), simple_rows(OF_A_FRAME), st.booleans())
def test_a_plain_file_comes_to_what_its_frame_does(tmp_path_factory, program, rows, has_ids):
    file = tmp_path_factory.mktemp("lean") / "history.csv"
    frame = as_frame(rows, text=True).with_columns(pl.col("posted").dt.to_string("iso:strict"))
    if not has_ids:
        frame = frame.filter(pl.col("kind") != "redeem").drop("id")
    frame.with_columns(pl.col(pl.String).replace("", None)).write_csv(file)  # it would quote what is empty
    with pytest.MonkeyPatch.context() as patch:
        read = program.replay(file, at="2026-06-01", entries=True)
        assert isinstance(read._job.told, ToldFrame)
        patch.setattr(replaying, "csv_of", lambda *_: None)
        assert tables(read) == tables(program.replay(file, at="2026-06-01", entries=True))


@pytest.mark.parametrize(
    "text",
    [
        'member,at,amount\nAda,2026-01-05,"5"\n',
        "member,at,amount\nAda,2026-01-05, 5\n",
        "member,at,amount\nAda,2026-01-05,5\n\nBen,2026-01-05,5,6\n",
        "member,at,amount,\nAda,2026-01-05,5,\nBen,2026-01-06\n",
        "member,at,amount\nAda,2026-01-05,5\nAda,soon,6\n",
        "member,at,amount,amount\nAda,2026-01-05,5,6\n",
        "member,at,amount,posted\nAda,2026-01-05,5,\nAda,2026-01-05,6,later\n",
    ],
)
def test_any_other_file_is_read_row_by_row(tmp_path, text):
    club, file = Program("Club", earning=PerSpend(1)), tmp_path / "history.csv"
    file.write_text(text)
    assert Lean.of(club, 2) is not None
    try:
        replay = club.replay(file)
    except DataError as error:
        assert str(file) in str(error)  # noqa: PT017 (one of them is refused)
    else:
        assert not isinstance(replay._job.told, ToldFrame)
        assert replay.totals["points"].net == 5
        assert all(str(file) in problem.path for problem in replay.problems)


def test_whoever_spends_more_than_a_column_holds_stays_in_the_highest_tier():
    ladder = TierLadder(Tier("silver", Reach("spend", 3)), Tier("gold", Reach("spend", 5)), window=Rolling(months=1))
    rials = Program("Club", currency="IRR", earning=PerSpend(1) * by_tier(gold=2), tiers=ladder)
    spent = [Activity.purchase(10**15, at=f"2026-01-0{day}", id=f"{day}", member="Ada") for day in range(1, 4)]
    told = {"at": "2026-01-09", "entries": True}
    assert Lean.of(rials, 4) is not None
    assert tables(rials.replay(spent, **told)) == in_accounts(rials, spent, **told)
    assert [row.tier for row in rials.replay(spent).balances()] == ["gold"]


@pytest.mark.parametrize(
    "columns",
    [
        {"id": ["a", "a"]},  # a basket of two lines
        {"id": [0, 1]},
        {"amount": ["1e0", "2"]},
        {"at": ["20260105", "20260106"]},
        {"at": [datetime(2026, 3, 8, 2, 30)] * 2},  # a moment that New York does not have
        {"quantity": [Decimal(1), Decimal(2)]},
    ],
    ids=str,
)
def test_a_frame_that_is_not_plain_is_read_row_by_row(columns):
    club = Program("Club", earning=PerSpend(1) + PerItem(1), timezone="America/New_York")
    rows = {"member": ["Ada"] * 2, "at": [date(2026, 1, 5)] * 2, "amount": ["1", "2"], **columns}
    replay = club.replay(pl.DataFrame(rows), entries=True)
    assert not isinstance(replay._job.told, ToldFrame)
    assert replay.totals["points"].net in (5, 6)


def test_members_who_only_earn_and_redeem_need_no_account(monkeypatch):
    monkeypatch.setattr(Account, "earn", None)
    ladder = TierLadder(Tier("silver", Reach("spend", 100)), window=Rolling(months=6), keeps=After(months=3))
    club = Program("Club", points={"points": Points(PerSpend(1), expiry=After(days=10))}, tiers=ladder,
                   rewards={"coffee": Item(30)})  # fmt: skip
    events = [
        Activity.purchase("50.50", at="2026-01-05", id="t-1", member="m-1"),
        Call("redeem", "coffee", member="m-1", id="r-1", at="2026-01-06"),
    ]
    assert club.replay(events, at="2026-02-01").totals["points"][2:5] == (50, 30, 20)
    with pytest.raises(TypeError):
        club.replay([*events, Call("cancel", "r-1", member="m-1", id="c-1", at="2026-01-07")])


@pytest.mark.parametrize(
    "program",
    [
        ProgramHistory(Program("Club", earning=PerSpend(1)), ("2026-04-01", Program("Club", earning=PerSpend(2)))),
        Program("Club", points={"points": Points(PerSpend(1)), "miles": Points(PerSpend(2))}),
        Program("Club", earning=PerSpend(1).named("a").cap(5, per="month")),
        Program("Club", earning=Flat(1).when(FirstTime())),
        Program("Club", points={"points": Points(PerSpend(1), expiry=After(hours=5))}),
        Program("Club", points={"points": Points(PerSpend(1), expiry=AfterInactivity(months=5))}),
        Program("Club", points={"points": Points(PerSpend(1), pending=After(days=5))}),
        Program("Club", points={"points": Points(PerSpend(1), at_most=50)}),
        Program("Club", points={"points": Points(PerSpend(1), order=NewestFirst())}),
        Program("Club", earning=PerSpend(1), tiers=TierLadder(Tier("gold", Reach("points", 5)))),
        Program(
            "Club", earning=PerSpend(1), tiers=TierLadder(Tier("gold", Reach("spend", 5)), window=Calendar("year"))
        ),
        Program("Club", earning=PerSpend(1), tiers=TierLadder(Tier("gold", Reach("spend", 5)), applies="after")),
    ],
    ids=repr,
)
def test_whatever_looks_at_more_takes_accounts(program):
    assert Lean.of(program, 2) is None
