"""Tags of Jaeger's thrift by columns, in the bytes where they stand.

Clients write a tag in one way: its key, its type, the value of that type. The places of
tags are told by `thrift_reading`, which has been through all of their bytes; what is
written in another way is odd, and left to be read one by one.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from traces.receivers.thrift_reading import Protocol
from traces.variant_columns import Bytes, Ints, Mask, binary_array

TEXT, DOUBLE, BOOLEAN, INTEGER, BYTES = range(5)  # as TagType numbers them
ODD: Final = 0xFF
_SIZED: Final = np.array([True, False, False, False, True])
_PADDING: Final = bytes(16)  # so that looking ahead needs no bounds
_MORE, _LOW = 0x80, 0x7F
_LONGEST_VARINT = 10

Words = npt.NDArray[np.uint64]


class PlainTags(NamedTuple):
    """A kind for each tag, and the values of those of a kind.

    `pool` has four stretches a tag: its key, what is between, its text or bytes, and
    what is behind.
    """

    kind: Bytes
    pool: pa.BinaryArray
    doubles: npt.NDArray[np.float64]
    booleans: Mask
    integers: Ints

    def keys(self, odd: Sequence[bytes]) -> pa.BinaryArray:
        """The keys of those that are odd are given, in their order."""
        at, pool = 4 * np.arange(len(self.kind)), self.pool
        if odd:
            at[self.kind == ODD] = len(pool) + np.arange(len(odd))
            pool = pa.concat_arrays([pool, pa.array(odd, pa.binary())])
        return pool.take(pa.array(at))

    def values(self, kind: int) -> pa.Array:
        if _SIZED[kind]:
            return self.pool.take(pa.array(4 * np.flatnonzero(self.kind == kind) + 2))
        numbers: dict[int, Any] = {
            DOUBLE: self.doubles,
            BOOLEAN: self.booleans,
            INTEGER: self.integers,
        }
        return pa.array(numbers[kind])


def read_plain_tags(data: bytes, places: Ints, protocol: Protocol) -> PlainTags:
    return _READERS[protocol](data, places).read()


class _Reader:
    """What both protocols share: eight bytes at a place are a word, first byte lowest."""

    def __init__(self, data: bytes, places: Ints) -> None:
        padded = data + _PADDING
        self.bytes: Bytes = np.frombuffer(padded, np.uint8)
        # They overlap: one at each place.
        self.words: Words = np.ndarray((len(data) + 8,), "<u8", padded, 0, (1,))
        self.places = places
        self.odd = np.zeros(len(places), np.bool_)

    def read(self) -> PlainTags:
        key, key_end = self._find_key()
        kind, begin, end = self._find_value(key_end)
        kind[self.odd] = ODD
        ends = [key, key_end, begin, end]
        for each in ends:
            each[self.odd] = self.places[self.odd]
        stretches = np.empty(4 * len(kind) + 1, np.int64)
        for number, each in enumerate(ends):
            stretches[number:-1:4] = each
        stretches[-1] = len(self.bytes)
        return PlainTags(
            kind,
            binary_array(self.bytes, stretches),
            self._doubles(begin[kind == DOUBLE]),
            self._booleans(begin[kind == BOOLEAN]),
            self._integers(begin[kind == INTEGER]),
        )

    def _at(self, place: Ints) -> Words:
        """Places after what is odd may be anywhere behind."""
        return self.words[np.minimum(place, len(self.words) - 1)]

    def _find_key(self) -> tuple[Ints, Ints]:
        """Where the key begins and ends."""
        raise NotImplementedError

    def _find_value(self, at: Ints) -> tuple[Bytes, Ints, Ints]:
        """Its kind, and where it begins and ends."""
        raise NotImplementedError

    def _doubles(self, at: Ints) -> npt.NDArray[np.float64]:
        raise NotImplementedError

    def _booleans(self, at: Ints) -> Mask:
        raise NotImplementedError

    def _integers(self, at: Ints) -> Ints:
        raise NotImplementedError


def _byte(words: Words, number: int) -> Ints:
    """The byte of that number of each word."""
    return (words >> np.uint64(8 * number) & np.uint64(0xFF)).view(np.int64)


def _low(words: Words, count: int) -> Words:
    """The first so many bytes of each word."""
    low: Words = words & np.uint64((1 << 8 * count) - 1)
    return low


def _little(head: bytes) -> np.uint64:
    return np.uint64(int.from_bytes(head, "little"))


class _Binary(_Reader):
    """A field begins with its type and two bytes of its number; a length has four bytes.

    The first two of them are zeros, or the tag is odd.
    """

    _KEY: Final = _little(b"\x0b\x00\x01\x00\x00")
    _TYPE: Final = _little(b"\x08\x00\x02\x00\x00\x00")
    _HEADS: Final = np.array([0x0B, 0x04, 0x02, 0x0A, 0x0B])  # the values' types
    _SIZES: Final = np.array([0, 8, 1, 8, 0])

    def _find_key(self) -> tuple[Ints, Ints]:
        head = self._at(self.places)
        self.odd |= _low(head, 5) != self._KEY
        begin = self.places + 7
        return begin, begin + (_byte(head, 5) << 8) + _byte(head, 6)

    def _find_value(self, at: Ints) -> tuple[Bytes, Ints, Ints]:
        head = self._at(at)
        kind = np.minimum(_byte(head, 6), BYTES)
        # Two bytes of the value's number, then perhaps a length.
        start = self._at(at + 8)
        sized = _SIZED[kind]
        size = np.where(
            sized, (_byte(start, 4) << 8) + _byte(start, 5), self._SIZES[kind]
        )
        begin = at + 10 + 4 * sized
        end = begin + size
        self.odd |= _low(head, 6) != self._TYPE
        self.odd |= kind != _byte(head, 6)
        self.odd |= _byte(head, 7) != self._HEADS[kind]
        self.odd |= _low(start, 2) != (kind + 3).astype(np.uint64) << np.uint64(8)
        self.odd |= sized & (_low(start, 4) >> np.uint64(16) != 0)
        self.odd |= _byte(self._at(end), 0) != 0
        self.odd |= (kind == BOOLEAN) & (_byte(start, 2) > 1)
        return kind.astype(np.uint8), begin, end

    def _doubles(self, at: Ints) -> npt.NDArray[np.float64]:
        return self.words[at].byteswap().view(np.float64)

    def _booleans(self, at: Ints) -> Mask:
        true: Mask = self.bytes[at] == 1
        return true

    def _integers(self, at: Ints) -> Ints:
        return self.words[at].byteswap().view(np.int64)


class _Compact(_Reader):
    """A field begins with its distance from the last and its type, in one byte.

    A length takes one byte, or two, or the tag is odd.
    """

    _KEY: Final = 0x18
    _TYPE: Final = 0x15
    _HEADS: Final = np.array([0x18, 0x27, 0x31, 0x46, 0x58])
    _FALSE: Final = 0x32

    def _find_key(self) -> tuple[Ints, Ints]:
        head = self._at(self.places)
        self.odd |= _byte(head, 0) != self._KEY
        size, width = self._length(head, 1)
        begin = self.places + 1 + width
        return begin, begin + size

    def _find_value(self, at: Ints) -> tuple[Bytes, Ints, Ints]:
        head = self._at(at)
        type_, value_head = _byte(head, 1), _byte(head, 2)
        kind = np.minimum(type_ >> 1, BYTES)
        self.odd |= _byte(head, 0) != self._TYPE
        self.odd |= type_ != kind << 1
        is_false = (kind == BOOLEAN) & (value_head == self._FALSE)
        self.odd |= (value_head != self._HEADS[kind]) & ~is_false
        begin = at + 3
        size = 8 * (kind == DOUBLE)
        sized = np.flatnonzero(_SIZED[kind])
        size[sized], width = self._length(head[sized], 3, sized)
        begin[sized] += width
        integers = np.flatnonzero(kind == INTEGER)
        size[integers] = self._varints(begin[integers])[1]
        end = begin + size
        self.odd |= _byte(self._at(end), 0) != 0
        return kind.astype(np.uint8), begin, end

    def _length(
        self, words: Words, number: int, which: Any = slice(None)
    ) -> tuple[Ints, Ints]:
        """What the bytes from that number on say, and how many say it."""
        first, second = _byte(words, number), _byte(words, number + 1)
        wide = first >= _MORE
        self.odd[which] |= wide & (second >= _MORE)
        return (first & _LOW) + wide * (second << 7), 1 + wide

    def _varints(self, at: Ints) -> tuple[Words, Ints]:
        """The numbers, and of how many bytes they are."""
        numbers, sizes = np.zeros(len(at), np.uint64), np.zeros(len(at), np.int64)
        left = np.arange(len(at))
        for place in range(_LONGEST_VARINT):
            byte = _byte(self._at(at[left] + place), 0)
            numbers[left] |= (byte & _LOW).astype(np.uint64) << np.uint64(7 * place)
            sizes[left] += 1
            left = left[byte >= _MORE]
        return numbers, sizes

    def _doubles(self, at: Ints) -> npt.NDArray[np.float64]:
        return self.words[at].view(np.float64)

    def _booleans(self, at: Ints) -> Mask:
        true: Mask = self.bytes[at - 1] != self._FALSE
        return true

    def _integers(self, at: Ints) -> Ints:
        """The lowest bit is the sign."""
        numbers = self._varints(at)[0]
        one = np.uint64(1)
        signs: Ints = -(numbers & one).view(np.int64)
        return (numbers >> one).view(np.int64) ^ signs


_READERS: Final[dict[Protocol, type[_Reader]]] = {
    Protocol.BINARY: _Binary,
    Protocol.COMPACT: _Compact,
}
