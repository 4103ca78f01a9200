"""Reports for the people who look: one function for each question, each with a result that shows and draws itself.

On transactions: `points_report`, `explain` and `experiment_report`. On accounts, wherever they are (a replay, a store,
a list, the entries of each member, and in part a frame of entries): all others but `compare` and `sweep`, which take a
history and several programs. `explain` is not among the names of a star import, where it would hide
`loyaltycore.explain`, which puts a program into words.
"""

from __future__ import annotations

from loyaltycore._months import MONTHS
from loyaltycore._page import page
from loyaltycore.comparisons import (
    Comparison,
    MemberChange,
    MembersCompared,
    Outcome,
    Outcomes,
    PartChange,
    PartsCompared,
    TierMembers,
    TiersCompared,
)
from loyaltycore.experiments import ExperimentReport, GroupsCompared, experiment_report
from loyaltycore.flows import (
    PeriodPoints,
    PointsFlow,
    RedemptionRate,
    RedemptionRates,
    RewardMix,
    RewardShare,
    points_by_member,
    points_flow,
    redemption_rates,
    reward_mix,
)
from loyaltycore.membership import (
    Engaged,
    Engagement,
    TierCount,
    TierDistribution,
    TierMigration,
    TierMove,
    engagement,
    tier_distribution,
    tier_migration,
)
from loyaltycore.outstanding import (
    BalanceBand,
    BalanceDistribution,
    ExpiryPeriod,
    ExpiryWall,
    LotAt,
    LotsOverTime,
    balance_distribution,
    expiry_wall,
    lots_over_time,
)
from loyaltycore.overview import overview
from loyaltycore.points_reports import Explanation, MemberPoints, PointsReport, points_report
from loyaltycore.points_reports import explain as explain  # noqa: PLC0414 (not in `__all__`, and yet public)
from loyaltycore.surveys import Score, Survey, ces, csat, nps
from loyaltycore.whatif import Sweep, Swept, compare, sweep

__all__ = [
    "MONTHS",
    "BalanceBand",
    "BalanceDistribution",
    "Comparison",
    "Engaged",
    "Engagement",
    "ExperimentReport",
    "ExpiryPeriod",
    "ExpiryWall",
    "Explanation",
    "GroupsCompared",
    "LotAt",
    "LotsOverTime",
    "MemberChange",
    "MemberPoints",
    "MembersCompared",
    "Outcome",
    "Outcomes",
    "PartChange",
    "PartsCompared",
    "PeriodPoints",
    "PointsFlow",
    "PointsReport",
    "RedemptionRate",
    "RedemptionRates",
    "RewardMix",
    "RewardShare",
    "Score",
    "Survey",
    "Sweep",
    "Swept",
    "TierCount",
    "TierDistribution",
    "TierMembers",
    "TierMigration",
    "TierMove",
    "TiersCompared",
    "balance_distribution",
    "ces",
    "compare",
    "csat",
    "engagement",
    "experiment_report",
    "expiry_wall",
    "lots_over_time",
    "nps",
    "overview",
    "page",
    "points_by_member",
    "points_flow",
    "points_report",
    "redemption_rates",
    "reward_mix",
    "sweep",
    "tier_distribution",
    "tier_migration",
]
