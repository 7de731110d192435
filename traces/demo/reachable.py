"""Where the shop's spans are to go, and whether anyone is there."""

import socket
from urllib.parse import urlsplit

PROTOCOLS = ("grpc", "http/protobuf", "http/json")
CONNECT_TIMEOUT_SECONDS = 3.0


class BadEndpoint(ValueError):
    """The endpoint is not the address of an OTLP receiver."""


def host_and_port(endpoint: str) -> tuple[str, int]:
    """The host and port of `endpoint`; `BadEndpoint` if it is no http(s) address."""
    try:
        parts = urlsplit(endpoint)
        port = parts.port
    except ValueError as error:
        raise BadEndpoint(f"{endpoint!r} is not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or not port:
        raise BadEndpoint(
            f"{endpoint!r} is not usable: expected an address like http://127.0.0.1:4317"
        )
    return parts.hostname, port


def is_listening(endpoint: str) -> bool:
    """Whether something accepts connections at `endpoint`."""
    try:
        connection = socket.create_connection(
            host_and_port(endpoint), CONNECT_TIMEOUT_SECONDS
        )
    except OSError:
        return False
    connection.close()
    return True
