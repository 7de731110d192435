"""A bound on the bytes of all requests that are being read or wait for the disk."""

from types import TracebackType


class Unavailable(Exception):
    """Not now; the same request may succeed later. Answered with a retry hint."""


class Inflight:
    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.bytes = 0

    def hold(self) -> "Hold":
        return Hold(self)


class Hold:
    """The bytes one request holds, until the end of the `with` block."""

    def __init__(self, inflight: Inflight) -> None:
        self._inflight = inflight
        self._bytes = 0

    def add(self, size: int) -> None:
        """Raises Unavailable when all requests together would hold too much."""
        if self._inflight.bytes + size > self._inflight.most_bytes:
            raise Unavailable("too many bytes are in flight; send again later")
        self._inflight.bytes += size
        self._bytes += size

    def release(self) -> None:
        self._inflight.bytes -= self._bytes
        self._bytes = 0

    def __enter__(self) -> "Hold":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()
