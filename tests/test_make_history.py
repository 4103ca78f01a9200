"""Histories that are made up: the same everywhere, and shaped like those of real shops."""

from collections import Counter
from datetime import date
from hashlib import sha256
from statistics import mean, median, quantiles

import pytest

from loyaltycore import *
from loyaltycore.calls import Call
from loyaltycore.datasets import make_history

CLUB = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(50), "tea": Item(40)})


@pytest.fixture(scope="module")
def history():
    return make_history(members=400, months=12, seed=1)


def told(history):
    return [repr(event) for event in history]


def test_it_is_the_same_on_every_machine():
    text = "\n".join(told(make_history(members=5, months=6, seed=1, rewards=["coffee", "tea"])))

    assert sha256(text.encode()).hexdigest() == "06e35049df0919ce791d67b0046074b3fdc8066888e4c7b367ba2ceb7af04491"


def test_another_seed_is_another_history():
    assert told(make_history(5, 2, seed=1)) != told(make_history(5, 2, seed=2))


def test_a_member_does_the_same_whoever_else_there_is():
    few, many = make_history(members=10, months=4, seed=3), make_history(members=20, months=4, seed=3)

    assert told(few) == [text for text, event in zip(told(many), many, strict=True) if event.member <= "m-10"]


def test_rewards_add_redemptions_and_change_nothing_else():
    without, given = make_history(20, 4, seed=3), make_history(20, 4, seed=3, rewards=["coffee", "tea"])
    redeemed = [event for event in given if isinstance(event, Call) and event.verb == "redeem"]

    assert without.activities == given.activities
    assert {call.args[0] for call in redeemed} == {"coffee", "tea"}
    assert len(given) - len(without) == len(redeemed)
    assert 0.05 < len(redeemed) / len(given.activities) < 0.15


def test_one_reward_may_be_given_by_its_name():
    assert told(make_history(9, 3, rewards="coffee")) == told(make_history(9, 3, rewards=["coffee"]))


def test_events_are_in_order_and_within_the_months():
    history = make_history(50, 3, seed=2, start="2026-02-15")

    assert [event.at for event in history] == sorted(event.at for event in history)
    assert {event.at.date() >= date(2026, 2, 15) for event in history} == {True}
    assert {event.at.date() < date(2026, 5, 15) for event in history} == {True}


def test_half_of_the_members_joined_before_and_none_shops_before_joining(history):
    joined = {member.id: member.joined for member in history.members}
    before = sum(day < date(2025, 1, 1) for day in joined.values())

    assert len(history.members) == 400
    assert 160 < before < 240
    assert all(event.at.date() >= joined[event.member] for event in history)


def test_amounts_are_whole_cents_above_0_and_log_normal_in_shape(history):
    amounts = [activity.amount for activity in history.activities]

    assert all(line.amount > 0 and line.amount * 100 % 1 == 0 for a in history.activities for line in a.lines)
    assert 15 < median(amounts) < 21  # of the Complete Journey 17.50
    assert 25 < mean(amounts) < 34  # 29.49: the mean is far above the median


def test_few_members_come_often_and_most_seldom(history):
    visits = Counter(activity.member for activity in history.activities)
    many = sorted(visits.get(member.id, 0) for member in history.members)
    quarter, half, three_quarters = quantiles(many, n=4)

    assert quarter < 10 < half < 35 < three_quarters
    assert max(many) > 5 * half


def test_december_is_richer_than_january_and_saturday_than_tuesday():
    activities = make_history(500, 12, seed=4).activities
    months, days = Counter(a.at.month for a in activities), Counter(a.at.weekday() for a in activities)

    assert months[12] > 1.1 * months[2]
    assert days[5] > 1.05 * days[1]
    assert {a.at.hour for a in activities} == set(range(6, 24))


def test_what_goes_back_is_a_line_of_an_earlier_basket(history):
    bought = {activity.id: activity for activity in history.activities}
    returns = [event for event in history if isinstance(event, Call)]

    assert 0.01 < len(returns) / len(bought) < 0.04
    for call in returns:
        of = bought[call.args[0]]
        assert call.verb == "reverse"
        assert call.member == of.member
        assert 0 < (call.at - of.at).days <= 21
        assert call.facts["amount"] in [line.amount for line in of.lines]


@pytest.mark.parametrize("backend", ["polars", "pyarrow", "pandas"])
def test_a_frame_of_it_replays_to_the_same(backend):
    history = make_history(40, 3, seed=5, rewards=["coffee", "tea"])
    frame = history.to_frame(backend)

    of_frame, of_events = CLUB.replay(frame), CLUB.replay(history)

    assert type(frame).__module__.startswith(backend)
    assert (of_frame.totals, of_frame.refused, of_frame.events) == (
        of_events.totals, of_events.refused, of_events.events,
    )  # fmt: skip


def test_it_says_what_it_holds():
    history = make_history(20, 3, seed=7)

    assert repr(history) == f"<MadeHistory: {len(history)} events of 20 members>"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"members": 0, "months": 1}, "members: 0 is below 1"),
        ({"members": 1, "months": 0}, "months: 0 is below 1"),
        ({"members": 1, "months": 1, "seed": "1.5"}, "seed: 1.5 is not a whole number"),
        ({"members": 1, "months": 1, "rewards": [5]}, "rewards: 5 is not a name"),
        ({"members": 1, "months": 1, "start": "soon"}, "start: 'soon' is not a date"),
    ],
)
def test_what_cannot_be_made_is_refused(given, said):
    with pytest.raises(LoyaltyError, match=said):
        make_history(**given)
