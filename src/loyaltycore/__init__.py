"""Loyalty programs in plain Python.

A rule is a function from an activity and a member to an award. A program is rules added together. A balance is a fold
over entries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

from loyaltycore._exact import exact
from loyaltycore.activity import ANYONE, Activity, CounterKey, Line, Member, Tally, great_circle_miles
from loyaltycore.awards import Award
from loyaltycore.checks import Problem
from loyaltycore.conditions import (
    Anniversary,
    AtLeastTier,
    BirthMonth,
    Category,
    Condition,
    During,
    EveryNth,
    Fact,
    FirstTime,
    Has,
    InExperiment,
    InHours,
    InTier,
    MemberFact,
    MinSpend,
    OfKind,
    OnWeekdays,
    Sku,
    matching,
)
from loyaltycore.dates import (
    After,
    AfterFact,
    AfterInactivity,
    DateRule,
    EndOf,
    EndOfBirthMonth,
    EndOfPeriod,
    Never,
    On,
    OnDate,
)
from loyaltycore.earning import EarningRule, best_of, first_of
from loyaltycore.earning_rules import Flat, PerItem, PerSpend, PerStep, PerUnit, PointsTable
from loyaltycore.errors import (
    Conflict,
    DataError,
    InexactNumber,
    LoyaltyError,
    LoyaltyWarning,
    MissingExtra,
    RuleError,
    TruthValue,
)
from loyaltycore.factors import Factor, RateTable, by_fact, by_member_fact, by_tier
from loyaltycore.history import ProgramHistory
from loyaltycore.lots import Lot, LotOrder, NewestFirst, OldestFirst, SoonestToExpire
from loyaltycore.periods import Balance, Calendar, Each, Lifetime, MembershipYear, Period, Rolling, TierTerm
from loyaltycore.points import Points, Rounding
from loyaltycore.program import Program
from loyaltycore.redemption import Quote, RedemptionOption, Refusal
from loyaltycore.redemption_options import (
    AwardChart,
    CarryOver,
    Convert,
    Donation,
    Gift,
    Increments,
    Item,
    PayWithPoints,
    PercentOff,
    Voucher,
)
from loyaltycore.tables import Band
from loyaltycore.tiers import (
    Benefit,
    Choice,
    Counts,
    Invitation,
    Progress,
    Qualification,
    Reach,
    Tier,
    TierLadder,
)

if _TYPE_CHECKING:
    from loyaltycore.account import Account
    from loyaltycore.differences import Difference, diff
    from loyaltycore.entries import Entry, Receipt, Redemption
    from loyaltycore.explaining import explain
    from loyaltycore.serialize import from_data, from_json, to_data, to_json
    from loyaltycore.snapshots import Snapshot
    from loyaltycore.statement import Statement
    from loyaltycore.status import BenefitHeld, BenefitUse, TierHeld, TierProgress

__all__ = [
    "ANYONE",
    "Account",
    "Activity",
    "After",
    "AfterFact",
    "AfterInactivity",
    "Anniversary",
    "AtLeastTier",
    "Award",
    "AwardChart",
    "Balance",
    "Band",
    "Benefit",
    "BenefitHeld",
    "BenefitUse",
    "BirthMonth",
    "Calendar",
    "CarryOver",
    "Category",
    "Choice",
    "Condition",
    "Conflict",
    "Convert",
    "CounterKey",
    "Counts",
    "DataError",
    "DateRule",
    "Difference",
    "Donation",
    "During",
    "Each",
    "EarningRule",
    "EndOf",
    "EndOfBirthMonth",
    "EndOfPeriod",
    "Entry",
    "EveryNth",
    "Fact",
    "Factor",
    "FirstTime",
    "Flat",
    "Gift",
    "Has",
    "InExperiment",
    "InHours",
    "InTier",
    "Increments",
    "InexactNumber",
    "Invitation",
    "Item",
    "Lifetime",
    "Line",
    "Lot",
    "LotOrder",
    "LoyaltyError",
    "LoyaltyWarning",
    "Member",
    "MemberFact",
    "MembershipYear",
    "MinSpend",
    "MissingExtra",
    "Never",
    "NewestFirst",
    "OfKind",
    "OldestFirst",
    "On",
    "OnDate",
    "OnWeekdays",
    "PayWithPoints",
    "PerItem",
    "PerSpend",
    "PerStep",
    "PerUnit",
    "PercentOff",
    "Period",
    "Points",
    "PointsTable",
    "Problem",
    "Program",
    "ProgramHistory",
    "Progress",
    "Qualification",
    "Quote",
    "RateTable",
    "Reach",
    "Receipt",
    "Redemption",
    "RedemptionOption",
    "Refusal",
    "Rolling",
    "Rounding",
    "RuleError",
    "Sku",
    "Snapshot",
    "SoonestToExpire",
    "Statement",
    "Tally",
    "Tier",
    "TierHeld",
    "TierLadder",
    "TierProgress",
    "TierTerm",
    "TruthValue",
    "Voucher",
    "best_of",
    "by_fact",
    "by_member_fact",
    "by_tier",
    "diff",
    "exact",
    "explain",
    "first_of",
    "from_data",
    "from_json",
    "great_circle_miles",
    "matching",
    "to_data",
    "to_json",
]


# Rules need neither accounts nor files, so what those need is imported when it is first asked for.
_LATER = {
    "Account": "account",
    "Entry": "entries",
    "Receipt": "entries",
    "Redemption": "entries",
    "Snapshot": "snapshots",
    "Statement": "statement",
    "BenefitHeld": "status",
    "BenefitUse": "status",
    "TierHeld": "status",
    "TierProgress": "status",
    "Difference": "differences",
    "diff": "differences",
    "explain": "explaining",
    "from_data": "serialize",
    "from_json": "serialize",
    "to_data": "serialize",
    "to_json": "serialize",
}


def __getattr__(name: str) -> _Any:
    if name in _LATER:
        from importlib import import_module

        found = globals()[name] = getattr(import_module(f"loyaltycore.{_LATER[name]}"), name)
        return found
    if name == "__version__":
        from importlib.metadata import version

        return version("loyaltycore")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
