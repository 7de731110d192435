"""Cross-origin requests of browsers, only from the origins that are listed."""

from collections.abc import Collection

_ANY = "*"
_PREFLIGHT_SECONDS = "600"
Headers = list[tuple[bytes, bytes]]


class Cors:
    """`origins` are compared whole; `*` admits all, which is safe as nothing here
    looks at cookies."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)

    def admits(self, origin: str | None) -> bool:
        return bool(origin) and (origin in self._origins or _ANY in self._origins)

    def headers(self, origin: str | None) -> Headers:
        """For every answer, refusals too, or the page cannot read them."""
        if not self._origins:
            return []
        vary = [(b"vary", b"origin")]
        if origin is None or not self.admits(origin):
            return vary
        return [*vary, (b"access-control-allow-origin", origin.encode("latin-1"))]

    def preflight_headers(self, wanted: str) -> Headers:
        """`wanted` are the request headers that the page asks to send."""
        return [
            (b"access-control-allow-methods", b"POST"),
            (b"access-control-allow-headers", wanted.encode("latin-1")),
            (b"access-control-max-age", _PREFLIGHT_SECONDS.encode()),
        ]
