"""A rule may be text, its own code, which is read and never run: what is understood, and what is refused where."""

from fractions import Fraction
import warnings

from hypothesis import given
from hypothesis import strategies as st
import pytest
from stored import PUBLIC, STRATEGIES, built, read_as_text

from loyaltycore import *
from loyaltycore._strategy import METHODS, NAMES
from loyaltycore.testing import conditions, factors, rules


@pytest.mark.parametrize("value", STRATEGIES)
def test_its_repr_is_its_code_and_is_read_as_text(value):
    assert built(repr(value)) == value
    assert read_as_text(value) == value


@given(st.one_of(rules(max_depth=4), conditions(), factors().filter(lambda f: "(" in repr(f))))
def test_the_repr_of_whatever_is_drawn_is_read_as_text(value):
    assert built(repr(value), NAMES | PUBLIC) == value
    assert read_as_text(value) == value


def earning(text):
    return from_data({"version": 1, "type": "points", "earning": text}).earning


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Flat(5)", Flat(5)),
        (" ( Flat( 5, ) ) # five", Flat(5)),
        ("Flat(1)\n+ Flat(2)", Flat(1) + Flat(2)),
        ("\n    Flat(1)\r\n    + Flat(2)\r\n", Flat(1) + Flat(2)),
        ("0 + Flat(1)", Flat(1)),
        ("2 * Flat(1)", Flat(1) * 2),
        ("Flat(points='1.5')", Flat("1.5")),
        ("PerSpend(1, every=0x10)", PerSpend(1, every=16)),
        ("Flat(1).when(Has(at_least=-5))", Flat(1).when(Has(at_least=-5))),
        ('Flat(1).when(Category("a\\u00e9", "b" "c"))', Flat(1).when(Category("a\u00e9", "bc"))),
        ("Flat(1).when(Category('(', ']', '#', \"'\"))", Flat(1).when(Category("(", "]", "#", "'"))),
        ("PointsTable({'a': {'b': 1}}, by=['x', 'y'])", PointsTable({"a": {"b": 1}}, by=["x", "y"])),
        ("Flat(1).when(Fact('x', Fraction('1.5')))", Flat(1).when(Fact("x", Fraction(3, 2)))),
        ("Flat(1).when(Fact('x', Fraction(-1, 3)))", Flat(1).when(Fact("x", Fraction(-1, 3)))),
        (" + ".join(["Flat(1)"] * 250), sum([Flat(1)] * 250)),
    ],
)  # fmt: skip
def test_a_rule_may_be_text(text, rule):
    assert earning(text) == rule


@pytest.mark.parametrize(
    ("text", "message"),
    [
        # names and methods
        ("PerSpnd(1)", "column 1: the name 'PerSpnd' is not known; did you mean 'PerSpend'?"),
        ("Flat(1) + Nope(2)", "column 11: the name 'Nope' is not known"),
        ("Flat(1)\n+ Nope(2)", "line 2, column 3: the name 'Nope' is not known"),
        ("Flat(1).when(Category('\u00e9')) + Nope(1)", "column 31: the name 'Nope'"),
        ("__import__('os').system('touch owned')", "column 1: the name '__import__' is not known"),
        ("open('/etc/passwd')", "column 1: the name 'open' is not known"),
        ("eval('1')", "column 1: the name 'eval' is not known"),
        ("exec('1')", "column 1: the name 'exec' is not known"),
        ("Flat(1).wen(InTier('gold'))", "column 9: Flat has no method 'wen'; did you mean 'when'?"),
        ("Flat(1).award(1)", "column 9: Flat has no method 'award'"),
        ("Flat(1)._code()", "column 9: Flat has no method '_code'"),
        ("Flat(1).__class__()", "column 9: Flat has no method '__class__'"),
        ("'{}'.format(1)", "column 6: str has no method 'format'; it has none"),
        ("InTier('gold').cap(5)", "column 16: InTier has no method 'cap'"),
        ("Flat(1).points + Flat(1)", "column 9: 'Flat(1).points' is not read here"),
        ("Flat + Flat(1)", "column 1: 'Flat' stands alone; call it"),
        ("Flat(x)", "column 6: 'x' stands alone"),
        ("Flat(1)(2)", "column 1: 'Flat(1)' is not read here"),
        ("Flat(1)['points']", "is not read here"),
        # syntax
        ("Flat(1", "column 5: '(' is never closed; close it"),
        ("Flat(1))", "column 8: ')' is one too many; remove it"),
        ("Flat(1)\n+ Flat(2))", "line 2, column 10: ')' is one too many"),
        ("Flat(1) + (Flat(2)]", "does not match opening parenthesis"),
        ("Flat(1) Flat(2)", "column 1: invalid syntax"),
        ("(Flat(1) + (\n Flat(2)", "line 1, column 12: '(' is never closed"),
        ("Flat('a", "unterminated string literal"),
        ("Flat(\0)", "null bytes"),
        ("Flat('\ud800')", "half of a surrogate pair"),
        ("Flat(1).named('\\ud800')", "is not read here"),
        # what Python knows besides
        ("lambda: Flat(1)", "column 1: 'lambda: Flat(1)' is not read here; write only calls"),
        ("(x := Flat(1))", "is not read here"),
        ("[Flat(n) for n in (1,)]", "is not read here"),
        ("Flat(1) if True else Flat(2)", "is not read here"),
        ("Flat(1) and Flat(2)", "is not read here"),
        ("not Flat(1)", "is not read here"),
        ("Flat(1) - Flat(2)", "is not read here"),
        ("Flat(1) ** 2", "is not read here"),
        ("-Flat(1)", "is not read here"),
        ("Flat(-True)", "is not read here"),
        ("Flat(1) == Flat(1)", "is not read here"),
        ("Flat(*(1,))", "column 6: '*(1,)' is not read here"),
        ("Flat(**{'points': 1})", "column 8: ** is not read here"),
        ("PointsTable({**{}}, by='x')", "** is not read here"),
        ("Flat({1})", "is not read here"),
        ("Flat(f'{1}')", "is not read here"),
        ("Flat(b'1')", "is not read here"),
        ("Flat(...)", "is not read here"),
        ("Flat(1j)", "is not read here"),
        ("yield Flat(1)", "is not read here"),
        # numbers
        ("Flat(1.5)", 'column 6: the float 1.5 is not exact; write it as text: "1.5"'),
        ("Flat(1e999)", "column 6: the float inf is not exact"),
        (f"Flat({'9' * 41})", "column 6: number: a whole number of more than 40 digits"),
        (f"Flat({'9' * 5000})", "Exceeds the limit"),
        ("Flat(1).when(Fact('x', Fraction(1, 0)))", "denominator: 0 does not divide"),
        # operators and calls
        ("Flat(1) + InTier('gold')", "column 11: unsupported operand type(s) for +: 'Flat' and 'InTier'; + joins"),
        ("Flat(1) & Flat(2)", "column 11: unsupported operand type(s) for &"),
        ("~Flat(1)", "column 2: bad operand type for unary ~"),
        ("~5", "column 2: 5 is no condition; put ~ before one"),
        ("2 * 3", "column 5: neither side is a rule, factor or condition"),
        ("'a' * 1000000000", "column 7: neither side is a rule"),
        ("[1] * 1000000000", "column 7: neither side is a rule"),
        ("Flat(1) * 'x'", "column 11: factor: 'x' is not a number"),
        ("Flat()", "column 1: Flat missing 1 required positional argument: 'points'; it takes (points)"),
        ("Flat(1, 2)", "it takes (points)"),
        ("Flat(pints=1)", "it takes (points)"),
        ("Flat(points=1, points=2)", "column 23: 'points' is given twice; keep one"),
        ("by_fact('x', {1: 2, True: 3})", "column 21: the key True stands twice; keep one"),
        ("Flat(1).cap(-5)", "column 9: points: -5 is below 0"),
        ("Flat(1).cap(5, per='month')", "column 9: per='month' counts under a name"),
        # wrong kinds, and none
        ("InTier('gold')", "InTier('gold') is no earning rule"),
        ("'Flat(1)'", "'Flat(1)' is no earning rule"),
        ("(Flat(1),)", "is no earning rule"),
        ("()", "is no earning rule"),
        ("Flat", "'Flat' is no earning rule"),
        ("5", "'5' is no earning rule"),
        # length and depth
        ("Flat(1)" + " " * 10_000, "an expression of 10,007 characters, more than 10,000; write it as nested tables"),
        ("(" * 51 + "Flat(1)" + ")" * 51, "column 51: brackets nest too deep"),
        ("Flat(1)" + ".each_line()" * 50, "it nests more than 50 deep"),
        ("Flat(1)" + " * 2" * 50, "it nests more than 50 deep"),
        ("~" * 60 + "InTier('gold')", "it nests more than 50 deep"),
        (" + ".join(["Flat(1)"] * 251), "more than 250 in a chain of operators"),
    ],
)  # fmt: skip
def test_text_that_is_not_a_rule_is_an_error_that_names_the_column(text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(DataError) as caught:
        earning(text)

    assert caught.value.path == "$.earning"
    assert message in caught.value.message
    assert not list(tmp_path.iterdir())


def test_text_may_nest_nearly_50_deep():
    assert earning("Flat(1)" + ".each_line()" * 47) == earning("Flat(1)" + ".each_line()" * 46).each_line()


def test_a_name_is_known_only_with_a_kind_and_a_method_only_if_it_composes():
    assert {"PerSpend", "best_of", "by_tier", "MinSpend"} <= NAMES.keys()
    assert not {"matching", "Matching", "EarningRule", "Account"} & NAMES.keys()
    assert {"when", "cap", "between"} <= METHODS
    assert not {"award", "earn", "select", "test", "quote"} & METHODS


@pytest.mark.parametrize(
    ("condition", "message"),
    [("Flat(1)", "is no condition"), ("Flat(1", "column 5: '(' is never closed"), ("x", "'x' is no condition")],
)
def test_text_where_nothing_may_stand_is_read_too(condition, message):
    with pytest.raises(DataError) as caught:
        from_data({"version": 1, "type": "has", "condition": condition})

    assert caught.value.path == "$.condition"
    assert message in caught.value.message


def test_text_without_a_converter_is_held_to_the_annotation():
    with pytest.raises(
        DataError, match=r"Flat\(1\) is not what goes here; give Rounding as a table, or as text"
    ) as caught:
        from_data({"version": 1, "type": "points", "earning": "Flat(1)", "rounding": "Flat(1)"})

    assert caught.value.path == "$.rounding"


def answer_to(text):
    try:
        return earning(text)
    except DataError as error:
        return error


@given(st.one_of(st.text(), rules().map(repr)), st.data())
def test_any_text_is_a_rule_or_an_error(text, data):
    for _ in range(data.draw(st.integers(0, 2))):
        start, end = sorted(data.draw(st.integers(0, len(text))) for _ in range(2))
        text = (
            text[:start]
            + data.draw(st.sampled_from(["", "(", ")", "'", ".", "*", "Flat", "~", text[start:end] * 2]))
            + text[end:]
        )

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python's own, of text that is nearly a number
        answer = answer_to(text)

    if isinstance(answer, DataError):
        assert answer.path == "$.earning"
    else:
        assert earning(repr(answer)) == answer
