"""Is a port free, and does something answer at it?"""

import errno
import socket
from dataclasses import dataclass
from typing import Any

WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class PortUnavailable(Exception):
    """A port that we need cannot be had."""


@dataclass(frozen=True)
class Port:
    """A TCP or UDP port, and the environment variable that moves it."""

    host: str
    number: int
    variable: str
    is_udp: bool = False

    def require_free(self) -> None:
        self.open(backlog=1).close()

    def open(self, backlog: int) -> socket.socket:
        """Bound, and listening if it is TCP; raises PortUnavailable."""
        family, address = resolve(self.host, self.number)
        try:
            if self.is_udp:
                return _bound(family, socket.SOCK_DGRAM, address)
            # Two that share a port may both bind; only one may listen.
            opened = _bound(family, socket.SOCK_STREAM, address)
            opened.listen(backlog)
        except OSError as error:
            raise PortUnavailable(self.explain(error)) from None
        return opened

    def explain(self, error: OSError) -> str:
        reason = "is in use by another program"
        if error.errno != errno.EADDRINUSE:
            reason = f"cannot be opened ({error.strerror})"
        return (
            f"Port {self.number} on {self.host} {reason}. "
            f"Set {self.variable} to another port."
        )

    def answers(self) -> bool:
        """Whether something listens; of UDP nobody can tell, so it counts as yes."""
        if self.is_udp:
            return True
        try:
            with socket.create_connection((self.reachable_host, self.number), 1):
                return True
        except OSError:
            return False

    @property
    def reachable_host(self) -> str:
        return WILDCARDS.get(self.host, self.host)

    @property
    def address(self) -> str:
        host = self.reachable_host
        return f"[{host}]:{self.number}" if ":" in host else f"{host}:{self.number}"


def _bound(
    family: socket.AddressFamily, kind: socket.SocketKind, address: Any
) -> socket.socket:
    opened = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            # Connections of a server that just stopped do not count as busy.
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    return opened


def resolve(host: str, number: int) -> tuple[socket.AddressFamily, Any]:
    """Family and bindable address of `host`, a name or an address."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror:
        raise PortUnavailable(
            f"HOST={host!r} is neither an address nor a known name."
        ) from None
    return family, address
