"""A bound on every request's body, in front of Django.

Django's ASGI handler writes a body of any size to a temporary file before a middleware
or a view is asked. Here a body is counted while it comes, with or without a
Content-Length, and what is over the limit of its path is answered at once.
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from django.conf import settings

from traces.receivers.admission import Hold, Inflight, Unavailable
from tracing_ui.body_refusal import Refusal, answer_of

Message = Mapping[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

# Less than Django keeps in memory, so that no such body touches the disk.
SMALL_BYTES: Final = 1024 * 1024
# Names and boundaries around the files of an upload.
AROUND_FILES_BYTES: Final = 1024 * 1024
LARGE_BODIES_AT_ONCE: Final = 4
IDLE_SECONDS: Final = 30.0
# A client that is still sending when the connection closes never sees the answer.
LINGER_SECONDS: Final = 5.0

_GONE: Final = {"type": "http.disconnect"}


class BodyGuard:
    """An ASGI application around another one; `larger` has the limits in bytes of the
    paths whose bodies may be more than small."""

    def __init__(self, application: Application, larger: Mapping[str, int]) -> None:
        self._application = application
        self._larger = larger
        most = max(larger.values(), default=0)
        self._inflight = Inflight(LARGE_BODIES_AT_ONCE * most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        with self._inflight.hold() as hold:
            refusal = await self._pass_on(scope, receive, send, hold)
        if refusal is not None:
            await _refuse(refusal, scope, receive, send)

    async def _pass_on(
        self, scope: Scope, receive: Receive, send: Send, hold: Hold
    ) -> Refusal | None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        body = GuardedBody(scope, receive, self._larger.get(path, SMALL_BYTES))
        if path in self._larger:
            body.hold = hold
        if body.declared is not None and body.declared > body.most_bytes:
            return Refusal.too_large(body.most_bytes)
        if path in self._larger and scope["method"] == "POST" and not _has_room(body):
            return Refusal.no_room()
        answered = False

        async def send_noted(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._application(body.scope, body.receive, send_noted)
        except OSError as error:
            # Of the spool; those of views never come so far.
            if answered:
                raise
            return Refusal.disk(error)
        return body.refusal


class GuardedBody:
    """A body on its way to the application; what is wrong with it ends as `refusal`.

    The application is told that the client has gone, and forgets the request.
    """

    hold: Hold | None = None
    refusal: Refusal | None = None

    def __init__(self, scope: Scope, receive: Receive, most_bytes: int) -> None:
        headers = list(scope["headers"])
        self.scope = {**scope, "headers": headers}
        self.most_bytes = most_bytes
        self.declared = _declared(headers)
        self._receive = receive
        self._size = 0
        self._complete = False

    async def receive(self) -> Message:
        if self._complete:
            return await self._receive()
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await self._receive()
        except TimeoutError:
            return self._end(Refusal.silent())
        if message["type"] != "http.request":
            return message
        return self._count(message)

    def _count(self, message: Message) -> Message:
        size = len(message.get("body", b""))
        self._size += size
        if self._size > self.most_bytes:
            return self._end(Refusal.too_large(self.most_bytes))
        try:
            if self.hold is not None:
                self.hold.add(size)
        except Unavailable:
            return self._end(Refusal.busy())
        if not message.get("more_body", False):
            self._finish()
        return message

    def _finish(self) -> None:
        self._complete = True
        if self.declared is None and self._size:
            # Without one, Django takes a form that came in chunks for an empty one.
            # It reads the headers after the body.
            length = str(self._size).encode()
            self.scope["headers"].append((b"content-length", length))

    def _end(self, refusal: Refusal) -> Message:
        self.refusal = refusal
        return dict(_GONE)


def _declared(headers: list[tuple[bytes, bytes]]) -> int | None:
    lengths = [value for name, value in headers if name == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else None


def _has_room(body: GuardedBody) -> bool:
    """The files of a form are written twice: within the body, and each by itself."""
    most = body.most_bytes if body.declared is None else body.declared
    try:
        free = shutil.disk_usage(settings.DATA_DIR).free
    except OSError:
        return False
    return free >= 2 * most + settings.MIN_FREE_DISK_BYTES


async def _refuse(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    headers, content = answer_of(refusal, dict(scope["headers"]))
    start = {"type": "http.response.start", "status": refusal.status}
    await send({**start, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else content
    await send({"type": "http.response.body", "body": body, "more_body": True})
    await _linger(receive)
    await send({"type": "http.response.body", "body": b""})


async def _linger(receive: Receive) -> None:
    """Read on and forget, for a moment."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass
