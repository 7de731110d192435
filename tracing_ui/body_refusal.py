"""What is answered to a body that is not passed on: a page, or JSON as the API's."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.template.loader import render_to_string

from tracing_ui.security import SECURITY_HEADERS

RETRY_AFTER_SECONDS: Final = 10
_SEND_AGAIN: Final = "Nothing of this was stored. Try again in a few seconds."

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Refusal:
    """An HTTP status, and a title and a sentence for the person."""

    status: int
    title: str
    advice: str

    @classmethod
    def too_large(cls, most_bytes: int) -> "Refusal":
        advice = (
            f"The server takes at most {most_bytes:,} bytes at this address. Send it in"
            " parts, or compressed with gzip; manage.py import on the server takes"
            " files of any size."
        )
        return cls(413, "This is more than one request may hold", advice)

    @classmethod
    def busy(cls) -> "Refusal":
        return cls(503, "Other uploads are under way", _SEND_AGAIN)

    @classmethod
    def silent(cls) -> "Refusal":
        advice = (
            "Nothing of this was stored. Look at the connection, and send it again."
        )
        return cls(408, "The rest of the request did not come", advice)

    @classmethod
    def no_room(cls) -> "Refusal":
        advice = (
            "The disk of the server is nearly full. Nothing of this was stored. Make"
            " room in its data folder, or lower MAX_DISK_BYTES, and send it again."
        )
        return cls(503, "There is no room for an upload", advice)

    @classmethod
    def disk(cls, error: OSError) -> "Refusal":
        advice = f"It says: {error.strerror}. {_SEND_AGAIN}"
        return cls(503, "The disk of the server refused", advice)


def answer_of(refusal: Refusal, asked: Mapping[bytes, bytes]) -> tuple[Headers, bytes]:
    """Headers and body; `asked` are the request's headers."""
    if b"text/html" in asked.get(b"accept", b""):
        kind = "text/html; charset=utf-8"
        content: str = render_to_string("body_refused.html", {"refusal": refusal})
    else:
        kind = "application/json"
        message = f"{refusal.title}. {refusal.advice}"
        content = json.dumps({"errors": [{"message": message}]})
    body = content.encode()
    texts = SECURITY_HEADERS | {
        "Content-Type": kind,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    if refusal.status == 503:
        texts["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return [(k.lower().encode(), v.encode()) for k, v in texts.items()], body
