"""`loyaltycore.testing`: the library's own strategies keep the laws, and each law finds the rule that breaks it."""

from datetime import time
from itertools import count
import random
import subprocess
import sys

import attrs
from attrs import field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

from loyaltycore import *
from loyaltycore import testing
from loyaltycore._laws import equals_its_copy, is_rebuilt_by_its_repr
from loyaltycore.earning import Sum
from loyaltycore.testing import *


def run(code):
    """What a fresh Python prints, with warnings as errors."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


# The built-ins --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", testing.built_in_kinds(), ids=lambda cls: cls._kind)
def test_every_built_in_kind_can_be_drawn_and_keeps_the_laws(cls):
    laws = {EarningRule: RULE_LAWS, Factor: FACTOR_LAWS, Condition: LAWS, Period: ()}
    kept = next(laws[base] for base in laws if issubclass(cls, base))

    @settings(max_examples=30)
    @given(st.from_type(cls), histories(max_size=3), members())
    def keeps_the_laws(value, history, member):
        assert type(value) is cls
        for law in VALUE_LAWS:
            law(value)
        for activity in history:
            for law in kept:
                law(value, activity, member)
            member = member.seen(activity)
            if isinstance(value, EarningRule):
                member = member.after(value.award(activity, member))

    keeps_the_laws()


@given(st.from_type(Line), st.from_type(Activity), st.from_type(Member), moments())
def test_lines_activities_and_members_are_rebuilt_by_their_repr(line, activity, member, at):
    for value in (line, activity, member):
        is_rebuilt_by_its_repr(value)
        equals_its_copy(value)
    assert at.tzinfo is None


@given(rules(without=(PointsTable, Fact)))
def test_what_is_left_out_is_not_drawn(rule):
    assert "PointsTable(" not in repr(rule)
    assert "Fact('" not in repr(rule).replace("MemberFact('", "")


def test_a_history_is_in_order_and_its_ids_differ():
    @given(histories())
    def holds(history):
        assert sorted(history, key=lambda activity: activity.at) == list(history)
        assert len({activity.id for activity in history}) == len(history)

    holds()


# Hypothesis and the extra ---------------------------------------------------------------------------------------------


def test_hypothesis_draws_the_types_of_the_library_without_an_import_from_testing():
    assert (
        run(
            "from hypothesis import find, strategies as st\n"
            "from loyaltycore import *\n"
            "types = (EarningRule, Condition, Line, Flat)\n"
            "print([isinstance(find(st.from_type(t), lambda _: True), t) for t in types])"
        )
        == "[True, True, True, True]\n"
    )


def test_it_can_be_imported_before_hypothesis():
    assert run("import loyaltycore.testing as t; print(t.check_rule.__name__)") == "check_rule\n"


def test_without_hypothesis_the_extra_is_named():
    assert (
        run(
            "import sys; sys.modules['hypothesis'] = None\n"
            "import loyaltycore\n"
            "try: import loyaltycore.testing\n"
            "except loyaltycore.MissingExtra as error: print(error)\n"
        )
        == "loyaltycore.testing needs hypothesis, which is not installed; pip install 'loyaltycore[testing]'\n"
    )


# Rules of one's own that keep the laws --------------------------------------------------------------------------------


@frozen
class BirthdayBonus(EarningRule):
    kind = "test_birthday_bonus"

    bonus: int = 500

    def earn(self, activity, member):
        return self.bonus if activity.day.month == member.facts.get("birth_month") else 0


@frozen
class Premium(Condition):
    kind = "test_premium"

    def test(self, line, activity, member):
        return line.amount >= 100


@frozen
class AtWeekends(Factor):
    kind = "test_at_weekends"

    def value(self, activity, member):
        return 2 if activity.day.isoweekday() > 5 else 1


@frozen
class PerStar(EarningRule):
    """For activities that state a fact only."""

    kind = "test_per_star"

    def earn(self, activity, member):
        return 10 * activity.facts["stars"]


def test_an_own_rule_condition_and_factor_pass():
    check_rule(BirthdayBonus(100))
    check_rule((PerSpend(1) + BirthdayBonus()).when(Premium()) * AtWeekends())
    check_condition(Premium() & ~Category("dining"))
    check_factor(AtWeekends() * "1.5")


def test_a_rule_for_some_activities_is_checked_with_those():
    reviews = st.builds(lambda stars, at: Activity.action("review", at=at, stars=stars), st.integers(1, 5), moments())
    check_rule(PerStar(), activity=reviews, member=st.just(Member("m-1")))


def test_what_is_no_rule_condition_or_factor_is_refused_with_the_remedy():
    for check, wrong in ((check_rule, BirthdayBonus), (check_condition, Premium), (check_condition, PerSpend(1))):
        with pytest.raises(RuleError, match="is no "):
            check(wrong)


# Each law finds the rule that breaks it -------------------------------------------------------------------------------


def finding(value, **strategies):
    """The sentence that the check of a broken value ends in."""
    check = (
        check_rule if isinstance(value, EarningRule) else check_factor if isinstance(value, Factor) else check_condition
    )
    with pytest.raises(AssertionError) as found:
        check(value, **strategies)
    return str(found.value)


ASKED = count(5, 2)


@frozen
class Stateful(EarningRule):
    def earn(self, activity, member):
        return next(ASKED)


def test_a_rule_that_remembers_is_found_with_the_activity_that_shows_it():
    said = finding(Stateful())
    sentence, activity, member = said.split("\n")
    assert sentence.startswith("Stateful gave ")
    assert sentence.endswith(
        " for the same activity: a rule must neither remember anything nor draw at random; "
        "keep counters in Award.counts"
    )
    assert activity.startswith("  activity: Activity(")
    assert member.startswith("  member: Member(")


@frozen
class Lucky(EarningRule):
    def earn(self, activity, member):
        return random.randint(0, 1000)  # noqa: S311


def test_a_rule_that_draws_lots_is_found():
    assert "for the same activity: a rule must neither remember anything nor draw at random" in finding(Lucky())


TIMES = count()


@frozen
class FailsOnce(EarningRule):
    def earn(self, activity, member):
        return 1 // next(TIMES)


def test_a_rule_that_answers_otherwise_when_tried_again_is_found():
    assert finding(FailsOnce()) == (
        "FailsOnce did not answer as before when it was tried again: a rule must neither remember anything nor"
        " draw at random; keep counters in Award.counts"
    )


@frozen
class CountsOtherwise(EarningRule):
    def earn(self, activity, member):
        return Award(5, reason="five", counts={CounterKey("", "own", "asked", "ever"): next(ASKED)})


def test_a_rule_that_gives_the_same_points_with_other_counts_is_found():
    assert "CountsOtherwise gave 5 then 5 by another way for the same activity" in finding(CountsOtherwise())


@frozen
class Meddling(EarningRule):
    def earn(self, activity, member):
        object.__setattr__(activity, "kind", "seen")
        return 1


def test_a_rule_that_changes_the_activity_is_found():
    assert "Meddling changed what it was given: a rule only reads the activity and the member" in finding(Meddling())


@frozen
class Picky(EarningRule):
    def earn(self, activity, member):
        return 10 * activity.facts["stars"]


def test_a_rule_that_does_not_answer_is_found_with_its_error():
    with pytest.raises(AssertionError, match="Picky raised KeyError: 'stars': a rule answers for every") as found:
        check_rule(Picky())
    assert isinstance(found.value.__cause__, KeyError)
    assert "check_rule(..., activity=..., member=...)" in str(found.value)


@frozen
class Debit(EarningRule):
    def earn(self, activity, member):
        return -5


def test_a_rule_that_gives_less_than_nothing_is_found():
    assert "Debit gave -5: a rule gives 0 or more; return max(0, ...)" in finding(Debit())


@frozen
class Floating(EarningRule):
    def earn(self, activity, member):
        return 0.5


@frozen
class Nothing(EarningRule):
    def earn(self, activity, member):
        return None


@frozen
class FloatingPart(EarningRule):
    given: object = field(default=0.5, eq=False)

    def earn(self, activity, member):
        return Award(1, reason="one", parts=(Award(1, self.given, reason="a part"),))


@frozen
class FloatingCount(EarningRule):
    def earn(self, activity, member):
        return Award(1, reason="one", counts={CounterKey("", "own", "spent", "ever"): 0.5})


def test_a_rule_that_is_not_exact_is_found():
    assert "Floating gave the float 0.5: divide as in Fraction(x) / 2 or x // 2, and write" in finding(Floating())
    assert "Nothing gave None: points: NoneType is not a number" in finding(Nothing())
    assert "FloatingCount put 0.5 into its Award: points and counts are exact numbers" in finding(FloatingCount())
    assert "FloatingPart put 0.5 into its Award" in finding(FloatingPart())
    assert "FloatingPart put True into its Award" in finding(FloatingPart(True))


@frozen
class RoundsUp(EarningRule):
    def earn(self, activity, member):
        return Award("0.5", 1, reason="rounded up")


def test_a_rule_that_rounds_its_points_itself_is_found():
    assert "RoundsUp gave 1 points for 0.5: leave points out of Award(...), or use .rounded(...)" in finding(RoundsUp())


@frozen
class Silent(EarningRule):
    def earn(self, activity, member):
        return Award(5)


@frozen
class Garbled(EarningRule):
    def earn(self, activity, member):
        return Award(5, reason=("{} for {}", 5))


def test_a_rule_that_does_not_explain_itself_is_found():
    assert "Silent gave an award without a reason; write Award(points, reason='...')" in finding(Silent())
    assert "Garbled gave an award that cannot be shown (IndexError: " in finding(Garbled())


@frozen
class Bold(EarningRule):
    def earn(self, activity, member):
        return Award(5, reason="<b>five</b> & more")


def test_html_in_a_reason_is_shown_as_text(monkeypatch):
    check_rule(Bold())
    monkeypatch.setattr(Award, "_repr_html_", lambda award: f"<table><td>5</td><td>{award.reason}</td></table>")
    assert "Bold gave an award whose HTML does not say what its text says; escape it" in finding(Bold())


@frozen
class Short(Sum):
    def _raw(self, activity, member):
        _, *others = super()._raw(activity, member)
        return (1, *others)

    def __repr__(self):
        return f"Short({self.rules!r})"


def test_a_sum_that_is_not_the_sum_of_its_parts_is_found():
    assert "Short gave 1 in parts of 7: a sum gives what its parts give" in finding(Short((Flat(3), Flat(4))))


@frozen
class FreeShippingCredit(EarningRule):
    monotone = True

    def earn(self, activity, member):
        return 10 if activity.amount < 50 else 0


def test_a_rule_that_says_it_is_monotone_and_is_not_is_found():
    said = finding(FreeShippingCredit())
    assert "FreeShippingCredit gave 10, but 0 for " in said
    assert " more spent: it says that it is monotone, so more spent must not earn fewer points" in said


# Laws of values


class Undecorated(EarningRule):
    def earn(self, activity, member):
        return 1


@attrs.define(unsafe_hash=True)
class Assignable(EarningRule):
    bonus: int = 1

    __setattr__ = object.__setattr__

    def earn(self, activity, member):
        return self.bonus


def test_a_rule_that_can_change_is_found():
    assert finding(Undecorated()) == (
        "Undecorated can change: Undecorated is not finished; decorate Undecorated with attrs' @frozen"
    )
    assert finding(Assignable()) == (
        "Assignable can change: its field 'bonus' can be assigned to; let @frozen forbid it"
    )


@frozen
class Listing(EarningRule):
    days: list[int] = field(factory=list)

    def earn(self, activity, member):
        return 1


def test_a_rule_that_cannot_be_hashed_is_found():
    assert finding(Listing([1])) == (
        "Listing cannot be hashed (unhashable type: 'list'); hold tuples instead of lists, dicts and sets"
    )


@frozen(eq=False)
class Identity(EarningRule):
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def earn(self, activity, member):
        return 1


def test_a_rule_that_differs_from_its_copy_is_found():
    assert finding(Identity()).startswith("Identity is not equal to its copy")


def test_a_rule_that_cannot_be_pickled_is_found():
    @frozen
    class Local(EarningRule):
        def earn(self, activity, member):
            return 1

    assert "Local cannot be pickled (" in finding(Local())
    assert "define its class at the top of a module" in finding(Local())


@frozen
class Forgetting(EarningRule):
    bonus: int = field(default=0, eq=False)

    def __reduce__(self):
        return Forgetting, ()

    def __repr__(self):
        return "Forgetting()"

    def earn(self, activity, member):
        return self.bonus


def test_a_rule_whose_copy_answers_otherwise_is_found():
    assert "Forgetting gave 3 and its copy 0: let its fields say all that it goes by" in finding(Forgetting(3))


@frozen
class OpeningHour(EarningRule):
    kind = "test_opening_hour"

    opens: time = time(9)

    def earn(self, activity, member):
        return int(activity.at.time() >= self.opens)


@frozen
class Doubling(EarningRule):
    kind = "test_doubling"

    bonus: int = field(default=1, converter=lambda bonus: 2 * bonus)

    def earn(self, activity, member):
        return self.bonus


def test_a_rule_with_a_kind_that_cannot_be_stored_is_found():
    assert finding(OpeningHour(time(10))).startswith(
        "OpeningHour cannot be stored: $.opens: a time cannot be stored in this field"
    )
    assert finding(Doubling(3)) == (
        "Doubling is stored as something else: Doubling(12); a converter must leave alone what it made"
    )


@frozen
class Liar(EarningRule):
    bonus: int = 1

    def __repr__(self):
        return "Liar(2)"

    def earn(self, activity, member):
        return self.bonus


@frozen
class Mumbler(EarningRule):
    def __repr__(self):
        return "<a rule>"

    def earn(self, activity, member):
        return 1


def test_a_rule_whose_repr_is_not_its_code_is_found():
    assert finding(Liar(1)) == "Liar has a repr that builds something else: Liar(2) gives Liar(2)"
    assert "Mumbler has a repr that is not its code: <a rule> raises SyntaxError" in finding(Mumbler())


# Conditions and factors


@frozen
class Alternating(Condition):
    def test(self, line, activity, member):
        return next(ASKED) % 4 == 1


@frozen
class Strict(Condition):
    def test(self, line, activity, member):
        return line.facts["brand"] == "own"


def test_a_condition_that_remembers_or_does_not_answer_is_found():
    assert (
        "a condition must neither remember anything nor draw at random; read counters from Member.counted"
        in finding(Alternating(), activity=st.just(Activity.purchase(5, at="2026-03-01")))
    )
    assert "Strict raised KeyError: 'brand': a condition answers for every activity and member" in finding(Strict())


@frozen
class Discount(Factor):
    def value(self, activity, member):
        return "-0.5"


@frozen
class Half(Factor):
    def value(self, activity, member):
        return 0.5


def test_a_factor_that_is_below_zero_or_not_exact_is_found():
    assert "Discount gave -0.5: a factor gives 0 or more" in finding(Discount())
    assert "Half gave the float 0.5: divide as in Fraction(x) / 2 or x // 2" in finding(Half())
