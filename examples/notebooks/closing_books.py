# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Closing the books
#
# December is over. What do the points that members hold stand for, what moved since the
# month before, and how many of them will ever be redeemed? All numbers here are exact, and
# the roll-forward agrees with the ledger to the last point.
#
# These are calculations, and no accounting advice.

# %%
from datetime import date, timedelta
from random import Random

from loyaltycore import *
from loyaltycore.breakage import survival, triangle
from loyaltycore.calls import Call
from loyaltycore.liability import allocate, recognise, rollforward, sensitivity
import matplotlib.pyplot as plt

# %% [markdown]
# ## Two years of a club
#
# 80 members, each with a habit of their own; some redeem whenever they can, some never do.
# Points last a year, to the end of the month.

# %%
club = Program(
    "Reading Club",
    points={"points": Points(PerSpend(1), expiry=After(months=12).to_end_of("month"))},
    rewards={"book": Item(150)},
    currency="EUR",
    timezone="Europe/Paris",
)

random = Random(606)
history = []
for n in range(80):
    member, keen = f"m-{n:02}", random.random()
    day, visit = date(2025, 1, 1) + timedelta(random.randint(0, 60)), 0
    while day < date(2027, 1, 1):
        visit += 1
        history.append(
            Activity.purchase(
                random.randint(15, 90), at=day, id=f"{member}/{visit}", member=member
            )
        )
        if random.random() < keen:
            history.append(
                Call("redeem", "book", member=member, id=f"{member}/book {visit}", at=day)
            )
        day += timedelta(random.randint(10, 50))

replay = club.replay(history, at="2027-01-01")
accounts = list(replay.accounts())
replay

# %% [markdown]
# ## The roll-forward
#
# What there was, what changed it, and what there is. *in the ledger* is counted in another
# way than the lines above it, from the points in the lots of all accounts; the tie-out is
# the difference. A point is carried at what it costs, times the share that is expected to
# be redeemed; take that to be 0.008 for now.

# %%
december = rollforward(accounts, since="2026-12-01", until="2026-12-31", prices="0.008")
december

# %%
december.ties_out

# %% [markdown]
# Quarter by quarter, each begins as the one before it ended:

# %%
quarters = [
    rollforward(accounts, since=f"2026-{3 * q + 1:02}-01", until=end, prices="0.008")
    for q, end in enumerate(("2026-03-31", "2026-06-30", "2026-09-30", "2026-12-31"))
]
[
    (quarter.line("opening").points, quarter.line("closing").points, quarter.ties_out)
    for quarter in quarters
]

# %% [markdown]
# ## How many will be redeemed at last
#
# The chain ladder asks how earlier cohorts went on. Each lot knows the day it was earned,
# so the triangle comes from the accounts themselves:

# %%
ladder = triangle(accounts, until="2026-12-31", by="quarter")
ladder

# %% [markdown]
# Survival asks of each point how old it became, and whether it was then redeemed or lapsed:

# %%
curve = survival(accounts, until="2026-12-31", by="month")
curve

# %%
figure, axes = plt.subplots(figsize=(6, 3))
ages = [row.age for row in curve.rows]
axes.step(
    ages, [float(row.rate) * 100 for row in curve.rows], where="post", color="#2f6f4f"
)
axes.set(xlabel="age in months", ylabel="% redeemed", ylim=(0, 100))
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# ## How sure is that?
#
# Members of this club make up their minds within a year, so the two estimates are close.
# What the liability would be at other rates, where a point that is redeemed costs a cent:

# %%
issued, redeemed = (
    sum(getattr(row, what) for row in ladder.rows) for what in ("issued", "redeemed")
)
sensitivity(rate=ladder.rate, issued=issued, redeemed=redeemed, worth="0.01")

# %% [markdown]
# ## Revenue
#
# Or the points are a promise of their own, and a part of each price is deferred until they
# are redeemed (IFRS 15.74, ASC 606-10-32-31). The sales of the last quarter:

# %%
quarter = [
    one for one in history if isinstance(one, Activity) and one.day >= date(2026, 10, 1)
]
sales = sum(sale.amount for sale in quarter)
deferral = allocate(sales, points=sales, worth="0.01", rate=ladder.rate)
deferral

# %% [markdown]
# The youngest cohort of the ladder says how much of it has been earned by now:

# %%
cohort = ladder.rows[-1]
revenue = recognise(deferral.points, {"2026-12-31": (cohort.redeemed, cohort.at_last)})
revenue

# %% [markdown]
# ## Journal lines
#
# Deferred revenue above, an accrued cost below: one or the other for the same points.

# %%
(deferral.journal("2026-12-31") + revenue.journal()).to_csv().splitlines()

# %%
december.journal(names={"liability": "2400 Points", "redeemed": "6400 Rewards"})

# %% [markdown]
# From the shell it is `loyaltycore liability`; [close the
# books](../how-to/closing-books.md) says what each line means.
