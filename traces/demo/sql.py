"""The database driver of the services: one CLIENT span a statement."""

from typing import Any

import requests
from opentelemetry import propagate, trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.trace import SpanKind

from traces.demo.patterns import (
    DATABASE_CALL_TIMEOUT_DEFAULT_SECONDS,
    DATABASE_CALL_TIMEOUT_SECONDS,
    current_pattern,
)
from traces.demo.peers import peer_url, session
from traces.demo.statements import STATEMENTS, Statement

NAMESPACE = "shop"
SYSTEM = "sqlite"

tracer = trace.get_tracer("shop.sql")


class DatabaseFailed(Exception):
    """The database did not answer, not in time, or with an error."""


def execute(name: str, *parameters: str | float) -> list[list[Any]]:
    """The rows of the statement called `name`; `DatabaseFailed` if it cannot be run."""
    statement = STATEMENTS[name]
    with tracer.start_as_current_span(
        statement.summary, kind=SpanKind.CLIENT, attributes=query_attributes(statement)
    ) as span:
        rows = _send(name, parameters)
        span.set_attribute("db.response.returned_rows", len(rows))
        return rows


def query_attributes(statement: Statement) -> dict[str, str]:
    """What OpenTelemetry says of a statement, at its sender and in the database."""
    return {
        "db.system.name": SYSTEM,
        "db.namespace": NAMESPACE,
        "db.operation.name": statement.operation,
        "db.collection.name": statement.collection,
        "db.query.summary": statement.summary,
        "db.query.text": statement.text,
        "server.address": "db",
    }


def _send(name: str, parameters: tuple[str | float, ...]) -> list[list[Any]]:
    # HTTP is only this database's wire: the span of the statement is the caller's, so
    # its own context goes along and no HTTP span comes between.
    headers: dict[str, str] = {}
    propagate.inject(headers)
    body = {"statement": name, "parameters": parameters}
    try:
        with suppress_http_instrumentation():
            response = session.post(
                peer_url("database", "/query"),
                json=body,
                headers=headers,
                timeout=_timeout_seconds(),
            )
    except requests.Timeout as error:
        raise DatabaseFailed(f"no answer within {_timeout_seconds():g} s") from error
    except requests.RequestException as error:
        raise DatabaseFailed(str(error)) from error
    return _rows(response)


def _rows(response: requests.Response) -> list[list[Any]]:
    answer: dict[str, Any] = response.json()
    if not response.ok:
        raise DatabaseFailed(answer["error"])
    rows: list[list[Any]] = answer["rows"]
    return rows


def _timeout_seconds() -> float:
    return DATABASE_CALL_TIMEOUT_SECONDS.get(
        current_pattern(), DATABASE_CALL_TIMEOUT_DEFAULT_SECONDS
    )
