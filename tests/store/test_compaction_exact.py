"""Compaction gives back every value with its type, to the bit, shredded or not."""

import math
import struct

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.builders import batch, event, link, span, span_id, trace_id
from tests.store.segment_builders import compacted, live_segments, make_store
from traces.models import Segment
from traces.store import merging
from traces.variant import INT64_MAX, INT64_MIN, decode_attributes

pytestmark = pytest.mark.django_db

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEYS = (
    st.sampled_from(["", "a", "a.b", "A", "value", "typed_value", "a\0b", '"']) | TEXT
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(INT64_MIN, INT64_MAX)
    | st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 1.0, 2.0**53])
    | st.floats()
    | TEXT
    | st.binary(max_size=12)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4)
    ),
    max_leaves=8,
)
MAPS = st.dictionaries(KEYS, VALUES, max_size=5)


@pytest.fixture
def shred_everything(monkeypatch):
    """Shred small files too, which DuckDB does for 30,000 rows and more only."""
    connect = merging.connect  # type: ignore[attr-defined]

    def eager(*args, **kwargs):
        database = connect(*args, **kwargs)
        database.execute("SET variant_minimum_shredding_size = 1")
        return database

    monkeypatch.setattr(merging, "connect", eager)


@pytest.fixture
def store(tmp_path):
    store = make_store(tmp_path)
    yield store
    store.engine.close()


def bits(value):
    """Equal only for equal types and bits: 1 is not 1.0, and 0.0 is not -0.0."""
    match value:
        case float():
            return ("double", struct.pack("<d", value))
        case dict():
            return ("map", {key: bits(item) for key, item in value.items()})
        case list():
            return ("array", [bits(item) for item in value])
    return (type(value).__name__, value)


def exact_rows(table):
    return [exact_row(row) for row in table.to_pylist()]


def exact_row(row):
    row = dict(row)
    for name in ("attributes", "resource_attributes", "scope_attributes"):
        row[name] = bits(decode_attributes(row[name]))
    for name in ("events", "links"):
        row[name] = [
            item | {"attributes": bits(decode_attributes(item["attributes"]))}
            for item in row[name]
        ]
    return row


def store_and_compact(store, *batches, **changes):
    """What one reads before the compaction, and after."""
    Segment.objects.all().delete()
    for name in list(store.files.names()):
        store.files.discard(name)
    for one in batches:
        store.write(one)
    ids = sorted({i for one in batches for i in one["trace_id"].to_pylist()})
    before = store.get_traces(ids)
    assert compacted(store, **changes).merges == 1
    return exact_rows(before), exact_rows(store.get_traces(ids))


def numbered_batch(maps, first):
    return batch(
        *(
            span(
                trace_id=trace_id(first + number),
                span_id=span_id(first + number),
                attributes=attributes,
                resource_attributes=attributes,
                scope_attributes=attributes,
                events=[event("e", attributes=1) | {"attributes": attributes}],
                links=[link(trace_id(9), span_id(9)) | {"attributes": attributes}],
            )
            for number, attributes in enumerate(maps, 1)
        )
    )


@settings(
    max_examples=15,
    deadline=None,
    # Shrinking runs a compaction a step; the first failure says enough.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(MAPS, min_size=1, max_size=8), st.lists(MAPS, min_size=1, max_size=8))
def test_any_value_comes_back_exactly(store, shred_everything, one, other):
    batches = [numbered_batch(one, 0), numbered_batch(other, 100)]
    before, after = store_and_compact(store, *batches)
    written = [exact_row(row) for each in batches for row in each.to_pylist()]
    assert before == written
    assert after == written


@pytest.mark.parametrize("number", [0, 1, -1, 2**53 + 1, INT64_MAX, INT64_MIN])
def test_an_integer_among_doubles_and_text_stays_an_integer(
    store, shred_everything, number
):
    mixed = [{"x": number}, {"x": float(number)}, {"x": str(number)}, {"x": [number]}]
    before, after = store_and_compact(
        store, numbered_batch(mixed, 0), numbered_batch(mixed, 100)
    )
    assert after == before


def test_a_large_segment_is_shredded_and_exact(store):
    maps = [{"n": i, "d": i / 7, "s": f"v{i}", "b": i % 2 == 0} for i in range(20_000)]
    store_of_half = [numbered_batch(maps, 0), numbered_batch(maps, 20_000)]
    before, after = store_and_compact(store, *store_of_half)
    assert after == before
    with store.connection() as connection:
        (columns,) = connection.execute(
            "SELECT count(*) FROM parquet_schema(?) WHERE name = 'typed_value'",
            [str(store.files.path(live_segments()[0].name))],
        ).fetchone()
    assert columns > 10


def test_merging_what_was_merged_changes_nothing(store, shred_everything):
    values = {"n": 1, "d": -0.0, "t": "x", "m": {"a": [1, "2"]}, "": "no name"}
    for first in (0, 100, 200, 300):
        store.write(numbered_batch([values, {"n": "text"}], first))
        compacted(store)
    ids = [trace_id(first + n) for first in (0, 100, 200, 300) for n in (1, 2)]
    rows = exact_rows(store.get_traces(ids))
    assert max(segment.level for segment in live_segments()) > 1
    assert [row["attributes"] for row in rows] == [
        bits(values),
        bits({"n": "text"}),
    ] * 4


def test_nanoseconds_and_the_widest_times_stay(store):
    times = [(INT64_MAX, 0), (INT64_MAX, INT64_MAX), (INT64_MIN, -1), (1, INT64_MIN)]
    spans = [
        span(trace_id=trace_id(n), start_time_unix_nano=start, duration_nano=duration)
        for n, (start, duration) in enumerate(times, 1)
    ]
    before, after = store_and_compact(store, batch(*spans[:2]), batch(*spans[2:]))
    assert after == before
