"""Thrift within bounds, whatever the bytes."""

import struct as binary
from collections.abc import Sequence
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.receivers.memory import MIB, growing_at_most
from tests.receivers.thrift_writing import (
    boolean,
    call,
    double,
    i32,
    i64,
    listed,
    struct,
    text,
    written,
)
from traces.collections_paused import no_collections
from traces.receivers import thrift_reading as reading
from traces.receivers.thrift_reading import Protocol, list_of
from traces.receivers.verdict import BadRequest


class Tag:
    key = ""
    value = 0
    raw = b""


class Holder:
    tags: Sequence[Tag] = ()
    name = ""
    ok = False
    share = 0.0


TAG = reading.struct(
    Tag,
    {1: ("key", reading.TEXT), 3: ("value", reading.I64), 4: ("raw", reading.BYTES)},
)
HOLDER = reading.struct(
    Holder,
    {
        1: ("tags", list_of(TAG)),
        2: ("name", reading.TEXT),
        3: ("ok", reading.BOOL),
        4: ("share", reading.DOUBLE),
    },
)
PROTOCOLS = pytest.mark.parametrize("protocol", list(Protocol), ids=lambda p: p.name)
MOST = 1_000_000


def read(body: bytes, protocol: Protocol = Protocol.BINARY, most: int = MOST) -> Any:
    return reading.read(body, HOLDER, protocol, most)


def size(number: int) -> bytes:
    return binary.pack("!i", number)


def encoded(fields: dict[int, Any], protocol: Protocol) -> bytes:
    return written(struct(fields), protocol.name.lower())


@PROTOCOLS
def test_a_struct_is_what_was_made_of_its_fields(protocol):
    tag = struct({1: text("größe"), 3: i64(-(2**63)), 4: text(b"\x00\xff")})
    fields = {1: listed(tag), 2: text("x"), 3: boolean(True), 4: double(-0.5)}
    found = read(encoded(fields, protocol), protocol)
    [read_tag] = found.tags
    assert (found.name, found.ok, found.share) == ("x", True, -0.5)
    assert vars(read_tag) == {"key": "größe", "value": -(2**63), "raw": b"\x00\xff"}


@PROTOCOLS
def test_fields_of_other_numbers_or_types_are_passed_over(protocol):
    fields = {2: i32(7), 3: boolean(True), 70: listed(struct({1: text("x")}))}
    found = read(encoded(fields, protocol), protocol)
    assert vars(found) == {"ok": True}
    assert (found.name, found.tags) == ("", ())


@PROTOCOLS
def test_c13_bad_utf8_becomes_a_replacement_character(protocol):
    found = read(encoded({2: text(b"a\xffb\xed\xa0\x80")}, protocol), protocol)
    assert found.name == "a\ufffdb\ufffd\ufffd\ufffd"


@PROTOCOLS
def test_a_list_may_have_as_many_items_as_allowed(protocol):
    body = encoded({1: listed(*[struct({})] * 3)}, protocol)
    assert len(read(body, protocol, most=3).tags) == 3
    with pytest.raises(BadRequest, match="not valid thrift"):
        read(body, protocol, most=2)


@PROTOCOLS
def test_b5_all_structs_of_a_large_body_together_are_bounded(protocol):
    tags = listed(*[struct({1: text("x" * 1_000)})] * 400)
    body = encoded({1: tags}, protocol)
    assert len(read(body, protocol, most=401).tags) == 400
    with pytest.raises(BadRequest, match="400 items at most"):
        read(body, protocol, most=400)


def test_a_list_without_a_struct_around_it_is_read():
    body = written(listed(struct({3: i64(1)}), struct({3: i64(2)})))
    found = reading.read_list(body, TAG, MOST)
    assert [each.value for each in found] == [1, 2]


PLACED = reading.struct(Holder, {1: ("tags", list_of(reading.PLACE))})


def placed(*bodies: bytes, most: int = MOST, protocol: Any = Protocol.BINARY) -> Any:
    return reading.Stream(bodies, PLACED, protocol, most)


@PROTOCOLS
def test_places_are_told_in_all_bodies_and_read_later(protocol):
    tags = [struct({1: text("a"), 3: i64(1)}), struct({1: text("b")})]
    body = encoded({1: listed(*tags)}, protocol)
    stream = placed(body, body, protocol=protocol)
    places = [*stream.read(0).tags, *stream.read(1).tags]
    assert [stream.read_at(each, TAG).key for each in places] == ["a", "b"] * 2


def test_a_closed_stream_leaves_no_bytes_to_the_collector():
    body = encoded({2: text("x" * MIB)}, Protocol.BINARY)
    with growing_at_most(8 * MIB), no_collections():
        for _ in range(10):
            with closing(placed(body, body)) as stream:
                stream.read(0)


@PROTOCOLS
def test_a_cut_body_is_not_read_on_in_the_next(protocol):
    body = encoded({1: listed(struct({1: text("key")}))}, protocol)
    for end in range(len(body)):
        stream = placed(body[:end], body, protocol=protocol)
        with pytest.raises(BadRequest, match="ends too soon"):
            stream.read(0)
        assert len(stream.read(1).tags) == 1


@PROTOCOLS
def test_b5_all_places_of_a_large_body_together_are_bounded(protocol):
    tags = listed(*[struct({1: text("x" * 1_000)})] * 400)
    body = encoded({1: tags}, protocol)
    assert len(placed(body, protocol=protocol, most=401).read(0).tags) == 400
    with pytest.raises(BadRequest, match="400 items at most"):
        placed(body, protocol=protocol, most=400).read(0)


@pytest.mark.parametrize("hidden", [False, True])
def test_a9_what_is_only_placed_is_held_to_the_bounds(hidden):
    nested = b"\x0c\x00\x09" * 100_000
    long = b"\x0b\x00\x01" + size(2**31 - 1)
    for inner in (nested, long):
        body = b"\x0f\x00\x01\x0c" + size(1) + inner
        bodies = [body, b"\x00" * 100] if hidden else [body]
        with growing_at_most(20 * MIB), pytest.raises(BadRequest):
            placed(*bodies).read(0)


HOSTILE = {
    "nothing": b"",
    "a text of 2^31-1 bytes": b"\x0b\x00\x02" + size(2**31 - 1) + b"x",
    "a text of negative length": b"\x0b\x00\x02" + size(-1) + b"x",
    "a list of 2^31-1 structs": b"\x0f\x00\x01\x0c" + size(2**31 - 1) + b"\x00",
    "a list of negative length": b"\x0f\x00\x01\x0c" + size(-1) + b"\x00",
    "100,000 nested structs": b"\x0c\x00\x09" * 100_000,
    "100,000 nested lists": b"\x0f\x00\x09" + b"\x0f\x00\x00\x00\x01" * 100_000,
    "100,000 nested maps": b"\x0d\x00\x09" + b"\x03\x0d\x00\x00\x00\x01\x00" * 100_000,
    "an unknown text of 2^31-1 bytes": b"\x0b\x00\x09" + size(2**31 - 1) + b"x",
    "an unknown list of 2^31-1 structs": b"\x0f\x00\x09\x0c" + size(2**31 - 1),
    "an unknown list of 2^31-1 nothings": b"\x0f\x00\x09\x01" + size(2**31 - 1),
    "an unknown list of 2^31-1 stops": b"\x0f\x00\x09\x00" + size(2**31 - 1),
    "the compact protocol": written(struct({1: listed(struct({}))}), "compact"),
    "no thrift at all": b'{"spans": []}',
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a9_hostile_bytes_are_refused_and_take_no_memory(case):
    with growing_at_most(20 * MIB), pytest.raises(BadRequest, match="not valid thrift"):
        read(HOSTILE[case])


COMPACT_HOSTILE = {
    "a text of 2^31-1 bytes": b"\x28\xff\xff\xff\xff\x07x",
    "a list of 2^31-1 structs": b"\x19\xfc\xff\xff\xff\xff\x07",
    "100,000 nested structs": b"\x9c" * 100_000,
    "100,000 nested lists": b"\x99" + b"\x19" * 100_000,
    "an endless number": b"\x28" + b"\xff" * 100,
    "the binary protocol": written(struct({1: listed(struct({}))}), "binary"),
}


@pytest.mark.parametrize("case", COMPACT_HOSTILE)
def test_a9_hostile_compact_bytes_are_refused_and_take_no_memory(case):
    with growing_at_most(20 * MIB), pytest.raises(BadRequest, match="not valid thrift"):
        read(COMPACT_HOSTILE[case], Protocol.COMPACT)


@given(st.binary(max_size=200))
def test_a9_any_bytes_are_read_or_refused(body):
    for protocol in Protocol:
        for attempt in (read, reading.open_call):
            with suppress(BadRequest):
                attempt(body, protocol)


@PROTOCOLS
def test_a_cut_struct_is_refused_wherever_it_is_cut(protocol):
    fields = {1: listed(struct({1: text("key"), 3: i64(300)})), 2: text("name")}
    body = encoded(fields, protocol)
    for end in range(len(body)):
        with pytest.raises(BadRequest):
            read(body[:end], protocol)


@PROTOCOLS
def test_a_message_is_its_method_and_the_arguments(protocol):
    message = call("emit", {2: text("x")}, protocol.name.lower(), number=7)
    opened = reading.open_call(message, protocol)
    assert opened.method == "emit"
    assert read(opened.arguments, protocol).name == "x"


@PROTOCOLS
def test_a_method_name_may_not_be_long(protocol):
    message = call("e" * 129, {}, protocol.name.lower())
    with pytest.raises(BadRequest):
        reading.open_call(message, protocol)
