"""Kinds and names: what data may call, and who owns a name."""

from attrs import frozen
import pytest

from loyaltycore import *
from loyaltycore import from_data, to_data


def own_rule(kind, name="Loyal", module="shop.rules"):
    """A rule class as some module of an application would define it."""
    namespace = {"kind": kind, "__module__": module, "earn": lambda self, activity, member: 5}
    return frozen(type(name, (EarningRule,), namespace))


def test_two_own_classes_may_share_a_kind_until_data_uses_it():
    first, second = own_rule("test_shared", "Shared", "shop.rules"), own_rule("test_shared", "Shared", "club.rules")
    at = Activity.purchase(1, at="2026-03-01")
    assert first().award(at).points == second().award(at).points == 5
    with pytest.raises(DataError, match=r"'test_shared' is the kind of shop\.rules\.Shared and of club\.rules\.Shared"):
        from_data(to_data(first()))
    with pytest.raises(DataError, match=r"'Shared' is the name of shop\.rules\.Shared and of club\.rules\.Shared"):
        from_data({"version": 1, "type": "times", "rule": "Shared()", "factor": {"type": "constant", "number": 2}})


def test_a_class_made_in_a_function_gives_way_to_the_next():
    @frozen
    class Local(EarningRule):
        kind = "test_local"

        def earn(self, activity, member):
            return 5

    later = own_rule("test_local", "Local")
    assert type(from_data(to_data(later()))) is later


def test_a_cell_that_is_run_again_replaces_its_class():
    own_rule("test_again", "Again")
    again = own_rule("test_again", "Again")
    assert type(from_data(to_data(again()))) is again
