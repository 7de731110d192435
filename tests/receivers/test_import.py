"""`manage.py import`: files of every form, whole, broken and hostile."""

import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tests.receivers.rows import rows_of
from tests.receivers.test_frames import framed, message
from tests.receivers.test_jaeger_json import TRACE_ID, jaeger_span, jaeger_trace
from tests.receivers.zipkin import zipkin_span
from traces.query import Window
from traces.receivers.decoding import Decoded, decode
from traces.receivers.files import CountedInput, read_pieces
from traces.receivers.frames import Framing
from traces.receivers.json_fields import UnreadableDocument
from traces.spans import SpanBatch
from traces.store.base import StoreUnavailable
from traces.store.current import use_store
from traces.store.memory import MemoryStore

SAMPLES = Path(__file__).parent.parent / "samples"
ALWAYS = Window(0, 2**63 - 1)
SPANS_IN = {
    "jaeger/jaeger-otlp-out.json": 2,
    "jaeger/jaeger-ui-genai.json": 57,
    "jaeger/jaeger-ui-test-trace.json": 5,
    "jaeger/jaeger-ui-tracegraph.json": 11,
    "otlp/jaeger-otlp-in.json": 2,
    "otlp/opentelemetry-proto-example.json": 1,
    "tempo/kiali-istio.json": 8,
    "zipkin/ascend.json": 8,
    "zipkin/messaging-kafka.json": 28,
    "zipkin/simple-db-p6.json": 5,
    "zipkin/smartthings-oauth-authorization.json": 175,
}
NO_TRACE_IN = "jaeger/kiali-istio.json"


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    with use_store(MemoryStore()) as store:
        assert isinstance(store, MemoryStore)
        yield store


def import_files(*names: object) -> tuple[str, str]:
    """What the command wrote to standard output and to standard error."""
    output, errors = io.StringIO(), io.StringIO()
    try:
        call_command("import", *map(str, names), stdout=output, stderr=errors)
    except CommandError as error:
        errors.write(str(error))
    return output.getvalue(), errors.getvalue()


def exit_code_of(*names: object) -> int:
    try:
        call_command("import", *map(str, names), stdout=io.StringIO())
    except CommandError as error:
        return error.returncode
    return 0


def spans_of(content: bytes, max_bytes: int = 10**6) -> list[dict[str, Any]]:
    pieces = read_pieces(CountedInput(io.BytesIO(content), None), max_bytes)
    batches = [piece.batch for piece in pieces if piece.batch is not None]
    return [row for batch in batches for row in rows_of(batch)]


def test_every_sample_is_counted_here():
    files = [path.relative_to(SAMPLES).as_posix() for path in SAMPLES.rglob("*.json")]
    # What senders put on the wire is no file that anybody has.
    found = {name for name in files if not name.startswith("wire/")}
    assert found == SPANS_IN.keys() | {NO_TRACE_IN}


@pytest.mark.parametrize("sample", sorted(SPANS_IN))
def test_a_sample_is_imported_whole(store, sample):
    output, errors = import_files(SAMPLES / sample)
    assert f"{SPANS_IN[sample]:,} spans stored." in output
    assert "refused" not in errors


def test_an_answer_that_holds_no_trace_says_so(store):
    _, errors = import_files(SAMPLES / NO_TRACE_IN)
    assert "answer to a search of Tempo" in errors


def test_jaeger_and_otlp_twins_give_the_same_trace():
    jaeger = spans_of((SAMPLES / "jaeger/jaeger-otlp-out.json").read_bytes())
    otlp = spans_of((SAMPLES / "otlp/jaeger-otlp-in.json").read_bytes())
    assert jaeger == otlp


def test_tempo_s_ids_are_read_from_base64():
    spans = spans_of((SAMPLES / "tempo/kiali-istio.json").read_bytes())
    assert {span["trace_id"].hex() for span in spans} == {
        "3ba55609c3cde49649cd77d1f9dcd936"
    }
    ids = {span["span_id"] for span in spans}
    parents = {span["parent_span_id"] for span in spans} - {None}
    assert parents < ids


def test_shared_halves_of_a_zipkin_span_stay_two():
    spans = spans_of((SAMPLES / "zipkin/ascend.json").read_bytes())
    halves = [s for s in spans if s["span_id"].hex() == "ecc00062ceef4bf0"]
    assert [half["kind"] for half in halves] == [3, 2]
    assert [half["service_name"] for half in halves] == [
        "mobile-gateway",
        "content-service",
    ]


def test_zipkin_v1_is_told_by_its_content():
    start = {"timestamp": 1_700_000_000_000_000, "value": "sr", "endpoint": {}}
    span = {"traceId": "1", "id": "1", "name": "old", "annotations": [start]}
    for content in ([span], [[span], [span | {"id": "2"}]]):
        names = [row["name"] for row in spans_of(json.dumps(content).encode())]
        assert names == ["old"] * len(content)


def test_zipkin_v2_is_read_from_an_answer_to_a_search_too():
    answer = [[zipkin_span()], [zipkin_span(traceId="1"), zipkin_span(id="2")]]
    assert len(spans_of(json.dumps(answer).encode())) == 3


def otlp_json(*services: str) -> dict[str, Any]:
    return {"resourceSpans": [otlp_group(service) for service in services]}


def otlp_group(service: str) -> dict[str, Any]:
    span = {
        "traceId": TRACE_ID,
        "spanId": "b7ad6b7169203331",
        "name": "GET /",
        "startTimeUnixNano": "1700000000000000000",
        "endTimeUnixNano": "1700000000000000001",
    }
    named = {"key": "service.name", "value": {"stringValue": service}}
    return {"resource": {"attributes": [named]}, "scopeSpans": [{"spans": [span]}]}


def services(content: bytes) -> list[str]:
    return [span["service_name"] for span in spans_of(content)]


def lines(*documents: Any) -> bytes:
    return b"\n".join(json.dumps(each).encode() for each in documents) + b"\n"


FORMS = {
    "otlp on one line": json.dumps(otlp_json("a")).encode(),
    "otlp on many lines": json.dumps(otlp_json("a"), indent=2).encode(),
    "otlp after a byte order mark": b"\xef\xbb\xbf" + lines(otlp_json("a")),
    "otlp after blank lines": b"\n \r\n\n" + lines(otlp_json("a")),
    "otlp protobuf": message("a"),
    "jaeger": json.dumps(
        {"data": [jaeger_trace(jaeger_span(), p1={"serviceName": "a"})]}, indent=1
    ).encode(),
    "jaeger, bare": lines(jaeger_trace(jaeger_span(), p1={"serviceName": "a"})),
    "jaeger, a list": lines([jaeger_trace(jaeger_span(), p1={"serviceName": "a"})]),
    "zipkin": lines([zipkin_span(localEndpoint={"serviceName": "a"})]),
    "zipkin, traces": json.dumps(
        [[zipkin_span(localEndpoint={"serviceName": "a"})]], indent=1
    ).encode(),
    "tempo": lines({"batches": otlp_json("a")["resourceSpans"]}),
    "tempo, second api": lines({"trace": otlp_json("a")}),
    "jaeger, third api": lines({"result": otlp_json("a")}),
}


@pytest.mark.parametrize("form", FORMS)
def test_the_content_tells_the_form(form):
    assert services(FORMS[form]) == ["a"]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_may_be_gzipped(form):
    assert services(gzip.compress(FORMS[form])) == ["a"]


@pytest.mark.parametrize("framing", list(Framing)[1:])
def test_a_run_of_messages_is_read(framing):
    assert services(framed(framing, message("a"), message("b"))) == ["a", "b"]


def test_old_names_within_tempo_s_answer_are_read():
    group = otlp_group("a")
    group["instrumentationLibrarySpans"] = [
        {"instrumentationLibrary": {"name": "lib"}, **each}
        for each in group.pop("scopeSpans")
    ]
    [span] = spans_of(lines({"batches": [group]}))
    assert span["scope_name"] == "lib"


def test_each_line_is_a_document_of_its_own():
    content = lines(otlp_json("a"), [], [zipkin_span()], otlp_json("b"))
    assert services(content) == ["a", "shop", "b"]


def test_a_broken_line_costs_only_itself(store, tmp_path):
    path = tmp_path / "some.jsonl"
    path.write_bytes(lines(otlp_json("a")) + b'{"broken\n' + lines(otlp_json("b")))
    output, errors = import_files(path)
    assert "2 spans stored." in output
    assert "some.jsonl, line 2: not JSON" in errors
    assert exit_code_of(path) == 1


def test_lines_of_metrics_are_left_out_with_a_word(store, tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_bytes(lines(otlp_json("a"), {"resourceMetrics": []}))
    _, errors = import_files(path)
    assert "resourceMetrics: not traces, left out" in errors
    assert exit_code_of(path) == 0


def test_a_bad_span_is_refused_with_its_reason_and_counted(store, tmp_path):
    path = tmp_path / "zipkin.json"
    bad = [zipkin_span(id="XYZ"), zipkin_span(id="0"), zipkin_span(id="UVW")]
    path.write_bytes(lines([zipkin_span(), *bad]))
    output, errors = import_files(path)
    assert "1 spans stored." in output
    assert "3 spans refused:" in errors
    assert "2 times: " in errors
    assert "id is not lower-case hexadecimal" in errors
    assert exit_code_of(path) == 0


def test_the_limits_of_ingest_hold(store, tmp_path, settings):
    settings.MAX_ATTRIBUTE_VALUE_BYTES = 10
    path = tmp_path / "zipkin.json"
    path.write_bytes(lines([zipkin_span(tags={"long": "x" * 11})]))
    import_files(path)
    [span] = rows_of(store.get_traces([bytes.fromhex(zipkin_span()["traceId"])]))
    assert span["attributes"]["long"] == "x" * 10


def test_a_document_over_the_limit_is_refused_and_lines_are_not():
    document = json.dumps(otlp_json("a"), indent=1).encode()
    with pytest.raises(UnreadableDocument, match="more than 200 bytes"):
        spans_of(document, max_bytes=200)
    small = lines(otlp_json("a"))
    assert len(spans_of(small * 10, max_bytes=len(small))) == 10


def test_a_message_over_the_limit_is_refused():
    with pytest.raises(UnreadableDocument, match="more than 10 bytes"):
        spans_of(message("a"), max_bytes=10)


def test_a_compressed_bomb_ends_at_the_limit():
    bomb = gzip.compress(b"[" + b" " * 10_000_000)
    with pytest.raises(UnreadableDocument, match="more than 1,000,000 bytes"):
        spans_of(bomb)


HOSTILE = {
    "nothing": b"",
    "blank": b"\n\n  \n",
    "text": b"hello, world",
    "markup": b"<html><body>404</body></html>",
    "utf-16": '{"resourceSpans": []}'.encode("utf-16"),
    "bare NaN": b'[{"timestamp": NaN}]',
    "lone surrogate": b'[{"name": "\\ud800"}]',
    "not utf-8": b'[{"name": "\xff"}]',
    "deep lists": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "closed deep lists": b"[" * 400 + b"]" * 400,
    "a number": b"7",
    "a list of numbers": b"[7, 8]",
    "a bare zipkin span": json.dumps(zipkin_span()).encode(),
    "another object": b'{"hello": "world"}',
    "more after the end": json.dumps(otlp_json("a"), indent=1).encode() + b"]",
    "half a gzip": gzip.compress(b"{}" * 1000)[:20],
    "no gzip": b"\x1f\x8b and then something else",
    "zipkin v1": b'[{"traceId": "1", "id": "1", "binaryAnnotations": []}]',
    "jaeger without spans": b'{"data": [{}]}',
    "groups that are numbers": b'{"batches": [1, {"scopeSpans": [2, {"spans": [3]}]}]}',
    "otlp that is text": b'{"resourceSpans": "all"}',
    "half a protobuf": message("a", spans=9)[:-5],
    "half a run": framed(Framing.UINT32_LE, message("a"), message("b"))[:-5],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_read_is_a_sentence_and_exit_code_1(
    store, tmp_path, name
):
    path = tmp_path / "hostile"
    path.write_bytes(HOSTILE[name])
    output, errors = import_files(path)
    assert "spans stored." in output
    assert "Traceback" not in errors
    assert "hostile" in errors


@pytest.mark.parametrize("cut", range(1, 400, 7))
def test_no_beginning_of_a_file_is_a_traceback(store, tmp_path, cut):
    for number, content in enumerate(FORMS.values()):
        path = tmp_path / str(number)
        path.write_bytes(content[:cut])
        import_files(path)


def test_a_missing_file_does_not_stop_the_others(store, tmp_path):
    output, errors = import_files(
        tmp_path / "gone", tmp_path, SAMPLES / "zipkin/ascend.json"
    )
    assert "gone: No such file or directory" in errors
    assert "Is a directory" in errors
    assert "8 spans stored." in output


def test_standard_input_is_read(store, monkeypatch):
    content = io.TextIOWrapper(io.BytesIO(lines(otlp_json("a"))))
    monkeypatch.setattr("sys.stdin", content)
    output, _ = import_files("-")
    assert "1 spans stored." in output


def test_the_summary_links_the_first_ten_traces(store, tmp_path):
    path = tmp_path / "zipkin.json"
    spans = [zipkin_span(traceId=f"{number:x}") for number in range(1, 13)]
    path.write_bytes(lines(spans))
    output, _ = import_files(path)
    links = [line for line in output.splitlines() if "0000000000" in line]
    assert len(links) == 10
    assert "and more traces" in output


def test_many_small_lines_are_written_together(store, tmp_path, monkeypatch):
    writes: list[int] = []
    monkeypatch.setattr(store, "write", lambda batch: writes.append(batch.num_rows))
    path = tmp_path / "many.jsonl"
    path.write_bytes(lines(otlp_json("a")) * 100)
    import_files(path)
    assert writes == [100]


def test_a_file_that_breaks_off_keeps_what_came_before(store, tmp_path):
    path = tmp_path / "half"
    path.write_bytes(framed(Framing.VARINT, message("a"), message("b"))[:-1])
    output, errors = import_files(path)
    assert "1 spans stored." in output
    assert "half: the file ends within message 2" in errors


def test_short_lines_share_a_call_of_the_decoder(monkeypatch):
    calls: list[int] = []

    def counting(bodies: list[bytes], *rest: Any) -> Decoded:
        calls.append(len(bodies))
        return decode(bodies, *rest)

    monkeypatch.setattr("traces.receivers.files.decode", counting)
    monkeypatch.setattr("traces.receivers.files.GROUP_DOCUMENTS", 40)
    assert len(spans_of(lines(otlp_json("a")) * 100)) == 100
    assert calls == [40, 40, 20]


def test_a_store_that_is_away_is_a_sentence(store, monkeypatch):
    def refuse(batch: SpanBatch) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(store, "write", refuse)
    output, errors = import_files(SAMPLES / "zipkin/ascend.json")
    assert "could not be stored: the disk is full" in errors
    assert "0 spans stored." in output


def test_names_from_the_file_do_not_move_the_cursor(store, tmp_path):
    path = tmp_path / "zipkin.json"
    path.write_bytes(lines([zipkin_span(kind="\x1b[2J")]))
    _, errors = import_files(path)
    assert "\x1b" not in errors


def test_importing_twice_counts_once(store):
    for _ in range(2):
        import_files(SAMPLES / "zipkin/ascend.json")
    assert sum(s.span_count for s in store.get_service_statistics(ALWAYS)) == 8
