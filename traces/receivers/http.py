"""HTTP receivers, as an ASGI application of their own for each port.

Not Django views: those spool bodies before any limit applies and answer errors in
HTML, and exporters drop what is answered with anything but a few codes.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final, NamedTuple, Protocol

from traces.receivers import status
from traces.receivers.admission import Unavailable
from traces.receivers.body import (
    ENCODINGS,
    ClientGone,
    ClientSilent,
    Receive,
    read_body,
)
from traces.receivers.cors import Cors
from traces.receivers.cors import Headers as HeaderList
from traces.receivers.encodings import Encoding
from traces.receivers.group_commit import GroupCommit
from traces.receivers.verdict import BadRequest, TooLarge, Verdict
from traces.store.base import StoreError

log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]
Scope = dict[str, Any]
Headers = Mapping[str, str]

CLOSE: Final = (b"connection", b"close")
RETRY_AFTER: Final = (b"retry-after", str(status.RETRY_AFTER_SECONDS).encode())
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


class Route(Protocol):
    """What a dialect makes of one path: how spans are encoded there, and its answers.

    Header names are in lower case."""

    def encoding(self, headers: Headers) -> Encoding:
        """Raises Refusal for what is not read here."""

    def accepted(self, verdict: Verdict, headers: Headers) -> Answer: ...

    def refused(self, refusal: Refusal, headers: Headers) -> Answer: ...


Page = Callable[[GroupCommit], Answer]


def _healthz(ingest: GroupCommit) -> Answer:
    if ingest.draining:
        return Answer(503, b"stopping\n", headers=(RETRY_AFTER,))
    return Answer(200, b"ready\n")


def _metrics(ingest: GroupCommit) -> Answer:
    text = ingest.counters.prometheus_text()
    return Answer(200, text.encode(), "text/plain; version=0.0.4; charset=utf-8")


PAGES: Final[dict[str, Page]] = {"/healthz": _healthz, "/metrics": _metrics}


class HttpReceiver:
    """POST to each route, GET of each page.

    Whatever is asked elsewhere is refused as the first route refuses."""

    def __init__(
        self,
        ingest: GroupCommit,
        routes: Mapping[str, Route],
        origins: Collection[str] = (),
        pages: Mapping[str, Page] = PAGES,
    ) -> None:
        self._ingest = ingest
        self._routes = routes
        self._pages = pages
        self._first_path, self._first_route = next(iter(routes.items()))
        self._cors = Cors(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {
            k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]
        }
        route = self._routes.get(scope["path"], self._first_route)
        try:
            answer = await self._answer(scope, headers, receive)
        except Refusal as refusal:
            answer = _with_headers(route.refused(refusal, headers), refusal.headers)
        except ClientGone:
            return
        except Exception:
            log.exception("The HTTP receiver failed")
            crashed = _unavailable(_CRASHED)
            answer = _with_headers(route.refused(crashed, headers), crashed.headers)
        extra = self._cors.headers(headers.get("origin"))
        await send_answer(send, answer, extra, with_body=scope["method"] != "HEAD")

    async def _answer(self, scope: Scope, headers: Headers, receive: Receive) -> Answer:
        path, method = scope["path"], scope["method"]
        if route := self._routes.get(path):
            return await self._spans(route, method, headers, receive)
        if path not in self._pages:
            where = f"spans go to {self._first_path}"
            raise Refusal(404, status.NOT_FOUND, where, CLOSE)
        if method not in ("GET", "HEAD"):
            raise _method_refused("GET, HEAD")
        return self._pages[path](self._ingest)

    async def _spans(
        self, route: Route, method: str, headers: Headers, receive: Receive
    ) -> Answer:
        if method == "OPTIONS" and self._cors.admits(headers.get("origin")):
            wanted = headers.get("access-control-request-headers", "")
            return Answer(204, headers=tuple(self._cors.preflight_headers(wanted)))
        if method != "POST":
            raise _method_refused("POST")
        encoding = route.encoding(headers)
        try:
            verdict = await self._take(headers, encoding, receive)
        except TooLarge as error:
            raise Refusal(413, status.RESOURCE_EXHAUSTED, str(error), CLOSE) from None
        except BadRequest as error:
            raise Refusal(400, status.INVALID_ARGUMENT, str(error)) from None
        except ClientSilent:
            # Not 408: exporters drop what is answered with that.
            raise _unavailable("the body did not come to its end", CLOSE) from None
        except Unavailable as error:
            raise _unavailable(str(error)) from None
        except StoreError as error:
            log.warning("Spans could not be stored: %s", error)
            raise _unavailable(_STORE_AWAY) from None
        return route.accepted(verdict, headers)

    async def _take(
        self, headers: Headers, encoding: Encoding, receive: Receive
    ) -> Verdict:
        compression = _compression(headers)
        self._ingest.require_open()
        declared = _content_length(headers)
        with self._ingest.inflight.hold() as hold:
            body = await read_body(
                receive, compression, declared, self._ingest.limits, hold
            )
            verdict = await self._ingest.submit(body, encoding)
        if verdict.error:
            raise verdict.error
        return verdict


def media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _compression(headers: Headers) -> str:
    name = headers.get("content-encoding", "").strip().lower()
    if name not in ENCODINGS:
        accept = (b"accept-encoding", b"gzip")
        message = "Content-Encoding must be gzip or identity"
        raise Refusal(415, status.INVALID_ARGUMENT, message, accept, CLOSE)
    return ENCODINGS[name]


def _content_length(headers: Headers) -> int | None:
    """The parser has made sure that it is a number."""
    length = headers.get("content-length")
    if length is not None and "transfer-encoding" in headers:
        message = "Content-Length and Transfer-Encoding exclude one another"
        raise Refusal(400, status.INVALID_ARGUMENT, message, CLOSE)
    return None if length is None else int(length)


def _method_refused(allowed: str) -> Refusal:
    message = f"the method must be one of: {allowed}"
    allow = (b"allow", allowed.encode())
    return Refusal(405, status.UNIMPLEMENTED, message, allow, CLOSE)


def _unavailable(message: str, *headers: tuple[bytes, bytes]) -> Refusal:
    return Refusal(503, status.UNAVAILABLE, message, RETRY_AFTER, *headers)


def _with_headers(answer: Answer, headers: tuple[tuple[bytes, bytes], ...]) -> Answer:
    return answer._replace(headers=(*headers, *answer.headers))


async def send_answer(
    send: Send, answer: Answer, extra: HeaderList, *, with_body: bool
) -> None:
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
