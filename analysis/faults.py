"""Which spans failed, and what they say of it.

Failed is status ERROR. A span without a status also failed by the attribute `error`, by
a gRPC status, or by an HTTP status: from 500, and from 400 where it is the caller's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.attributes import texts
from analysis.callees import first_at
from analysis.error_text import (
    excerpt,
    tells_cancelled,
    tells_exhausted,
    tells_timeout,
    tells_unreachable,
    template,
)
from analysis.forest import Forest
from analysis.histogram import IntArray
from traces.spans import SpanKind, StatusCode, excerpt_column
from traces.tree import BoolArray

# Characters of a message that are looked at.
LONGEST: Final = 1_000
HTTP_CODES: Final = ("http.response.status_code", "http.status_code")
RPC_CODES: Final = ("rpc.response.status_code", "rpc.grpc.status_code")
GRPC: Final = (
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
)
_NUMBER: Final = {name: number for number, name in enumerate(GRPC)}
# What OpenTelemetry's conventions count as an error of the server.
_SERVER_ERRORS: Final = tuple(
    _NUMBER[name]
    for name in (
        "UNKNOWN",
        "DEADLINE_EXCEEDED",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
    )
)
_CALLERS_FAULT: Final = tuple(
    _NUMBER[name]
    for name in (
        "INVALID_ARGUMENT",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "FAILED_PRECONDITION",
        "OUT_OF_RANGE",
        "UNAUTHENTICATED",
    )
)


@dataclass(frozen=True)
class Fault:
    """What a failed span says; codes are 0 and texts empty where it says nothing.

    Spans that say the same share one, so that each text is read once.
    """

    http: int
    grpc: int
    error_type: str
    message: str
    # Failed after the same time as others of its operation, with no answer yet.
    at_ceiling: bool = False

    @cached_property
    def error(self) -> str:
        """What errors of one sort have in common."""
        if self.error_type or self.message:
            return self.error_type or template(self.message)
        if self.http or self.grpc:
            return self.code
        return "error without a text"

    @property
    def code(self) -> str:
        return f"HTTP {self.http}" if self.http else f"gRPC {GRPC[self.grpc]}"

    @property
    def said(self) -> str:
        """In its own words, for a sentence."""
        if self.message:
            return excerpt(self.message)
        return self.error

    @property
    def _text(self) -> str:
        return f"{self.error_type} {self.message}"

    @cached_property
    def timed_out(self) -> bool:
        by_code = self.http in (408, 504) or GRPC[self.grpc] == "DEADLINE_EXCEEDED"
        return self.at_ceiling or by_code or tells_timeout(self._text)

    @cached_property
    def cancelled(self) -> bool:
        by_code = self.http == 499 or GRPC[self.grpc] in ("CANCELLED", "ABORTED")
        return by_code or tells_cancelled(self._text)

    @property
    def overloaded(self) -> bool:
        return self.http in (429, 503) or GRPC[self.grpc] == "RESOURCE_EXHAUSTED"

    @property
    def callers_fault(self) -> bool:
        return 400 <= self.http < 500 or self.grpc in _CALLERS_FAULT

    @cached_property
    def unreachable(self) -> bool:
        return GRPC[self.grpc] == "UNAVAILABLE" or tells_unreachable(self._text)

    @cached_property
    def exhausted(self) -> bool:
        return tells_exhausted(self._text)


def failed_spans(forest: Forest) -> BoolArray:
    """By row."""
    http, grpc = (
        _codes(forest, HTTP_CODES, http_code),
        _codes(forest, RPC_CODES, grpc_code),
    )
    client = (forest.kind == SpanKind.CLIENT) | (forest.kind == SpanKind.PRODUCER)
    by_http = (http >= 500) | (client & (http >= 400))
    by_grpc = np.where(client, grpc > 0, np.isin(grpc, _SERVER_ERRORS))
    tagged = _by_distinct(texts(forest, excerpt_column("error")), _is_error) > 0
    status = forest.spans["status_code"].to_numpy()
    unset = (status != StatusCode.OK) & (status != StatusCode.ERROR)
    found: BoolArray = forest.failed | (unset & (by_http | by_grpc | tagged))
    return found


def read_faults(forest: Forest, rows: IntArray) -> dict[int, Fault]:
    """Of failed rows, by row."""
    columns = (
        first_at(forest, rows, *HTTP_CODES),
        first_at(forest, rows, *RPC_CODES),
        first_at(forest, rows, "error.type"),
        first_at(forest, rows, "error"),
        *(
            texts(forest, column).take(pa.array(rows))
            for column in ("exception_type", "exception_message", "status_message")
        ),
    )
    said = zip(*(column.to_pylist() for column in columns), strict=True)
    known: dict[tuple[str | None, ...], Fault] = {}
    # Failed spans are few: plain Python from here on.
    return {
        row: known.get(of) or known.setdefault(of, _fault(*of))
        for row, of in zip(rows.tolist(), said, strict=True)
    }


def _fault(
    http: str | None,
    grpc: str | None,
    named: str | None,
    tagged: str | None,
    exception_type: str | None,
    exception_message: str | None,
    status_message: str | None,
) -> Fault:
    message = exception_message or status_message or _said_by_tag(tagged or "")
    return Fault(
        http_code(http or ""),
        grpc_code(grpc or ""),
        (exception_type or _named(named or ""))[:LONGEST],
        message[:LONGEST],
    )


def http_code(text: str) -> int:
    """0 where it is none."""
    code = text.removesuffix(".0")
    return int(code) if len(code) == 3 and code.isascii() and code.isdigit() else 0


def grpc_code(text: str) -> int:
    """From its number or its name, 0 where it is none."""
    code = text.removesuffix(".0")
    if len(code) <= 2 and code.isascii() and code.isdigit():
        return int(code) if int(code) < len(GRPC) else 0
    return _NUMBER.get(code.upper(), 0)


def _codes(
    forest: Forest, keys: tuple[str, ...], read: Callable[[str], int]
) -> IntArray:
    found = np.zeros(len(forest), np.int64)
    for key in keys:
        codes = _by_distinct(texts(forest, excerpt_column(key)), read)
        found = np.where(found > 0, found, codes)
    return found


def _by_distinct(column: pa.Array, read: Callable[[str], int]) -> IntArray:
    """`read` of each text, asked once for each distinct one; 0 where there is none."""
    if column.null_count == len(column):
        return np.zeros(len(column), np.int64)
    encoded = column.dictionary_encode()
    known = [read(text) for text in encoded.dictionary.to_pylist()]
    codes = pc.fill_null(encoded.indices, len(known)).to_numpy()
    found: IntArray = np.array([*known, 0], np.int64)[codes]
    return found


def _is_error(text: str) -> int:
    """Zipkin's tag means an error whatever it says; OpenTracing's may say false."""
    return int(text.lower() not in ("false", "0"))


def _named(error_type: str) -> str:
    """Without codes, which `Fault.code` tells."""
    return "" if error_type.isdigit() else error_type


def _said_by_tag(text: str) -> str:
    return "" if text.lower() in ("true", "1") else text
