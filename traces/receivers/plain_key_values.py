"""The parts of many OTLP KeyValue messages at once, and their bytes as VARIANT.

Almost every attribute is written in one of a few plain ways, and a VARIANT value is
then nearly its wire bytes: `PlainKeyValues` finds the parts of all messages with a
few passes over arrays and turns the bytes into VARIANT where they stand.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest
from traces.variant_columns import Bytes, Ints, Keys, Mask, binary_array, offsets_of

# Protobuf tags: field number << 3 | wire type.
_KEY, _VALUE = 0x0A, 0x12
_STRING, _BOOL, _INT, _DOUBLE = 0x0A, 0x10, 0x18, 0x21
ARRAY, MAP, _BYTES = 0x2A, 0x32, 0x3A
_NULL, ODD = 0, 0xFF
# VARIANT headers.
_V_NULL, _V_TRUE, _V_FALSE, _V_INT64, _V_DOUBLE = 0x00, 0x04, 0x08, 0x18, 0x1C
_V_BINARY, _V_STRING, _V_SHORT_STRING = 0x3C, 0x40, 0x01
_SHORT_STRING_MAX = 63
INT_PIECE = 9
PADDING: Final = np.zeros(16, np.uint8)  # so that looking ahead needs no bounds
_MORE, _LOW = 0x80, 0x7F
_LONGEST_LENGTH = 4


class PlainKeyValues:
    """The parts of each KeyValue: where its key, its value and its VARIANT piece are.

    `kind` is the tag of the value, `_NULL` for none, `ODD` for what this class does
    not read.
    """

    def __init__(self, messages: pa.BinaryArray, limits: Limits) -> None:
        ends = offsets_of(messages)
        raw = np.frombuffer(messages.buffers()[2] or b"", np.uint8)
        self.bytes: Bytes = np.concatenate([raw[ends[0] : ends[-1]], PADDING])
        self.begin, self.end = ends[:-1] - ends[0], ends[1:] - ends[0]
        self._find_key()
        self._find_value()
        self._find_content()
        self._refuse_oversize(limits)
        self._read_ints()
        self._check_text()

    def _find_key(self) -> None:
        length = self.bytes[self.begin + 1].astype(np.int64)
        self.key_at = self.begin + 2
        wide = np.flatnonzero(length & _MORE)
        if len(wide):
            length[wide] += (self.bytes[self.begin[wide] + 2].astype(np.int64) - 1) << 7
            self.key_at[wide] += 1
        self.key_end = self.key_at + length
        ok = (self.bytes[self.begin] == _KEY) & (self.key_end <= self.end)
        # A key of 16 KiB or more, or one that does not come first.
        ok[wide] &= self.bytes[self.begin[wide] + 2] < _MORE
        self.key_at = np.where(ok, self.key_at, self.begin)
        self.key_end = np.where(ok, self.key_end, self.begin)
        self.odd = ~ok

    def _find_value(self) -> None:
        """`inner`: where the AnyValue begins, which must fill the rest."""
        at = self.key_end
        self.absent = (at == self.end) & ~self.odd
        rest = self.end - at - 2
        plain = (self.bytes[at] == _VALUE) & (self.bytes[at + 1] == rest)
        plain &= rest < _MORE
        self.inner = at + 2
        wide = np.flatnonzero(~plain & ~self.absent & ~self.odd)
        if len(wide):
            width = self._length_width(at[wide] + 1, self.end[wide])
            self.inner[wide] = at[wide] + 1 + width
            self.odd[wide] |= (width == 0) | (self.bytes[at[wide]] != _VALUE)

    def _length_width(self, at: Ints, end: Ints) -> Ints:
        """Bytes of the length at `at` if it reaches just to `end`, else 0."""
        width = np.zeros(len(at), np.int64)
        length = np.zeros(len(at), np.int64)
        reading = np.ones(len(at), np.bool_)
        for i in range(_LONGEST_LENGTH):
            byte = self.bytes[np.minimum(at + i, len(self.bytes) - 1)].astype(np.int64)
            length |= (byte & _LOW) << 7 * i
            last = reading & (byte < _MORE)
            width[last & (at + i + 1 + length == end)] = i + 1
            reading &= ~last
        return width

    def _find_content(self) -> None:
        self.absent |= (self.inner == self.end) & ~self.odd
        inner = np.minimum(self.inner, len(self.bytes) - 2)
        self.kind = self.bytes[inner]
        self.kind[self.absent] = _NULL
        self.kind[self.odd] = ODD
        self.content = inner + 1
        self._skip_length()
        size = self.end - self.content
        self._require(_BOOL, (size == 1) & (self.bytes[self.content] <= 1))
        self._require(_DOUBLE, size == 8)
        self._require(_INT, (size > 0) & (size <= 10))
        known = np.zeros(256, np.bool_)
        known[[_NULL, _STRING, _BOOL, _INT, _DOUBLE, ARRAY, MAP, _BYTES]] = True
        self.kind[~known[self.kind]] = ODD

    def _skip_length(self) -> None:
        """Texts, bytes and nested values begin with a length."""
        sized = (self.kind & 7) == 2
        rest = self.end - self.content - 1
        plain = sized & (self.bytes[self.content] == rest) & (rest < _MORE)
        self.content += plain
        wide = np.flatnonzero(sized & ~plain)
        if len(wide):
            width = self._length_width(self.content[wide], self.end[wide])
            self.content[wide] += width
            self.kind[wide[width == 0]] = ODD

    def _require(self, kind: int, condition: Mask) -> None:
        self.kind[(self.kind == kind) & ~condition] = ODD

    def _refuse_oversize(self, limits: Limits) -> None:
        over = self.key_end - self.key_at > limits.key_bytes
        over |= self.end - self.content > limits.value_bytes
        self.kind[over] = ODD

    def _read_ints(self) -> None:
        """Varints that fill the rest of the message; others are odd."""
        ints = np.flatnonzero(self.kind == _INT)
        numbers = np.zeros(len(ints), np.uint64)
        at, size = self.content[ints], self.end[ints] - self.content[ints]
        left, i = np.arange(len(ints)), 0
        while len(left):
            byte = self.bytes[at[left] + i]
            more = byte >= _MORE
            astray = more != (size[left] > i + 1)
            if astray.any():
                self.kind[ints[left[astray]]] = ODD
                more &= ~astray
            numbers[left] |= (byte & _LOW).astype(np.uint64) << np.uint64(7 * i)
            left, i = left[more], i + 1
        plain = self.kind[ints] == _INT
        self.ints, self.numbers = ints[plain], numbers.view(np.int64)[plain]

    def _check_text(self) -> None:
        """All texts are UTF-8. Those of odd messages protobuf itself checks."""
        is_text = self.kind == _STRING
        if not is_text.any():
            return
        stretches = np.empty(2 * len(is_text) + 1, np.int64)
        stretches[0:-1:2] = np.where(is_text, self.content, self.begin)
        stretches[1::2] = np.where(is_text, self.end, self.begin)
        stretches[-1] = stretches[-2]
        valid = np.zeros(2 * len(is_text), np.bool_)
        valid[0::2] = is_text
        pool = binary_array(self.bytes, stretches)
        buffers = [
            pa.py_buffer(np.packbits(valid, bitorder="little")),
            *pool.buffers()[1:],
        ]
        texts = pa.BinaryArray.from_buffers(pa.binary(), len(pool), buffers)
        require_utf8(texts)

    def keys(self, kept: Ints) -> Keys:
        stretches = np.empty(2 * len(self.begin) + 1, np.int64)
        stretches[0:-1:2], stretches[1::2] = self.key_at, self.key_end
        stretches[-1] = len(self.bytes) - len(PADDING)
        names = binary_array(self.bytes, stretches).take(pa.array(2 * kept))
        distinct = names.dictionary_encode()
        require_utf8(distinct.dictionary)
        return Keys(distinct.indices.to_numpy().astype(np.int64), distinct.dictionary)

    def make_pieces(self) -> tuple[Bytes, Ints, Ints]:
        """Turns the bytes into VARIANT values in place, over what came before them.

        Returns the bytes and where each piece begins and ends. A length or a key's
        tail always leaves room in front, but for integers under a tiny key: those
        are left out, see `short_ints`.
        """
        data, at, end = self.bytes, np.maximum(self.end - 1, self.begin), self.end
        self._place_text(at)
        doubles = np.flatnonzero(self.kind == _DOUBLE)
        at[doubles] = self.content[doubles] - 1
        data[at[doubles]] = _V_DOUBLE
        bools = np.flatnonzero(self.kind == _BOOL)
        data[at[bools]] = np.where(data[at[bools]] == 1, _V_TRUE, _V_FALSE)
        data[at[self.kind == _NULL]] = _V_NULL
        self._place_ints(at)
        return data, at, end

    def _place_text(self, at: Ints) -> None:
        size = self.end - self.content
        short = (self.kind == _STRING) & (size <= _SHORT_STRING_MAX)
        shorts = np.flatnonzero(short)
        at[shorts] = self.content[shorts] - 1
        self.bytes[at[shorts]] = size[shorts] << 2 | _V_SHORT_STRING
        longs = np.flatnonzero((self.kind == _STRING) & ~short | (self.kind == _BYTES))
        if len(longs):
            at[longs] = self.content[longs] - 5
            header = np.where(self.kind[longs] == _STRING, _V_STRING, _V_BINARY)
            self.bytes[at[longs]] = header
            for i in range(4):
                self.bytes[at[longs] + 1 + i] = size[longs] >> 8 * i & 0xFF

    def _place_ints(self, at: Ints) -> None:
        ints = self.ints
        roomy = self.end[ints] - self.begin[ints] >= INT_PIECE
        at[ints[roomy]] = self.end[ints[roomy]] - INT_PIECE
        write_ints(self.bytes, at[ints[roomy]], self.numbers[roomy])
        self.short_ints, self.short_numbers = ints[~roomy], self.numbers[~roomy]


def write_ints(data: Bytes, at: Ints, numbers: Ints) -> None:
    """VARIANT int64 values at the given places."""
    data[at] = _V_INT64
    little_endian = numbers.astype("<i8").view(np.uint8).reshape(-1, 8)
    for i in range(8):
        data[at + 1 + i] = little_endian[:, i]


def require_utf8(texts: pa.BinaryArray) -> None:
    try:
        texts.cast(pa.string())
    except pa.ArrowInvalid:
        raise BadRequest("a text is not valid UTF-8") from None
