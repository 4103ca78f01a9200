"""Accounts from asyncio: each call runs in a thread, as a transaction waits for locks and the disk.

Run it by `python examples/asyncio_store.py`.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from loyaltycore import Account, Activity, Item, PerSpend, Program
from loyaltycore.store import Store

R = TypeVar("R")

CLUB = Program("Club", earning=PerSpend(1), rewards={"coffee": Item(10)})


async def with_account(store: Store, member: str, function: Callable[[Account], R]) -> R:
    """What the function returns of an account, while other tasks go on; made again where others were in the way."""
    return await asyncio.to_thread(store.run, member, CLUB, function)


async def paid(store: Store, member: str, order: str, amount: str, at: str) -> int:
    """The points that an order earns; telling of it twice earns once."""
    activity = Activity.purchase(amount, at=at, id=order)
    receipt = await with_account(store, member, lambda account: account.earn(activity))
    return receipt.points


async def coffee(store: Store, member: str, id: str, at: str) -> bool:
    """Whether the member had the points for a coffee, which are gone then."""
    redemption = await with_account(store, member, lambda account: account.redeem("coffee", id=id, at=at))
    return redemption.ok


async def main(url: str) -> dict[str, int]:
    """Ten orders at once, each delivered twice, and more coffees asked for than there are points."""
    store = Store(url)
    store.create()
    orders = [paid(store, "anna", f"order {n % 10}", "10.00", "2026-03-01") for n in range(20)]
    print("earned:", await asyncio.gather(*orders))
    coffees = await asyncio.gather(*(coffee(store, "anna", f"coffee {n}", "2026-03-02") for n in range(15)))
    print("coffees:", sum(coffees), "of", len(coffees))
    balances = await asyncio.to_thread(store.balances, at="2026-03-03")
    print("left:", balances["anna"]["points"])
    store.verify()  # prints what is wrong
    store.close()
    return {"coffees": sum(coffees), "left": balances["anna"]["points"]}


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        asyncio.run(main(f"sqlite:///{Path(folder, 'points.db')}"))
