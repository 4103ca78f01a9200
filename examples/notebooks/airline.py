# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # An airline moves from distance to spend
#
# Since 1981 airlines have paid miles for miles. Most now pay for what a ticket cost. Who
# gains by such a move, who loses, and what does it cost? The airline, its fares and its
# members here are made up; the rules are of the kinds that airlines published.

# %%
from collections import Counter, defaultdict
from random import Random
from statistics import median

from attrs import evolve
from loyaltycore import *
import matplotlib.pyplot as plt

# %% [markdown]
# ## The two programs
#
# By distance: a mile for a mile and at least 500 a flight, and bonuses for the cabin and
# the tier, both on the miles flown.

# %%
mile = PerUnit(1, of="distance")
by_distance = Program(
    "Miles by distance",
    points={
        "miles": Points(
            mile.at_least(500)
            + mile * by_fact("cabin", {"business": "0.5"}, otherwise=0)
            + mile * by_tier(gold="0.5", platinum=1, otherwise=0)
        ),
        "status": Points(mile.at_least(500), redeemable=False),
    },
    tiers=TierLadder(
        Tier("gold", Reach("status", 25_000)),
        Tier("platinum", Reach("status", 50_000)),
        window=Calendar("year"),
        keeps=EndOfPeriod(1),
    ),
    rewards={"ticket": Item(20_000)},
    timezone="America/Chicago",
)
by_distance

# %% [markdown]
# By spend: 5 miles for each dollar of the fare and of the carrier's own charges, more for a
# tier, and 75,000 a ticket at most. Taxes are the state's, and earn nothing. Status counts
# the dollars.

# %%
fare = PerSpend(1).when(Category("base_fare", "carrier_fee"))
by_spend = Program(
    "Miles by spend",
    points={
        "miles": Points(
            (fare * 5 * by_tier(gold="1.4", platinum="1.8"))
            .named("flown")
            .cap(75_000, per=Each("ticket"))
        ),
        "status": Points(fare, redeemable=False),
    },
    tiers=TierLadder(
        Tier("gold", Reach("status", 3_000)),
        Tier("platinum", Reach("status", 6_000)),
        window=Calendar("year"),
        keeps=EndOfPeriod(1),
    ),
    rewards={"ticket": Item(20_000)},
    timezone="America/Chicago",
)

# %% [markdown]
# ## One ticket, two answers
#
# A week before, to the next city and dear; and half a year before, across the ocean and
# cheap.

# %%
hop = Activity.flight(
    base_fare=410,
    carrier_fees=24,
    taxes=36,
    distance=187,
    cabin="economy",
    at="2026-03-02",
    id="a",
)
ocean = Activity.flight(
    base_fare=310,
    carrier_fees=140,
    taxes=190,
    distance=4_280,
    cabin="economy",
    at="2026-03-02",
    id="b",
)
for flight in (hop, ocean):
    print(
        {
            program.name: program.award(flight)["miles"].points
            for program in (by_distance, by_spend)
        }
    )

# %% [markdown]
# And why, with the member gold:

# %%
by_spend.award(hop, Member(tier="gold"))["miles"]

# %% [markdown]
# ## A year of flights
#
# 300 members of four kinds. What a kind of member flies is a choice of route and cabin, so
# many times a year; `Random` has a seed, so that the numbers on this page are the same each
# time.

# %%
ROUTES = {"hop": (187, 110), "coast": (1_744, 190), "ocean": (4_280, 430)}
"""Of each route the miles, and the usual fare in economy."""

KINDS = {
    "commuter": (70, "hop", "economy", "1.5", 24),
    "consultant": (40, "coast", "business", "2.5", 12),
    "family": (140, "ocean", "economy", "0.8", 4),
    "mileage runner": (50, "coast", "economy", "0.5", 18),
}
"""Of each kind of member how many, what they fly, how dear they buy, how often a year."""

random = Random(1981)
flights, kind_of = [], {}
for kind, (members, route, cabin, dear, times) in KINDS.items():
    distance, usual = ROUTES[route]
    for n in range(members):
        member = f"{kind} {n + 1}"
        kind_of[member] = kind
        for time in range(max(1, times + random.randint(-times // 3, times // 3))):
            base = round(usual * float(dear) * random.uniform(0.7, 1.4))
            day = f"2026-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
            about = {"distance": distance, "cabin": cabin, "id": f"{member}/{time}"}
            flights.append(
                Activity.flight(
                    base_fare=base, carrier_fees=24, at=day, member=member, **about
                )
            )
len(flights)

# %% [markdown]
# ## What each program gives
#
# `replay` lives the year in the account of every member: the bonus of a tier begins when
# the tier is reached.

# %%
replays = {
    program.name: program.replay(flights, at="2026-12-31T23:59")
    for program in (by_distance, by_spend)
}
replays["Miles by spend"]

# %%
miles = defaultdict(dict)
tiers = defaultdict(dict)
for name, replay in replays.items():
    for row in replay.balances():
        if row.unit == "miles":
            miles[row.member][name] = row.available
            tiers[row.member][name] = row.tier or "no tier"

print(f"{'':15}{'distance':>12}{'spend':>12}   of each kind, the member in the middle")
for kind in KINDS:
    middle = [
        median(own[name] for member, own in miles.items() if kind_of[member] == kind)
        for name in replays
    ]
    print(f"{kind:15}{middle[0]:>12,.0f}{middle[1]:>12,.0f}")
total = [sum(own[name] for own in miles.values()) for name in replays]
print(f"{'all together':15}{total[0]:>12,}{total[1]:>12,}")

# %% [markdown]
# A dot is a member. Above the line are those who gain.

# %%
figure, axes = plt.subplots(figsize=(6, 5))
for kind in KINDS:
    own = [row for member, row in miles.items() if kind_of[member] == kind]
    axes.scatter(
        *([row[name] / 1000 for row in own] for name in replays),
        label=kind,
        s=14,
        alpha=0.7,
    )
most = max(axes.get_xlim()[1], axes.get_ylim()[1])
axes.plot([0, most], [0, most], color="gray", linewidth=1)
axes.set(
    xlabel="thousand miles by distance",
    ylabel="thousand miles by spend",
    xlim=(0, None),
    ylim=(0, None),
)
axes.legend(frameon=False)
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## Status
#
# How many of each kind hold which tier at the end of the year:

# %%
for kind in KINDS:
    print(kind)
    for name in replays:
        held = Counter(
            own[name] for member, own in tiers.items() if kind_of[member] == kind
        )
        print(
            f"  {name:18}",
            ", ".join(f"{count} {tier}" for tier, count in held.most_common()),
        )

# %% [markdown]
# ## The rate that costs the same
#
# At 5 miles for a dollar the airline gives fewer miles than before. At which rate would it
# give as many? A rule is a value, and the rate an argument:


# %%
def at_rate(rate):
    earning = (
        (fare * rate * by_tier(gold="1.4", platinum="1.8"))
        .named("flown")
        .cap(75_000, per=Each("ticket"))
    )
    return evolve(by_spend, points={**by_spend.points, "miles": Points(earning)})


for rate in (5, "5.5", 6):
    print(rate, f"{at_rate(rate).replay(flights).totals['miles'].earned:>12,}")

# %% [markdown]
# ## The day it changes
#
# A `ProgramHistory` is both programs, each in force from a day on. A flight of December
# that is learnt in January is paid by the rules of December, and so is a refund.

# %%
program = ProgramHistory(by_distance, ("2027-01-01", at_rate(6)))
account = program.account("m-1")
account.earn(Activity.flight(base_fare=410, distance=187, at="2027-01-05", id="new"))
account.earn(
    Activity.flight(base_fare=410, distance=187, at="2026-12-20", id="late"),
    posted="2027-01-07",
)
account

# %% [markdown]
# What a member has to be told, in words:

# %%
for change in diff(by_distance, at_rate(6)):
    print("-", change)
