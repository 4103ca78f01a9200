# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A year of a grocery chain
#
# A program has run for a year. What did it give, what was redeemed, who came back, what is
# still owed, and when will it lapse? Everything here is asked of one replay; a store, or a
# list of accounts, answers the same questions.

# %%
from loyaltycore import *
from loyaltycore.datasets import make_history
from loyaltycore.reports import (
    balance_distribution,
    compare,
    engagement,
    expiry_wall,
    lots_over_time,
    overview,
    page,
    points_flow,
    redemption_rates,
    reward_mix,
)

# %% [markdown]
# ## The program, and a year
#
# The program is a file, [the grocer's](../tutorial/program.md). It also has a reward for
# those who know it: a coffee for 150 points.

# %%
club = Program.load("../grocer.toml")
print(explain(club))

# %% [markdown]
# The year is made up: `make_history` draws visits, baskets and returns as they were
# measured on real ones, and from the same seed always the same. 60 members, and a coffee at
# a tenth of the visits.

# %%
history = make_history(60, months=12, seed=2017, rewards=["coffee"])
replay = club.replay(history, at="2025-12-31T23:59")
history

# %% [markdown]
# ## Points
#
# What was earned, spent and lapsed, month by month. Points begin to lapse in April, as the
# file says: they can be used up to the end of the second month.

# %%
flow = points_flow(replay)
flow

# %%
flow.plot()
# %% [markdown]
# More lapses than is spent. The shares of what was issued so far:

# %%
rates = redemption_rates(replay, by="quarter")
rates

# %% [markdown]
# What they were spent on, and what that cost, if a coffee costs the grocer 80 cents:

# %%
reward_mix(replay, costs={"coffee": "0.80"})

# %% [markdown]
# ## Members
#
# Who is enrolled, who bought something, and who came back from the month before.

# %%
engaged = engagement(replay)
engaged

# %%
engaged.plot()
# %% [markdown]
# ## What is owed
#
# How the balances are spread: many have too few for a coffee.

# %%
balances = balance_distribution(replay, above=[1, 150, 300, 600, 1_200])
balances

# %% [markdown]
# And when what is there will lapse, if nobody spends it:

# %%
expiry_wall(replay).plot()
# %% [markdown]
# ## One member
#
# The picture that explains the library: the lots of one member over time. Each shade is a
# lot; spending takes the oldest first, and what is left of them lapses.

# %%
best = max(replay.balances(), key=lambda row: row.available)
account = replay.account(best.member)
lots_over_time(account, at="2025-12-31T23:59").plot()
# %%
account.statement(at="2025-12-31T23:59", since="2025-12-01")

# %% [markdown]
# ## What if points lasted a year?
#
# The same history, under another expiry. A point that is spent costs half a cent.

# %%
from attrs import evolve

longer = evolve(
    club, points={"points": evolve(club.points["points"], expiry=After(months=12))}
)
result = compare(
    {"two months": club, "a year": longer}, history, at="2025-12-31T23:59", worth="0.005"
)
result

# %% [markdown]
# ## One page for everyone
#
# `overview` has the reports that most people ask for, and `page` makes one HTML file of
# them, with nothing to load from elsewhere; from the shell, `loyaltycore report --html`.

# %%
from pathlib import Path
from tempfile import gettempdir

parts = overview(replay)
written = Path(gettempdir(), "fresh_club.html").write_text(
    page("Fresh Club, 2025", parts), "utf-8"
)
list(parts)
