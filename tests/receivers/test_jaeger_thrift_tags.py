"""The usual tags are read by columns, in both protocols and whatever their length."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given

from tests.receivers.jaeger_messages import batch_value, span, tag
from tests.receivers.serving import limits
from tests.receivers.test_jaeger_thrift_columns import BATCHES, require_same
from tests.receivers.thrift_writing import (
    Value,
    boolean,
    call,
    i32,
    i64,
    struct,
    text,
    written,
)
from traces.receivers.decoding import decode
from traces.receivers.encodings import Encoding
from traces.receivers.jaeger_thrift_tags import ODD, PlainTags, read_plain_tags
from traces.receivers.thrift_reading import Protocol

PROTOCOLS = pytest.mark.parametrize("protocol", list(Protocol), ids=lambda p: p.name)
LENGTHS = (0, 1, 127, 128, 255, 256, 16_383, 16_384, 65_535, 65_536)
LONG = [tag("k" * n, "v" * m) for n, m in zip(LENGTHS, LENGTHS[::-1], strict=True)]
LONG += [tag("k", b"\xff" * length) for length in LENGTHS]
INTEGERS = [
    sign * (2**bit - low) for bit in range(64) for sign in (1, -1) for low in (0, 1)
]
NUMBERS = [tag("k", number) for number in INTEGERS if -(2**63) <= number < 2**63]
TEXT, TYPE, NUMBER = {1: text("k")}, {2: i32(0)}, {2: i32(3)}


def read(tags: Sequence[Value], protocol: Protocol) -> PlainTags:
    bodies = [written(each, protocol.name.lower()) for each in tags]
    sizes = np.cumsum([0, *map(len, bodies)])
    return read_plain_tags(b"".join(bodies), sizes[:-1], protocol)


@PROTOCOLS
@pytest.mark.parametrize(
    "value", ["", "text", b"", b"\xff", 0.5, True, False, 0, 300, -(2**63), 2**63 - 1]
)
def test_a_tag_as_clients_write_it_is_plain(protocol: Protocol, value: Any):
    found = read([tag("key", value)] * 2, protocol)
    assert ODD not in found.kind
    assert found.keys([]).to_pylist() == [b"key"] * 2
    same = value.encode() if isinstance(value, str) else value
    assert found.values(found.kind[0]).to_pylist() == [same] * 2


@PROTOCOLS
@pytest.mark.parametrize(
    "odd",
    [
        {},
        TEXT,
        TEXT | TYPE,
        TYPE | TEXT | {3: text("v")},
        TEXT | {3: text("v")} | TYPE,
        TEXT | NUMBER | {3: text("v")},
        TEXT | NUMBER | {6: i64(1), 5: boolean(True)},
        TEXT | {2: i32(5), 3: text("v")},
        TEXT | {2: i32(3 + 256), 6: i64(1)},
        {9: i64(1)},
    ],
)
def test_any_other_tag_is_odd_and_its_neighbours_are_not(protocol, odd):
    good = tag("key", "value")
    found = read([good, struct(odd), good], protocol)
    assert (found.kind == ODD).tolist() == [False, True, False]
    assert found.keys([b"odd"]).to_pylist() == [b"key", b"odd", b"key"]


@PROTOCOLS
def test_no_tags_are_no_columns(protocol):
    assert not len(read([], protocol).kind)


def test_long_keys_and_values_are_what_they_are_one_by_one():
    require_same([written(batch_value(*[span(tags=[each]) for each in LONG]))])


@given(BATCHES)
@example(batch_value(*[span(tags=[each]) for each in LONG]))
@example(batch_value(*[span(tags=[each]) for each in NUMBERS]))
def test_both_protocols_say_the_same(value):
    message = call("emitBatch", {1: value}, "compact")
    found = decode([message], Encoding.JAEGER_COMPACT, limits())
    same = decode([written(value)], Encoding.JAEGER_THRIFT, limits())
    assert repr(found.batch.to_pylist()) == repr(same.batch.to_pylist())
