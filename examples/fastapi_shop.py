"""A shop's points as a small service: hold at check-out, earn when paid, capture when shipped, reverse on a refund.

    pip install 'loyaltycore[sql]' fastapi uvicorn
    LOYALTY_DB=sqlite:///points.db uvicorn fastapi_shop:app

Every call is made again safely: its id is made of the order's. FastAPI runs these functions in threads.
"""

from datetime import UTC, datetime
import os

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from loyaltycore import Activity, After, LoyaltyError, PayWithPoints, PerSpend, Points, Program
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


@app.exception_handler(LoyaltyError)
def refused(_: Request, error: LoyaltyError) -> JSONResponse:
    """What cannot be is an answer, not a crash; who comes while others are at it may try again."""
    busy = isinstance(error, StoreBusy)
    return JSONResponse({"error": str(error)}, 503 if busy else 409, {"Retry-After": "1"} if busy else None)


@app.get("/members/{member}")
def balance(member: str) -> dict[str, int]:
    """What a member can spend now."""
    return {"points": store.look(member, CLUB).balance(at=datetime.now(UTC))}


@app.post("/orders/{order}/checkout")
def checkout(order: str, member: str, amount: str, points: int, at: datetime) -> dict[str, object]:
    """Hold points for an order; a refusal says why."""
    with store.account(member, CLUB) as account:
        basket = Activity.purchase(amount, at=at)
        quote = account.hold("pay", id=f"{order}/hold", at=at, order=basket, points=points).quote
    return {"ok": quote.ok, "why": str(quote), "worth": str(quote.value)}


@app.post("/orders/{order}/paid")
def paid(order: str, member: str, amount: str, at: datetime) -> dict[str, int]:
    """Earn for what was paid in money."""
    with store.account(member, CLUB) as account:
        return {"points": account.earn(Activity.purchase(amount, at=at, id=order)).points}


@app.post("/orders/{order}/shipped")
def shipped(order: str, member: str, at: datetime) -> None:
    """Spend what was held."""
    with store.account(member, CLUB) as account:
        account.capture(f"{order}/hold", id=f"{order}/capture", at=at)


@app.post("/orders/{order}/refunds/{refund}")
def refunded(order: str, refund: str, member: str, amount: str, at: datetime) -> None:
    """Take back what the refunded part had earned."""
    with store.account(member, CLUB) as account:
        account.reverse(order, id=f"{order}/{refund}", at=at, amount=amount, on_shortfall="owe")
