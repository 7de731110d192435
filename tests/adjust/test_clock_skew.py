from typing import Any

from tests.builders import MS, T0, batch
from tests.test_trace import kinds, numbered
from traces.adjust.standard import STRUCTURE, adjust
from traces.defects import DefectKind
from traces.spans import SpanKind
from traces.trace import Trace

CLIENT, SERVER = SpanKind.CLIENT, SpanKind.SERVER


def on(host: str, *args: Any, **fields: Any) -> dict[str, Any]:
    resource = {"service.name": host, "host.name": host}
    return numbered(*args, service=host, resource_attributes=resource, **fields)


def starts_ms(trace: Trace) -> list[int]:
    return ((trace.columns.start - T0) // MS).tolist()


def test_a_server_on_another_host_is_centred_in_its_client():
    trace = adjust(
        batch(
            on("a", 1, kind=CLIENT, ms=100),
            on("b", 2, 1, kind=SERVER, start_ms=500, ms=50),
            on("b", 3, 2, start_ms=510, ms=10),
        )
    )
    assert starts_ms(trace) == [0, 25, 35]
    assert kinds(trace) == [DefectKind.CLOCK_SKEW]
    assert "475 ms ahead of" in trace.defects[0].sentence
    assert "more than the root span lasts" in trace.defects[0].sentence


def test_the_times_as_sent_are_kept():
    spans = batch(
        on("a", 1, kind=CLIENT, ms=100),
        on("b", 2, 1, kind=SERVER, start_ms=500, ms=50),
    )
    assert starts_ms(adjust(spans, STRUCTURE)) == [0, 500]
    moved = adjust(spans)
    assert (moved.columns.start - moved.columns.shift - T0).tolist() == [0, 500 * MS]


def test_two_calls_to_one_host_get_one_offset():
    trace = adjust(
        batch(
            on("a", 1, ms=300),
            on("a", 2, 1, kind=CLIENT, start_ms=0, ms=100),
            on("b", 3, 2, kind=SERVER, start_ms=-50, ms=60),
            on("a", 4, 1, kind=CLIENT, start_ms=200, ms=90),
            on("b", 5, 4, kind=SERVER, start_ms=160, ms=50),
        )
    )
    first, second = (starts_ms(trace)[row] for row in (2, 4))
    assert first + 50 == second - 160
    assert 0 <= first <= 40
    assert 200 <= second <= 240


def test_clocks_that_may_agree_are_left_alone():
    spans = batch(
        on("a", 1, kind=CLIENT, ms=100),
        on("b", 2, 1, kind=SERVER, start_ms=1, ms=98),
    )
    assert adjust(spans).defects == ()


def test_an_internal_child_on_another_host_is_never_moved():
    spans = batch(
        on("a", 1, ms=100), on("b", 2, 1, kind=SpanKind.INTERNAL, start_ms=500)
    )
    assert adjust(spans).defects == ()


def test_a_child_on_the_same_host_is_never_moved():
    spans = batch(
        on("a", 1, kind=CLIENT, ms=100), on("a", 2, 1, kind=SERVER, start_ms=500)
    )
    assert adjust(spans).defects == ()


def test_without_host_attributes_the_service_stands_for_its_host():
    trace = adjust(
        batch(
            numbered(1, kind=CLIENT, ms=100, service="a"),
            numbered(2, 1, kind=SERVER, start_ms=-40, ms=20, service="b"),
        )
    )
    assert starts_ms(trace) == [0, 40]


def test_offsets_chain_from_host_to_host():
    trace = adjust(
        batch(
            on("a", 1, kind=CLIENT, ms=100),
            on("b", 2, 1, kind=SERVER, start_ms=1000, ms=100),
            on("b", 3, 2, kind=CLIENT, start_ms=1010, ms=40),
            on("c", 4, 3, kind=SERVER, start_ms=5000, ms=40),
        )
    )
    assert starts_ms(trace) == [0, 0, 10, 10]


def test_a_server_that_outlives_its_client_only_may_not_start_before_it():
    trace = adjust(
        batch(
            on("a", 1, kind=CLIENT, ms=100),
            on("b", 2, 1, kind=SERVER, start_ms=-30, ms=500),
            on("b", 3, 2, start_ms=-20, ms=10),
        )
    )
    assert starts_ms(trace) == [0, 0, 10]
    assert "moved one by one" in trace.defects[0].sentence


def test_contradicting_calls_are_corrected_one_by_one():
    trace = adjust(
        batch(
            on("a", 1, ms=1000),
            on("a", 2, 1, kind=CLIENT, start_ms=0, ms=10),
            on("b", 3, 2, kind=SERVER, start_ms=500, ms=10),
            on("a", 4, 1, kind=CLIENT, start_ms=100, ms=10),
            on("b", 5, 4, kind=SERVER, start_ms=100, ms=10),
        )
    )
    assert starts_ms(trace) == [0, 0, 0, 100, 100]


def test_hosts_that_no_call_ties_to_the_root_follow_the_caller_among_them():
    trace = adjust(
        batch(
            on("root", 1, ms=100),
            on("z", 2, 1, kind=CLIENT, start_ms=10, ms=20),
            on("b", 3, 2, kind=SERVER, start_ms=500, ms=20),
        )
    )
    assert starts_ms(trace) == [0, 10, 10]
    assert "The clock of b" in trace.defects[0].sentence
