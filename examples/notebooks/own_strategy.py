# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # A strategy of your own
#
# A rule, a condition, a factor, an expiry, a reward: each is a class with one method. What
# you write composes with everything else, explains itself, goes into files and is checked
# like what comes with the library.

# %%
from datetime import timedelta

from attrs import field, frozen
from loyaltycore import *
from loyaltycore.testing import check_date_rule, check_rule
import matplotlib.pyplot as plt

# %% [markdown]
# ## A rule
#
# A bookshop wants to reward those who come back soon: 100 points for a visit on the day
# after the last one, 50 two days after, 33 three days after, and so on. `earn` is given the
# activity and the member, and returns a number.


# %%
@frozen
class ComeBackSoon(EarningRule):
    """Points shared by the days since the last visit."""

    kind = "come_back_soon"
    points: int = field(default=100, converter=exact)

    def earn(self, activity, member):
        last = member.last.get("")
        return 0 if last is None else self.points // (activity.day - last).days


# %% [markdown]
# That is all it takes to compose, to print as code and to explain itself. The first line of
# the docstring is what it says in words.

# %%
earning = PerSpend(1) + ComeBackSoon(100).when(MinSpend(10))
earning

# %%
shop = Program("Bookshop", earning=earning, rewards={"paperback": Item(400)})
account = shop.account("m-1")
account.earn(Activity.purchase(24, at="2026-03-02", id="t-1"))
account.earn(Activity.purchase(18, at="2026-03-05", id="t-2"))

# %% [markdown]
# ## What was forgotten
#
# `check_rule` tries a rule on many activities and members, odd ones among them, and says
# what it breaks on.

# %%
try:
    check_rule(ComeBackSoon())
except AssertionError as broken:
    print(broken)

# %% [markdown]
# Two visits on one day. The rule divides by 0, and one that is learnt late may even lie
# before the last. Running a cell again with a better class is fine: it takes the place of
# the first.


# %%
@frozen
class ComeBackSoon(EarningRule):
    """Points shared by the days since the last visit."""

    kind = "come_back_soon"
    points: int = field(default=100, converter=exact)

    def earn(self, activity, member):
        last = member.last.get("")
        if last is None or activity.day <= last:
            return 0
        days = (activity.day - last).days
        return Award(self.points // days, reason=f"{days} days after the last visit")


check_rule(ComeBackSoon())

# %% [markdown]
# ## In a program's file
#
# The file names the class by its kind or by its name. It is read, never run, and it imports
# nothing: the class has to be there already.

# %%
shop = Program(
    "Bookshop",
    earning=PerSpend(1) + ComeBackSoon(100).when(MinSpend(10)),
    rewards={"paperback": Item(400)},
)
print(shop.dump())

# %%
from_data(to_data(shop)) == shop

# %% [markdown]
# ## An expiry
#
# Points lapse on the first Sunday after so many months. `falls_on` is given what the date
# is counted from.


# %%
@frozen
class FirstSunday(DateRule):
    """The first Sunday after so many months."""

    kind = "first_sunday"
    fixed = True
    months: int = 12

    def falls_on(self, subject, member):
        day = After(months=self.months).falls_on(subject, member)
        return day + timedelta(days=(6 - day.weekday()) % 7)


check_date_rule(FirstSunday())
either = FirstSunday(6) | AfterInactivity(months=3)
either

# %% [markdown]
# ## At work
#
# The same calls as ever: the account knows nothing of whose rules they are.

# %%
points = Points(PerSpend(1) + ComeBackSoon(100).when(MinSpend(10)), expiry=either)
club = Program("Bookshop", points={"points": points}, rewards={"paperback": Item(400)})
account = club.account("m-1")
days = (2, 3, 5, 9, 10, 10, 17, 28)
for n, day in enumerate(days, start=1):
    account.earn(Activity.purchase(12, at=f"2026-03-{day:02}", id=f"t-{n}"))
account.redeem("paperback", id="r-1", at="2026-03-29")

# %%
account

# %% [markdown]
# ## And on three months of a grocer
#
# An own rule runs one basket at a time in a replay, like any other. Who comes back how
# soon?

# %%
soon = Program("Grocer", earning=ComeBackSoon(100), timezone="America/New_York").replay(
    "../transactions.csv"
)
earned = [row.available for row in soon.balances()]

figure, axes = plt.subplots(figsize=(6, 3))
axes.hist(earned, bins=20, color="#4a6d7c")
axes.set(xlabel="points for coming back soon, in three months", ylabel="households")
axes.spines[["top", "right"]].set_visible(False)

# %% [markdown]
# More on this: [a rule of your own](../how-to/own-rule.md), and [an expiry, a reward or an
# order](../how-to/own-policy.md).
