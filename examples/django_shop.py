"""A shop's points in Django: hold at check-out, earn when paid, capture when shipped, reverse on a refund.

    pip install 'loyaltycore[sql]' django
    LOYALTY_DB=sqlite:///points.db python django_shop.py runserver

The store has tables of its own beside Django's. Every call is made again safely: its id is made of the order's.
"""

from datetime import UTC, datetime
import json
import os
import sys

import django
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from loyaltycore import Account, Activity, After, LoyaltyError, PayWithPoints, PerSpend, Points, Program
from loyaltycore.store import Store, StoreBusy

if not settings.configured:
    settings.configure(DEBUG=False, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY=os.urandom(16).hex())
    django.setup()

CLUB = Program(
    "Club",
    points={"points": Points(PerSpend(1), expiry=After(months=24))},
    rewards={"pay": PayWithPoints(worth="0.01")},
    hold_timeout="2 days",
)
store = Store(os.environ.get("LOYALTY_DB", "sqlite://"))
store.create()


def checkout(account: Account, order: str, at: str, amount: str, points: int) -> dict[str, object]:
    """Hold points for an order; a refusal says why."""
    basket = Activity.purchase(amount, at=at)
    quote = account.hold("pay", id=f"{order}/hold", at=at, order=basket, points=points).quote
    return {"ok": quote.ok, "why": str(quote), "worth": str(quote.value)}


def paid(account: Account, order: str, at: str, amount: str) -> dict[str, object]:
    """Earn for what was paid in money."""
    return {"points": account.earn(Activity.purchase(amount, at=at, id=order)).points}


def shipped(account: Account, order: str, at: str) -> dict[str, object]:
    """Spend what was held."""
    account.capture(f"{order}/hold", id=f"{order}/capture", at=at)
    return {}


def refunded(account: Account, order: str, at: str, refund: str, amount: str) -> dict[str, object]:
    """Take back what the refunded part had earned."""
    account.reverse(order, id=f"{order}/{refund}", at=at, amount=amount, on_shortfall="owe")
    return {}


STEPS = {"checkout": checkout, "paid": paid, "shipped": shipped, "refunded": refunded}


@csrf_exempt  # other services call it; put what tells them apart in front of it
def step(request: HttpRequest, order: str, what: str) -> JsonResponse:
    """One step of an order: `{"member": ..., "at": ..., and what the step asks for}`."""
    said = json.loads(request.body)
    try:
        with store.account(said.pop("member"), CLUB) as account:
            return JsonResponse(STEPS[what](account, order, **said))
    except StoreBusy as error:
        return JsonResponse({"error": str(error)}, status=503, headers={"Retry-After": "1"})
    except LoyaltyError as error:
        return JsonResponse({"error": str(error)}, status=409)


def balance(_: HttpRequest, member: str) -> JsonResponse:
    """What a member can spend now."""
    return JsonResponse({"points": store.look(member, CLUB).balance(at=datetime.now(UTC))})


urlpatterns = [path("orders/<order>/<what>", step), path("members/<member>", balance)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
