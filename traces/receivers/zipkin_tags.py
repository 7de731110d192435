"""The tags that OpenTelemetry's exporters write for what Zipkin has no field for."""

from typing import Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from traces.receivers.zipkin_columns import Tags
from traces.spans import StatusCode
from traces.variant_columns import Ints, Mask

_ERROR: Final = "error"
_CODE: Final = "otel.status_code"
_DESCRIPTION: Final = "otel.status_description"
_COUNT: Final = "^[0-9]{1,9}$"
_NO: Final = pa.scalar(value=False)


class TakenTags(NamedTuple):
    """What some tags say of the spans, and the tags that are left."""

    scope_name: pa.StringArray
    scope_version: pa.StringArray
    status_code: pa.Array
    status_message: pa.StringArray
    dropped: dict[str, pa.Array]
    left: "KeyedTags"


def take_tags(tags: Tags, spans: int) -> TakenTags:
    """`spans` is how many spans have these tags."""
    keyed = KeyedTags(tags.row, tags.keys.dictionary_encode(), tags.values, spans)
    taking = _Taking(keyed)
    code, message = taking.status()
    return TakenTags(
        scope_name=taking.scope("name"),
        scope_version=taking.scope("version"),
        status_code=code,
        status_message=message,
        dropped={
            what: taking.count(what) for what in ("attributes", "events", "links")
        },
        left=taking.left(),
    )


class KeyedTags(NamedTuple):
    """Tags with the numbers of their spans, and how many spans there are."""

    row: Ints
    keys: pa.DictionaryArray
    values: pa.StringArray
    spans: int

    def of_key(self, key: str) -> Ints:
        """Where the tags of this key are."""
        number = pc.index(self.keys.dictionary, key).as_py()
        if number < 0:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.keys.indices.to_numpy() == number)

    def spans_with(self, key: str) -> Mask:
        found = np.zeros(self.spans, np.bool_)
        found[self.row[self.of_key(key)]] = True
        return found

    def texts(self, key: str) -> pa.StringArray:
        """The tag of each span, the last if there are many; null for none."""
        found = self.of_key(key)
        if not len(found):
            return pa.nulls(self.spans, pa.string())
        at = np.full(self.spans, -1)
        at[self.row[found]] = found
        return self.values.take(pa.array(at, mask=at < 0))


class _Taking:
    def __init__(self, tags: KeyedTags) -> None:
        self._tags = tags
        self._kept: Mask = np.ones(len(tags.row), np.bool_)

    def left(self) -> KeyedTags:
        if self._kept.all():
            return self._tags
        kept = pa.array(self._kept)
        return self._tags._replace(
            row=self._tags.row[self._kept],
            keys=self._tags.keys.filter(kept),
            values=self._tags.values.filter(kept),
        )

    def _take(self, key: str, spans: Mask) -> None:
        found = self._tags.of_key(key)
        self._kept[found[spans[self._tags.row[found]]]] = False

    def scope(self, part: str) -> pa.StringArray:
        names = [f"otel.{holder}.{part}" for holder in ("scope", "library")]
        for name in names:
            self._take(name, np.ones(self._tags.spans, np.bool_))
        return pc.coalesce(*map(self._tags.texts, names), "")

    def count(self, what: str) -> pa.Array:
        """Of the attributes, events or links that the sender dropped."""
        key = f"otel.dropped_{what}_count"
        texts = self._tags.texts(key)
        counts = pc.coalesce(pc.match_substring_regex(texts, _COUNT), _NO)
        self._take(key, _mask(counts))
        return pc.if_else(counts, texts, "0").cast(pa.uint32())

    def status(self) -> tuple[pa.Array, pa.StringArray]:
        """An `error` tag makes an error, whatever its text; the text is the message."""
        code, message = self._own_status()
        reason = self._tags.texts(_ERROR)
        failed = reason.is_valid()
        # "false" is an error to Zipkin, and a mistake worth seeing.
        self._take(_ERROR, _mask(failed) & ~_equal(reason, "false"))
        says_why = _mask(failed)
        for text in ("", "true", "false"):
            says_why &= ~_equal(reason, text)
        return (
            pc.if_else(failed, pa.scalar(int(StatusCode.ERROR), pa.int32()), code),
            pc.if_else(pa.array(says_why), reason, message),
        )

    def _own_status(self) -> tuple[pa.Array, pa.StringArray]:
        name = self._tags.texts(_CODE)
        numbers = np.zeros(self._tags.spans, np.int32)
        for code in (StatusCode.OK, StatusCode.ERROR):
            numbers[_equal(name, code.name)] = code
        known = numbers > 0
        description = self._tags.texts(_DESCRIPTION)
        self._take(_CODE, known)
        self._take(_DESCRIPTION, known)
        message = pc.fill_null(pc.if_else(pa.array(known), description, ""), "")
        return pa.array(numbers), message


def _equal(texts: pa.StringArray, text: str) -> Mask:
    return _mask(pc.coalesce(pc.equal(texts, text), _NO))


def _mask(booleans: pa.BooleanArray) -> Mask:
    mask: Mask = booleans.to_numpy(zero_copy_only=False)
    return mask
