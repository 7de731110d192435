"""The API gateway: what the shop's customers call."""

from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue
from opentelemetry import trace

from traces.demo.patterns import current_pattern, work
from traces.demo.peers import PeerFailed, call
from traces.demo.queue import publish
from traces.demo.serving import run_service

ROUTING_MS = 5.0

app = Flask(__name__)


@app.post("/api/checkout")
def checkout() -> ResponseReturnValue:
    """Checks who asks, takes the payment, and hands the order on over the queue."""
    order = request.get_json()
    _route()
    customer = call("POST", "auth", "/verify", {"token": order.get("token")})
    payment = call("POST", "payment", "/payments", order)
    publish("orders", {**order, "customer_id": customer["customer_id"]})
    return {"payment_id": payment["payment_id"], "status": "accepted"}, 202


@app.get("/api/orders")
def list_orders() -> ResponseReturnValue:
    """The latest orders with their items; `each=1` reads the items order by order."""
    _route()
    each = "1" if request.args.get("each") == "1" else "0"
    orders: Any = call("GET", "orders", f"/orders?each={each}")
    return {"orders": orders}


@app.errorhandler(PeerFailed)
def peer_failed(error: PeerFailed) -> ResponseReturnValue:
    """Hands a refusal on; answers 502 when a service behind the gateway fails."""
    if 400 <= error.status < 500:
        return {"error": str(error)}, error.status
    trace.get_current_span().record_exception(error)
    return {"error": str(error)}, 502


def _route() -> None:
    trace.get_current_span().set_attribute("demo.pattern", current_pattern().value)
    work(ROUTING_MS)


if __name__ == "__main__":
    run_service("gateway", app)
