"""Jaeger's collector over HTTP: `POST /api/traces`, a Batch in binary thrift."""

from typing import Final

from traces.receivers import status
from traces.receivers.encodings import Encoding
from traces.receivers.http import CLOSE, Answer, Headers, Refusal, Route, media_type
from traces.receivers.verdict import Verdict

_TYPES: Final = ("application/x-thrift", "application/vnd.apache.thrift.binary")


class JaegerRoute:
    """Answers in plain text. `format`, which some senders ask for, is always thrift."""

    def encoding(self, headers: Headers) -> Encoding:
        if media_type(headers) not in _TYPES:
            message = f"Content-Type must be {' or '.join(_TYPES)}"
            # Not 415: Jaeger's own collector says 400.
            raise Refusal(400, status.INVALID_ARGUMENT, message, CLOSE)
        return Encoding.JAEGER_THRIFT

    def accepted(self, verdict: Verdict, headers: Headers) -> Answer:
        return Answer(202, status.shorten(verdict.message).encode())

    def refused(self, refusal: Refusal, headers: Headers) -> Answer:
        return Answer(refusal.http, status.shorten(refusal.message).encode() + b"\n")


JAEGER_ROUTES: Final[dict[str, Route]] = {"/api/traces": JaegerRoute()}
