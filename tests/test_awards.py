"""Awards: what was earned and why, as a tree of text, as HTML, and as a value."""

from fractions import Fraction
from html.parser import HTMLParser
import pickle

from attrs import evolve, frozen
from attrs.exceptions import FrozenInstanceError
import pytest

from loyaltycore import *

CLASSIC = PerSpend(1).between(50, 100) + PerSpend(2).over(100)
SALE = Activity.purchase(120, at="2026-03-01")


def explained(rule, activity=SALE, member=ANYONE):
    return str(rule.award(activity, member)).splitlines()


# As text ------------------------------------------------------------------------------------------------------------


def test_an_award_is_a_tree_of_numbers_and_reasons():
    assert explained(CLASSIC) == [
        "       90  total of",
        "       50    on the amount between 50 and 100",
        "       50      PerSpend(1)",
        "       40    on the amount over 100",
        "       40      PerSpend(2)",
    ]


def test_what_was_not_earned_says_why_not():
    rule = (
        PerSpend(1).over(200)
        + Flat(50).when(Category("travel") & MinSpend(20))
        + PerUnit(1).at_least(500)
        + PerUnit(1).over(100, of="distance")
    )
    assert explained(rule) == [
        "        0  total of",
        "        0    nothing: the amount, 120, is not over 200",
        "        0    nothing: Category('travel') & MinSpend(20) keeps no line",
        "        0    nothing to lift to 500",
        "        0      PerUnit(1)",
        "        0    nothing: the distance, 0, is not over 100",
    ]


def test_every_combination_says_what_it_did():
    basket = Activity([Line("80.50", "dining"), Line(40)], at="2026-03-01")
    rule = best_of(
        (PerSpend(1).when(Category("dining")) * by_tier(gold="1.5")).cap(100).named("dining"),
        first_of(PerSpend("0.5").rounded("half_up", to=5), Flat(1)) * 2,
    ).at_least(10)
    assert explained(rule, basket, Member(tier="gold")) == [
        "      120  at least 10, and there are more",
        "      120    the best of 2, number 2",
        "      100      dining",
        "      100        at most 100",
        "   120.75          times 1.5: by_tier(gold='1.5')",
        "     80.5            on Category('dining'), 1 of 2 lines",
        "     80.5              PerSpend(1)",
        "      120      times 2",
        "       60        the first of 2 that earns, number 1",
        "       60          rounded by half_up to 5",
        "    60.25            PerSpend('0.5')",
    ]


def test_the_rounding_is_said_where_it_changed_something():
    assert explained(PerSpend("0.55"), Activity.purchase(99, at="2026-03-01")) == [
        "       54  rounded from 54.45",
        "    54.45    PerSpend('0.55')",
    ]
    half_up = Rounding("half_up").award(PerSpend("0.55"), Activity.purchase(99, at="2026-03-02"))
    assert str(half_up).startswith("       54  rounded from 54.45")
    assert Rounding("ceil").award(PerSpend("0.55"), Activity.purchase(99, at="2026-03-02")).points == 55


@pytest.mark.parametrize(
    ("exact", "shown"),
    [
        (1234567, "1,234,567"),
        ("1234.5", "1,234.5"),
        ("0.05", "0.05"),
        ("1/3", "0.333…"),
        ("2000/3", "666.666…"),
        ("20000/3", "6,666.666…"),
        ("1/30000", "0.000…"),
    ],
)
def test_numbers_are_grouped_and_endless_ones_cut(exact, shown):
    assert str(Award(exact, reason="x")).splitlines()[-1].strip().startswith(f"{shown}  ")


def test_wide_numbers_stay_in_their_column():
    assert explained(PerSpend(10**9) + Flat(1)) == [
        "120,000,000,001  total of",
        "120,000,000,000    PerSpend(1000000000)",
        "              1    Flat(1)",
    ]


def test_an_award_of_ones_own_is_shown_in_its_place():
    @frozen
    class Present(EarningRule):
        kind = "test_present"

        def earn(self, activity, member):
            return Award(50, reason="a birthday gift", parts=(Award(30, reason="cake"), Award(20, reason="{candles}")))

    assert explained(PerSpend(1) + Present().named("party")) == [
        "      170  total of",
        "      120    PerSpend(1)",
        "       50    party",
        "       50      a birthday gift",
        "       30        cake",
        "       20        {candles}",
    ]


def test_braces_in_names_are_only_text():
    assert explained(Flat(5).when(Category("{0.__class__}")).named("{name}")) == [
        "        0  {name}",
        "        0    nothing: Category('{0.__class__}') keeps no line",
    ]


def test_text_is_made_only_when_asked_for():
    class Loud:
        def __repr__(self):
            raise AssertionError("nobody asked")

        def __call__(self, line, activity, member):
            return True

    award = PerSpend(1).when(matching(Loud())).award(SALE)
    assert award.points == 120
    with pytest.raises(AssertionError, match="nobody asked"):
        str(award)


# As HTML ------------------------------------------------------------------------------------------------------------


class Reader(HTMLParser):
    """The tags and the texts of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.texts = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


def test_html_has_the_same_rows():
    page = Reader(CLASSIC.award(SALE)._repr_html_())
    assert set(page.tags) == {"table", "thead", "tbody", "tr", "th", "td"}
    assert page.texts == [
        "points",
        "why",
        *["90", "total of", "50", "on the amount between 50 and 100", "50", "PerSpend(1)"],
        *["40", "on the amount over 100", "40", "PerSpend(2)"],
    ]


def test_html_is_escaped():
    hostile = '<script>alert("x")</script>&amp;'
    html = (
        Flat(5)
        .named(hostile)
        .when(Fact(hostile))
        .award(Activity.action("x", at="2026-03-01", **{hostile: 1}))
        ._repr_html_()
    )
    assert "<script" not in html
    page = Reader(html)
    assert set(page.tags) == {"table", "thead", "tbody", "tr", "th", "td"}
    assert hostile in page.texts


# As a value ---------------------------------------------------------------------------------------------------------


def test_an_award_has_its_points_exact_and_whole_its_reason_its_parts_and_what_it_counted():
    award = PerSpend("0.5").named("x").cap(20, per="month").award(SALE)
    assert (award.exact, award.points, award.reason) == (20, 20, "at most 20 per 'month', of which 20 were left")
    (named,) = award.parts
    assert (named.exact, named.reason, [part.reason for part in named.parts]) == (60, "x", ["PerSpend('0.5')"])
    assert dict(award.counts) == {CounterKey("", "x", "points", "month 2026-03-01"): 20}


def test_awards_are_equal_by_what_they_give_and_are_made_of():
    award = CLASSIC.award(SALE)
    assert award == CLASSIC.award(Activity.purchase("120.00", at="2026-03-02"))
    assert award == Award(90, parts=(Award(50, parts=(Award(50),)), Award(40, parts=(Award(40),))))
    assert award != Award(90)
    assert len({award, CLASSIC.award(SALE)}) == 1
    assert Award(90, counts={}) == Award(90)


def test_an_award_does_not_change():
    award = CLASSIC.award(SALE)
    for name in ("exact", "points", "counts", "_parts"):
        with pytest.raises(FrozenInstanceError):
            setattr(award, name, 1)
        with pytest.raises(FrozenInstanceError):
            delattr(award, name)
    assert type(award) is type(award.parts[0]) is Award


def test_an_award_pickles_with_its_explanation():
    award = (CLASSIC.named("x").cap(100, per="month") * by_tier(gold=2)).award(SALE)
    twin = pickle.loads(pickle.dumps(award))  # noqa: S301 (our own)
    assert twin == award
    assert str(twin) == str(award)
    assert twin.counts == award.counts


def test_evolve_keeps_what_it_is_not_told():
    award = CLASSIC.award(SALE)
    rounded = evolve(award, points=100)
    assert (rounded.exact, rounded.points, rounded.parts, rounded.reason) == (90, 100, award.parts, "total of")


def test_an_award_is_code():
    award = Award(
        "2.5", reason="x", parts=(Award(2, reason="y"), Award("0.5")), counts={CounterKey("", "a", "b", "c"): 1}
    )
    assert eval(repr(award)) == award  # noqa: S307 (our own)


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("Award(-1)", RuleError, "exact: -1 points is below 0; a rule earns 0 or more"),
        ("Award('-0.5')", RuleError, "exact: -0.5 points is below 0; a rule earns 0 or more"),
        ("Award(1.5)", InexactNumber, "exact: the float 1.5 is not exact; write '1.5' or Decimal('1.5')"),
        ("Award(True)", InexactNumber, "exact: True is a truth value, not a number; write 1 or 0 if that is meant"),
    ],
)
def test_what_an_award_cannot_be(code, error, message):
    with pytest.raises(error) as refused:
        eval(code)  # noqa: S307 (written above)
    assert str(refused.value) == message


def test_whole_points_are_rounded_down_unless_said_otherwise():
    assert Award("2.9").points == 2
    assert Award("2.9", 3).points == 3
    assert Award(Fraction(6, 2)).exact == 3
    assert type(Award(Fraction(6, 2)).exact) is int
