"""Conditions: which lines of an activity a rule sees.

A condition tests each line; those that pass are the selection. Conditions on the whole activity or on the member
accept every line or none. They combine by `&`, `|` and `~`, and both sides see the same activity.
"""

from __future__ import annotations

from loyaltycore.activity_conditions import Category, Fact, Has, MinSpend, OfKind, Sku, matches
from loyaltycore.condition import And, Condition, Matching, Not, Or, Whole, as_condition, matching
from loyaltycore.member_conditions import (
    Anniversary,
    AtLeastTier,
    BirthMonth,
    EveryNth,
    FirstTime,
    InExperiment,
    InTier,
    MemberFact,
)
from loyaltycore.time_conditions import During, InHours, OnWeekdays

__all__ = [
    "And",
    "Anniversary",
    "AtLeastTier",
    "BirthMonth",
    "Category",
    "Condition",
    "During",
    "EveryNth",
    "Fact",
    "FirstTime",
    "Has",
    "InExperiment",
    "InHours",
    "InTier",
    "Matching",
    "MemberFact",
    "MinSpend",
    "Not",
    "OfKind",
    "OnWeekdays",
    "Or",
    "Sku",
    "Whole",
    "as_condition",
    "matches",
    "matching",
]
