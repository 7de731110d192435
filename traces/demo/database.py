"""The shop's database: SQLite in memory behind one address, as slow as it is told to be."""

import sqlite3
import threading
from typing import Any

from flask import Flask, request
from flask.typing import ResponseReturnValue
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from traces.demo.patterns import (
    DATABASE_BOTTLENECK_MS,
    DATABASE_STATEMENT_TIMEOUT_MS,
    Pattern,
    current_pattern,
    work,
)
from traces.demo.serving import run_service
from traces.demo.sql import query_attributes
from traces.demo.statements import STATEMENTS, Statement

MAX_ROWS = 10_000
SCHEMA = """
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id, amount REAL, currency);
CREATE TABLE order_items (order_id INTEGER, sku, quantity INTEGER);
CREATE INDEX order_items_order ON order_items (order_id);
CREATE TABLE payments (id PRIMARY KEY, amount REAL, currency, status);
CREATE TABLE failed_payments (id PRIMARY KEY, amount REAL, reason);
"""
EARLIER_ORDERS = 12

app = Flask(__name__)
lock = threading.Lock()
connection = sqlite3.connect(":memory:", check_same_thread=False)


class StatementTimeout(Exception):
    """The statement took longer than the database allows."""


@app.post("/query")
def query() -> ResponseReturnValue:
    """Runs one known statement; 400 for an unknown one, 504 for one that takes too long."""
    body = request.get_json()
    statement = STATEMENTS.get(str(body.get("statement")))
    if statement is None:
        return {"error": "unknown statement"}, 400
    _describe(statement)
    _take_time(statement)
    return {"rows": _run(statement, body.get("parameters", []))}


@app.errorhandler(StatementTimeout)
def statement_timeout(error: StatementTimeout) -> ResponseReturnValue:
    """Tells of a statement that was cancelled."""
    _record(error)
    return {"error": str(error)}, 504


@app.errorhandler(sqlite3.Error)
def statement_failed(error: sqlite3.Error) -> ResponseReturnValue:
    """Tells of a statement that SQLite refused, such as a key that is there already."""
    _record(error)
    return {"error": str(error)}, 400


def _record(error: Exception) -> None:
    span = trace.get_current_span()
    span.record_exception(error)
    span.set_status(StatusCode.ERROR, str(error))


def _describe(statement: Statement) -> None:
    span = trace.get_current_span()
    span.update_name(statement.summary)
    span.set_attributes(query_attributes(statement))


def _take_time(statement: Statement) -> None:
    pattern = current_pattern()
    if pattern is Pattern.BOTTLENECK and statement.collection == "payments":
        work(DATABASE_BOTTLENECK_MS)
    elif pattern is Pattern.CASCADE:
        work(DATABASE_STATEMENT_TIMEOUT_MS)
        raise StatementTimeout("canceling statement due to statement timeout")
    else:
        work(statement.usual_ms)


def _run(statement: Statement, parameters: list[Any]) -> list[list[Any]]:
    with lock, connection:
        rows = connection.execute(statement.text, parameters).fetchall()
        if statement.operation == "INSERT":
            _forget_old(statement.collection)
    return [list(row) for row in rows]


def _forget_old(table: str) -> None:
    """Holds memory still in a demo that runs for days; `table` is from our own list."""
    connection.execute(
        f"DELETE FROM {table} WHERE rowid <= (SELECT max(rowid) FROM {table}) - ?",
        (MAX_ROWS,),
    )


def fill() -> None:
    """Makes the tables, and some orders of an earlier day."""
    connection.executescript(SCHEMA)
    for number in range(1, EARLIER_ORDERS + 1):
        order = (number, f"customer-{number}", 9.99 * number, "EUR")
        connection.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", order)
        item = (number, f"SKU-{number:04}", number % 3 + 1)
        connection.execute("INSERT INTO order_items VALUES (?, ?, ?)", item)
    connection.commit()


if __name__ == "__main__":
    fill()
    run_service("db", app)
