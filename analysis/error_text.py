"""What errors say: templates of messages, and signs that words give."""

import re
from functools import lru_cache
from typing import Final

MESSAGE_CHARACTERS: Final = 300

_TLD: Final = "com|net|org|io|dev|local|internal|example|test|svc|cloud|localdomain"
# In this order: what a later pattern would tear apart is replaced by an earlier one.
_REPLACED: Final = tuple(
    (re.compile(pattern), word)
    for pattern, word in (
        (r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b", "<uuid>"),
        (r"\b[a-z][a-z0-9+.-]{1,15}://[^\s'\"<>]+", "<url>"),
        (r"(?<!\w)'[^']*'(?!\w)|\"[^\"]*\"|`[^`]*`|«[^»]*»|“[^”]*”", "<text>"),
        (r"\[?(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{0,4}\]?(?::\d+)?", "<host>"),
        (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<host>"),
        (r"\b[\w-]+(?:\.[\w-]+)*:\d{2,5}\b", "<host>"),
        (rf"\b(?:[\w-]+\.)+(?:{_TLD})\b", "<host>"),
        (r"\b0x[0-9a-fA-F]+\b", "<hex>"),
        (r"\b(?=[a-fA-F]*\d)[0-9a-fA-F]{8,}\b", "<hex>"),
        (r"\d+(?:[.,]\d+)*", "<n>"),
    )
)
_TIMEOUT: Final = re.compile(
    r"time[ds]?[ _-]?out|deadline[ _]?exceeded|no (?:answer|response) within"
    r"|ETIMEDOUT",
    re.IGNORECASE,
)
_CANCELLED: Final = re.compile(
    r"\b(?:context )?cancell?ed\b|CancelledError|\baborted\b", re.IGNORECASE
)
_UNREACHABLE: Final = re.compile(
    r"refused|unreachable|no route to host|(?:could not|cannot|can't) (?:connect|resolve)"
    r"|failed to connect|connection ?error|name resolution|getaddrinfo|no such host"
    r"|connect(?:ion)? ?time[ds]? ?out|ECONNREFUSED|EHOSTUNREACH|ENOTFOUND|connection reset",
    re.IGNORECASE,
)
_EXHAUSTED: Final = re.compile(
    r"\bpool\b.*(?:exhaust|time[ds]? ?out|limit|full|empty)|QueuePool|PoolTimeout"
    r"|too many (?:connections|open files)|connection limit",
    re.IGNORECASE,
)


@lru_cache(maxsize=8192)
def template(message: str) -> str:
    """The first line of a message without what changes from one time to the next:
    numbers, hexadecimal, uuids, quoted text, addresses."""
    text = message.strip().split("\n", 1)[0][:MESSAGE_CHARACTERS]
    for pattern, word in _REPLACED:
        text = pattern.sub(word, text)
    return text


def excerpt(message: str) -> str:
    """A message short enough for a sentence."""
    text = message.strip().split("\n", 1)[0]
    if len(text) <= MESSAGE_CHARACTERS:
        return text
    return text[: MESSAGE_CHARACTERS - 1] + "…"


def tells_timeout(text: str) -> bool:
    return bool(_TIMEOUT.search(text))


def tells_cancelled(text: str) -> bool:
    return bool(_CANCELLED.search(text))


def tells_unreachable(text: str) -> bool:
    return bool(_UNREACHABLE.search(text))


def tells_exhausted(text: str) -> bool:
    return bool(_EXHAUSTED.search(text))
