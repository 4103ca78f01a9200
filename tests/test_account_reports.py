"""Reports on accounts: small numbers worked out by hand, and the same from wherever the accounts come."""

from fractions import Fraction
from math import comb

from hypothesis import example, given, settings
import pandas as pd
import polars as pl
import pytest
from stories import BEGIN, CLUB, STORIES, Step, Teller

import loyaltycore
from loyaltycore import *
from loyaltycore import reports
from loyaltycore.calls import Call
from loyaltycore.liability import rollforward
from loyaltycore.replay import EntryRow
from loyaltycore.reports import *
from loyaltycore.store import Store
from loyaltycore.surveys import wilson

COFFEE_CLUB = Program(
    "Coffee Club",
    points={
        "beans": Points(PerSpend(1), expiry=After(months=2)),
        "status": Points(PerSpend(1), redeemable=False),
    },
    tiers=TierLadder(Tier("gold", Reach("status", 100)), window=Calendar("year")),
    rewards={"coffee": Item(30), "gift": Donation(worth="0.01", to="the school"), "treat": Item(0)},
)
END = "2026-04-15"


def bought(member, day, amount, **more):
    return Activity.purchase(amount, at=day, id=f"{member} {day}", member=member, **more)


def redeemed(member, day, reward="coffee", points=None):
    return Call("redeem", reward, member=member, id=f"{member} {day} {reward}", at=day, points=points)


HISTORY = [
    bought("Ada", "2026-01-05", 75),
    redeemed("Ada", "2026-01-25"),  # 45 are left of January's, whose last day is 5 March
    bought("Ada", "2026-02-05", 75),
    redeemed("Ada", "2026-02-25"),  # 15 of January's lapse on 6 March, 75 of February's on 6 April
    bought("Ben", "2026-02-10", 40),  # its last day is 10 April
    bought("Ben", "2026-02-12", 20),  # and of these 12 April
    redeemed("Ben", "2026-03-01", "gift", 10),  # of which 30 are left on 10 April
    Call("cancel", "Ben 2026-03-01 gift", member="Ben", id="c-1", at="2026-03-02", points=4),
    bought("Ben", "2026-04-01", 25),
    bought("Cy", "2026-04-14", 8),
]
MEMBERS = [Member("Ada", joined="2026-01-01")]


def replayed():
    return COFFEE_CLUB.replay(HISTORY, members=MEMBERS, at=END)


def stored():
    store = Store("sqlite://")
    store.create()
    joined = {member.id: member.joined for member in MEMBERS}
    for event in HISTORY:
        with store.account(event.member, COFFEE_CLUB, joined=joined.get(event.member)) as account:
            event.tell(account) if isinstance(event, Call) else account.earn(event)
    return store


def entries_by_member():
    return {account.id: account.entries for account in replayed().accounts()}


def framed():
    return pl.DataFrame(replayed().entries(), schema=list(EntryRow._fields), orient="row")


ACCOUNTS = {
    "replay": lambda report, **more: report(replayed(), **more),
    "replay that kept its entries": lambda report, **more: report(
        COFFEE_CLUB.replay(HISTORY, members=MEMBERS, at=END, entries=True), **more
    ),
    "replay that goes on": lambda report, **more: report(
        COFFEE_CLUB.replay(HISTORY, members=MEMBERS, at="2026-04-14"), at=END, **more
    ),
    "accounts": lambda report, **more: report(list(replayed().accounts()), at=END, **more),
    "accounts, once": lambda report, **more: report(replayed().accounts(), at=END, **more),
    "store": lambda report, **more: report(stored(), at=END, **more),
    "entries by member": lambda report, **more: report(entries_by_member(), at=END, program=COFFEE_CLUB, **more),
}
FRAMES = {
    "frame": lambda report, **more: report(framed(), at=END, program=COFFEE_CLUB, **more),
    "lazy frame": lambda report, **more: report(framed().lazy(), at=END, program=COFFEE_CLUB, **more),
    "pandas": lambda report, **more: report(
        pd.DataFrame(replayed().entries(), columns=list(EntryRow._fields)), at=END, program=COFFEE_CLUB, **more
    ),
}


def column(report, name, key="period"):
    return {getattr(row, key): getattr(row, name) for row in report.rows}


# The same from everywhere -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ACCOUNTS | FRAMES)
def test_what_became_of_points_by_month(where):
    flow = (ACCOUNTS | FRAMES)[where](points_flow)

    assert [tuple(row) for row in flow.rows] == [
        ("2026-01", 75, 30, 0, 0, 0, 45, 45),
        ("2026-02", 135, 30, 0, 0, 0, 105, 150),
        ("2026-03", 0, 6, 15, 0, 0, -21, 129),
        ("2026-04", 33, 0, 129, 0, 0, -96, 33),
    ]
    assert (flow.program, flow.unit) == ("Coffee Club", "beans")


@pytest.mark.parametrize("where", ACCOUNTS | FRAMES)
def test_points_of_each_member_by_month(where):
    report = (ACCOUNTS | FRAMES)[where](points_by_member)

    assert {(row.member, row.unit): row.points for row in report.rows} == {
        ("Ada", "beans"): (75, 75, 0, 0),
        ("Ada", "status"): (75, 75, 0, 0),
        ("Ben", "beans"): (0, 60, 0, 25),
        ("Ben", "status"): (0, 60, 0, 25),
        ("Cy", "beans"): (0, 0, 0, 8),
        ("Cy", "status"): (0, 0, 0, 8),
    }
    assert report.totals == {"beans": 243, "status": 243}


@pytest.mark.parametrize("where", ACCOUNTS | FRAMES)
def test_rates_of_redemption_and_breakage(where):
    rates = (ACCOUNTS | FRAMES)[where](redemption_rates)

    assert column(rates, "rate") == {
        "2026-01": Fraction(30, 75),
        "2026-02": Fraction(60, 210),
        "2026-03": Fraction(66, 210),
        "2026-04": Fraction(66, 243),
    }
    assert (rates.rate, rates.breakage) == (Fraction(66, 243), Fraction(144, 243))


@pytest.mark.parametrize("where", ACCOUNTS | FRAMES)
def test_the_mix_of_rewards_and_what_a_point_cost(where):
    mix = (ACCOUNTS | FRAMES)[where](reward_mix, costs={"coffee": "1.20", "gift": "0.10"})

    assert [tuple(row) for row in mix.rows] == [
        ("coffee", 2, 60, Fraction(60, 66), Fraction("2.40"), Fraction("0.04")),
        ("gift", 1, 6, Fraction(6, 66), Fraction("0.06"), Fraction("0.01")),
    ]
    assert (mix.points, mix.cost, mix.cost_per_point) == (66, Fraction("2.46"), Fraction("2.46") / 66)


@pytest.mark.parametrize("where", ACCOUNTS | FRAMES)
def test_who_is_active_and_who_comes_back(where):
    report = (ACCOUNTS | FRAMES)[where](engagement)

    assert [tuple(row)[:7] for row in report.rows] == [
        ("2026-01", 1, 1, 1, 1, 0, 0),
        ("2026-02", 2, 1, 2, 3, 1, 1),
        ("2026-03", 2, 0, 0, 0, 0, 0),
        ("2026-04", 3, 1, 2, 2, 0, 0),
    ]
    assert report.rows[0][7:] == (1, 0, 1, None, None)
    assert report.rows[1][7:] == (1, Fraction(1, 2), Fraction(3, 2), 1, 0)
    assert report.rows[2][7:] == (0, None, None, 0, 1)
    assert report.rows[3][7:] == (Fraction(2, 3), 0, 1, None, None)


@pytest.mark.parametrize("where", ACCOUNTS | FRAMES)
def test_who_has_how_much(where):
    report = (ACCOUNTS | FRAMES)[where](balance_distribution, above=[10])

    assert [tuple(row) for row in report.rows] == [
        (0, 0, 1, 0, Fraction(1, 3)),
        (1, 9, 1, 8, Fraction(1, 3)),
        (10, 25, 1, 25, Fraction(1, 3)),
    ]
    assert (report.balances, report.mean, report.median) == ((0, 8, 25), 11, 8)
    assert report.top_tenth == Fraction(25, 33)


@pytest.mark.parametrize("where", ACCOUNTS)
def test_when_points_lapse(where):
    wall = ACCOUNTS[where](expiry_wall)

    assert [tuple(row) for row in wall.rows] == [("2026-06", 33)]


@pytest.mark.parametrize("where", ACCOUNTS)
def test_tiers_over_time(where):
    report = ACCOUNTS[where](tier_distribution)

    assert report.tiers == ("", "gold")
    assert [tuple(row) for row in report.rows if row.members] == [
        ("2026-01", "", 1, 1),
        ("2026-02", "", 1, Fraction(1, 2)),
        ("2026-02", "gold", 1, Fraction(1, 2)),
        ("2026-03", "", 1, Fraction(1, 2)),
        ("2026-03", "gold", 1, Fraction(1, 2)),
        ("2026-04", "", 2, Fraction(2, 3)),
        ("2026-04", "gold", 1, Fraction(1, 3)),
    ]


@pytest.mark.parametrize("where", ACCOUNTS)
def test_from_tier_to_tier(where):
    report = ACCOUNTS[where](tier_migration, since="2026-02-01")

    assert [tuple(row) for row in report.rows if row.members] == [("", "gold", 1, 1), ("new", "", 2, 1)]


@pytest.mark.parametrize("where", ACCOUNTS)
def test_the_liability_is_reckoned_from_anywhere(where):
    def until_april(accounts, *, at=None, program=None):
        return rollforward(accounts, until="2026-04-14", program=program)

    report = ACCOUNTS[where](until_april)

    assert report.ties_out
    assert report.line("closing", "beans").points == 33


@pytest.mark.parametrize("report", [expiry_wall, tier_distribution, nps])
def test_what_a_frame_does_not_know_is_said(report):
    with pytest.raises(DataError, match="give the replay, the store or the accounts"):
        report(framed(), program=COFFEE_CLUB)


# More of each -------------------------------------------------------------------------------------------------------


def test_a_replay_says_the_same_of_its_months():
    done = replayed()

    flow = points_flow(done, unit="status")

    assert [row[:7] for row in flow.rows if any(row[1:7])] == [
        (row.month, *row[2:]) for row in done.monthly() if row.unit == "status"
    ]


def test_a_report_can_end_before_the_replay_does():
    assert [row.balance for row in points_flow(replayed(), at="2026-03-05").rows] == [45, 150, 144]
    assert [row.balance for row in points_flow(replayed(), at="2026-03-06").rows] == [45, 150, 129]


def test_by_quarter_and_year():
    assert column(points_flow(replayed(), by="quarter"), "net") == {"2026-Q1": 129, "2026-Q2": -96}
    assert column(points_flow(replayed(), by="year"), "balance") == {"2026": 33}
    with pytest.raises(RuleError, match="give one of month, quarter, year"):
        points_flow(replayed(), by="week")


def test_an_expiry_wall_has_no_gaps_and_says_what_has_no_end():
    club = Program(
        "Club",
        points={
            "points": Points(
                PerSpend(1),
                pending=After(days=14),
                expiry=After(months=1).unless(Fact("gift", True)),
            )
        },
        rewards={"coffee": Item(5)},
    )
    account = club.account("Ada")
    for n, (day, more) in enumerate(
        [("2026-01-01", {}), ("2026-04-01", {}), ("2026-04-02", {"gift": True}), ("2026-05-01", {})]
    ):
        account.earn(Activity.purchase(10, at=day, id=f"t-{n}", **more))
    account.hold("coffee", id="h-1", at="2026-05-02")

    wall = expiry_wall([account], at="2026-05-02")

    assert [tuple(row) for row in wall.rows] == [("2026-05", 5), ("never", 10), ("pending", 10), ("held", 5)]
    assert wall.total == 30
    assert [tuple(row) for row in expiry_wall([account], at="2026-01-20").rows] == [("2026-02", 10)]


def test_the_lots_of_a_member_over_time():
    report = lots_over_time(replayed().account("Ada"), at=END)

    assert [(row.period, row.lot, row.points) for row in report.rows] == [
        ("2026-01", 1, 45),
        ("2026-02", 1, 15),
        ("2026-02", 3, 75),
        ("2026-03", 3, 75),
    ]
    assert [str(row.expires_on) for row in report.rows] == ["2026-03-05", "2026-03-05", "2026-04-05", "2026-04-05"]
    assert report.periods == ("2026-01", "2026-02", "2026-03", "2026-04")
    assert lots_over_time(stored().look("Ada"), at=END) == report


def test_a_reward_costs_what_its_quote_says_unless_told():
    mix = reward_mix(list(replayed().accounts()), at=END)

    assert column(mix, "cost", "reward") == {"coffee": 0, "gift": Fraction("0.06")}
    assert reward_mix(framed(), program=COFFEE_CLUB).cost is None
    with pytest.raises(RuleError, match="'tea' is no reward of Coffee Club"):
        reward_mix(replayed(), costs={"tea": 1})


def test_what_was_held_counts_once_it_is_captured_and_a_gift_for_nothing_counts():
    account = COFFEE_CLUB.account("Ada")
    account.earn(bought("Ada", "2026-01-05", 200))
    for n, (points, part) in enumerate([(100, 40), (50, 50), (30, None)]):
        account.hold("gift", id=f"h-{n}", at="2026-01-06", points=points)
        if part:
            account.capture(f"h-{n}", id=f"k-{n}", at="2026-01-06", points=part)
    account.cancel("k-1", id="c-1", at="2026-01-06")
    account.redeem("treat", id="r-1", at="2026-01-06")

    mix = reward_mix([account], at="2026-01-07", costs={"treat": 3})

    assert [tuple(row)[:5] for row in mix.rows] == [
        ("gift", 1, 40, 1, Fraction("0.40")),
        ("treat", 1, 0, 0, 3),
    ]


def test_only_the_kind_that_is_asked_for_is_a_purchase():
    history = [*HISTORY, Activity.action("survey", at="2026-03-05", id="s-1", member="Ada")]

    assert engagement(COFFEE_CLUB.replay(history, at=END)).rows[2].active == 0
    assert engagement(COFFEE_CLUB.replay(history, at=END), kind="survey").rows[2].active == 1


def test_members_who_only_joined_are_enrolled():
    done = COFFEE_CLUB.replay(HISTORY, members=[*MEMBERS, Member("Di", joined="2025-12-01")], at=END)
    nobody_came = COFFEE_CLUB.replay([], members=[Member("Di", joined="2026-04-01")], at=END)

    assert engagement(done).rows[0][:4] == ("2026-01", 2, 1, 1)
    assert tier_distribution(done).rows[0][:3] == ("2026-01", "", 2)
    assert [row[:4] for row in engagement(nobody_came).rows] == [("2026-04", 1, 1, 0)]
    assert [row[:3] for row in tier_distribution(nobody_came).rows] == [("2026-04", "", 1), ("2026-04", "gold", 0)]


def test_the_month_is_that_of_the_programs_zone():
    club = Program("Club", earning=PerSpend(1), timezone="America/New_York")
    late = club.replay([Activity.purchase(9, at="2026-02-01T03:00+00:00", id="t-1", member="Ada")])

    assert column(points_flow(late), "earned") == {"2026-01": 9}
    assert column(engagement(late), "active") == {"2026-01": 1}


# What they refuse ---------------------------------------------------------------------------------------------------


def test_accounts_have_no_end_of_their_own():
    with pytest.raises(RuleError, match="only a replay and a frame have an end of their own"):
        points_flow(list(replayed().accounts()))


def test_entries_alone_need_their_program():
    with pytest.raises(RuleError, match="give the program"):
        points_flow(entries_by_member(), at=END)


def test_accounts_of_two_programs_do_not_add_up():
    with pytest.raises(DataError, match="give those of one"):
        points_flow([COFFEE_CLUB.account("Ada"), CLUB.account("Ben")], at=END)


def test_what_is_no_account_is_refused():
    with pytest.raises(DataError, match="is no account"):
        points_flow(["Ada"], at=END)


def test_a_frame_needs_its_columns():
    with pytest.raises(DataError, match="it has no column 'points'"):
        points_flow(framed().drop("points"))


def test_a_frame_without_a_program_has_its_units_and_is_in_utc():
    beans = framed().filter(pl.col("unit") == "beans").drop("seq", "id", "at", "source", "activity")

    assert column(points_flow(beans), "balance")["2026-04"] == 33
    assert engagement(beans).rows[0].active == 1
    with pytest.raises(RuleError, match="name one of 'beans', 'status'"):
        points_flow(framed())


def test_a_program_without_tiers_has_no_distribution_of_them():
    with pytest.raises(RuleError, match="it has no tiers"):
        tier_distribution(Program("Club", earning=PerSpend(1)).replay([], at=END))
    with pytest.raises(RuleError, match="'status' is no ladder; there is 'tiers'"):
        tier_migration(replayed(), since="2026-01-01", ladder="status")
    with pytest.raises(RuleError, match="is after the end"):
        tier_migration(replayed(), since="2027-01-01")


# They add up, whatever happened -------------------------------------------------------------------------------------


@given(STORIES)
@example([Step("earn", 0, 20), Step("redeem", 24, 1), Step("reverse", 24, 0), Step("advance", 24 * 41, 0)])
@settings(deadline=None)
def test_reports_agree_with_balances(story):
    teller = Teller()
    teller.tell(story)
    account, at = teller.account, teller.now
    for unit in CLUB.points:
        there = account.totals(unit, at=at)
        outstanding = there["available"] + there["pending"] + there["held"]
        flow = points_flow([account], at=at, unit=unit)
        lots = lots_over_time(account, at=at, unit=unit)
        last = [row.points for row in lots.rows if row.period == lots.periods[-1]]

        assert flow.rows[-1].balance == outstanding - there["owed"] if flow.rows else not outstanding
        assert sum(row.spent for row in flow.rows) == there["spent"]
        assert expiry_wall([account], at=at, unit=unit).total == outstanding
        assert balance_distribution([account], at=at, unit=unit).balances == (outstanding - there["owed"],)
        assert reward_mix([account], at=at, unit=unit).points == there["spent"]
        assert sum(last) == there["available"] + there["pending"]


# Surveys ------------------------------------------------------------------------------------------------------------


def answers(kind, *scores, at="2026-01-05"):
    return [Activity.action(kind, at=at, id=f"{kind}-{n}", member="Ada", score=s) for n, s in enumerate(scores)]


def test_the_net_promoter_score_is_promoters_less_detractors():
    survey = nps([*answers("nps", 10, 9, 9, 8, 7, 6, 0), *answers("nps", 10, at="2026-03-01")])

    assert [tuple(row)[:5] for row in survey.rows] == [
        ("2026-01", 7, 3, 2, Fraction(100, 7)),
        ("2026-02", 0, 0, 0, None),
        ("2026-03", 1, 1, 0, 100),
    ]
    assert survey.score == 25


def test_satisfaction_and_effort_are_the_share_of_positive_answers():
    assert csat(answers("csat", 5, 4, 3, 1)).score == 50
    assert csat(answers("csat", 3, 2, 1), positive=3, most=3).score == Fraction(100, 3)
    assert ces(answers("ces", 7, 5, 4)).score == Fraction(200, 3)


def test_answers_are_found_in_accounts():
    done = COFFEE_CLUB.replay([*HISTORY, *answers("nps", 10, 3, 9)], at=END)

    assert nps(done).score == nps(done.accounts(), at=END).score == Fraction(100, 3)
    assert nps(done).total.answers == 3  # an entry for each unit is one answer


@pytest.mark.parametrize("score", [11, -1, True, "nine", None])
def test_an_answer_off_the_scale_is_refused(score):
    with pytest.raises(DataError, match=r"activity 'nps-0': score: .* is no answer on the scale from 0 to 10"):
        nps(answers("nps", score) if score is not None else [Activity.action("nps", at=END, id="nps-0")])


@pytest.mark.parametrize(
    ("positive", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_that_of_newcombes_table(positive, n, low, high):
    assert wilson(n, positive, 1.959964) == pytest.approx((low, high), abs=0.00005)


@pytest.mark.parametrize("shares", [(0.5, 0.2), (0.3, 0.3), (0.7, 0.05)])
def test_the_interval_of_the_net_promoter_score_holds_it_in_19_of_20_cases(shares):
    n, (promoters, detractors) = 30, shares
    held = 0.0
    for p in range(n + 1):
        for d in range(n + 1 - p):
            chance = comb(n, p) * comb(n - p, d) * promoters**p * detractors**d
            chance *= (1 - promoters - detractors) ** (n - p - d)
            if chance > 1e-9:
                row = nps(answers("nps", *[10] * p, *[0] * d, *[8] * (n - p - d))).total
                held += chance * (row.low <= 100 * (promoters - detractors) <= row.high)

    assert held == pytest.approx(0.95, abs=0.02)


def test_a_higher_level_makes_a_wider_interval():
    wide, narrow = (csat(answers("csat", 5, 4, 3, 1), level=level).total for level in ("0.99", "0.8"))

    assert wide.low < narrow.low < 50 < narrow.high < wide.high
    with pytest.raises(RuleError, match="give one between 0 and 1"):
        nps([], level=95)
    with pytest.raises(RuleError, match="positive: 6 is not on the scale from 1 to 5"):
        csat([], positive=6)


# How they show themselves -------------------------------------------------------------------------------------------

RESULTS = {
    "points_flow": lambda: points_flow(replayed()),
    "points_by_member": lambda: points_by_member(replayed()),
    "redemption_rates": lambda: redemption_rates(replayed()),
    "reward_mix": lambda: reward_mix(replayed()),
    "expiry_wall": lambda: expiry_wall(replayed()),
    "balance_distribution": lambda: balance_distribution(replayed()),
    "lots_over_time": lambda: lots_over_time(replayed().account("Ada"), at=END),
    "engagement": lambda: engagement(replayed()),
    "tier_distribution": lambda: tier_distribution(replayed()),
    "tier_migration": lambda: tier_migration(replayed(), since="2026-02-01"),
    "nps": lambda: nps(answers("nps", 10, 9, 8, 3)),
}


def test_the_reports_of_an_account_all_are_here():
    assert set(RESULTS) | {"csat", "ces", "compare", "sweep", "overview", "page"} >= {
        name for name in reports.__all__ if name.islower()
    } - {"explain", "points_report", "experiment_report"}


@pytest.mark.parametrize("name", RESULTS)
def test_every_report_is_text_html_and_a_frame(name):
    report = RESULTS[name]()

    assert str(report).count("\n") > 3
    assert report._repr_html_().count("<table>") == report._repr_html_().count("</table>") > 0
    assert repr(report).startswith(f"<{type(report).__name__}: ")
    for backend, frame in (("polars", pl.DataFrame), ("pandas", pd.DataFrame)):
        assert isinstance(report.to_frame(backend), frame)
        assert len(report.to_frame(backend)) == len(report.to_csv().splitlines()) - 1 or name == "points_by_member"


def test_a_frame_has_the_same_types_whatever_is_in_it():
    full, empty = RESULTS["engagement"]().to_frame(), engagement([], at=END).to_frame()

    assert full.schema == empty.schema
    assert full.schema["churn"] == pl.Float64
    assert full["active_rate"].to_list() == [1, 1, 0, 2 / 3]
    assert RESULTS["lots_over_time"]().to_frame().schema["expires_on"] == pl.Date


def test_a_frame_of_a_library_that_is_none_is_refused():
    with pytest.raises(Exception, match="nothing"):
        RESULTS["points_flow"]().to_frame("nothing")


def test_text_is_a_table():
    assert str(tier_migration(replayed(), since="2026-02-01")) == (
        "Coffee Club: members by tier at 2026-02-01 (down) and at 2026-04-15 (across)\n"
        "\n"
        "before   no tier  gold  members\n"
        "-------  -------  ----  -------\n"
        "no tier        0     1        1\n"
        "gold           0     0        0\n"
        "new            2     0        2"
    )


def test_exact_numbers_are_kept_as_text():
    assert redemption_rates(replayed()).to_csv().splitlines()[1:3] == [
        "2026-01,75,30,0,0.4,0",
        "2026-02,135,30,0,0.285714,0",
    ]
    assert redemption_rates(replayed()).to_data()["rows"][1]["rate"] == "2/7"
    assert lots_over_time(replayed().account("Ada"), at=END).to_data()["rows"][0]["earned"] == "2026-01-05"


def test_a_long_table_is_cut_in_a_notebook_alone():
    done = Program("Club", earning=PerSpend(1)).replay(
        [Activity.purchase(1, at=f"{2000 + n // 12}-{n % 12 + 1:02}-05", id=f"t-{n}", member="Ada") for n in range(120)]
    )
    flow = points_flow(done)

    assert "20 more rows are not shown" in flow._repr_html_()
    assert "2009-12" not in flow._repr_html_()
    assert "2009-12" in str(flow)


def test_names_are_escaped():
    club = Program("<b>", earning=PerSpend(1))

    assert "<b>" not in points_flow(club.replay([Activity.purchase(1, at=BEGIN, id="t", member="Ada")]))._repr_html_()


def test_no_name_of_a_report_hides_one_of_the_library():
    assert not set(reports.__all__) & set(loyaltycore.__all__)
    assert reports.explain is not loyaltycore.explain


def test_a_band_below_0_has_no_lower_end_in_a_frame_either():
    account = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(30)}).account("Ada")
    account.earn(Activity.purchase(30, at=BEGIN, id="t-1"))
    account.redeem("coffee", id="r-1", at="2026-02-01")
    account.reverse("t-1", id="x-1", at="2026-02-02", on_shortfall="owe")

    frame = balance_distribution([account], at=END).to_frame("pandas")

    assert [str(kind) for kind in frame.dtypes[:3]] == ["Int64", "int64", "int64"]
    assert frame["low"].isna().tolist() == [True, False, False]


def test_the_end_of_answers_is_for_accounts():
    with pytest.raises(RuleError, match="at: it ends what accounts have earned; of activities give those that count"):
        nps([Activity.action("nps", at=BEGIN, score=9)], at=END)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (5, "5 has no accounts; give a replay, a store, accounts or a frame"),
        ([5], "5 is no account; give accounts, or entries by member"),
    ],
)
def test_what_holds_no_accounts_is_refused(given, said):
    with pytest.raises(DataError, match=said):
        points_flow(given, at=END)


def test_entries_of_a_replay_of_activities_are_no_frame():
    with pytest.raises(DataError, match="is no account; give the replay itself"):
        points_flow(replayed().entries(), at=END)
