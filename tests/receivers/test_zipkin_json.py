"""Zipkin v2 JSON as spans: what becomes of each field, and what is refused."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.receivers.rows import rows_of
from tests.receivers.serving import limits
from tests.receivers.zipkin import (
    START,
    decode_spans,
    decode_zipkin,
    read_row,
    read_rows,
    zipkin_json,
    zipkin_span,
)
from traces.receivers import zipkin_json as zipkin_json_reader
from traces.receivers.decoding import decode
from traces.receivers.encodings import Encoding
from traces.semconv import UNKNOWN_SERVICE


def test_a_span_keeps_its_ids_name_and_times():
    row = read_row()
    assert row["trace_id"].hex() == "463ac35c9f6413ad48485a3953bb6124"
    assert row["span_id"].hex() == "a2fb4a1d1a96d312"
    assert row["parent_span_id"] is None
    assert row["name"] == "get /"
    assert row["start_time_unix_nano"] == START * 1000
    assert row["duration_nano"] == 12_000


def test_z2_c1_short_ids_are_padded():
    row = read_row(traceId="48485a3953bb6124", id="1", parentId="2")
    assert row["trace_id"].hex() == "000000000000000048485a3953bb6124"
    assert row["span_id"].hex() == "0000000000000001"
    assert row["parent_span_id"].hex() == "0000000000000002"


def test_z2_leading_zeros_of_a_trace_id_say_nothing():
    long, short = (
        read_row(traceId=each)
        for each in ("0" * 16 + "48485a3953bb6124", "48485a3953bb6124")
    )
    assert long == short


def test_c2_trace_ids_that_share_their_low_half_are_two():
    rows = read_rows(zipkin_span(traceId="1" * 32), zipkin_span(traceId="2" + "1" * 31))
    assert rows[0]["trace_id"] != rows[1]["trace_id"]


@pytest.mark.parametrize(
    "parent", ["0000000000000001", "1", "0000000000000000", "", None]
)
def test_z2_c5_a_parent_equal_to_the_span_or_zero_means_root(parent):
    assert read_row(id="1", parentId=parent)["parent_span_id"] is None


@pytest.mark.parametrize("parent", ["xyz", "A" * 16, "a" * 17])
def test_c4_a_parent_that_is_no_id_is_taken_as_absent_and_said(parent):
    decoded = decode_spans(zipkin_span(parentId=parent))
    assert rows_of(decoded.batch)[0]["parent_span_id"] is None
    assert "taken as absent" in decoded.verdicts[0].message


BAD: dict[str, Any] = {
    "zero trace id": {"traceId": "0" * 32},
    "upper case": {"traceId": "A" * 32},
    "33 digits": {"traceId": "a" * 33},
    "no trace id": {"traceId": ""},
    "null trace id": {"traceId": None},
    "trace id is a number": {"traceId": 7},
    "trace id with a space": {"traceId": "48 48"},
    "trace id of other digits": {"traceId": "\u0661" * 16},
    "zero id": {"id": "0"},
    "17 digits": {"id": "a" * 17},
    "id of a newline": {"id": "a\n"},
    "timestamp is a word": {"timestamp": "soon"},
    "timestamp is negative": {"timestamp": -5},
    "timestamp is late": {"timestamp": 10**17},
    "timestamp is 2^63": {"timestamp": 2**63},
    "timestamp is huge": {"timestamp": 10**30},
    "timestamp is true": {"timestamp": True},
    "duration is long": {"duration": 10**16},
    "duration is 2^64": {"duration": 2**64},
    "duration is very negative": {"duration": -(2**63)},
    "kind is a number": {"kind": 3},
    "name is a list": {"name": []},
    "endpoint is a text": {"localEndpoint": "shop"},
    "service is a number": {"localEndpoint": {"serviceName": 7}},
    "port 70000": {"remoteEndpoint": {"port": 70_000}},
    "port -1": {"localEndpoint": {"port": -1}},
    "tags are a list": {"tags": ["a"]},
    "tag is null": {"tags": {"a": None}},
    "tag is an object": {"tags": {"a": {}}},
    "annotation without time": {"annotations": [{"value": "no time"}]},
    "annotation of a number": {"annotations": [{"timestamp": START, "value": 7}]},
    "annotation is late": {"annotations": [{"timestamp": 10**17, "value": "x"}]},
    "annotation is negative": {"annotations": [{"timestamp": -1, "value": "x"}]},
    "annotations are a text": {"annotations": "none"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a7_c3_c10_a_bad_span_is_refused_and_the_next_one_taken(bad):
    decoded = decode_spans(zipkin_span(**bad), "no span", zipkin_span(id="2"))
    [verdict] = decoded.verdicts
    assert verdict.error is None
    assert (verdict.spans, verdict.rejected_spans) == (3, 2)
    assert decoded.batch["span_id"].to_pylist() == [bytes(7) + b"\2"]


def test_c3_all_bad_is_a_bad_request():
    decoded = decode_spans(zipkin_span(id="0"), zipkin_span(id="xyz"))
    assert "1 refused: span_id is all zeros" in str(decoded.verdicts[0].error)
    assert "hexadecimal" in str(decoded.verdicts[0].error)


def test_c10_the_last_microsecond_is_kept():
    last = (2**63 - 1) // 1000
    row = read_row(timestamp=last - 1, duration=1)
    assert row["start_time_unix_nano"] + row["duration_nano"] == last * 1000


@pytest.mark.parametrize(
    ("name", "kind"),
    [(None, 1), ("SERVER", 2), ("CLIENT", 3), ("PRODUCER", 4), ("CONSUMER", 5)],
)
def test_kinds_map_and_an_absent_one_is_internal(name, kind):
    assert read_row(kind=name)["kind"] == kind


@pytest.mark.parametrize("name", ["ROBOT", "client", "INTERNAL"])
def test_a7_an_unknown_kind_is_unspecified_and_said(name):
    decoded = decode_spans(zipkin_span(kind=name))
    assert rows_of(decoded.batch)[0]["kind"] == 0
    assert "unknown span kinds" in decoded.verdicts[0].message


@pytest.mark.parametrize(
    ("duration", "micro"), [(0.25, 1), (0, 0), (None, 0), (3.7, 3), ("5", 5)]
)
def test_z3_a_duration_below_one_counts_as_one(duration, micro):
    assert read_row(duration=duration)["duration_nano"] == micro * 1000


def test_c9_a_negative_duration_is_stored_as_it_came():
    row = read_row(duration=-7)
    assert row["start_time_unix_nano"] == START * 1000
    assert row["duration_nano"] == -7_000


def test_a7_times_may_be_floats_and_texts():
    assert read_row(timestamp=float(START), duration="12") == read_row()


def test_tags_stay_text():
    tags = {"http.status_code": "200", "count": 7, "hit": True, "empty": "", "": "x"}
    assert read_row(tags=tags)["attributes"] == {
        "http.status_code": "200",
        "count": "7",
        "hit": "true",
        "empty": "",
        "": "x",
    }


def test_the_local_endpoint_is_the_service():
    local = {"serviceName": "shop", "ipv4": "10.0.0.1", "port": 80}
    row = read_row(localEndpoint=local)
    assert row["resource_attributes"] == {"service.name": "shop"}
    assert row["service_name"] == "shop"
    assert row["attributes"] == {
        "network.local.address": "10.0.0.1",
        "network.local.port": 80,
    }


@pytest.mark.parametrize(
    "local", [None, {}, {"serviceName": ""}, {"serviceName": None}]
)
def test_a_span_of_no_service_is_of_an_unknown_one(local):
    row = read_row(localEndpoint=local)
    assert row["service_name"] == UNKNOWN_SERVICE
    assert row["resource_attributes"] == {}


def test_the_remote_endpoint_is_the_peer():
    remote = {"serviceName": "db", "ipv6": "::1", "port": 5432}
    assert read_row(remoteEndpoint=remote)["attributes"] == {
        "network.peer.address": "::1",
        "network.peer.port": 5432,
        "service.peer.name": "db",
    }


def test_a7_an_address_that_is_none_stays_the_text_it_is():
    remote = {"ipv4": "999.1.1.1<b>"}
    attributes = read_row(remoteEndpoint=remote)["attributes"]
    assert attributes == {"network.peer.address": "999.1.1.1<b>"}


@pytest.mark.parametrize(
    "tag", ["peer.service", "service.peer.name", "network.peer.port"]
)
def test_a_tag_that_names_the_peer_goes_before_the_endpoint(tag):
    key = "port" if tag.endswith("port") else "serviceName"
    remote = {key: 80 if key == "port" else "db"}
    row = read_row(remoteEndpoint=remote, tags={tag: "postgres"})
    assert row["attributes"] == {tag: "postgres"}


def test_an_error_tag_makes_an_error_with_its_message():
    row = read_row(tags={"error": "card refused", "otel.status_code": "ERROR"})
    assert (row["status_code"], row["status_message"]) == (2, "card refused")
    assert row["attributes"] == {}


@pytest.mark.parametrize("text", ["", "true", "false"])
def test_an_error_tag_of_any_text_makes_an_error(text):
    row = read_row(tags={"error": text})
    assert (row["status_code"], row["status_message"]) == (2, "")
    assert row["attributes"] == ({"error": "false"} if text == "false" else {})


def test_otel_tags_move_to_their_fields():
    tags = {
        "otel.status_code": "OK",
        "otel.status_description": "fine",
        "otel.scope.name": "lib",
        "otel.library.version": "2",
        "otel.dropped_links_count": "4",
    }
    row = read_row(tags=tags)
    assert (row["scope_name"], row["scope_version"]) == ("lib", "2")
    assert (row["status_code"], row["status_message"]) == (1, "fine")
    assert row["dropped_links_count"] == 4
    assert row["attributes"] == {}


def test_otel_tags_that_make_no_sense_stay_tags():
    tags = {
        "otel.status_code": "FINE",
        "otel.status_description": "why",
        "otel.dropped_links_count": "-4",
        "otel.dropped_events_count": "9" * 10,
    }
    row = read_row(tags=tags)
    assert row["attributes"] == tags
    assert (row["status_code"], row["dropped_events_count"]) == (0, 0)


@pytest.mark.parametrize(
    ("value", "name", "attributes"),
    [
        ("wire send", "wire send", {}),
        ("", "", {}),
        (
            '"retry": {"attempt": 2, "why": "slow"}',
            "retry",
            {"attempt": 2, "why": "slow"},
        ),
        ('{"retry": {"attempt": 2}}', "retry", {"attempt": 2}),
        ('{"retry": 2}', '{"retry": 2}', {}),
        ('"retry": {"nested": {}}', '"retry": {"nested": {}}', {}),
        ('"a": {}, "b": {}', '"a": {}, "b": {}', {}),
        ('"broken": {}}', '"broken": {}}', {}),
        ('"deep": ' + "[" * 5000 + "}", '"deep": ' + "[" * 5000 + "}", {}),
    ],
    ids=[
        "plain",
        "empty",
        "otel",
        "otel of Python",
        "other JSON",
        "nested",
        "two",
        "broken",
        "deep",
    ],
)
def test_annotations_become_events(value, name, attributes):
    annotations = [
        {"timestamp": START + 1, "value": value},
        {"timestamp": START + 2, "value": "end"},
    ]
    decoded = decode_spans(zipkin_span(annotations=annotations))
    first, second = rows_of(decoded.batch)[0]["events"]
    assert first["time_unix_nano"] == (START + 1) * 1000
    assert first["name"] == name[:1024]
    assert first["attributes"] == attributes
    assert second["name"] == "end"


def test_c7_the_halves_of_a_shared_span_stay_two():
    client = zipkin_span(kind="CLIENT")
    server = zipkin_span(kind="SERVER", shared=True, debug=True)
    rows = read_rows(client, server)
    assert [row["kind"] for row in rows] == [3, 2]
    assert rows[1]["attributes"] == {"zipkin.shared": True, "zipkin.debug": True}


def test_a_half_without_a_start_takes_the_other_half_s_and_says_so():
    client = zipkin_span(kind="CLIENT")
    server = zipkin_span(kind="SERVER", shared=True, timestamp=0, duration=None)
    row = read_rows(client, server)[1]
    assert row["start_time_unix_nano"] == START * 1000
    assert row["attributes"]["otel.zipkin.absentField.startTime"] is True


def test_a_span_without_a_start_takes_its_first_annotation_s():
    moments = [{"timestamp": START + n, "value": "ws"} for n in (5, 3)]
    row = read_row(timestamp=None, annotations=moments)
    assert row["start_time_unix_nano"] == (START + 3) * 1000


def test_a_span_without_a_start_takes_that_of_its_trace():
    rows = read_rows(zipkin_span(), zipkin_span(id="2", timestamp=None))
    assert rows[1]["start_time_unix_nano"] == START * 1000


def test_a_span_with_no_start_anywhere_is_refused():
    other = zipkin_span(traceId="1")
    decoded = decode_spans(zipkin_span(timestamp=None), other)
    [reason] = decoded.verdicts[0].rejected
    assert "no timestamp" in reason


def test_requests_share_a_call_and_nothing_else():
    bodies = [
        zipkin_json(zipkin_span(name="first")),
        b"[",
        zipkin_json(zipkin_span(timestamp=None, id="2")),
        zipkin_json(),
        zipkin_json(zipkin_span(name="last", id="0"), zipkin_span(name="last")),
    ]
    decoded = decode(bodies, Encoding.ZIPKIN_JSON, limits())
    assert [v.accepted_spans for v in decoded.verdicts] == [1, 0, 0, 0, 1]
    assert [v.error is None for v in decoded.verdicts] == [
        True,
        False,
        False,
        True,
        True,
    ]
    assert decoded.batch["name"].to_pylist() == ["first", "last"]


@pytest.mark.parametrize(
    "v1",
    [
        {"binaryAnnotations": []},
        {"binaryAnnotations": None, "timestamp": "12"},
        {"annotations": [{"endpoint": {}, "timestamp": 1, "value": "sr"}]},
    ],
)
def test_z1_version_1_is_told_apart(v1):
    [verdict] = decode_spans(zipkin_span(), zipkin_span(**v1)).verdicts
    assert "v1 JSON" in str(verdict.error)
    assert "v2 JSON" in str(verdict.error)


NO_LISTS = {
    "object": b"{}",
    "null": b"null",
    "text": b'"x"',
    "number": b"5",
    "one span": json.dumps(zipkin_span()).encode(),
}


@pytest.mark.parametrize("body", NO_LISTS.values(), ids=NO_LISTS.keys())
def test_a7_json_that_is_no_list_is_a_bad_request(body):
    assert "not a list of spans" in str(decode_zipkin(body).verdicts[0].error)


GOOD = zipkin_json(zipkin_span())
NOT_JSON = {
    "NaN": b'[{"timestamp": NaN}]',
    "lone surrogate": b'[{"name": "\\ud800"}]',
    "lone surrogate in a key": b'[{"tags": {"\\udfff": "x"}}]',
    "BOM": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "bytes after": GOOD + b"x",
    "two documents": GOOD + GOOD,
    "cut off": GOOD[:-2],
    "bad UTF-8": b'[{"name": "\xff"}]',
    "blank": b" ",
    "100,000 deep": b'[{"x":' * 100_000,
    "100,000 deep and closed": b"[" * 100_000 + b"]" * 100_000,
}


@pytest.mark.parametrize("body", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_a4_what_is_not_json_is_a_bad_request(body):
    decoded = decode([body, GOOD], Encoding.ZIPKIN_JSON, limits())
    assert "JSON" in str(decoded.verdicts[0].error)
    assert decoded.verdicts[1].accepted_spans == 1


def test_a4_of_duplicate_members_the_last_counts():
    body = b'[{"id": "1", ' + GOOD[2:]
    assert decode_zipkin(body).batch.equals(decode_zipkin(GOOD).batch)


def test_c13_any_text_is_kept():
    odd = "\0 \u202e \n \U0001f600 é"
    row = read_row(name=odd, tags={odd: odd}, localEndpoint={"serviceName": odd})
    assert (row["name"], row["service_name"]) == (odd, odd)
    assert row["attributes"] == {odd: odd}


def test_b6_what_is_over_the_limits_is_cut_and_said():
    tags = {f"k{n}": "v" for n in range(600)}
    notes = [{"timestamp": START, "value": "x"}] * 1_100
    decoded = decode_spans(zipkin_span(tags=tags, annotations=notes, name="n" * 2_000))
    [row] = rows_of(decoded.batch)
    assert row["dropped_attributes_count"] == 600 - 512
    assert row["dropped_events_count"] == 1_100 - 1_024
    assert len(row["name"]) == 1_024
    assert len(decoded.verdicts[0].remarks) == 3


def test_b5_one_span_too_many_is_a_bad_request():
    body = zipkin_json(*[zipkin_span()] * 3)
    for most, accepted in ((3, 3), (2, 0)):
        changed = limits(spans_per_request=most)
        [verdict] = decode([body], Encoding.ZIPKIN_JSON, changed).verdicts
        assert verdict.accepted_spans == accepted


def test_b5_millions_of_empty_spans_are_refused_unread():
    body = b"[" + b"{}," * 10_000_000 + b"{}]"
    assert "JSON values" in str(decode_zipkin(body).verdicts[0].error)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.sampled_from(["1", "a" * 16, START, START + 9, "CLIENT", -3, 0.5]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["timestamp", "value", "port", "a"]), inner)
    ),
    max_leaves=4,
)
odd_spans = st.lists(
    st.dictionaries(
        st.sampled_from(
            [
                *zipkin_span(),
                "parentId",
                "kind",
                "shared",
                "debug",
                "remoteEndpoint",
                "annotations",
                "tags",
                "other",
            ]
        ),
        anything,
    ).map(lambda changed: zipkin_span() | changed)
    | anything,
    max_size=3,
)


class Refusing:
    def decode(self, _body: object) -> None:
        raise msgspec.ValidationError


@given(odd_spans)
def test_the_quick_and_the_lenient_way_agree(spans):
    body = zipkin_json(*spans)
    quick = decode_zipkin(body)
    with pytest.MonkeyPatch.context() as patch:
        for decoder in ("_all", "_one"):
            patch.setattr(zipkin_json_reader._DOCUMENTS, decoder, Refusing())
        lenient = decode_zipkin(body)
    assert quick.batch.equals(lenient.batch)
    for one, other in zip(quick.verdicts, lenient.verdicts, strict=True):
        assert one.rejected == other.rejected
        assert str(one.error) == str(other.error)
