"""Attributes that still are JSON texts, to KeyValue messages.

Few are distinct among many, and most come again with the next request: what each
became is remembered, within bounds.
"""

from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import Any

import orjson

from traces.receivers.otlp_json import BadSpan, Transcoder
from traces.receivers.otlp_json_outline import Texts, decode_text_attribute
from traces.receivers.wire_format import key_value

_MOST_REMEMBERED = 50_000
_LONGEST_REMEMBERED = 256
# A longer text might, in its place, be nested deeper than orjson reads.
_NEVER_TOO_DEEP_BYTES = 1_000


class KeyValueTexts(dict[bytes, bytes]):
    """The message of each text, made when it is first asked for.

    Raises ValueError or BadSpan for a text that is wrong or nested beyond the limit.
    """

    def __init__(self, nesting: int) -> None:
        super().__init__()
        self._transcoder = _Uncut(nesting)

    def __missing__(self, text: bytes) -> bytes:
        message = _text_message(text)
        if message is None:
            message = self._transcoder.key_value(_load(text), 1)
        if len(text) <= _LONGEST_REMEMBERED:
            if len(self) >= _MOST_REMEMBERED:
                self.clear()
            self[text] = message
        return message

    def messages(self, lists: Iterable[Texts]) -> list[bytes]:
        return list(map(self.__getitem__, map(bytes, chain.from_iterable(lists))))

    def links(self, lists: Iterable[Texts]) -> list[bytes]:
        """Link messages; one by one, as each has ids of its own."""
        transcode = self._transcoder.link
        return [transcode(_load(bytes(text))) for text in chain.from_iterable(lists)]


def _text_message(text: bytes) -> bytes | None:
    if b'"stringValue"' not in text:
        return None
    try:
        sent = decode_text_attribute(text)
    except ValueError:
        return None
    return key_value(sent.key, sent.value.string_value)


class _Uncut(Transcoder):
    def cut_nesting(self) -> bytes:
        raise BadSpan("a remark is due, which the message cannot hold")


def _load(text: bytes) -> Any:
    if len(text) > _NEVER_TOO_DEEP_BYTES:
        _require_few_brackets(text)
    return orjson.loads(text)


def _require_few_brackets(text: bytes) -> None:
    if text.count(b"[") + text.count(b"{") > _NEVER_TOO_DEEP_BYTES:
        raise ValueError("the text may be nested too deep")


@cache
def key_value_texts(nesting: int) -> KeyValueTexts:
    """The same for the same limit, as what is remembered depends on it."""
    return KeyValueTexts(nesting)
