"""The laws of rules, conditions, factors and numbers, over generated ones; slow models say what counters must give."""

from calendar import monthrange
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise, product
import json
from math import floor
import pickle

from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._calendar import add_months
from loyaltycore._exact import MODES, apportion, share_between
from loyaltycore.conditions import And, Not, Or
from loyaltycore.counted import Cap, Cooldown, EveryNthTime, InARow, Limit, Running
from loyaltycore.earning import EachLine, EachOf, FirstOf, Sum, When
from loyaltycore.factors import ByFact, ByMemberFact, ByTier, Constant, FactorWhen, Product
from loyaltycore.periods import Word
from loyaltycore.testing import *
from loyaltycore.testing import grows_with_spend

COUNTED = (Cap, Limit, EveryNthTime, InARow, Cooldown, Running)
"""Rules that count; without them a rule's award depends on nothing that was before."""

PERIODS = {
    "day": lambda day: day,
    "week": lambda day: day.isocalendar()[:2],
    "month": lambda day: (day.year, day.month),
    "quarter": lambda day: (day.year, (day.month - 1) // 3),
    "year": lambda day: day.year,
    "ever": lambda day: "ever",
}
"""In which stretch a day falls, said without the library."""

bounds = st.sampled_from([Fraction(1, 100), 1, 50, Fraction(9999, 100), 100, 200])
numbers = st.sampled_from([0, 1, 2, Fraction(1, 3), Fraction(3, 2), 10])
counts = st.integers(1, 3)
totals = st.integers(-1000, 1000)


def live(rule, history, member):
    """Each activity with its award, and the member as it was then."""
    for activity in history:
        award = rule.award(activity, member)
        yield activity, award, member
        member = member.after(award).seen(activity)


# Rules added up and scaled --------------------------------------------------------------------------------------------


@given(rules(), rules(), rules(), activities(), members())
def test_adding_rules_is_associative_and_commutative_and_adds_their_points(a, b, c, activity, member):
    def earned(rule):
        return rule.award(activity, member).exact

    assert (a + b) + c == a + (b + c) == sum([a, b, c])
    assert earned(a + b) == earned(b + a) == earned(a) + earned(b)
    assert earned(a + b + c) == earned(c + a + b)


@given(rules(), activities(), members())
def test_flat_0_is_the_zero_of_adding_and_1_the_one_of_scaling(rule, activity, member):
    earned = rule.award(activity, member)

    for same in (rule + Flat(0), Flat(0) + rule, rule * 1, rule * 1 + Flat(0) * 2):
        assert same.award(activity, member).exact == earned.exact
        assert same.award(activity, member).counts == earned.counts
    assert (rule * 0).award(activity, member).exact == 0


@given(rules(), rules(), factors(), activities(), members())
def test_scaling_distributes_over_adding(a, b, k, activity, member):
    def earned(rule):
        return rule.award(activity, member).exact

    assert earned((a + b) * k) == earned(a * k + b * k) == earned(a * k) + earned(b * k)
    assert earned((a + b) * k) == earned(k * (a + b))


@given(rules(), factors(), factors(), activities(), members())
def test_factors_multiplied_are_one_factor(rule, j, k, activity, member):
    assume(not (repr(j).isdigit() or repr(j).startswith("'")))  # numbers alone multiply in Python

    points = {scaled.award(activity, member).exact for scaled in (rule * (j * k), rule * j * k, rule * k * j)}
    assert len(points) == 1


# Conditions -----------------------------------------------------------------------------------------------------------


def kept(condition, activity, member):
    return condition.select(activity, member).lines


@given(conditions(), conditions(), activities(), members())
def test_conditions_are_a_boolean_algebra_on_the_lines_they_keep(a, b, activity, member):
    def same(*several):
        return len({kept(condition, activity, member) for condition in several}) == 1

    assert ~~a == a
    assert same(~(a & b), ~a | ~b)
    assert same(~(a | b), ~a & ~b)
    assert same(a & b, b & a)
    assert same(a | b, b | a)
    assert same(a, a & a, a | a, a & (a | b), a | (a & b))
    assert kept(a & ~a, activity, member) == ()
    assert kept(a | ~a, activity, member) == activity.lines


@given(conditions(), conditions(), conditions(), activities(), members())
def test_and_and_or_are_associative_and_distribute(a, b, c, activity, member):
    assert (a & b) & c == a & (b & c)
    assert (a | b) | c == a | (b | c)
    assert kept(a & (b | c), activity, member) == kept((a & b) | (a & c), activity, member)


@given(conditions(), activities(), members())
def test_a_condition_and_its_inverse_share_the_lines_out_in_their_order(condition, activity, member):
    accepted, refused = (list(kept(c, activity, member)) for c in (condition, ~condition))

    merged = [(accepted if accepted and line is accepted[0] else refused).pop(0) for line in activity.lines]
    assert tuple(merged) == activity.lines
    assert not accepted
    assert not refused


@given(rules(without=COUNTED), conditions(), activities(), members())
def test_a_rule_under_a_condition_sees_the_lines_it_keeps_and_no_others(rule, condition, activity, member):
    earned = rule.when(condition).award(activity, member).exact
    lines = kept(condition, activity, member)

    if lines and sum(line.amount for line in lines) >= 0:
        assert earned == rule.award(evolve(activity, lines=lines), member).exact
    else:
        assert earned == 0


# The best and the first -----------------------------------------------------------------------------------------------


@given(rules(), rules(), rules(), activities(), members())
def test_best_of_is_the_most_and_the_first_of_equals(a, b, c, activity, member):
    awards = [rule.award(activity, member) for rule in (a, b, c)]
    best = best_of(a, b, c).award(activity, member)

    assert best.exact == max(award.exact for award in awards)
    assert best.counts == next(award.counts for award in awards if award.exact == best.exact)
    assert best.exact == best_of(best_of(c, b), a).award(activity, member).exact
    assert best_of(a, a).award(activity, member).exact == best_of(a).award(activity, member).exact == awards[0].exact


@given(rules(), activities(), members())
def test_of_equals_only_the_first_counts(rule, activity, member):
    twins = [rule.named(name).limit(1, per="ever") for name in ("one", "other")]

    assert best_of(*twins).award(activity, member).counts == twins[0].award(activity, member).counts


@given(rules(), rules(), rules(), activities(), members())
def test_first_of_is_the_first_that_earns(a, b, c, activity, member):
    awards = [rule.award(activity, member) for rule in (a, b, c)]
    first = first_of(a, b, c).award(activity, member)

    expected = next((award for award in awards if award.exact), awards[-1])
    assert (first.exact, first.counts) == (expected.exact, expected.counts)
    assert first.exact == first_of(first_of(a, b), c).award(activity, member).exact
    assert first.exact == first_of(a, first_of(b, c)).award(activity, member).exact


# Bands ----------------------------------------------------------------------------------------------------------------


@given(numbers, st.sets(bounds, min_size=3, max_size=3), activities())
def test_bands_side_by_side_are_one_band(points, edges, activity):
    a, b, c = sorted(edges)
    rate = PerSpend(points)

    def earned(rule):
        return rule.award(activity).exact

    assert earned(rate.between(a, b) + rate.between(b, c)) == earned(rate.between(a, c))
    assert earned(rate.between(0, a) + rate.over(a)) == earned(rate)
    assert earned(rate.between(a, b)) == points * max(0, min(activity.amount, b) - a)
    assert earned(rate.over(a).between(0, b - a)) == earned(rate.over(a).over(0).between(0, b - a))


@given(bounds, bounds, activities())
def test_a_band_trims_every_line_in_proportion(low, width, activity):
    amount = activity.amount
    part = max(0, min(amount, low + width) - low)

    for category in {line.category for line in activity.lines} - {""}:
        of_category = sum(line.amount for line in activity.lines if line.category == category)
        trimmed = PerSpend(1).when(Category(category)).between(low, low + width).award(activity).exact
        assert trimmed * amount == max(0, of_category) * part
    items = PerItem(1).between(low, low + width).award(activity).exact
    assert items == (max(0, activity.quantity) if amount > low else 0)


@given(rules(), bounds, activities(), members())
def test_a_cap_is_the_lesser_and_a_minimum_the_greater_of_what_is_earned(rule, points, activity, member):
    earned = rule.award(activity, member).exact

    assert rule.cap(points).award(activity, member).exact == min(earned, points)
    assert rule.at_least(points).award(activity, member).exact == (max(earned, points) if earned else 0)


NEVER_MONOTONE = (
    *(PerUnit, PerItem, PointsTable, When, FirstOf, EachLine, EachOf, Limit, EveryNthTime, InARow, Cooldown, Running),
    *(ByTier, ByFact, ByMemberFact, RateTable, Product, FactorWhen),
)


@given(rules(without=NEVER_MONOTONE), activities(), members())
def test_more_spent_never_earns_less_where_a_rule_says_so(rule, activity, member):
    assume(rule.monotone)

    grows_with_spend(rule, activity, member)


MONTHLY = PerSpend(1).named("capped").cap(10, per="month")


@pytest.mark.parametrize(
    ("rule", "less", "more"),
    [(MONTHLY.cap(5, per="line"), (3, 8), (53, 8)), (MONTHLY.cap(5) + MONTHLY, (1, 4), (4, 4))],
)
def test_rules_that_take_room_from_one_another_do_not_say_that_more_spent_never_earns_less(rule, less, more):
    earned = [rule.award(Activity(map(Line, amounts), at="2026-03-01")).exact for amounts in (less, more)]

    assert earned[0] > earned[1]
    assert not rule.monotone
    assert MONTHLY.monotone
    assert (MONTHLY + Flat(5)).monotone


# Lines ----------------------------------------------------------------------------------------------------------------


@given(
    rules(without=(EachLine, EachOf, Word)) | rules(without=COUNTED),
    activities(),
    members(),
    st.randoms(use_true_random=False),
)
def test_the_order_of_lines_does_not_matter(rule, activity, member, random):
    shuffled = evolve(activity, lines=random.sample(activity.lines, len(activity.lines)))

    assert rule.award(shuffled, member).exact == rule.award(activity, member).exact


@given(
    st.from_type(Category),
    st.sampled_from(["nights", "distance", "weight"]),
    activities().filter(lambda activity: len(activity.lines) <= 3),
    st.permutations(range(3)),
)
def test_a_running_rule_counts_what_is_of_the_activity_once_whatever_line_comes_first(category, of, activity, order):
    rule = PerUnit(1, of=of).when(category).named("units").running(per="year")
    shuffled = evolve(activity, lines=[activity.lines[i] for i in order if i < len(activity.lines)])

    assert rule.award(shuffled).exact == rule.award(activity).exact


@given(rules(), activities(), members())
def test_each_line_is_judged_as_if_it_were_an_activity_of_its_own(rule, activity, member):
    award = rule.each_line().award(activity, member)
    earned, after = 0, member

    for line in activity.lines:
        if line.amount >= 0:
            alone = rule.award(evolve(activity, lines=[line]), after)
            earned, after = earned + alone.exact, after.after(alone)
    assert award.exact == earned
    assert member.after(award) == after


@given(rules(), activities(), members())
def test_the_lines_of_each_value_are_judged_as_if_they_were_an_activity_of_their_own(rule, activity, member):
    award = rule.each("brand").award(activity, member)
    earned, after = 0, member

    for brand in dict.fromkeys(line.fact("brand") for line in activity.lines):
        lines = [line for line in activity.lines if line.fact("brand") == brand]
        if sum(line.amount for line in lines) >= 0:
            alone = rule.award(evolve(activity, lines=lines), after)
            earned, after = earned + alone.exact, after.after(alone)
    assert award.exact == earned
    assert member.after(award) == after


# Rounding -------------------------------------------------------------------------------------------------------------


@given(rules(), activities(), members(), st.integers(1, 20), st.sampled_from(MODES))
def test_rounding_goes_to_a_neighbouring_multiple_and_is_done_once(rule, activity, member, to, mode):
    exact = rule.award(activity, member).exact
    points = {mode: Rounding(mode, to=to).award(rule, activity, member).points for mode in MODES}

    assert points["floor"] <= exact <= points["ceil"]
    assert points["floor"] <= points["half_down"] <= points["half_up"] <= points["ceil"] < points["floor"] + 2 * to
    assert points["half_even"] in (points["half_down"], points["half_up"])
    assert abs(points[mode] - exact) < to
    assert points[mode] % to == 0
    once = rule.rounded(mode, to=to)
    assert once.award(activity, member).exact == points[mode] == once.rounded(mode, to=to).award(activity, member).exact


@given(st.lists(rules(), min_size=1, max_size=3), activities(), members(), st.integers(1, 5))
def test_rounding_down_more_often_never_creates_points(several, activity, member, to):
    rule = sum(several)
    whole, by_rule, line_by_line = (
        Rounding(to=to, each=each).award(rule, activity, member).points for each in ("activity", "rule", "line")
    )
    separate = rule.each_line().award(activity, member).exact

    assert by_rule <= whole <= rule.award(activity, member).exact
    assert line_by_line <= separate


# Counters: a month is a month, whatever the rule ----------------------------------------------------------------------


@given(rules(without=COUNTED), histories(), members(), bounds, st.sampled_from(list(PERIODS)))
def test_a_cap_lets_whole_points_through_while_there_is_room(inner, history, member, most, per):
    rule = inner.named("capped").cap(most, per=per)
    let_through = defaultdict(int)

    for activity, award, then in live(rule, history, member):
        period = PERIODS[per](activity.day)
        room = most - let_through[period]
        assert award.exact == floor(min(inner.award(activity, then).exact, room))
        let_through[period] += award.exact
        assert let_through[period] <= most


@given(rules(without=COUNTED), histories(), members(), counts, st.sampled_from(list(PERIODS)))
def test_a_limit_lets_the_first_times_through(inner, history, member, n, per):
    rule = inner.named("limited").limit(n, per=per)
    times = defaultdict(int)

    for activity, award, then in live(rule, history, member):
        earned = inner.award(activity, then).exact
        period = PERIODS[per](activity.day)
        assert award.exact == (earned if times[period] < n else 0)
        times[period] += earned > 0


@given(rules(without=COUNTED), histories(), members(), counts, st.sampled_from(list(PERIODS)))
def test_every_nth_earns_each_time_that_n_more_would_have(inner, history, member, n, per):
    rule = inner.named("nth").every_nth(n, per=per)
    times = defaultdict(int)

    for activity, award, then in live(rule, history, member):
        earned = inner.award(activity, then).exact
        period = PERIODS[per](activity.day)
        times[period] += earned > 0
        assert award.exact == (earned if times[period] % n == 0 else 0)


def is_number(value):
    return isinstance(value, (int, Fraction)) and not isinstance(value, bool)


def added_up(history):
    """All lines of a history as one activity's, those alike added: the slow way, with nothing of `Tally`."""
    amounts = defaultdict(lambda: [0, 0, defaultdict(int)])
    for activity in history:
        labels = {name: value for name, value in activity.facts.items() if not is_number(value)}
        stated = {name for line in activity.lines for name in line.facts}
        once = {name: value for name, value in activity.facts.items() if is_number(value) and name not in stated}
        keyed = []
        for line in activity.lines:
            own = labels | {name: value for name, value in line.facts.items() if not is_number(value)}
            keyed.append(((line.category, line.sku, tuple(sorted(own.items(), key=repr))), line))
        for key, line in sorted(keyed, key=lambda pair: repr(pair[0])):
            total = amounts[key]
            total[0] += line.amount
            total[1] += line.quantity
            for facts in (line.facts, once):
                for name, value in facts.items():
                    total[2][name] += value if is_number(value) else 0
            once = {}
    return [
        Line(amount, category, sku=sku, quantity=quantity, facts=dict(own) | {n: v for n, v in facts.items() if v})
        for (category, sku, own), (amount, quantity, facts) in amounts.items()
        if amount or quantity or any(facts.values())
    ]


@given(
    rules(without=(EachLine, Word, Each, ByFact, Fact)),
    histories(),
    members(),
    st.sampled_from(list(PERIODS)),
)
def test_a_running_rule_has_paid_the_most_that_the_period_so_far_was_ever_worth(inner, history, member, per):
    rule = inner.named("so far").running(per=per)
    activities_of, worth, paid = defaultdict(list), defaultdict(int), defaultdict(int)

    for activity, award, then in live(rule, history, member):
        period = PERIODS[per](activity.day)
        activities_of[period].append(activity)
        lines = added_up(activities_of[period])
        if lines:
            whole = Activity(lines, at=activity.at, kind=activity.kind)
            worth[period] = max(worth[period], inner.award(whole, then).exact)
        paid[period] += award.exact
        assert paid[period] == worth[period]


@given(rules(without=COUNTED), histories(max_size=1), members())
def test_what_needs_no_counter_keeps_none(rule, history, member):
    (activity,) = history

    assert rule.award(activity, member).counts == {}
    assert rule.cap(5).award(activity, member).counts == {}
    assert rule.cap(5, per="line").award(activity, member).counts == {}


@given(rules(), rules(), activities(), activities(), members())
def test_counters_add_up_in_any_order(a, b, one, other, member):
    first, second = a.award(one, member), b.award(other, member)

    assert member.after(first).after(second).counted == member.after(second).after(first).counted


# Values: written as code and as data ----------------------------------------------------------------------------------


@given(rules())
def test_a_rule_is_rebuilt_by_its_repr_in_python_and_in_files(rule):
    assert eval(repr(rule), globals()) == rule  # noqa: S307
    assert from_data({"version": 1, "type": "named", "rule": repr(rule), "name": "read"}) == rule.named("read")


@given(conditions(max_depth=3), factors(max_depth=3))
def test_a_condition_and_a_factor_are_rebuilt_by_their_repr(condition, factor):
    for rule in (Flat(1).when(condition), Flat(1) * factor):
        assert eval(repr(rule), globals()) == rule  # noqa: S307
        assert from_data({"version": 1, "type": "named", "rule": repr(rule), "name": "read"}) == rule.named("read")


# How a value was put together does not matter: there is one form, and it is the one that is written
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (Sum([Flat(1) + Flat(2), Flat(3)]), "Flat(1) + Flat(2) + Flat(3)"),
        (And([Sku("a") & Sku("b"), Sku("c") | Sku("d")]), "Sku('a') & Sku('b') & (Sku('c') | Sku('d'))"),
        (Or([Sku("a") | Sku("b"), ~(Sku("c") & Sku("d"))]), "Sku('a') | Sku('b') | ~(Sku('c') & Sku('d'))"),
        (2 * (3 * by_tier(gold=2)), "2 * (3 * by_tier(gold=2))"),
        ("1.5" * (by_tier(gold=2) * 3), "'1.5' * by_tier(gold=2) * 3"),
        (Flat(1) * Constant(2).when(Sku("a")), "Flat(1) * Constant(2).when(Sku('a'))"),
        (by_tier({"class": "1.5"}, otherwise=0), "by_tier({'class': '1.5'}, otherwise=0)"),
        (by_tier({"factors": 2, "gold": 3}), "by_tier(factors=2, gold=3)"),
        (Fact("weight", "1.5", Fraction(3, 2)), "Fact('weight', '1.5', Fraction(3, 2))"),
        (by_fact("weight", {Fraction(3, 2): "1.5"}), "by_fact('weight', {Fraction(3, 2): '1.5'})"),
        (Flat(1).named("n").every_nth(2, per="month"), "Flat(1).named('n').every_nth(2, per='month')"),
        (Calendar("month", starts="15"), "Calendar('month', starts=15)"),
        (Member("m", last={"spent": date(2026, 3, 1)}), "Member('m', last={'spent': '2026-03-01'})"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_value_is_written_as_the_code_that_builds_it(value, code):
    assert repr(value) == code
    assert eval(code, globals()) == value  # noqa: S307
    assert from_data(to_data(value)) == value


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Sum([Flat(1)]), "a sum has two or more"),
        (lambda: And([Sku("a")]), "give at least two"),
        (lambda: Not(~Sku("a")), "is inverted already; give the condition inside it"),
        (lambda: Product([by_tier(gold=2)]), "a product has two or more"),
        (lambda: Product([2, 3]), "not all of them numbers"),
        (lambda: by_tier({1: 2}), "1 is not a name"),
    ],
)
def test_what_could_not_be_written_so_is_refused(build, message):
    with pytest.raises(RuleError, match=message):
        build()


@given(rules(), activities(), members())
def test_data_and_json_bring_back_rules_awards_activities_and_members(rule, activity, member):
    award = rule.award(activity, member)

    for value in (rule, activity, member, award, member.after(award)):
        assert from_data(to_data(value)) == value
        assert from_json(to_json(value)) == value
        assert from_data(json.loads(json.dumps(to_data(value)))) == value


@pytest.mark.filterwarnings("ignore::loyaltycore.LoyaltyWarning")
@given(st.dictionaries(st.sampled_from(["stars", "status"]), rules(), min_size=1))
def test_a_program_file_brings_back_the_program(tmp_path_factory, units):
    program = Program("Club", points={unit: Points(rule) for unit, rule in units.items()})

    for suffix in ("toml", "json"):
        file = tmp_path_factory.getbasetemp() / f"club.{suffix}"
        program.dump(file)
        assert Program.load(file) == program


@given(rules(), activities(), members())
def test_pickled_values_are_equal_hash_alike_and_give_the_same(rule, activity, member):
    copies = pickle.loads(pickle.dumps((rule, activity, member)))  # noqa: S301
    copied_rule, copied_activity, copied_member = copies

    assert copies == (rule, activity, member)
    assert hash(copies) == hash((rule, activity, member))
    award, copied = rule.award(activity, member), copied_rule.award(copied_activity, copied_member)
    assert copied == award == pickle.loads(pickle.dumps(award))  # noqa: S301
    assert str(copied) == str(award)
    assert hash(copied) == hash(award)


# Numbers --------------------------------------------------------------------------------------------------------------

weights = st.lists(st.integers(0, 5) | st.sampled_from([Fraction(1, 3), Fraction(1, 100)]), min_size=1, max_size=4)


@given(totals, weights.filter(any))
def test_apportioned_parts_add_up_and_are_within_1_of_their_share(total, weights):
    parts = apportion(total, weights)

    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total) * weight / sum(weights)) < 1
        assert weight or part == 0


@given(st.integers(0, 12), weights.filter(any))
def test_apportioning_is_the_nearest_there_is_and_the_first_of_equals(total, weights):
    quotas = [Fraction(total) * weight / sum(weights) for weight in weights]
    ways = [way for way in product(*((floor(q), floor(q) + 1) for q in quotas)) if sum(way) == total]

    def distance(way):
        return sum((part - quota) ** 2 for part, quota in zip(way, quotas, strict=True))

    nearest = min(distance(way) for way in ways)
    assert apportion(total, weights) == list(max(way for way in ways if distance(way) == nearest))


@given(st.integers(0, 1000), st.lists(st.integers(0, 50) | st.just(Fraction(1, 3)), min_size=1, max_size=6))
def test_shares_of_steps_add_up_to_the_whole_in_any_steps(total, steps):
    whole = sum(steps)
    assume(whole)
    ends = [sum(steps[:i]) for i in range(len(steps) + 1)]
    shares = [share_between(total, a, b, whole) for a, b in pairwise(ends)]

    assert sum(shares) == total
    for step, share in zip(steps, shares, strict=True):
        assert abs(share - Fraction(total) * step / whole) < 1
        assert step or share == 0


@given(st.dates(date(1990, 1, 1), date(2040, 12, 31)) | moments().map(lambda at: at.date()), st.integers(-60, 60))
def test_months_are_added_one_by_one_and_the_day_clamped_once(anchor, months):
    first = anchor.replace(day=1)
    for _ in range(abs(months)):
        first = (first + timedelta(31) if months > 0 else first - timedelta(1)).replace(day=1)
    day = min(anchor.day, monthrange(first.year, first.month)[1])

    assert add_months(anchor, months) == first.replace(day=day)


# Tallies --------------------------------------------------------------------------------------------------------------

tallies = activities().map(Tally.of)


@given(tallies, tallies, tallies)
def test_tallies_are_a_commutative_group(a, b, c):
    assert a + b == b + a
    assert (a + b) + c == a + (b + c)
    assert a + Tally() == a
    assert a + -a == Tally()
    assert a + b + -a == b


@given(activities())
def test_a_tally_measures_what_its_activity_does(activity):
    tallied = Tally.of(activity).activity(activity)

    for measure in ("amount", "quantity", "nights", "distance", "weight"):
        assert tallied.measure(measure) == activity.measure(measure)
