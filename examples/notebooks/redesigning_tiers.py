# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Redesigning tiers
#
# A shop has two tiers, and too many members in the upper one. What would three tiers with
# other thresholds do: to the points that are given, to what they cost, and to each member?

# %%
from attrs import evolve
from loyaltycore import *
from loyaltycore.datasets import make_history
from loyaltycore.reports import compare, sweep, tier_distribution, tier_migration

# %% [markdown]
# ## Today
#
# 500 dollars in a calendar year make silver, 1,000 make gold; a tier is kept until the end
# of the next year.

# %%
today = Program(
    "Shop",
    points={
        "points": Points(
            PerSpend(1) * by_tier(silver="1.25", gold="1.5"), expiry=After(months=18)
        )
    },
    tiers=TierLadder(
        Tier("silver", Reach("spend", 500)),
        Tier("gold", Reach("spend", 1_000)),
        window="year",
        keeps=EndOfPeriod(1),
        downgrade="requalify",
    ),
    rewards={"voucher": Voucher(500, worth=5)},
)
today

# %% [markdown]
# Two years of 60 members, made up and always the same:

# %%
history = make_history(60, months=24, seed=11, rewards=["voucher"])
replay = today.replay(history, members=history.members, at="2026-12-31T23:59")
history

# %%
held = tier_distribution(replay, by="year")
held

# %%
held.plot()
# %% [markdown]
# Who moved from where to where in the second year:

# %%
tier_migration(replay, since="2026-01-01")

# %% [markdown]
# ## The idea
#
# A third tier on top, higher thresholds, the last twelve months instead of the calendar
# year, and a soft landing: whoever misses a tier falls by one level. Those who spend most
# earn more than today, and silver gets a little less.


# %%
def ladder(platinum):
    return TierLadder(
        Tier("silver", Reach("spend", 600)),
        Tier("gold", Reach("spend", 1_500)),
        Tier("platinum", Reach("spend", platinum)),
        window=Rolling(months=12),
        keeps=After(months=12),
        downgrade="one_level",
    )


earning = PerSpend(1) * by_tier(silver="1.2", gold="1.5", platinum=2)
idea = evolve(
    today,
    points={"points": evolve(today.points["points"], earning=earning)},
    ladders={"tiers": ladder(4_000)},
)
for change in diff(today, idea):
    print("-", change)

# %% [markdown]
# ## Compared
#
# `compare` lives the history under both programs. A point costs a cent when it is spent,
# and 70% of those outstanding are expected to be spent one day.

# %%
result = compare(
    {"today": today, "idea": idea},
    history,
    members=history.members,
    at="2026-12-31T23:59",
    worth="0.01",
    rate="0.7",
)
result

# %% [markdown]
# Members do what they did; that a better tier makes them buy more is for you to add. The
# table says what the idea costs before it does any good.

# %%
result.tiers.plot()
# %% [markdown]
# ## Who gains, who loses
#
# The ten most affected, and why: each difference is split into the rules that made it.

# %%
result.members.plot()
# %%
worst = min(result.members.rows[:10], key=lambda row: row.difference)
for part in result.members.why.of(worst.member):
    print(f"{float(part.difference):+8.2f}  {part.part}")

# %% [markdown]
# Almost nobody should lose. How many do, by more than a dollar?

# %%
(
    len([row for row in result.members.worse() if row.difference < -1]),
    len(result.members.rows),
)

# %% [markdown]
# ## One number after another
#
# Where should platinum begin? `sweep` asks the same history for each value.


# %%
def platinum_from(spend):
    return evolve(idea, ladders={"tiers": ladder(spend)})


thresholds = sweep(
    platinum_from,
    [2_500, 4_000, 6_000],
    history,
    members=history.members,
    at="2026-12-31T23:59",
    worth="0.01",
    rate="0.7",
)
thresholds

# %%
thresholds.plot()
# %% [markdown]
# ## The day it changes
#
# Both programs in one, each in force from a day on. Tiers that are held are kept until
# their day, and what is bought before it earns by the old rules, however late it is learnt.

# %%
club = ProgramHistory(today, ("2027-01-01", idea))
print(explain(club).partition("From ")[2])

# %% [markdown]
# More on this: [what if the program were another](../how-to/what-if.md).
