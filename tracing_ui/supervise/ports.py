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
    """A TCP port, and the environment variable that moves it."""

    host: str
    number: int
    variable: str

    def require_free(self) -> None:
        family, address = resolve(self.host, self.number)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            # Connections of a server that just stopped do not count as busy.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
                # Two that share a port may both bind; only one may listen.
                probe.listen(1)
            except OSError as error:
                raise PortUnavailable(self.explain(error)) from None

    def explain(self, error: OSError) -> str:
        reason = "is in use by another program"
        if error.errno != errno.EADDRINUSE:
            reason = f"cannot be opened ({error.strerror})"
        return (
            f"Port {self.number} on {self.host} {reason}. "
            f"Set {self.variable} to another port."
        )

    def answers(self) -> bool:
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
