"""A shop's points in Django: hold at check-out, earn when paid, capture when shipped, reverse on a refund.

    pip install 'loyaltycore[sql]' django
    LOYALTY_DB=sqlite:///points.db python django_shop.py runserver

The store has tables of its own beside Django's. Every call is made again safely: its id is made of the order's.
"""

from datetime import UTC, datetime
import json
import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from loyaltycore import Activity, After, LoyaltyError, PayWithPoints, PerSpend, Points, Program
from loyaltycore.store import Store, StoreBusy

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY=os.urandom(16).hex())
CLUB = Program(
    "Club",
    points={"points": Points(PerSpend(1), expiry=After(months=24))},
    rewards={"pay": PayWithPoints(worth="0.01")},
    hold_timeout="2 days",
)
store = Store(os.environ.get("LOYALTY_DB", "sqlite://"))
store.create()


@csrf_exempt  # other services call it; put what tells them apart in front of it
def step(request: HttpRequest, order: str, what: str) -> JsonResponse:
    """One step of an order: `{"member": ..., "at": ..., and what the step asks for}`."""
    said = json.loads(request.body)
    at, amount, hold = said["at"], said.get("amount"), f"{order}/hold"
    try:
        with store.account(said["member"], CLUB) as account:
            if what == "checkout":
                basket = Activity.purchase(amount, at=at)
                quote = account.hold("pay", id=hold, at=at, order=basket, points=said["points"]).quote
                return JsonResponse({"ok": quote.ok, "why": str(quote), "worth": str(quote.value)})
            if what == "paid":
                return JsonResponse({"points": account.earn(Activity.purchase(amount, at=at, id=order)).points})
            if what == "shipped":
                account.capture(hold, id=f"{order}/capture", at=at)
            else:
                account.reverse(order, id=f"{order}/{said['refund']}", at=at, amount=amount, on_shortfall="owe")
        return JsonResponse({})
    except StoreBusy as error:
        return JsonResponse({"error": str(error)}, status=503, headers={"Retry-After": "1"})
    except LoyaltyError as error:
        return JsonResponse({"error": str(error)}, status=409)


def balance(_: HttpRequest, member: str) -> JsonResponse:
    """What a member can spend now."""
    return JsonResponse({"points": store.look(member, CLUB).balance(at=datetime.now(UTC))})


steps = [path(f"orders/<order>/{what}", step, {"what": what}) for what in ("checkout", "paid", "shipped", "refunded")]
urlpatterns = [*steps, path("members/<member>", balance)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
