"""The shops in `examples/`: earn when paid, hold at check-out, capture when shipped, reverse on a refund."""

import asyncio
from importlib.util import module_from_spec, spec_from_file_location
import json
from pathlib import Path
import sys

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


def load(name):
    """The example as a module."""
    spec = spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def shop(request, tmp_path, monkeypatch):
    """Each shop as a function from a step and what it is told to the status and the answer."""
    monkeypatch.setenv("LOYALTY_DB", f"sqlite:///{tmp_path}/points.db")
    module = load(f"{request.param}_shop")
    yield module, globals()[f"call_{request.param}"](module)
    module.store.close()
    del sys.modules[f"{request.param}_shop"]


def call_fastapi(module):
    from fastapi.testclient import TestClient

    client = TestClient(module.app)

    def call(what, order="o-1", refund="", **said):
        if what == "balance":
            answer = client.get(f"/members/{said['member']}")
        else:
            where = f"refunds/{refund}" if what == "refunded" else what
            answer = client.post(f"/orders/{order}/{where}", params=said)
        return answer.status_code, answer.json()

    return call


def call_django(module):
    from django.test import Client

    client = Client()

    def call(what, order="o-1", **said):
        if what == "balance":
            answer = client.get(f"/members/{said['member']}")
        else:
            answer = client.post(f"/orders/{order}/{what}", json.dumps(said), content_type="application/json")
        return answer.status_code, answer.json()

    return call


@pytest.mark.filterwarnings("ignore")  # of packages that are not ours
@pytest.mark.parametrize("shop", ["fastapi", "django"], indirect=True)
def test_an_order_from_check_out_to_refund(shop):
    module, call = shop
    day = {"member": "anna", "at": "2026-03-01T12:00:00Z"}
    assert call("paid", "o-0", **day, amount="500.00") == (200, {"points": 500})
    assert call("paid", "o-0", **day, amount="500.00") == (200, {"points": 500})  # delivered twice

    status, answer = call("checkout", **day, amount="20.00", points=300)
    assert (status, answer["ok"], answer["worth"]) == (200, True, "3")
    assert not call("checkout", "o-2", **day, amount="20.00", points=300)[1]["ok"]  # what is held is held
    assert call("paid", **day, amount="17.00") == (200, {"points": 17})
    assert call("shipped", **day)[0] == 200
    assert call("shipped", **day)[0] == 200
    assert call("refunded", refund="r-1", **day, amount="17.00")[0] == 200

    assert module.store.balances(at="2026-03-02") == {"anna": {"points": 200}}
    assert call("shipped", "o-9", **day)[0] == 409
    assert call("paid", "o-0", **day, amount="501.00")[0] == 409  # another amount under the same id
    assert call("balance", member="anna")[0] == 200
    assert module.store.verify() == ()


def test_accounts_from_asyncio(tmp_path, capsys):
    found = asyncio.run(load("asyncio_store").main(f"sqlite:///{tmp_path}/points.db"))
    assert found == {"coffees": 10, "left": 0}
    assert "coffees: 10 of 15" in capsys.readouterr().out
