"""A shop's points as a small service: hold at check-out, earn when paid, capture when shipped, reverse on a refund.

    pip install 'loyaltycore[sql]' fastapi uvicorn
    LOYALTY_DB=sqlite:///points.db uvicorn fastapi_shop:app

Every call is made again safely: its id is made of the order's. FastAPI runs these functions in threads.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
import os

from fastapi import FastAPI, HTTPException

from loyaltycore import Account, Activity, After, LoyaltyError, PayWithPoints, PerSpend, Points, Program
from loyaltycore.store import Store, StoreBusy

CLUB = Program(
    "Club",
    points={"points": Points(PerSpend(1), expiry=After(months=24))},
    rewards={"pay": PayWithPoints(worth="0.01")},
    hold_timeout="2 days",
)
store = Store(os.environ.get("LOYALTY_DB", "sqlite://"))
store.create()
app = FastAPI(title="Points")


@contextmanager
def account_of(member: str) -> Iterator[Account]:
    """The account for one request; what cannot be is an answer, not a crash."""
    try:
        with store.account(member, CLUB) as account:
            yield account
    except StoreBusy as error:
        raise HTTPException(503, str(error), {"Retry-After": "1"}) from error
    except LoyaltyError as error:
        raise HTTPException(409, str(error)) from error


@app.get("/members/{member}")
def balance(member: str) -> dict[str, int]:
    """What a member can spend now."""
    return {"points": store.look(member, CLUB).balance(at=datetime.now(UTC))}


@app.post("/orders/{order}/checkout")
def checkout(order: str, member: str, amount: str, points: int, at: datetime) -> dict[str, object]:
    """Hold points for an order; a refusal says why."""
    basket = Activity.purchase(amount, at=at)
    with account_of(member) as account:
        quote = account.hold("pay", id=f"{order}/hold", at=at, order=basket, points=points).quote
        return {"ok": quote.ok, "why": str(quote), "worth": str(quote.value)}


@app.post("/orders/{order}/paid")
def paid(order: str, member: str, amount: str, at: datetime) -> dict[str, int]:
    """Earn for what was paid in money."""
    with account_of(member) as account:
        return {"points": account.earn(Activity.purchase(amount, at=at, id=order)).points}


@app.post("/orders/{order}/shipped")
def shipped(order: str, member: str, at: datetime) -> None:
    """Spend what was held."""
    with account_of(member) as account:
        account.capture(f"{order}/hold", id=f"{order}/capture", at=at)


@app.post("/orders/{order}/refunds/{refund}")
def refunded(order: str, refund: str, member: str, amount: str, at: datetime) -> None:
    """Take back what the refunded part had earned."""
    with account_of(member) as account:
        account.reverse(order, id=f"{order}/{refund}", at=at, amount=amount, on_shortfall="owe")
