"""The OTLP/HTTP receiver, as an ASGI application of its own.

Not a Django view: those spool bodies before any limit applies and answer errors in
HTML, and exporters drop what is answered with anything but a few codes.
"""

import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, NamedTuple

from traces.receivers import status
from traces.receivers.admission import Unavailable
from traces.receivers.body import (
    ENCODINGS,
    ClientGone,
    ClientSilent,
    Receive,
    read_body,
)
from traces.receivers.cors import Cors, Headers
from traces.receivers.group_commit import GroupCommit
from traces.receivers.otlp import ContentType
from traces.receivers.responses import encode_response
from traces.receivers.verdict import BadRequest, TooLarge
from traces.store.base import StoreError

log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
Scope = dict[str, Any]

TRACES_PATH: Final = "/v1/traces"
_CLOSE: Final = (b"connection", b"close")
_RETRY_AFTER: Final = (b"retry-after", str(status.RETRY_AFTER_SECONDS).encode())
_STORE_AWAY = "the spans cannot be stored now; send again later"
_CRASHED = "the request could not be processed; send again later"


class Answer(NamedTuple):
    code: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Refusal(Exception):
    """An HTTP status other than 200, and the google.rpc.Code beside it."""

    def __init__(
        self, http: int, rpc: int, message: str, *headers: tuple[bytes, bytes]
    ) -> None:
        super().__init__(message)
        self.http, self.rpc, self.message, self.headers = http, rpc, message, headers


class OtlpHttp:
    """POST /v1/traces, GET /healthz, GET /metrics."""

    def __init__(self, ingest: GroupCommit, origins: Collection[str] = ()) -> None:
        self._ingest = ingest
        self._cors = Cors(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]
        }
        content_type = response_type(headers)
        try:
            answer = await self._answer(scope, headers, receive)
        except Refusal as refusal:
            answer = _refused(refusal, content_type)
        except ClientGone:
            return
        except Exception:
            log.exception("The HTTP receiver failed")
            answer = _refused(_unavailable(_CRASHED), content_type)
        extra = self._cors.headers(headers.get("origin"))
        await _send(send, answer, extra, with_body=scope["method"] != "HEAD")

    async def _answer(
        self, scope: Scope, headers: dict[str, str], receive: Receive
    ) -> Answer:
        path, method = scope["path"], scope["method"]
        if path == TRACES_PATH:
            return await self._traces(method, headers, receive)
        pages = {"/healthz": self._healthz, "/metrics": self._metrics}
        if path not in pages:
            raise Refusal(404, status.NOT_FOUND, f"spans go to {TRACES_PATH}", _CLOSE)
        if method not in ("GET", "HEAD"):
            raise _method_refused("GET, HEAD")
        return pages[path]()

    def _healthz(self) -> Answer:
        if self._ingest.draining:
            return Answer(503, b"stopping\n", headers=(_RETRY_AFTER,))
        return Answer(200, b"ready\n")

    def _metrics(self) -> Answer:
        text = self._ingest.counters.prometheus_text()
        return Answer(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")

    async def _traces(
        self, method: str, headers: dict[str, str], receive: Receive
    ) -> Answer:
        if method == "OPTIONS" and self._cors.admits(headers.get("origin")):
            wanted = headers.get("access-control-request-headers", "")
            return Answer(204, headers=tuple(self._cors.preflight_headers(wanted)))
        if method != "POST":
            raise _method_refused("POST")
        content_type = request_type(headers)
        encoding = _content_encoding(headers)
        try:
            return await self._take(headers, content_type, encoding, receive)
        except TooLarge as error:
            raise Refusal(413, status.RESOURCE_EXHAUSTED, str(error), _CLOSE) from None
        except BadRequest as error:
            raise Refusal(400, status.INVALID_ARGUMENT, str(error)) from None
        except ClientSilent:
            # Not 408: exporters drop what is answered with that.
            raise _unavailable("the body did not come to its end", _CLOSE) from None
        except Unavailable as error:
            raise _unavailable(str(error)) from None
        except StoreError as error:
            log.warning("Spans could not be stored: %s", error)
            raise _unavailable(_STORE_AWAY) from None

    async def _take(
        self,
        headers: dict[str, str],
        content_type: ContentType,
        encoding: str,
        receive: Receive,
    ) -> Answer:
        self._ingest.require_open()
        declared = _content_length(headers)
        with self._ingest.inflight.hold() as hold:
            body = await read_body(
                receive, encoding, declared, self._ingest.limits, hold
            )
            verdict = await self._ingest.submit(body, content_type)
        if verdict.error:
            raise verdict.error
        return Answer(200, encode_response(verdict, content_type), content_type)


def _media_type(headers: dict[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def response_type(headers: dict[str, str]) -> ContentType:
    """The request's own type, or JSON when it has none that we speak."""
    media_type = _media_type(headers)
    return (
        ContentType(media_type) if media_type in set(ContentType) else ContentType.JSON
    )


def request_type(headers: dict[str, str]) -> ContentType:
    media_type = _media_type(headers)
    if media_type not in set(ContentType):
        message = f"Content-Type must be {' or '.join(ContentType)}"
        raise Refusal(415, status.INVALID_ARGUMENT, message, _CLOSE)
    return ContentType(media_type)


def _content_encoding(headers: dict[str, str]) -> str:
    name = headers.get("content-encoding", "").strip().lower()
    if name not in ENCODINGS:
        accept = (b"accept-encoding", b"gzip")
        message = "Content-Encoding must be gzip or identity"
        raise Refusal(415, status.INVALID_ARGUMENT, message, accept, _CLOSE)
    return ENCODINGS[name]


def _content_length(headers: dict[str, str]) -> int | None:
    """The parser has made sure that it is a number."""
    length = headers.get("content-length")
    if length is not None and "transfer-encoding" in headers:
        message = "Content-Length and Transfer-Encoding exclude one another"
        raise Refusal(400, status.INVALID_ARGUMENT, message, _CLOSE)
    return None if length is None else int(length)


def _method_refused(allowed: str) -> Refusal:
    message = f"the method must be one of: {allowed}"
    allow = (b"allow", allowed.encode())
    return Refusal(405, status.UNIMPLEMENTED, message, allow, _CLOSE)


def _unavailable(message: str, *headers: tuple[bytes, bytes]) -> Refusal:
    return Refusal(503, status.UNAVAILABLE, message, _RETRY_AFTER, *headers)


def _refused(refusal: Refusal, content_type: ContentType) -> Answer:
    body = status.encode_status(refusal.rpc, refusal.message, content_type)
    return Answer(refusal.http, body, content_type, refusal.headers)


async def _send(send: Send, answer: Answer, extra: Headers, *, with_body: bool) -> None:
    headers = [
        (b"content-length", str(len(answer.body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
        *extra,
    ]
    if answer.code != 204:
        headers.append((b"content-type", answer.content_type.encode()))
    await send(
        {"type": "http.response.start", "status": answer.code, "headers": headers}
    )
    body = answer.body if with_body else b""
    await send({"type": "http.response.body", "body": body})
