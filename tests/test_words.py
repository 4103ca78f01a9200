"""Programs and their parts in plain English: as a person would say it, of every kind, and with every number."""

from copy import deepcopy
from fractions import Fraction
import re
import warnings

from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import ROOT
import pytest
from stored import STRATEGIES, built

from loyaltycore import *
from loyaltycore._strategy import KINDS, Strategy, walk
from loyaltycore.cli import main
from loyaltycore.testing import conditions, factors, rules

FILES = sorted([*(ROOT / "examples").glob("*.toml"), *(ROOT / "examples/gallery").glob("*.toml")])


def read(file):
    return ProgramHistory.load(file)


def program(earning=None, **others):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Program("Club", points={"stars": Points(PerSpend(1) if earning is None else earning)}, **others)


def section(text, title):
    """The lines under a title of an explanation."""
    lines = text.split("\n")
    start = lines.index(title) + 2
    return "\n".join(lines[start:]).split("\n\n")[0].split("\n")


# As a person would say it -------------------------------------------------------------------------------------------

SENTENCES = {
    "PerSpend(1)": "1 point for each dollar",
    "PerSpend('1.5', every=10)": "1.5 points for every $10",
    "PerSpend(1).between(50, 100) + PerSpend(2).over(100)": (
        "1 point for each dollar on the amount between $50 and $100; 2 points for each dollar on the amount over $100"
    ),
    "PerStep(1, every=1)": "1 point for each full dollar",
    "PerStep(1, every=2, of='litres')": "1 point for every full 2 litres",
    "PerUnit(2, of='nights')": "2 points for each night",
    "PerUnit(1)": "1 point for each unit of distance",
    "PerItem(5)": "5 points for each item",
    "Flat(50)": "50 points for each activity",
    "Flat(50).when(OfKind('review'))": "50 points for each review",
    "Flat(300).when(FirstTime('flight'))": "300 points for the member's first flight",
    "Flat(50).when(MinSpend(200))": "50 points where at least $200 is spent",
    "Flat(5).when(OfKind('joined'))": "5 points when the member joins",
    "PerSpend(2).when(Category('dining', 'travel'))": "2 points for each dollar on dining and travel",
    "PerSpend(5).when(Category('base_fare'))": "5 points for each dollar on base fare",
    "PerSpend(1).when(~Category('fuel', 'gift cards'))": "1 point for each dollar on all but fuel and gift cards",
    "PerSpend(1).when(InTier('gold'))": "1 point for each dollar for members in gold",
    "PerSpend(1).when(AtLeastTier('gold'))": "1 point for each dollar for members in gold or above",
    "PerSpend(1).when(MemberFact('segment', 'student', 'new'))": (
        "1 point for each dollar for members whose segment is student or new"
    ),
    "PerSpend(1).when(OnWeekdays('sat', 'sun'))": "1 point for each dollar on Saturdays and Sundays",
    "PerSpend(1).when(InHours(16, 18))": "1 point for each dollar between 16:00 and 18:00",
    "PerSpend(1).when(BirthMonth())": "1 point for each dollar in the month of the member's birthday",
    "PerSpend(1).when(Anniversary(before=3, after=3))": (
        "1 point for each dollar on the member's birthday or up to 3 days before or 3 days after"
    ),
    "PerSpend(1).when(InExperiment('trial', '0.1'))": (
        "1 point for each dollar for the 10% of members in the experiment trial"
    ),
    "PerSpend(1).during('2026-03-01', '2026-03-31')": "1 point for each dollar from 1 March 2026 to 31 March 2026",
    "PerSpend(1).during(None, '2026-03-31')": "1 point for each dollar until the end of 31 March 2026",
    "PerSpend(1).during('2026-03-01T10:00', None)": "1 point for each dollar from 1 March 2026, 10:00 on",
    "PerSpend(4).when(Category('groceries')).named('groceries').cap(1500, per='month')": (
        "groceries: 4 points for each dollar on groceries, at most 1,500 points a month"
    ),
    "PerUnit(1).at_least(500)": "1 point for each unit of distance, at least 500 points if any",
    "Flat(100).named('visits').limit(2, per='month')": "visits: 100 points, at most twice a month",
    "Flat(100).named('card').every_nth(10)": "card: 100 points, only every 10th time",
    "Flat(100).named('streak').in_a_row(7, per='day')": "streak: 100 points, once for every 7 days in a row",
    "Flat(100).named('poll').cooldown(days=30)": "poll: 100 points, then not again for 30 days",
    "PerSpend(6).between(0, 6000).named('food').running(per='year')": (
        "food: 6 points for each dollar on the first $6,000, counted over the year so far"
    ),
    "PerSpend(1).rounded('half_up', to=10)": "1 point for each dollar, rounded to the nearest 10, halves up",
    "PerSpend(1).rounded('ceil')": "1 point for each dollar, rounded up to whole points",
    "PerSpend(1) * by_tier(ruby='1.25', gold='1.5')": "1 point for each dollar, times 1.25 for ruby and 1.5 for gold",
    "PerSpend(1) * by_tier(gold=1, otherwise=0)": "1 point for each dollar, times 1 for gold and 0 for everyone else",
    "PerUnit(1) * by_fact('cabin', {('F', 'J'): '1.5', 'S': '0.5'})": (
        "1 point for each unit of distance, times 1.5 where cabin is F or J, and 0.5 where it is S"
    ),
    "PerSpend(1) * by_member_fact('plan', {'pro': 2}, otherwise=0)": (
        "1 point for each dollar, times 2 for members whose plan is pro and 0 for everyone else"
    ),
    "best_of(PerSpend(2), Flat(100))": (
        "whichever of these gives most: 2 points for each dollar; 100 points for each activity"
    ),
    "PointsTable({'domestic': 500, ('abroad', 'far'): 900}, by='zone')": (
        "points by zone: zone points | domestic 500 | abroad, far 900"
    ),
    "After(months=24).to_end_of('month') | AfterInactivity(months=12)": (
        "24 months after they are earned, at the end of that month, or after 12 months without any activity,"
        " whichever comes first"
    ),
    "AfterInactivity(months=18, resets=OfKind('purchase', 'redeemed'))": (
        "after 18 months without a purchase or a redemption"
    ),
    "AfterInactivity(months=18) & On('2007-12-15')": (
        "after 18 months without any activity, but not before 15 December 2007"
    ),
    "EndOf('month', plus=2)": "at the end of the 2nd month after the one in which they are earned",
    "OnDate('12-31')": "on the next 31 December",
    "After(days=30).unless(MemberFact('card', 'open') | InTier('gold'))": (
        "30 days after they are earned, but never for members whose card is open or in gold"
    ),
    "Reach('spend', 18_000, window=Rolling(months=12)) | Reach(OfKind('stay'), 30) | Reach('nights', 60)": (
        "$18,000 spent in the last 12 months, 30 stays or 60 nights"
    ),
    "Item(150, sku='latte')": "latte for 150 points",
    "Item(0, grants='party')": "party, free",
    "Item(9_000, grants='lounge_visit').when(InTier('gold')).limit(3, per='year').stock(10)": (
        "lounge visit for 9,000 points, for members in gold, at most 3 times a year, while the stock of 10 lasts"
    ),
    "Voucher(500, worth='10.50', expiry=After(days=30))": (
        "a voucher worth $10.50 for 500 points, which lapses 30 days after it is redeemed"
    ),
    "PercentOff(100, percent=10, at_most=50)": "10% off the order (at most $50) for 100 points",
    "PayWithPoints(worth='0.01', at_least=100, step=100, share='0.5')": (
        "money off the order, $0.01 for each point, at least 100 points, in steps of 100 points,"
        " for at most 50% of the order"
    ),
    "Increments({100: '3.50', 250: 8})": "money off the order, $3.50 for 100 points or $8 for 250 points",
    "Donation(worth='0.01', to='the school fund')": "a donation to the school fund, $0.01 for each point",
    "Convert(1000, into='miles', gives=500)": "every 1,000 points become 500 miles",
    "CarryOver(500).on('12-31')": "at most 500 points carry over and the rest lapses, at the end of every 31 December",
    "Item(150) * by_tier(gold='0.5')": "150 points, the price times 0.5 for gold",
}  # fmt: skip


@pytest.mark.parametrize(("code", "sentence"), SENTENCES.items(), ids=SENTENCES)
def test_it_reads_like_the_domain(code, sentence):
    assert explain(built(code)) == sentence


def test_money_is_in_the_currency_of_the_program():
    text = [explain(program(PerSpend(1).over(1000), currency=code)) for code in ("USD", "EUR", "GBP", "CHF")]

    assert [section(each, "Stars") for each in text] == [
        ["- 1 star for each dollar on the amount over $1,000"],
        ["- 1 star for each euro on the amount over €1,000"],
        ["- 1 star for each pound on the amount over £1,000"],
        ["- 1 star for each CHF on the amount over 1,000 CHF"],
    ]


def test_points_are_shown_with_their_places():
    cash = Points(PerSpend(2), places=2)
    club = Program("Card", points={"cash": cash}, rewards={"credit": PayWithPoints(worth="0.01", at_least=2500)})

    assert section(explain(club), "Cash") == ["- 0.02 cash for each dollar"]
    assert section(explain(club), "Rewards") == ["- credit: money off the order, $1 for 1 cash, at least 25 cash"]


def test_rules_that_are_added_up_are_a_list_and_those_inside_one_are_a_list_in_it():
    rule = (PerSpend(1) + PerSpend(2).when(Category("dining"))).when(~Category("fuel")) + Flat(5)

    assert section(explain(program(rule)), "Stars") == [
        "- the total of these on all but fuel:",
        "  - 1 star for each dollar",
        "  - 2 stars for each dollar on dining",
        "- 5 stars for each activity",
    ]


def test_a_table_stands_below_what_is_looked_up_in_it():
    rates = RateTable({"SN": {("J", "C"): "1.25", "Q": "0.5"}, "TK": {"C": "1.5"}}, by=("carrier", "letter"))

    assert section(explain(program(PerUnit(1) * rates)), "Stars") == [
        "- 1 star for each unit of distance, times the factor by carrier and letter in the table:",
        "    carrier  letter  factor",
        "    -------  ------  ------",
        "    SN         J, C    1.25",
        "    SN            Q     0.5",
        "    TK            C     1.5",
    ]


def test_what_becomes_of_points_is_said():
    stars = Points(
        PerSpend(1),
        rounding=Rounding("half_up", each="line"),
        pending=After(days=14),
        expiry=After(months=12),
        order=NewestFirst(),
        at_most=9000,
        converts=CarryOver(500).every("month"),
        on_event=Flat(50).when(OfKind("joined")),
    )
    text = explain(Program("Club", points={"stars": stars}))

    assert "When something happens in the account:\n- 50 stars when the member joins\n" in text
    assert (
        "What happens by itself:\n- at most 500 stars carry over and the rest lapses, at the end of each month\n"
        in text
    )
    assert text.split("\n\n")[-1].split("\n") == [
        "What each line earns is rounded to the nearest whole star, halves up.",
        "They become available 14 days after they are earned.",
        "They lapse 12 months after they become available.",
        "Those earned last are spent first.",
        "An account has at most 9,000 stars, and what would go beyond is not earned.",
    ]


def test_tiers_are_told_with_what_they_take_and_bring():
    ladder = TierLadder(
        Tier("member"),
        Tier("gold", Reach("stars", 500), renewal=Reach("stars", 400), benefits=("lounge", Benefit("bag", 2))),
        Tier("top", Reach("stars", 900) | Invitation(), keeps=Never(), deducts=True),
        window="year", keeps=EndOfPeriod(1), downgrade="one_level", grace=After(days=30),
    )  # fmt: skip
    text = explain(program(tiers=ladder))

    assert section(text, "Tiers") == [
        "- member: everyone",
        "- gold: 500 stars. To stay: 400 stars. Benefits: lounge, bag (2 a year)",
        "- top: 900 stars or by invitation. It is kept for good. What it took is then taken off what was counted",
    ]
    assert text.split("\n\n")[-1].split("\n") == [
        "What a tier takes is counted in a calendar year.",
        "A tier is kept until it is reviewed at the end of the year after the one in which it is reached.",
        "Members who do not qualify again move one tier down, but only 30 days after the tier is reviewed.",
    ]


def test_of_a_history_the_first_version_is_told_and_then_what_changes():
    newer = program(PerSpend(2), tiers=TierLadder(Tier("gold", Reach("stars", 5))))
    history = ProgramHistory(program(), ("2026-03-01", newer), ("2027-03-01", newer))

    assert explain(history).split("\n") == [
        "Club",
        "====",
        "",
        "Amounts are in USD. Days begin and end in the time zone UTC.",
        "There are 3 versions. The first is described in full, the others by what they change.",
        "",
        "Stars",
        "-----",
        "- 1 star for each dollar",
        "",
        "What an activity earns is rounded down to whole stars.",
        "They never lapse.",
        "",
        "From 1 March 2026 on",
        "--------------------",
        "- stars: the rate of “1 star for each dollar” goes from 1 to 2",
        "- the tiers are added: gold",
        "  - gold: 5 stars",
        "",
        "  What a tier takes is counted altogether.",
        "  A tier is kept for good.",
        "",
        "From 1 March 2027 on",
        "--------------------",
        "Nothing changes.",
    ]


# Classes of one's own -----------------------------------------------------------------------------------------------


def test_an_own_class_is_told_by_its_code_and_the_first_line_of_its_docstring():
    @frozen
    class Birthday(EarningRule):
        """A present in the month of birth.

        More about it.
        """

        kind = "birthday"
        bonus: int = 500

        def earn(self, activity, member):
            return self.bonus

    @frozen
    class Rainy(Condition):
        kind = "rainy"

        def test(self, line, activity, member):
            return True

    assert explain(Birthday(9).when(~Rainy())) == (
        "what Birthday(9) (A present in the month of birth) gives where Rainy() does not hold"
    )


def test_a_function_is_told_by_its_name():
    def dear(line, activity, member):
        return line.amount > 100

    assert explain(matching(dear)) == "where the function dear says yes"
    assert explain(~matching(lambda line, *_: line.amount > 100)) == "where a function of the application says no"


def test_what_is_no_part_of_a_program_is_refused():
    with pytest.raises(RuleError, match=r"explain: 'club.toml' is no program; give one, or a rule, a condition"):
        explain("club.toml")


# Every kind ---------------------------------------------------------------------------------------------------------


def is_english(text):
    """No code, nothing left over: what a template that was filled badly would show."""
    assert text == text.strip()
    for line in text.split("\n"):
        assert line == line.rstrip()
        assert not re.search(r"\w\(|None|True|False|Fraction|\w  \w|,,|, ,| ,|\.\.|\{\}", line), line


@pytest.mark.parametrize("value", STRATEGIES)
def test_every_strategy_has_words(value):
    is_english(explain(value))


def test_no_kind_is_told_by_its_code():
    """Every built-in class is among the samples above, so that none of them falls back to its repr."""
    windows = (Rolling(days=3), TierTerm(), Balance(), Calendar("quarter", starts="02-01"), MembershipYear(), "ever")
    others = [
        *(Reach("stars", 5, window=window) for window in windows),
        SoonestToExpire(),
        OldestFirst(),
        NewestFirst(),
    ]
    told = {type(inside) for value in (*(p.values[0] for p in STRATEGIES), *others) for _, inside in walk(value)}

    ours = {cls for cls in KINDS.values() if issubclass(cls, Strategy) and cls.__module__.startswith("loyaltycore.")}
    assert ours - told == set()
    for value in others:
        is_english(explain(value))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_example_is_told_without_code(file):
    is_english("\n".join(line for line in explain(read(file)).split("\n") if not line.startswith("    ")))


@given(rules() | conditions() | factors())
def test_whatever_is_drawn_has_words(value):
    text = explain(value)

    assert text.strip() == text
    assert type(value).__name__ + "(" not in text


# Every number -------------------------------------------------------------------------------------------------------


def numbers(data, place=()):
    """The places of all numbers in data, those that are text among them."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key not in ("version", "type", "timezone", "starts", "hold_timeout"):
                yield from numbers(value, (*place, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from numbers(value, (*place, i))
    elif (type(data) is int) or (isinstance(data, str) and re.fullmatch(r"\d+(\.\d+)?", data)):
        yield place


def with_another(data, place, more):
    """The data with another number there."""
    changed = deepcopy(data)
    inside = changed
    for key in place[:-1]:
        inside = inside[key]
    old = inside[place[-1]]
    inside[place[-1]] = old + more if isinstance(old, int) else str(Fraction(old) + more)
    return changed


def built_again(data):
    """The value of data, if it is one; a number that makes no sense is refused."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return from_data(data)
        except LoyaltyError:
            return None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_words_of_an_example_change_with_any_number_in_it(file):
    told = read(file)
    data, text = to_data(told), explain(told)
    tried = 0

    for place in numbers(data):
        for more in (1, 7):
            other = built_again(with_another(data, place, more))
            if other is not None and other != told:
                tried += 1
                assert explain(other) != text, place
                break
    assert tried > 3


@pytest.mark.parametrize("value", STRATEGIES)
def test_the_words_of_a_strategy_change_with_any_number_in_it(value):
    for place in numbers(to_data(value)):
        other = built_again(with_another(to_data(value), place, 1))
        if other is not None and other != value:
            assert explain(other) != explain(value), place


@settings(max_examples=25)
@given(rules(max_depth=2), st.sampled_from([1, 3]))
def test_the_words_of_whatever_is_drawn_change_with_any_number_in_it(rule, more):
    data = to_data(rule)
    for place in numbers(data):
        other = built_again(with_another(data, place, more))
        if other is not None and other != rule:
            assert explain(other) != explain(rule), place


# The command --------------------------------------------------------------------------------------------------------


def test_the_command_explains_a_file(capsys):
    file = ROOT / "examples/grocer.toml"

    assert main(["explain", str(file)]) == 0
    assert capsys.readouterr().out == explain(Program.load(file)) + "\n"


def test_the_command_explains_the_version_in_force_at_a_moment(capsys):
    file = ROOT / "examples/gallery/starbucks.toml"

    assert main(["explain", str(file), "--at", "2026-03-09"]) == 0
    assert capsys.readouterr().out == explain(read(file).version("2026-03-09")) + "\n"


def test_the_command_refuses_what_it_cannot_read(tmp_path, capsys):
    assert main(["explain", str(tmp_path / "none.toml")]) == 2
    assert main(["explain", str(ROOT / "examples/classic.toml"), "--at", "soon"]) == 2
    assert "none.toml" in capsys.readouterr().err
