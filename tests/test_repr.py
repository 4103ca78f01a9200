"""`repr` is the code that builds a value: as it was written, without defaults, with as few parentheses as will do."""

import copy
from datetime import date
from fractions import Fraction
import pickle

from attrs import Factory, field, fields, frozen
from hypothesis import given
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore._show import html_table, text_table
from loyaltycore.conditions import And, Not, Or
from loyaltycore.earning import Sum, Times
from loyaltycore.factors import Product
from loyaltycore.periods import Every, Word

AS_WRITTEN = """
PerSpend(1)
PerSpend('0.5')
PerSpend('1/3', every=10)
PerStep(1)
PerStep(1, every=1, of='quantity')
PerUnit(1)
PerUnit(1, of='nights')
PerItem(5)
Flat('2.5')
PointsTable((('a', 1), ('b', 2)), by=('zone',))
PointsTable((('a', '1.5'), (Fraction(1, 2), 2)), by=('zone',))
PointsTable(((600, 500), ('over', 750)), by=(Band('distance', upto=(600,)),))
PerSpend(1).between(50, 100) + PerSpend(2).over(100)
PerSpend(1).between('0.5', 100, of='quantity')
PerSpend(1).over(5, of='nights')
PerSpend(1) + PerSpend(2).when(Category('dining', 'travel')) + Flat(50).when(MinSpend(200))
(PerSpend(1) + Flat(5)) * by_tier(silver='1.25', gold='1.5')
(PerSpend(1) * 2 + Flat(5)) * '1.5'
PerSpend(1) * 2 * 3
PerSpend(1) * (by_tier(gold=2) * 3)
PerSpend(1) * by_tier(gold='0.5', otherwise=0)
PerSpend(1) * by_tier({'class': 2, '1st': 3})
PerSpend(1) * by_fact('fare', {'F': '1.5', 2: 3}, otherwise=0)
PerSpend(1) * by_tier(gold=2).when(Category('dining'))
(PerSpend(1) * by_tier(gold=2)).when(Category('dining'))
PerSpend(1).when(Category('a') & Category('b') & ~Sku('c'))
PerSpend(1).when(Category('a') | Category('b') & Sku('c'))
PerSpend(1).when((Category('a') | Category('b')) & Sku('c'))
PerSpend(1).when(~(Category('a') | Category('b')))
PerSpend(1).when(~Category('a'))
PerSpend(1).named("it's").cap(1500, per='month')
PerSpend(1).cap('7.5')
PerSpend(1).cap(5, per='line')
PerSpend(1).named('x').cap(5, per=Calendar('year', starts='03-01'))
PerSpend(1).named('x').cap(5, per=('month', Each('store')))
PerSpend(1).named('x').cap(5, per=MembershipYear())
PerSpend(1).named('x').cap(5, per='ever')
PerSpend(1).named('x').running(per='year')
PerSpend(1).named('x').limit(3, per='week')
PerSpend(1).named('x').every_nth(10)
PerSpend(1).named('x').every_nth(10, per='month')
PerSpend(1).at_least(500)
PerSpend(1).each_line()
PerSpend(1).rounded()
PerSpend(1).rounded('half_up', to=5)
best_of(PerSpend(2), Flat(100))
first_of(PerSpend(1).when(FirstTime()), PerSpend(1).when(EveryNth(10, kind='visit')), Flat(1))
Flat(1).when(OfKind('a', 'b') | InTier('gold') | AtLeastTier('gold') | BirthMonth())
Flat(1).when(Fact('cabin') & Fact('cabin', 'first', 5, True) & MemberFact('plan', 'pro'))
Flat(1).when(MinSpend(1) | Has(Category('a')) | Has(at_least=3, of='quantity') | Has(Category('a'), at_least='0.5'))
Flat(1).when(During('2026-03-01', '2026-03-31') & During(None, '2026-03-31T12:00') & OnWeekdays(6, 7))
Flat(1).when(During('2026-03-01T00:00', None) & InHours('16:00', '18:00') & InExperiment('x', '0.1'))
Line(5)
Line('12.5', category='dining', sku='D', quantity=2, facts={'organic': True})
Activity((Line(5), Line(6, category='fuel')), at='2026-03-01')
Activity((Line(5),), at='2026-03-01T12:30+01:00', kind='visit', id='a', member='m', facts={'n': ('x', 1)})
Member('m-1', tier='gold', ladder=('silver', 'gold'), joined='2026-03-01', facts={'plan': 'pro'})
Rounding('half_up', to=5, each='line')
Points(PerSpend(1), rounding=Rounding('ceil'), redeemable=False, places=2)
Program('Club', earning=PerSpend(1), currency='EUR')
""".strip().splitlines()


@pytest.mark.parametrize("code", AS_WRITTEN)
def test_a_value_is_shown_as_it_was_written(code):
    assert repr(eval(code)) == code  # noqa: S307 (written above)


@pytest.mark.parametrize("code", AS_WRITTEN)
def test_a_value_equals_its_twin_hashes_pickles_and_copies(code):
    value, twin = eval(code), eval(code)  # noqa: S307 (written above)
    assert value == twin
    assert hash(value) == hash(twin)
    assert value != object()
    for other in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):  # noqa: S301 (our own)
        assert other == value
        assert hash(other) == hash(value)
        assert repr(other) == code


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("PerSpend(Fraction(1, 2))", "PerSpend('0.5')"),
        ("PerSpend('1.50', every='1')", "PerSpend('1.5')"),
        ("2 * PerSpend(1)", "PerSpend(1) * 2"),
        ("PerSpend(1).during('2026-03-01', None)", "PerSpend(1).when(During('2026-03-01', None))"),
        ("Flat(1).when(Has(at_least=200))", "Flat(1).when(MinSpend(200))"),
        ("Flat(1).when(Has())", "Flat(1).when(MinSpend(1))"),
        ("Flat(1).when(~~Category('a'))", "Flat(1).when(Category('a'))"),
        ("Flat(1).when(OnWeekdays('sun', 'Sat', 7))", "Flat(1).when(OnWeekdays(6, 7))"),
        ("Flat(1).when(InHours(9, 17))", "Flat(1).when(InHours('09:00', '17:00'))"),
        ("sum([Flat(1), Flat(2)])", "Flat(1) + Flat(2)"),
        ("by_tier({'gold': 2}, silver=1)", "by_tier(gold=2, silver=1)"),
        ("PointsTable({'a': {'b': 1}}, by=['x', 'y'])", "PointsTable((('a', 'b', 1),), by=('x', 'y'))"),
        ("Activity.purchase(5, at=date(2026, 3, 1))", "Activity((Line(5),), at='2026-03-01')"),
    ],
)
def test_a_value_has_one_form(written, shown):
    value = eval(written, globals() | {"date": date, "Fraction": Fraction})  # noqa: S307 (written above)
    assert repr(value) == shown
    assert eval(shown) == value  # noqa: S307 (written above)


def test_a_function_is_shown_by_its_name():
    def is_large(line, activity, member):
        return line.amount > 100

    assert repr(PerSpend(1).when(matching(is_large))).endswith("is_large))")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("And([Category('a')])", "conditions: give at least two to combine"),
        ("Or(Category('a'))", "conditions: give at least two to combine"),
        ("Not(~Category('a'))", "not: ~Category('a') is inverted already; give the condition inside it"),
        ("Sum([Flat(1)])", "rules: a sum has two or more; give the one rule by itself"),
        (
            "Product([by_tier(gold=2)])",
            "factors: a product has two or more, not all of them numbers; give the one factor by itself",
        ),
        (
            "Times(Flat(1), Category('a'))",
            "factor: Category('a') is no factor; give a number, by_tier(...) or by_fact(...)",
        ),
        ("Every(['month'])", "periods: give at least two; one stands by itself"),
        ("Word('month')", "word: 'month' is no period of one activity; give 'activity' or 'line'"),
    ],
)
def test_what_code_cannot_say_no_constructor_makes(code, message):
    names = {cls.__name__: cls for cls in (And, Or, Not, Sum, Product, Times, Every, Word)}
    with pytest.raises(RuleError) as refused:
        eval(code, globals() | names)  # noqa: S307 (written above)
    assert str(refused.value) == message


def test_what_stands_inside_its_like_becomes_one_level():
    a, b, c = Category("a"), Category("b"), Category("c")
    assert And([And([a, b]), c]) == a & b & c
    assert Or([a, Or([b, c])]) == a | b | c
    assert Sum([Flat(1) + Flat(2), Flat(3)]) == Flat(1) + Flat(2) + Flat(3)
    assert Product([2, 3, by_tier(gold=2)]) == 2 * (3 * by_tier(gold=2))
    assert eval(repr(Product([2, 3, by_tier(gold=2)]))) == Product([2, 3, by_tier(gold=2)])  # noqa: S307 (our own)


# One's own ----------------------------------------------------------------------------------------------------------


@frozen
class Own(EarningRule):
    kind = "test_own_repr"
    first: int
    second: int = 2
    third: tuple[int, ...] = Factory(tuple)
    fourth: int = field(default="4", converter=int, kw_only=True)
    _hidden: int = field(default=7, alias="shown")

    @property
    def shown(self):
        return self._hidden

    def earn(self, activity, member):
        return 0


@pytest.mark.parametrize(
    "code",
    [
        "Own(1)",
        "Own(1, second=3)",
        "Own(1, third=(5,))",
        "Own(1, second=3, third=(5,), shown=8, fourth=5)",
        "Own(1, fourth=5)",
    ],
)
def test_a_rule_of_ones_own_is_shown_alike(code):
    value = eval(code)  # noqa: S307 (written above)
    assert eval(repr(value)) == value  # noqa: S307 (our own)
    assert set(repr(value)) == set(code)


def test_a_repr_of_ones_own_is_kept():
    @frozen
    class Speaking(EarningRule):
        kind = "test_speaking"

        def earn(self, activity, member):
            return 0

        def __repr__(self):
            return "my own words"

    assert repr(Speaking()) == "my own words"


def test_a_default_that_depends_on_the_other_fields_is_shown():
    @frozen
    class Twice(EarningRule):
        kind = "test_twice"
        one: int
        two: int = field(default=Factory(lambda self: 2 * self.one, takes_self=True))

        def earn(self, activity, member):
            return 0

    assert repr(Twice(1)) == "Twice(1, 2)"


# Trees --------------------------------------------------------------------------------------------------------------

leaves = st.sampled_from([PerSpend(1), Flat("0.5"), PerUnit(2, of="km")])
conditions = st.recursive(
    st.sampled_from([Category("a"), MinSpend(5), FirstTime(), Fact("x", 1), Fact("x", True)]),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a & b, inner, inner),
        st.builds(lambda a, b: a | b, inner, inner),
        inner.map(lambda a: ~a),
    ),
    max_leaves=4,
)
factors = st.recursive(
    st.sampled_from([by_tier(gold=2), by_fact("x", {1: 2})]),
    lambda inner: st.one_of(
        st.builds(lambda a, b: a * b, inner, inner | st.just("1.5")),
        st.builds(lambda a, c: a.when(c), inner, conditions),
    ),
    max_leaves=3,
)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda a, b: a + b, inner, inner),
        st.builds(lambda a, k: a * k, inner, factors | st.just(3)),
        st.builds(lambda a, c: a.when(c), inner, conditions),
        st.builds(best_of, inner, inner),
        inner.map(lambda a: a.over(5).named("n").cap(9, per="week")),
    ),
    max_leaves=8,
)


@given(rules)
def test_any_tree_reads_back(rule):
    assert eval(repr(rule)) == rule  # noqa: S307 (our own)
    assert hash(eval(repr(rule))) == hash(rule)  # noqa: S307 (our own)


@given(conditions, conditions)
def test_two_conditions_are_equal_only_if_they_look_alike(a, b):
    assert (a == b) == (repr(a) == repr(b))


# Tables -------------------------------------------------------------------------------------------------------------


def test_a_table_of_text_has_numbers_to_the_right():
    assert text_table(["member", "points"], [["m-1", 1234567], ["m-20", 5]]).splitlines() == [
        "member     points",
        "------  ---------",
        "m-1     1,234,567",
        "m-20            5",
    ]
    assert text_table(["member"], []).splitlines() == ["member", "------"]


def test_a_table_of_html_is_escaped():
    html = html_table(["<b>"], [["<i>", 5]], caption="a & b")
    assert "<b>" not in html
    assert "<i>" not in html
    assert "a &amp; b" in html
    assert "caption" not in html_table(["x"], [])


def test_fields_are_listed_once():
    assert [f.name for f in fields(Own)] == ["first", "second", "third", "fourth", "_hidden"]
