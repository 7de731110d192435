"""The order service: takes orders from the queue and lists them over HTTP."""

from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue

from traces.demo.queue import consume, publish
from traces.demo.serving import run_service, stopping
from traces.demo.sql import DatabaseFailed, execute

LISTED_ORDERS = 12

app = Flask(__name__)


@app.get("/orders")
def list_orders() -> ResponseReturnValue:
    """The latest orders with their items, the slow way round with `each=1`."""
    orders = execute("select_orders", LISTED_ORDERS)
    items = _items_of_each if request.args.get("each") == "1" else _items_of_all
    return {"orders": orders, "items": items(orders)}


@app.errorhandler(DatabaseFailed)
def unavailable(error: DatabaseFailed) -> ResponseReturnValue:
    """Answers 503 when the database fails."""
    return {"error": str(error)}, 503


def _items_of_each(orders: list[list[Any]]) -> list[list[Any]]:
    """One query an order: the N+1 queries that a trace shows at a glance."""
    return [row for order in orders for row in execute("select_order_items", order[0])]


def _items_of_all(_orders: list[list[Any]]) -> list[list[Any]]:
    return execute("select_all_order_items", LISTED_ORDERS)


def take_order(order: dict[str, Any]) -> None:
    """Writes an order down and has its customer told."""
    customer = order["customer_id"]
    execute("insert_order", customer, order["amount"], order["currency"])
    publish("emails", {"to": f"{customer}@shop.example", "template": "order-received"})


def take_orders() -> None:
    """Takes orders from the queue until told to stop."""
    consume("orders", take_order, stopping)


if __name__ == "__main__":
    run_service("orders", app, take_orders)
