"""uvicorn's HTTP/1.1 protocol, with bounds on what comes before a body.

The parser itself takes headers of any size and waits for them without end, and
answers what it cannot parse in plain text; exporters expect a google.rpc.Status.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from traces.receivers.otlp import ContentType
from traces.receivers.status import INVALID_ARGUMENT, encode_status

MAX_HEADER_BYTES = 64 * 1024
_HEADER_SECONDS = 20.0
_TOO_LONG = "the request line and headers are over the limit"


class BoundedHttpProtocol(HttpToolsProtocol):
    """Closes connections whose headers are too long, too slow or malformed."""

    _reading_headers = True
    _header_bytes = 0
    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._reading_headers:
            if not self._header_bytes:
                self._start_timer()
            self._header_bytes += min(len(data), data.find(b"\r\n\r\n") % (1 << 62) + 4)
            if self._header_bytes > MAX_HEADER_BYTES:
                self._refuse("431 Request Header Fields Too Large", _TOO_LONG)
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        self._reading_headers = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._reading_headers = False
        self._header_bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._reading_headers = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse("400 Bad Request", msg)

    def _refuse(self, status_line: str, message: str) -> None:
        self._stop_timer()
        body = encode_status(INVALID_ARGUMENT, message, ContentType.JSON)
        head = (
            f"HTTP/1.1 {status_line}\r\n"
            f"content-type: {ContentType.JSON}\r\n"
            f"content-length: {len(body)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _start_timer(self) -> None:
        self._stop_timer()
        self._header_timer = self.loop.call_later(_HEADER_SECONDS, self._time_out)

    def _time_out(self) -> None:
        if self._reading_headers and self.transport is not None:
            self.transport.close()

    def _stop_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
