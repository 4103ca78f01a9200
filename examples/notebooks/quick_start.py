# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Quick start
#
# Ten minutes with a coffee shop: a rule, a program, a member, and what three months of
# visits come to.

# %%
from loyaltycore import *

# %% [markdown]
# ## A rule
#
# One point for every dollar, two more on beans, and 20 for an order of at least 30 dollars.
# A rule shows the code that builds it, and what it means:

# %%
earning = PerSpend(1) + PerSpend(2).when(Category("beans")) + Flat(20).when(MinSpend(30))
earning

# %% [markdown]
# It judges an **activity**, and the answer says why:

# %%
order = Activity(
    [Line("18.50", "beans"), Line("14.00", "drinks")], at="2026-03-02T08:40", id="order 1"
)
order

# %%
earning.award(order)

# %% [markdown]
# ## A program
#
# Points can be used after two days, last a year, and buy something. Whoever spends 200
# dollars in twelve months is gold, and earns half as much again.

# %%
club = Program(
    "Coffee Club",
    points={
        "beans": Points(
            earning * by_tier(gold="1.5"),
            pending=After(days=2),
            expiry=After(months=12).to_end_of("month"),
        )
    },
    tiers=TierLadder(Tier("gold", Reach("spend", 200)), window=Rolling(months=12)),
    rewards={
        "coffee": Item(60, sku="latte"),
        "pay": PayWithPoints(worth="0.02", step=50, share="0.5"),
    },
)
club

# %% [markdown]
# Unfold *In words* above, or print it; this is for whoever answers for the program and does
# not read code.

# %%
print(explain(club))

# %% [markdown]
# ## A member
#
# An **account** is a list of entries, which only grows. Each call has an id of yours, so
# that making it again changes nothing.

# %%
ada = club.account("ada", joined="2026-01-01")
ada.earn(order)

# %%
ada.redeem("coffee", id="coffee 1", at="2026-03-03")

# %% [markdown]
# Refused: those points are pending until 4 March. A refusal is a value that says why; it
# raises nothing and uses up no id. In April it goes better.

# %%
for week, spent in enumerate((34, 41, 38, 52, 47)):
    ada.earn(
        Activity.purchase(spent, at=f"2026-04-{1 + 5 * week:02}", id=f"order {2 + week}")
    )
ada.redeem("coffee", id="coffee 1", at="2026-04-25")

# %%
ada

# %%
ada.tier_progress(at="2026-04-25")

# %% [markdown]
# And this is what she is sent:

# %%
ada.statement(at="2026-04-25", since="2026-04-01")

# %% [markdown]
# ## Everybody
#
# `replay` lives the history of all members in their accounts: here the three months of 100
# households of a grocer, which come with the library, as if they had been the coffee
# shop's.

# %%
replay = club.replay("../transactions.csv")
replay

# %%
months = replay.monthly()
months[0]

# %% [markdown]
# A picture of it, with matplotlib (`pip install 'loyaltycore[plot]'`):

# %%
import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(6, 3))
axes.bar([row.month for row in months], [row.earned for row in months], color="#6f4e37")
axes.set_ylabel("points earned")
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## What if?
#
# A rule is a value, so another program is a line. How much would it have given without the
# bonus for large orders?

# %%
without = PerSpend(1) + PerSpend(2).when(Category("beans"))
other = Program(
    "Without the bonus",
    points={"beans": Points(without * by_tier(gold="1.5"))},
    tiers=club.ladders["tiers"],
)
given = {
    program.name: program.replay("../transactions.csv").totals["beans"].earned
    for program in (club, other)
}
given

# %% [markdown]
# The [tutorial](../tutorial/index.md) goes through all of this step by step.
