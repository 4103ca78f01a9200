"""Compiled rules: a generated function gives what the rule gives, and holds nothing that the rule says."""

from concurrent.futures import ThreadPoolExecutor
from copy import copy, deepcopy
from datetime import UTC, date, datetime
from fractions import Fraction
import pickle
import re
import sys
from threading import Barrier

from attrs import evolve, frozen
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._compile import compile_
from loyaltycore._often import OFTEN
from loyaltycore._parts import parts_of as parts_by_name
from loyaltycore.awards import told_by_name
from loyaltycore.counted import Cooldown, EveryNthTime, InARow, Limit, Running
from loyaltycore.testing import activities, members, rules

CLASSIC = PerSpend(1).between(50, 100) + PerSpend(2).over(100)
SUNDAY = datetime(2026, 3, 1, 16, 30)


def values_of(fields, activity, member, decimals=2):
    """What a compiled rule takes of an activity of one line and its member."""
    [line] = activity.lines
    words = {
        "amount": line.amount * 10**decimals,
        "quantity": line.quantity,
        "category": line.category,
        "sku": line.sku,
        "kind": activity.kind,
        "at": activity.at,
        "member": member.id,
        "tier": member.tier,
        "ladder": member.ladder,
        "joined": member.joined,
    }
    facts = {f"facts.{name}": value for name, value in {**activity.facts, **line.facts}.items()}
    known = {f"member_facts.{name}": value for name, value in member.facts.items()}
    return [{**words, **facts, **known}.get(field) for field in fields]


@st.composite
def lone_lines(draw):
    """Activities of one line, of any amount, of which each fact is stated once."""
    activity = draw(activities())
    line = draw(st.sampled_from(activity.lines))
    cents = draw(st.none() | st.integers(0, 2**70))
    amount = abs(line.amount) if cents is None else Fraction(cents, 100)
    facts = {name: value for name, value in activity.facts.items() if name not in line.facts}
    return evolve(activity, lines=[evolve(line, amount=amount, quantity=abs(line.quantity))], facts=facts)


# What is counted from one activity to the next is not compiled, so little of it is drawn.
one_event_rules = rules(without=(Limit, EveryNthTime, Running, InARow, Cooldown, FirstTime, EveryNth))


def compiled(rule, **how):
    """The function of a rule, if it has one."""
    try:
        return rule.compiled(**how)
    except RuleError as error:
        if "has no form as a function of one activity" not in str(error):
            raise
        assume(condition=False)


def parts_of(award, name):
    """The awards of the parts with that name, those inside others too."""
    found = [award] if award.reason == name else []
    return found + [named for part in award.parts for named in parts_of(part, name)]


# The same points ----------------------------------------------------------------------------------------------------


@settings(max_examples=400)
@given(one_event_rules, lone_lines(), members())
def test_a_compiled_rule_gives_what_the_rule_gives(rule, activity, member):
    points = compiled(rule)
    assert points(*values_of(points.fields, activity, member)) == rule.award(activity, member).points


@settings(max_examples=200)
@given(one_event_rules.map(lambda rule: rule.named("whole") + rule.named("half") * "0.5"), lone_lines(), members())
def test_the_points_of_each_named_part(rule, activity, member):
    told = compiled(rule, parts=True)
    points, *parts = told(*values_of(told.fields, activity, member))
    award = rule.award(activity, member)
    assert points == award.points
    assert {"whole", "half"} <= set(told.parts)
    exact = [sum(part.exact for part in parts_of(award, name)) for name in told.parts]
    assert parts == [number // 1 for number in exact]


def explained(award):
    """All that an award says."""
    return award, award.exact, award.points, award.counts, str(award), repr(award), award._repr_html_()


@settings(max_examples=200)
@given(one_event_rules, st.lists(activities() | lone_lines(), min_size=1, max_size=3), members())
def test_a_rule_that_was_asked_often_answers_as_before(rule, several, member):
    before = [explained(rule.award(activity, member)) for activity in several]
    for _ in range(OFTEN):
        rule.award(several[0], member)
    assert [explained(rule.award(activity, member)) for activity in several] == before


@settings(max_examples=100)
@given(
    one_event_rules,
    st.builds(
        Rounding,
        st.sampled_from(("floor", "ceil", "half_up", "half_down", "half_even")),
        to=st.sampled_from((1, 5)),
        each=st.sampled_from(("activity", "line", "rule")),
    ),
    lone_lines() | activities(),
    members(),
)
def test_a_unit_that_was_asked_often_rounds_as_before(rule, rounding, activity, member):
    unit = Points(rule, rounding=rounding)
    before = explained(unit.award(activity, member))
    for _ in range(OFTEN):
        unit.award(activity, member)
    assert explained(unit.award(activity, member)) == before == explained(rounding.award(rule, activity, member))


# The convention -----------------------------------------------------------------------------------------------------


def test_the_classic_rule_on_whole_cents():
    points = CLASSIC.compiled()
    assert points.fields == ("amount",)
    assert [points(cents) for cents in (0, 50_00, 50_99, 99_99, 100_20, 120_00, 200_55)] == [0, 0, 0, 49, 50, 90, 251]


def test_fields_say_what_is_taken_and_in_which_order():
    rule = (
        PerSpend(1).when(Category("dining") & Sku("latte") & OfKind("purchase") & Fact("cabin") & Fact("a b"))
        + PerItem(1).when(MemberFact("plan", "pro") & OnWeekdays("sun") & AtLeastTier("gold"))
        + Flat(1).when(InExperiment("half", "0.5") & Anniversary("joined"))
    )
    points = rule.compiled()
    assert points.fields == (
        *("amount", "quantity", "category", "sku", "kind", "at", "facts.a b", "facts.cabin"),
        *("member", "tier", "ladder", "joined", "member_facts.plan"),
    )


def test_values_may_be_given_by_name():
    points = (PerSpend(1) * by_tier(gold=2)).when(Category("dining")).compiled()
    assert points(amount=10_00, tier="gold", category="dining") == 20


def test_amounts_count_parts_of_the_unit_with_so_many_decimals():
    assert [PerSpend(1).compiled(decimals=decimals)(12345) for decimals in (0, 2, 3)] == [12345, 123, 12]
    with pytest.raises(RuleError, match="decimals: -1 is below 0"):
        PerSpend(1).compiled(decimals=-1)


def test_parts_come_after_the_points_in_a_tuple():
    rule = (PerSpend(1).named("base") + PerSpend("0.5").when(Category("dining")).named("dining")) * 2
    told = rule.compiled(parts=True)
    assert told.parts == ("base", "dining")
    assert told(9_99, "dining") == (29, 9, 4)
    assert PerSpend(1).compiled(parts=True)(9_99) == (9,)


def test_a_part_named_twice_is_told_once():
    told = (Flat(1).named("gift") + Flat(2).named("gift")).compiled(parts=True)
    assert told.parts == ("gift",)
    assert told(0) == (3, 3)


@pytest.mark.parametrize("size", [2**31, 2**53 + 1, 2**70, 10**39])
def test_numbers_have_no_bound(size):
    assert PerSpend("1/3").compiled()(300 * size) == size
    assert (PerSpend(1) * "1.5").over(1).compiled(decimals=0)(2 * size + 1) == 3 * size


def test_time():
    happy = PerSpend(1).when(OnWeekdays("sun") & InHours("16:00", "18:00") & During("2026-03-01", None)).compiled()
    four, six = SUNDAY.replace(minute=0), SUNDAY.replace(hour=18, minute=0)
    moments = [four, SUNDAY, six, SUNDAY.replace(day=2), SUNDAY.replace(year=2025, day=2)]
    assert [happy(1_00, at) for at in moments] == [1, 1, 0, 0, 0]
    from_four = Flat(1).when(During("2026-03-01T16:00", None)).compiled()
    three = SUNDAY.replace(hour=15)
    assert [from_four(0, at) for at in (four, three, SUNDAY.replace(tzinfo=UTC))] == [1, 0, 1]
    birthday = Flat(9).when(BirthMonth()).compiled()
    assert birthday.fields == ("amount", "at", "member_facts.birth_month", "member_facts.birthday")
    assert [birthday(0, SUNDAY, *born) for born in ((3, None), (None, "1990-03-31"), (4, None), (None, None))] == [
        *(9, 9, 0, 0)
    ]


def test_facts_of_all_kinds():
    wanted = (Fact("f", "a", 1), Fact("f"), Fact("f", True), Fact("f", 1))
    points = sum(Flat(10**n).when(fact) for n, fact in enumerate(wanted)).compiled()
    assert points.fields == ("amount", "facts.f")
    stated = (None, "a", "b", 1, True, False, ("b", "a"), (), Fraction(1, 2), date(2026, 3, 1))
    assert [points(0, fact) for fact in stated] == [0, 11, 10, 1011, 110, 10, 11, 10, 10, 10]
    with pytest.raises(InexactNumber, match=r"the float 0\.5 is not exact"):
        points(0, 0.5)


def test_tables_of_any_size_are_looked_up():
    fares = PointsTable([(f"zone {n}", cabin, n) for n in range(500) for cabin in ("Y", "J")], by=("zone", "cabin"))
    points = (fares * by_tier({f"tier {n}": n for n in range(200)})).compiled()
    assert points.fields == ("amount", "facts.cabin", "facts.zone", "tier")
    assert [points(0, "J", "zone 7", "tier 2"), points(0, "Y", "zone 499", "")] == [14, 499]


def test_a_table_by_a_fact_tells_true_from_1():
    points = (Flat(1) * by_fact("f", {True: 2, "a": 3})).compiled()
    assert [points(0, fact) for fact in (True, 1, "a", None)] == [2, 1, 3, 1]


def test_bands_inside_bands_and_conditions_said_twice():
    dining, latte = Category("dining"), Sku("latte")
    rules = [
        PerSpend(1).over(100).between(0, 50),
        PerSpend(1).when(MinSpend(50)).between(0, 50),
        Flat(1).when((dining & latte) | latte),
        Flat(1).when((dining | latte) & latte),
        Flat(1).when(~(~dining & ~latte) & ~latte),
    ]
    for rule in rules:
        points = rule.compiled()
        for amount, category, sku in ((40, "dining", ""), (50, "", "latte"), (120, "dining", "latte"), (0, "", "")):
            activity = Activity.purchase(amount, at=SUNDAY, category=category, sku=sku)
            assert points(*values_of(points.fields, activity, Member())) == rule.award(activity).points


# Where the rule itself is asked -------------------------------------------------------------------------------------


def test_amounts_in_other_forms_are_taken_or_refused_as_an_activity_does():
    points = PerSpend(2).compiled()
    assert [points("150"), points(Fraction(101, 2))] == [3, 1]
    for wrong in (1.5, True, None):
        with pytest.raises(InexactNumber, match="amount"):
            points(wrong)
    with pytest.raises(DataError, match="reverse the activity"):
        points(-1)


def test_what_is_measured_may_be_a_fraction_or_not_stated():
    points = (PerItem(10) + PerUnit(1, of="distance")).compiled()
    assert points.fields == ("amount", "quantity", "facts.distance")
    assert [points(0, 2, 500), points(0, Fraction(6, 5), 500), points(0, "1.2", None), points(0, None, None)] == [
        *(520, 512, 12, 10)
    ]
    with pytest.raises(DataError, match="'far' is not a number"):
        points(0, 1, "far")


def test_a_table_without_the_row_says_so():
    table = PointsTable({"domestic": 500}, by="zone")
    points = (table.when(Category("flight")) + Flat(1)).compiled()
    assert [points(0, "flight", "domestic"), points(0, "", "moon")] == [501, 1]
    with pytest.raises(RuleError, match="has no row for 'moon'"):
        points(0, "flight", "moon")


def test_a_value_that_a_condition_cannot_judge_is_an_error_only_where_the_rule_says_so():
    points = Flat(1).when(Category("dining")).when(AtLeastTier("gold")).compiled()
    assert points.fields == ("amount", "category", "tier", "ladder")
    assert points(0, "dining", "gold", ()) == 1
    with pytest.raises(RuleError, match="AtLeastTier: the ladder"):
        points(0, "fuel", "silver", ())


def test_a_factor_by_several_values_of_a_fact_goes_by_the_first_of_them():
    points = (Flat(1) * by_fact("labels", {"new": 2, "sale": 3})).compiled()
    assert [points(0, labels) for labels in ("new", ("sale", "new"), ("old",), None)] == [2, 3, 1, 1]


def test_an_instant_needs_a_zone():
    rule = Flat(1).when(During("2026-03-01T12:00+00:00", None))
    points = rule.compiled()
    moments = [datetime.fromisoformat(f"2026-03-01T{time}") for time in ("13:30+02:00", "12:00+00:00")]
    assert [points(0, at) for at in moments] == [0, 1]
    with pytest.raises(RuleError, match="has no zone"):
        points(0, SUNDAY)


# What has no form ---------------------------------------------------------------------------------------------------


@frozen
class Twice(PerSpend):
    """A rule of one's own, which changes what it inherits."""

    kind = "compiled_twice"

    def earn(self, activity, member):
        return 2 * super().earn(activity, member)


def large(line, activity, member):
    return line.amount > 100


@pytest.mark.parametrize(
    ("rule", "named"),
    [
        (CLASSIC + Twice(1), "Twice(1)"),
        (PerSpend(1).when(matching(large)), "matching(large)"),
        (PerSpend(1).named("a").cap(5, per="month") * 2, "PerSpend(1).named('a').cap(5, per='month')"),
        (PerSpend(1).named("a").running(per="year"), "PerSpend(1).named('a').running(per='year')"),
        (PerSpend(1).named("a").limit(1, per="day"), "PerSpend(1).named('a').limit(1, per='day')"),
        (PerSpend(1).limit(1, per="activity"), "PerSpend(1).limit(1, per='activity')"),
        (sum(Flat(f"1/{10**20 + n}") for n in (1, 3, 7)), "a sum of fractions that are too much unlike"),
        (Flat(1).when(FirstTime()), "FirstTime()"),
        (Flat(1).when(Category("a") | EveryNth(3)), "EveryNth(3)"),
        (PerUnit(1).when(Fact("distance", 400)).over(100, of="distance"), "a band of the distance"),
    ],
)
def test_a_part_without_a_form_is_named_with_the_remedy(rule, named):
    with pytest.raises(RuleError, match=re.escape(named)) as refused:
        rule.compiled()
    assert str(refused.value).endswith("ask the rule itself, by .award(activity)")


def test_a_rule_too_deep_to_be_compiled():
    rule = PerSpend(1)
    for _ in range(400):
        rule = rule.rounded()
    with pytest.raises(RuleError, match="a rule so deep"):
        rule.compiled()
    assert asked_often(rule).award(Activity.purchase(1, at=SUNDAY)).points == 1


# The source ---------------------------------------------------------------------------------------------------------

_WORDS = """
def bind points return if else and or not in is None ask int str __class__ tzinfo replace isoweekday date hour minute
amount quantity category sku kind at member tier ladder joined
"""
_MADE = re.compile(r"(c|s|fact_|member_fact_)\d+|0|1|60")
HOSTILE = ('"); import os #', "{0}", "'''", "\\", "\n    return 10**9", "__import__('os')", "c0", "ask")


def check_is_the_generators_own(source):
    """The source has no words, numbers or signs but those that the generator makes."""
    strange = {word for word in re.findall(r"\w+", source) if word not in _WORDS.split() and not _MADE.fullmatch(word)}
    assert not strange
    assert not set(source) - set(" \n_.,:()=<>!+-*/") - set(re.sub(r"\W", "", source))


@settings(max_examples=200)
@given(one_event_rules)
def test_the_source_is_made_of_the_generators_own_words(rule):
    check_is_the_generators_own(compiled(rule, parts=True).source)


def rule_of(category, sku, fact, value, tier, plan, name, number):
    """A rule that says all of this."""
    return (
        PerSpend(number).when(Category(category) | Sku(sku)).named(name)
        + PerUnit(number, of=f"{fact}0") * by_fact(f"{fact}1", {value: number})
        + Flat(number).when(Fact(f"{fact}2", value, number) & ~MemberFact(plan, value)).over(number)
    ) * by_tier({tier: number})


@settings(max_examples=100)
@given(
    st.lists(st.sampled_from(HOSTILE) | st.text(min_size=1), min_size=7, max_size=7, unique=True),
    st.integers(2, 10**9),
)
@example(list(HOSTILE[:7]), 123456789)
def test_what_a_rule_says_is_no_part_of_its_source(texts, number):
    told = rule_of(*texts, number).compiled(parts=True)
    check_is_the_generators_own(told.source)
    category, _, fact, value, tier, *_ = texts
    said = {"amount": number * 100 + 100, "category": category, "tier": tier, f"facts.{fact}2": value}
    points, _ = told(*(said.get(field) for field in told.fields))
    assert points == (number * (number + 1) + number) * number


def test_rules_of_one_shape_have_one_source():
    one, other = rule_of(*"abcdefg", 7), rule_of(*(text * 2 for text in HOSTILE[:7]), 11)
    assert one.compiled().source == other.compiled().source


# Awards that explain themselves when asked --------------------------------------------------------------------------


def asked_often(rule):
    """The rule, which is compiled for `award` by now."""
    for _ in range(OFTEN + 1):
        rule.award(Activity.purchase(1, at=SUNDAY))
    return rule


def pickled(value):
    """What another process gets."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301 (our own)


def test_an_award_can_be_copied_compared_and_pickled_before_anyone_looked_at_it():
    rule = asked_often(CLASSIC * by_tier(gold="1.5"))
    activity, gold = Activity.purchase("120.55", at=SUNDAY, id="t-1"), Member("m-1", tier="gold")

    def award():
        return rule.award(activity, gold)

    told = explained(award())
    assert told[1:3] == (Fraction("136.65"), 136)
    for other in (award(), copy(award()), deepcopy(award()), pickled(award()), evolve(award())):
        assert explained(other) == told
    assert hash(award()) == hash(told[0])
    by_reason, by_parts = award(), award()
    assert (by_reason.reason, by_reason.exact) == (by_parts.parts and by_parts.reason, by_parts.exact)
    with pytest.raises(AttributeError, match="'Award' object has no attribute 'whole'"):
        award().whole  # noqa: B018 (it raises)


def test_no_text_is_made_before_it_is_asked_for():
    class Loud(str):
        __slots__ = ()

        def __repr__(self):
            raise AssertionError("nobody asked")

    rule = asked_often(Flat(5).when(~Category(Loud("x"))))
    award = rule.award(Activity.purchase(1, at=SUNDAY))
    assert (award.points, award.exact, len(award.parts)) == (5, 5, 1)
    with pytest.raises(AssertionError, match="nobody asked"):
        str(award)


def test_a_member_in_tiers_of_several_ladders_is_in_all_of_them():
    rule = asked_often(Flat(1).when(InTier("gold")))
    activity = Activity.purchase(1, at=SUNDAY)
    tiers = [{}, {"main": "silver"}, {"main": "silver", "sports": "gold"}]
    assert [rule.award(activity, Member(tier="silver", tiers=held)).points for held in tiers] == [0, 0, 1]


def test_a_fact_of_the_line_and_of_the_activity():
    rule = asked_often(Flat(1).when(Fact("f", "line")) + Flat(10) * by_fact("f", {"line": 2, "activity": 3}))
    activity = Activity(Line(1, facts={"f": "line"}), at=SUNDAY, facts={"f": "activity"})
    assert rule.award(activity).points == 31


def test_what_is_counted_is_counted_after_any_number_of_awards():
    rule = PerSpend(1).named("monthly").cap(150, per="month")
    member, paid = Member(), 0
    for _ in range(OFTEN + 60):
        award = rule.award(Activity.purchase(1, at=SUNDAY), member)
        member, paid = member.after(award), paid + award.points
    assert paid == 150


def test_an_account_tells_why_after_any_number_of_activities():
    club = Program("Club", earning=(CLASSIC + Flat(1).named("thanks")) * by_tier(gold=2))
    account = club.account("m-1")
    receipts = [account.earn(Activity.purchase(120, at=SUNDAY, id=f"t-{n}")) for n in range(OFTEN + 2)]
    texts = {str(receipt.awards["points"]) for receipt in receipts}
    assert len(texts) == 1
    assert "thanks" in texts.pop()
    assert {entry.reason for entry in account.entries} == {"times 1: by_tier(gold=2)"}
    assert account.balance(at=SUNDAY) == 91 * (OFTEN + 2)


def test_the_name_of_a_part_is_told_whatever_was_done_with_the_award():
    rule = asked_often((PerSpend("0.3") * 1).named("base"))
    activity = Activity.purchase(2, at=SUNDAY)

    @frozen
    class Same(EarningRule):
        kind = "same_as_another"

        def earn(self, activity, member):
            return rule.award(activity, member)

    awards = [
        rule.award(activity), copy(rule.award(activity)), pickled(rule.award(activity)), evolve(rule.award(activity)),
        Rounding("half_up").award(rule, activity), (Same() + Flat(0)).award(activity),
    ]  # fmt: skip
    assert [told_by_name(award, ["base"])["base"] for award in awards] == [Fraction("0.6")] * 6
    assert [next(iter(parts_by_name(award))) for award in awards] == ["base"] * 6


def test_the_factors_of_an_award_are_told_in_another_process_too():
    rule = asked_often(PerSpend(1) * by_tier(gold=2))
    award = rule.award(Activity.purchase(10, at=SUNDAY), Member(tier="gold"))
    assert parts_by_name(pickled(award)) == parts_by_name(award) == {"PerSpend(1)": 10, "by_tier(gold=2)": 10}


def test_several_threads_may_ask_one_award_why():
    rule = asked_often(CLASSIC * "1/3")
    awards = [rule.award(Activity.purchase(120, at=SUNDAY)) for _ in range(4000)]

    def ask():
        start.wait()
        return [(award.parts[0].reason, award.reason, award.exact) for award in awards]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    start = Barrier(4)
    try:
        with ThreadPoolExecutor(4) as threads:
            told = [asked.result() for asked in [threads.submit(ask) for _ in range(4)]]
    finally:
        sys.setswitchinterval(before)
    assert told == [told[0]] * 4


def test_a_rounding_of_your_own_is_asked_itself():
    @frozen
    class Sevens(Rounding):
        def award(self, rule, activity, member):
            return Award(7, reason="seven")

    points = Points(PerSpend(1), rounding=Sevens())
    activity = Activity.purchase(120, at=SUNDAY)
    assert [points.award(activity, Member()).points for _ in range(OFTEN + 2)] == [7] * (OFTEN + 2)
    with pytest.raises(RuleError, match="Sevens"):
        compile_(points)
