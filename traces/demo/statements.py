"""Every SQL statement the shop runs: the one list its services and its database share."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """One statement, with `?` for its parameters, and how long it usually takes."""

    operation: str
    collection: str
    text: str
    usual_ms: float = 10.0

    @property
    def summary(self) -> str:
        """The span's name: what is done to which table."""
        return f"{self.operation} {self.collection}"


STATEMENTS = {
    "select_orders": Statement(
        "SELECT",
        "orders",
        "SELECT id, customer_id, amount, currency FROM orders ORDER BY id DESC LIMIT ?",
    ),
    "select_order_items": Statement(
        "SELECT",
        "order_items",
        "SELECT sku, quantity FROM order_items WHERE order_id = ?",
        usual_ms=1.0,
    ),
    "select_all_order_items": Statement(
        "SELECT",
        "order_items",
        "SELECT order_id, sku, quantity FROM order_items"
        " WHERE order_id IN (SELECT id FROM orders ORDER BY id DESC LIMIT ?)",
    ),
    "insert_order": Statement(
        "INSERT",
        "orders",
        "INSERT INTO orders (customer_id, amount, currency) VALUES (?, ?, ?)",
        usual_ms=4.0,
    ),
    "insert_payment": Statement(
        "INSERT",
        "payments",
        "INSERT INTO payments (id, amount, currency, status)"
        " VALUES (?, ?, ?, 'charged')",
    ),
    "insert_failed_payment": Statement(
        "INSERT",
        "failed_payments",
        "INSERT INTO failed_payments (id, amount, reason) VALUES (?, ?, ?)",
    ),
}
