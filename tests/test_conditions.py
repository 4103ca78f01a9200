"""Conditions: which lines of a basket a rule sees, how conditions combine, and what each built-in one means."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from attrs import define, frozen
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *

BASKET = Activity(
    [
        Line(60, "dining", sku="D-1", facts={"organic": True, "labels": ("local", "vegan")}),
        Line(30, "fuel", sku="F-1", quantity=20, facts={"brand": "x"}),
        Line(10, quantity="0.5"),
    ],
    at="2026-03-04T16:30",  # a Wednesday
    facts={"store": 7, "channel": "web", "brand": "y"},
)


def kept(condition, activity=BASKET, member=ANYONE):
    """The amounts of the lines that a condition keeps."""
    return [line.amount for line in condition.select(activity, member).lines]


ALL, NONE = [60, 30, 10], []


# Lines --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "amounts"),
    [
        (Category("dining"), [60]),
        (Category("dining", "fuel"), [60, 30]),
        (Category("travel"), NONE),
        (~Category("dining"), [30, 10]),
        (Sku("F-1"), [30]),
        (Fact("organic"), [60]),
        (Fact("organic", True), [60]),
        (Fact("organic", False), NONE),
        (Fact("organic", 1), NONE),  # true is no number
        (Fact("labels", "vegan"), [60]),  # one of several
        (Fact("labels", "raw", "local"), [60]),
        (Fact("labels"), [60]),
        (Fact("channel", "web"), ALL),  # the activity's, where a line states none
        (Fact("brand", "x"), [30]),
        (Fact("brand", "y"), [60, 10]),  # a line's own comes first
        (Fact("store", 7), ALL),
        (Fact("store", "7.0"), NONE),  # text is no number
        (Fact("colour"), NONE),
        (Category("dining") | Sku("F-1"), [60, 30]),
        (Category("dining") & Fact("organic"), [60]),
        (Category("dining") & Category("fuel"), NONE),
        (~(Category("dining") | Category("fuel")), [10]),
        (Has(Category("dining"), at_least=50), ALL),
        (Has(Category("dining"), at_least=50) & Category("fuel"), [30]),
        (matching(lambda line, activity, member: line.quantity > 1), [30]),
    ],
    ids=repr,
)
def test_a_condition_keeps_the_lines_it_accepts(condition, amounts):
    assert kept(condition) == amounts
    assert [condition.test(line, BASKET, ANYONE) for line in BASKET.lines] == [
        line.amount in amounts for line in BASKET.lines
    ]


def test_what_is_kept_is_the_same_activity_with_fewer_lines():
    dining = Category("dining").select(BASKET, ANYONE)
    assert (dining.amount, dining.quantity, dining.at, dining.facts) == (60, 1, BASKET.at, BASKET.facts)
    assert Fact("channel").select(BASKET, ANYONE) is BASKET
    nothing = Category("travel").select(BASKET, ANYONE)
    assert (nothing.lines, nothing.amount, nothing.quantity) == ((), 0, 0)
    assert Category("dining").select(nothing, ANYONE).lines == ()


# The algebra --------------------------------------------------------------------------------------------------------

lines = st.builds(
    Line,
    st.integers(0, 50),
    st.sampled_from(["", "dining", "fuel"]),
    sku=st.sampled_from(["", "A", "B"]),
    facts=st.fixed_dictionaries({}, optional={"organic": st.booleans()}),
)
baskets = st.lists(lines, min_size=1, max_size=5).map(lambda some: Activity(some, at="2026-03-04"))
conditions = st.recursive(
    st.sampled_from([Category("dining"), Sku("A"), Fact("organic", True), MinSpend(50), Has(Sku("B"), at_least=20)]),
    lambda inner: (
        st.builds(lambda a, b: a & b, inner, inner)
        | st.builds(lambda a, b: a | b, inner, inner)
        | inner.map(lambda a: ~a)
    ),
    max_leaves=6,
)


@given(conditions, conditions, baskets)
def test_laws_of_logic(a, b, basket):
    def same(one, other):
        return one.select(basket, ANYONE) == other.select(basket, ANYONE)

    assert ~~a == a
    assert same(a & b, b & a)
    assert same(a | b, b | a)
    assert same(~(a & b), ~a | ~b)
    assert same(~(a | b), ~a & ~b)
    assert same(a & a, a)
    assert same(a | a, a)
    assert kept(a & ~a, basket) == []
    assert same(a & (a | b), a)


def test_both_sides_of_and_see_the_same_activity():
    # the second side is not judged by what the first kept: 60 of dining, but 100 in all
    assert kept(Category("dining") & MinSpend(100)) == [60]
    assert PerSpend(1).when(MinSpend(100)).when(Category("dining")).award(BASKET).points == 0


def test_conditions_written_one_after_another_are_one_level():
    a, b, c = Category("a"), Category("b"), Category("c")
    assert (a & b) & c == a & (b & c)
    assert (a | b) | c == a | (b | c)
    assert a & b != b & a
    assert len({a & b, Category("a") & Category("b")}) == 1


@pytest.mark.parametrize(
    "other", [5, "dining", None, PerSpend(1), lambda line: True], ids=lambda value: type(value).__name__
)
def test_a_condition_combines_with_conditions_only(other):
    with pytest.raises(TypeError):
        Category("dining") & other
    with pytest.raises(TypeError):
        other | Category("dining")
    with pytest.raises(RuleError, match="is no condition"):
        PerSpend(1).when(other)


def test_a_function_is_wrapped_in_matching():
    with pytest.raises(RuleError, match=r"is no condition; wrap a function in matching\(\.\.\.\)"):
        PerSpend(1).when(lambda line, activity, member: True)
    with pytest.raises(RuleError, match=r"matching: 5 is no function; give one of \(line, activity, member\)"):
        matching(5)


@pytest.mark.parametrize(
    "use",
    [
        lambda a, b: a and b,
        lambda a, b: a or b,
        lambda a, b: not a,
        lambda a, b: 1 if a else 2,
        lambda a, b: bool(b),
        lambda a, b: any([a, b]),
    ],
    ids=["and", "or", "not", "if", "bool", "any"],
)
def test_a_condition_has_no_truth_value_and_says_what_to_use(use):
    with pytest.raises(TruthValue, match=r"Category has no truth value: `and`, `or`, .* use & \| ~, and `is None`"):
        use(Category("dining"), Category("fuel"))


# One's own ----------------------------------------------------------------------------------------------------------


@frozen
class Expensive(Condition):
    kind = "test_expensive"
    from_price: int = 50

    def test(self, line, activity, member):
        return line.amount >= self.from_price


def test_a_condition_of_ones_own_combines_like_the_others():
    assert kept(Expensive()) == [60]
    assert kept(~Expensive(20)) == [10]
    assert kept(Expensive(20) & ~Category("dining")) == [30]
    assert repr(Expensive(20) | Sku("A")) == "Expensive(20) | Sku('A')"


def test_a_forgotten_frozen_is_said():
    class Forgotten(Condition):
        kind = "test_forgotten_condition"

        def test(self, line, activity, member):
            return True

    for condition in (Forgotten(), ~Forgotten(), Forgotten() & Category("dining"), Forgotten() | Category("dining")):
        with pytest.raises(RuleError, match="Forgotten is not finished; decorate Forgotten with attrs' @frozen"):
            condition.select(BASKET, ANYONE)


def test_define_does_as_well_since_being_frozen_is_inherited():
    @define
    class Defined(Condition):
        kind = "test_defined"
        price: int = 50

        def test(self, line, activity, member):
            return line.amount >= self.price

    assert kept(Defined(30)) == [60, 30]
    assert len({Defined(30), Defined(30)}) == 1
    with pytest.raises(FrozenInstanceError):
        Defined(30).price = 20


def test_a_class_that_does_not_hash_is_refused():
    with pytest.raises(RuleError, match="Loose can change; decorate Loose with attrs' @frozen"):

        @frozen
        class Loose(Condition):  # noqa: PLW1641 (this is what is refused)
            kind = "test_loose"

            def test(self, line, activity, member):
                return True

            def __eq__(self, other):
                return self is other


def test_a_test_that_gives_something_else_than_a_truth_value_is_read_as_one():
    assert kept(matching(lambda line, activity, member: line.category)) == [60, 30]


# The whole activity -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (OfKind("purchase"), True),
        (OfKind("flight", "purchase"), True),
        (OfKind("flight"), False),
        (MinSpend(100), True),
        (MinSpend("100.01"), False),
        (Has(at_least=0), True),
        (Has(Category("travel"), at_least=0), False),  # a selection without lines has nothing
        (Has(of="quantity", at_least="21.5"), True),
        (Has(of="quantity", at_least=22), False),
        (Has(of="store", at_least=7), True),
        (Has(of="nights"), False),
        (Has(Category("fuel"), of="quantity", at_least=20), True),
        (OnWeekdays(3), True),
        (OnWeekdays("Wed", "sunday"), True),
        (OnWeekdays("mon", 2), False),
        (OnWeekdays(), False),
        (InHours(16, 17), True),
        (InHours("16:30", "16:31"), True),
        (InHours("16:31", 18), False),
        (InHours(9, "16:30"), False),
        (InHours(22, 6), False),
        (InHours(12, 6), True),
        (InHours(0, 24), True),
        (During("2026-03-04", "2026-03-04"), True),
        (During(None, "2026-03-03"), False),
        (During("2026-03-04T16:30", None), True),
        (During("2026-03-04T16:31", None), False),
        (During(None, "2026-03-04T16:30"), True),
        (During(None, "2026-03-04T16:29:59"), False),
        (During(datetime(2026, 3, 4), date(2026, 3, 5)), True),
        (During(None, None), True),
    ],
    ids=repr,
)
def test_a_condition_on_the_whole_keeps_all_lines_or_none(condition, holds):
    assert condition.holds(BASKET, ANYONE) is holds
    assert kept(condition) == (ALL if holds else NONE)
    assert kept(~condition) == (NONE if holds else ALL)


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-03-01T21:59", False),
        ("2026-03-01T22:00", True),
        ("2026-03-02T00:00", True),
        ("2026-03-02T05:59:59", True),
        ("2026-03-02T06:00", False),
    ],
)
def test_hours_past_midnight(at, holds):
    assert InHours(22, 6).holds(Activity.action("visit", at=at), ANYONE) is holds


# Times with zones ---------------------------------------------------------------------------------------------------

NEW_YORK = ZoneInfo("America/New_York")


def test_a_naive_bound_is_civil_time_of_the_activity():
    sale = During("2026-03-01T18:00", "2026-03-01T20:00")
    for zone in (UTC, NEW_YORK, ZoneInfo("Asia/Tokyo")):
        assert sale.holds(Activity.action("x", at=datetime(2026, 3, 1, 19, tzinfo=zone)), ANYONE)


def test_an_aware_bound_is_an_instant_and_needs_a_zone():
    launch = During("2026-03-01T18:00-05:00", None)
    assert launch.holds(Activity.action("x", at="2026-03-01T23:00+00:00"), ANYONE)
    assert not launch.holds(Activity.action("x", at="2026-03-01T22:59+00:00"), ANYONE)
    with pytest.raises(RuleError, match="is an instant and the activity's civil time has no zone; give it one, or"):
        launch.holds(Activity.action("x", at="2026-03-01T23:00"), ANYONE)
    club = Program("Club", earning=Flat(5).when(launch), timezone="America/New_York")
    assert club.award(Activity.action("x", at="2026-03-01T18:00"))["points"].points == 5
    assert club.award(Activity.action("x", at="2026-03-01T17:59"))["points"].points == 0


def test_the_hour_that_comes_twice_is_told_apart_by_an_aware_bound():
    """At 2 o'clock on 1 November 2026 clocks in New York go back to 1."""
    early = datetime(2026, 11, 1, 1, 50, tzinfo=NEW_YORK)
    late = datetime(2026, 11, 1, 1, 10, tzinfo=NEW_YORK, fold=1)  # 20 minutes later, though the clock shows less
    until_between = During(None, datetime(2026, 11, 1, 1, 5, tzinfo=NEW_YORK, fold=1))
    assert until_between.holds(Activity.action("x", at=early), ANYONE)
    assert not until_between.holds(Activity.action("x", at=late), ANYONE)
    assert eval(repr(until_between)) == until_between  # noqa: S307 (our own)


def test_the_hour_that_is_skipped_belongs_to_the_day():
    """At 2 o'clock on 8 March 2026 clocks in New York go forward to 3."""
    club = Program("Club", earning=Flat(5).when(During("2026-03-08", "2026-03-08")), timezone="America/New_York")
    for at in ("2026-03-08", "2026-03-08T02:30", "2026-03-08T23:59:59", "2026-03-08T05:00Z", "2026-03-09T03:59Z"):
        assert club.award(Activity.action("x", at=at))["points"].points == 5, at
    for at in ("2026-03-07T23:59:59", "2026-03-09", "2026-03-08T04:59Z", "2026-03-09T04:00Z"):
        assert club.award(Activity.action("x", at=at))["points"].points == 0, at


@pytest.mark.parametrize(
    "bounds",
    [
        ("2026-03-02", "2026-03-01"),
        ("2026-03-01T12:00", "2026-03-01T11:59"),
        ("2026-03-02T00:00", "2026-03-01"),
        ("2026-03-01T12:00+00:00", "2026-03-01T12:59+01:00"),
    ],
)
def test_a_stretch_that_ends_before_it_starts_is_refused(bounds):
    with pytest.raises(RuleError, match=r"before it starts on .*; swap them"):
        During(*bounds)


def test_bounds_of_which_one_is_an_instant_are_not_compared():
    # it is the second of March in Tokyo while the first lasts in New York
    across = During("2026-03-02T08:00+09:00", "2026-03-01")
    assert across.holds(Activity.action("x", at=datetime(2026, 3, 1, 20, tzinfo=NEW_YORK)), ANYONE)


def test_instants_are_equal_whatever_zone_they_are_written_in():
    east = timezone(timedelta(hours=1))
    assert During(datetime(2026, 3, 1, 13, tzinfo=east), None) == During("2026-03-01T12:00+00:00", None)


# Members ------------------------------------------------------------------------------------------------------------

LADDER = ("silver", "gold", "platinum")


@pytest.mark.parametrize(
    ("condition", "member", "holds"),
    [
        (InTier("gold"), Member(tier="gold"), True),
        (InTier("gold", "silver"), Member(tier="silver"), True),
        (InTier("gold"), Member(tier="platinum"), False),
        (InTier("gold"), ANYONE, False),
        (InTier("vip"), Member(tier="gold", tiers={"main": "gold", "club": "vip"}), True),
        (AtLeastTier("gold"), Member(tier="gold"), True),
        (AtLeastTier("gold"), Member(tier="platinum", ladder=LADDER), True),
        (AtLeastTier("gold"), Member(tier="silver", ladder=LADDER), False),
        (AtLeastTier("gold"), ANYONE, False),
        (MemberFact("plan"), Member(facts={"plan": "pro"}), True),
        (MemberFact("plan", "pro", "team"), Member(facts={"plan": "pro"}), True),
        (MemberFact("plan", "team"), Member(facts={"plan": "pro"}), False),
        (MemberFact("segments", "new"), Member(facts={"segments": {"new", "local"}}), True),
        (MemberFact("plan"), ANYONE, False),
        (~MemberFact("employee", True), ANYONE, True),
    ],
    ids=str,
)
def test_a_condition_on_the_member(condition, member, holds):
    assert kept(condition, member=member) == (ALL if holds else NONE)


def test_a_tier_that_the_ladder_does_not_know_is_said():
    for member in (Member(tier="gold"), Member(tier="gold", ladder=("silver",)), Member(tier="vip", ladder=LADDER)):
        with pytest.raises(RuleError, match=r"does not have both 'silver' and .*; give Member\(ladder=\.\.\.\)"):
            AtLeastTier("silver").holds(BASKET, member)


def test_the_first_time_and_every_nth_read_the_counters_of_the_account():
    member, first, every_other_review = Member(), [], []
    for kind in ("visit", "review", "review", "review", "review"):
        activity = Activity.action(kind, at="2026-03-01")
        first.append((FirstTime().holds(activity, member), FirstTime("review").holds(activity, member)))
        every_other_review.append(EveryNth(2, kind="review").holds(activity, member))
        member = member.seen(activity)
    assert first == [(True, False), (False, True), (False, False), (False, False), (False, False)]
    assert every_other_review == [False, False, True, False, True]
    assert EveryNth(6).holds(BASKET, member)
    assert not EveryNth(5).holds(BASKET, member)


def test_an_experiment_draws_the_same_members_everywhere():
    half = InExperiment("double points", "0.5")
    drawn = [n for n in range(12) if half.holds(BASKET, Member(f"m-{n}"))]
    assert drawn == [n for n in range(12) if half.holds(BASKET, Member(f"m-{n}"))]
    everyone = [InExperiment("double points", share) for share in (0, "0.1", 1)]
    counts = [sum(one.holds(BASKET, Member(f"m-{n}")) for n in range(1000)) for one in everyone]
    assert counts[0] == 0
    assert 60 < counts[1] < 140
    assert counts[2] == 1000
    assert not InExperiment("double points", 1).holds(BASKET, ANYONE)


def test_an_experiment_draws_by_the_published_formula():
    # the first 8 bytes of SHA-256 of "x\0m-1" are 0x16f1ef..., of 2**64
    from hashlib import sha256

    drawn = int.from_bytes(sha256(b"x\0m-1").digest()[:8])
    share = drawn * 10**20 // 2**64 + 1
    assert InExperiment("x", f"0.{share:020d}").holds(BASKET, Member("m-1"))
    assert not InExperiment("x", f"0.{share - 1:020d}").holds(BASKET, Member("m-1"))


# What cannot be meant -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("Category()", "Category: no name is given; give at least one"),
        ("Category('')", "Category: '' is not a name; give text that is not empty"),
        ("Category(['a', 'b'])", "Category: ['a', 'b'] is not a name; give the names one by one, or put * before it"),
        ("Sku(5)", "Sku: 5 is not a name; give text that is not empty"),
        ("OfKind()", "OfKind: no name is given; give at least one"),
        ("InTier(None)", "InTier: None is not a name; give text that is not empty"),
        ("AtLeastTier('')", "tier: '' is not a name; give text that is not empty"),
        ("Fact('')", "Fact: '' is not a name; give text that is not empty"),
        ("Fact('x', ['a', 'b'])", "Fact: ('a', 'b') is several values; give them one by one"),
        ("MemberFact('x', {'a'})", "MemberFact: ('a',) is several values; give them one by one"),
        ("Has(5)", "condition: 5 is no condition; give one such as Category('dining')"),
        ("Has(of='')", "of: '' is not a name; give text that is not empty"),
        ("OnWeekdays(0)", "OnWeekdays: 0 is no weekday; give 1 (Monday) to 7 (Sunday), or 'mon' to 'sun'"),
        ("OnWeekdays(8)", "OnWeekdays: 8 is no weekday; give 1 (Monday) to 7 (Sunday), or 'mon' to 'sun'"),
        ("OnWeekdays('satan')", "OnWeekdays: 'satan' is no weekday; give 1 (Monday) to 7 (Sunday), or 'mon' to 'sun'"),
        ("OnWeekdays('')", "OnWeekdays: '' is no weekday; give 1 (Monday) to 7 (Sunday), or 'mon' to 'sun'"),
        ("InHours(9, 9)", "InHours: from 09:00 to 09:00 is no time at all; give two different times"),
        ("InHours(9, 25)", "InHours: 25 is no time of day; give an hour 0 to 24 or text such as '14:30'"),
        ("InHours('9:60', 10)", "InHours: '9:60' is no time of day; give an hour 0 to 24 or text such as '14:30'"),
        ("InHours('24:01', 10)", "InHours: '24:01' is no time of day; give an hour 0 to 24 or text such as '14:30'"),
        ("InHours(-1, 10)", "InHours: -1 is no time of day; give an hour 0 to 24 or text such as '14:30'"),
        ("During('tomorrow', None)", "During: 'tomorrow' is not a date; write it as in '2026-03-01'"),
        ("During(5, None)", "During: int is not a date; give a date, or text such as '2026-03-01'"),
        ("EveryNth(0)", "n: 0 is below 1; give 1 or more"),
        ("EveryNth('1.5')", "n: 1.5 is not a whole number; give an int"),
        ("FirstTime('')", "kind: '' is not a name; give text that is not empty"),
        ("InExperiment('x', '1.1')", "share: '1.1' is no share of the members; give 0 to 1, such as '0.1'"),
        ("InExperiment('', 1)", "name: '' is not a name; give text that is not empty"),
    ],
)
def test_what_a_condition_cannot_be_is_refused_with_the_remedy(code, message):
    with pytest.raises(RuleError) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "code", ["OnWeekdays(True)", "InHours(9.5, 10)", "OnWeekdays(10**5000)", "InHours(10**5000, 2)", "Fact('x', 1.5)"]
)
def test_numbers_that_are_none_are_refused(code):
    with pytest.raises(InexactNumber):
        eval(code)  # noqa: S307 (written above)
