"""HTTP by hand, for what a well-behaved client never sends."""

import contextlib
import socket

from tests.receivers.serving import LOOPBACK, PATIENCE_SECONDS


def exchange(
    port: int, sent: str | bytes, *, expect: int = 1, after_continue: str = ""
) -> str:
    """Everything the server says until `expect` final answers or the end."""
    raw = sent.encode() if isinstance(sent, str) else sent
    answers = b""
    with socket.create_connection((LOOPBACK, port), PATIENCE_SECONDS) as connection:
        # The answer may have come, and the end, before all was sent.
        with contextlib.suppress(ConnectionError):
            connection.sendall(raw)
        while answers.count(b"HTTP/1.1 ") - answers.count(b"HTTP/1.1 100") < expect:
            received = _receive(connection)
            if not received:
                break
            answers += received
            if after_continue and b"HTTP/1.1 100" in answers:
                connection.sendall(after_continue.encode())
                after_continue = ""
    return answers.decode("latin-1")


def _receive(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionError:
        return b""
