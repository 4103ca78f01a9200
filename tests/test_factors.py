"""Factors: numbers, tables by tier and by fact, products, and factors with a condition."""

from fractions import Fraction

from attrs import frozen
import pytest

from loyaltycore import *

SALE = Activity([Line(100, "dining"), Line(20, facts={"organic": True})], at="2026-03-07", facts={"fare": ("F", "X")})
GOLD = Member(tier="gold")


def value(factor, activity=SALE, member=ANYONE):
    """What a factor is, as what it makes of 100 points by the hundred."""
    return (Flat(100) * factor).award(activity, member).exact / Fraction(100)


@frozen
class Weekend(Factor):
    kind = "test_weekend"
    times: int = 2

    def value(self, activity, member):
        return self.times if activity.day.isoweekday() > 5 else 1


@pytest.mark.parametrize(
    ("factor", "member", "expected"),
    [
        (2, ANYONE, 2),
        ("1.5", ANYONE, "1.5"),
        (0, ANYONE, 0),
        (by_tier(silver="1.25", gold="1.5"), GOLD, "1.5"),
        (by_tier(silver="1.25", gold="1.5"), ANYONE, 1),
        (by_tier(silver="1.25"), GOLD, 1),
        (by_tier({"gold": "0.5"}, otherwise=0), GOLD, "0.5"),
        (by_tier({"gold": "0.5"}, otherwise=0), ANYONE, 0),
        (by_tier({"gold": 2}, gold=3), GOLD, 3),
        (by_fact("fare", {"F": "1.5", "Q": "0.25"}), ANYONE, "1.5"),
        (by_fact("fare", {"X": 3, "F": 2}), ANYONE, 2),  # the first that the activity states
        (by_fact("fare", {"Q": 3}), ANYONE, 1),
        (by_fact("seat", {"12A": 3}, otherwise="0.5"), ANYONE, "0.5"),
        (by_fact("organic", {True: 2}), ANYONE, 2),
        (by_fact("organic", {1: 2}), ANYONE, 1),  # True is no 1 here
        (Weekend(), ANYONE, 2),
        (Weekend() * 3, ANYONE, 6),
        (3 * Weekend(), ANYONE, 6),
        (Weekend() * by_tier(gold="1.5") * 2, GOLD, 6),
        (Weekend().when(Category("dining")), ANYONE, 2),  # one line is enough
        (Weekend().when(Category("travel")), ANYONE, 1),
        (by_tier(gold=3).when(MinSpend(120)), GOLD, 3),
        (by_tier(gold=3).when(MinSpend(121)), GOLD, 1),
    ],
    ids=str,
)
def test_what_a_factor_is(factor, member, expected):
    assert value(factor, member=member) == Fraction(expected)


def test_a_factor_may_be_a_fact_of_the_member():
    rule = Flat(100) * by_member_fact("plan", {"free": "0.5", "pro": 2, True: 3}, otherwise=1)
    asked = [{}, {"plan": "free"}, {"plan": "pro"}, {"plan": 1}, {"plan": ("trial", "pro")}]
    assert [rule.award(SALE, Member(facts=facts)).points for facts in asked] == [100, 50, 200, 100, 200]
    fare = Activity.purchase(100, at="2026-03-01", plan="pro")  # a fact of the activity is another one
    assert rule.award(fare).points == 100


def test_factors_written_one_after_another_are_one_level():
    a, b, c = Weekend(2), Weekend(3), Weekend(4)
    assert (a * b) * c == a * (b * c)
    assert repr(a * "1.5" * b) == "Weekend() * '1.5' * Weekend(3)"
    assert repr(2 * a) == "2 * Weekend()"


def test_a_factor_scales_points_from_either_side():
    rule = PerSpend(1)
    assert rule * 2 == 2 * rule
    assert (rule * "1.5").award(SALE).points == ("1.5" * rule).award(SALE).points == 180
    assert (rule * Weekend()).award(SALE).points == 240


def test_a_factor_sees_the_whole_activity_that_the_rule_is_asked_about():
    dining = PerSpend(1).when(Category("dining"))
    bonus = by_tier(gold=2).when(Fact("organic"))
    assert (dining * bonus).award(SALE, GOLD).points == 200
    assert (PerSpend(1) * bonus).when(Category("dining")).award(SALE, GOLD).points == 100


def test_an_additive_bonus_is_a_sum_of_factors_that_are_otherwise_0():
    rule = PerSpend(1) + PerSpend(1) * by_tier(gold="0.5", otherwise=0)
    assert rule.award(SALE, GOLD).points == 180
    assert rule.award(SALE).points == 120


@pytest.mark.parametrize("given", [-1, Fraction(-1, 2), "2"])
def test_what_a_factor_of_ones_own_gives_is_checked(given):
    @frozen
    class Own(Factor):
        kind = "test_own_factor"

        def value(self, activity, member):
            return given

    if given == "2":
        assert value(Own()) == 2
    else:
        with pytest.raises(RuleError, match=r"Own\(\) is -.* for this activity; a factor is 0 or more"):
            value(Own())


def test_a_float_from_a_factor_of_ones_own_is_refused_with_its_name():
    @frozen
    class Floating(Factor):
        kind = "test_floating"

        def value(self, activity, member):
            return 1.5

    with pytest.raises(
        InexactNumber, match=r"Floating\.value returned the float 1\.5; divide as in Fraction\(x\) / 2 or x // 2"
    ):
        value(Floating())


def test_a_forgotten_frozen_is_said():
    class Forgotten(Factor):
        kind = "test_forgotten_factor"

        def value(self, activity, member):
            return 2

    with pytest.raises(RuleError, match="decorate Forgotten with attrs' @frozen"):
        value(Forgotten())


def test_a_factor_has_no_truth_value():
    with pytest.raises(TruthValue, match=r"Weekend has no truth value: .* use \* and \.when\(condition\)"):
        bool(Weekend())


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("by_tier()", RuleError, "factors: {} is no table of factors; give one as in {'gold': '1.5'}"),
        ("by_tier(gold=-1)", RuleError, "factors['gold']: -1 is below 0; give 0 or more"),
        (
            "by_tier(gold=1.5)",
            InexactNumber,
            "factors['gold']: the float 1.5 is not exact; write '1.5' or Decimal('1.5')",
        ),
        ("by_tier(gold=1, otherwise=-1)", RuleError, "otherwise: -1 is below 0; give 0 or more"),
        ("by_fact('', {'F': 1})", RuleError, "name: '' is not a name; give text that is not empty"),
        ("by_fact('fare', [1])", RuleError, "factors: [1] is no table of factors; give one as in {'gold': '1.5'}"),
        ("PerSpend(1) * -1", RuleError, "factor: -1 is below 0; give 0 or more"),
        ("Weekend() * '-0.5'", RuleError, "factor: -0.5 is below 0; give 0 or more"),
        ("Weekend() * 1.5", InexactNumber, "factor: the float 1.5 is not exact; write '1.5' or Decimal('1.5')"),
    ],
)
def test_what_a_factor_cannot_be_is_refused_with_the_remedy(code, error, message):
    with pytest.raises(error) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


def test_a_factor_multiplies_rules_and_factors_only():
    for other in (Category("dining"), Calendar("month")):
        for use in (lambda a, b: a * b, lambda a, b: b * a):
            with pytest.raises(TypeError):
                use(Weekend(), other)
            with pytest.raises(TypeError):
                use(PerSpend(1), other)
    with pytest.raises(TypeError):
        PerSpend(1) * PerSpend(1)
    with pytest.raises(RuleError, match="is no condition"):
        Weekend().when("dining")


@pytest.mark.parametrize("name", ["class", "otherwise", "factors", "no identifier", "ゴールド", "1st"])
def test_a_tier_of_any_name_reads_back(name):
    factor = by_tier({name: 2, "gold": 3})
    assert eval(repr(factor)) == factor  # noqa: S307 (our own)
    assert value(factor, member=Member(tier=name)) == 2
