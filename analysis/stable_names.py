"""Names without what a restart or the next request changes: addresses, ids, numbers."""

import re
from typing import Final

_NUMERIC_ADDRESS: Final = re.compile(
    r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|\[?[0-9a-f]*:[0-9a-f:.]*:[0-9a-f:.]*\]?(?::\d+)?",
    re.IGNORECASE,
)
_PORT: Final = re.compile(r":(\d+)\Z")
# From here on a kernel gives ports away to those that ask for any (on Linux).
_FIRST_GIVEN_PORT: Final = 32_768
# In this order: what a later pattern would tear apart is replaced by an earlier one.
# Numbers and hexadecimal only as words of their own: `v1` and `s3` are names.
_OF_ONE_TIME: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), word)
    for pattern, word in (
        (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uuid>"),
        (r"\[[0-9a-f.]*:[0-9a-f:.]*\](?::\d+)?", "<host>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<host>"),
        (r"\b0x[0-9a-f]+\b", "<hex>"),
        (r"\b(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{8,}\b", "<hex>"),
        (r"(?<!\w)\d+(?:[.,]\d+)*(?!\w)", "<n>"),
    )
)
LONGEST: Final = 1_000


def stable_address(address: str) -> str:
    """Of a host and perhaps its port. Hosts with names keep them."""
    if _NUMERIC_ADDRESS.fullmatch(address):
        return "<host>"
    port = _PORT.search(address)
    if port and int(port[1][:6]) >= _FIRST_GIVEN_PORT:
        return f"{address[: port.start()]}:<port>"
    return address


def stable_name(name: str) -> str:
    """Of a span that says nothing better of what it does."""
    if len(name) > LONGEST:
        return name
    for pattern, word in _OF_ONE_TIME:
        name = pattern.sub(word, name)
    return name
