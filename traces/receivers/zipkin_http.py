"""Zipkin's collector over HTTP: spans to `/api/v2/spans` and `/api/v1/spans`.

Answers have no body, and refusals a reason in plain text: there is no place to say
that some spans were refused, so that is only counted.
"""

from collections.abc import Mapping
from typing import Final

from traces.receivers import status
from traces.receivers.encodings import Encoding
from traces.receivers.group_commit import GroupCommit
from traces.receivers.http import (
    CLOSE,
    PAGES,
    RETRY_AFTER,
    Answer,
    Headers,
    Page,
    Refusal,
    Route,
    media_type,
)
from traces.receivers.verdict import Verdict

_JSON: Final = "application/json"
_V2: Final = {
    _JSON: Encoding.ZIPKIN_JSON,
    "application/x-protobuf": Encoding.ZIPKIN_PROTOBUF,
}
_V1: Final = {
    _JSON: Encoding.ZIPKIN_V1_JSON,
    "application/x-thrift": Encoding.ZIPKIN_V1_THRIFT,
}


class ZipkinRoute:
    """`encodings` by media type; a request that names none is JSON."""

    def __init__(self, encodings: Mapping[str, Encoding]) -> None:
        self._encodings = encodings

    def encoding(self, headers: Headers) -> Encoding:
        found = self._encodings.get(media_type(headers) or _JSON)
        if found is None:
            message = f"Content-Type must be {' or '.join(self._encodings)}"
            raise Refusal(415, status.INVALID_ARGUMENT, message, CLOSE)
        return found

    def accepted(self, verdict: Verdict, headers: Headers) -> Answer:
        return Answer(202)

    def refused(self, refusal: Refusal, headers: Headers) -> Answer:
        return Answer(refusal.http, status.shorten(refusal.message).encode() + b"\n")


def _health(ingest: GroupCommit) -> Answer:
    if ingest.draining:
        return Answer(503, b'{"status":"DOWN"}', _JSON, (RETRY_AFTER,))
    return Answer(200, b'{"status":"UP"}', _JSON)


ZIPKIN_ROUTES: Final[dict[str, Route]] = {
    "/api/v2/spans": ZipkinRoute(_V2),
    "/api/v1/spans": ZipkinRoute(_V1),
}
ZIPKIN_PAGES: Final[dict[str, Page]] = {**PAGES, "/health": _health}
