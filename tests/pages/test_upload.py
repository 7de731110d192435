"""Uploading trace files: where it leads, what it says, and what it will not take."""

import gzip
import io
import re
import threading
import time
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.builders import SECOND, trace_id
from tests.pages.test_trace_search import text_of
from tests.receivers.messages import json_request, json_span
from tests.receivers.rows import rows_of
from tests.receivers.test_import import (
    ALWAYS,
    FORMS,
    HOSTILE,
    NO_TRACE_IN,
    SAMPLES,
    SPANS_IN,
    import_files,
    lines,
    otlp_json,
)
from tests.receivers.zipkin import zipkin_span
from traces.pages import upload
from traces.query import TraceQuery
from traces.store.base import StoreUnavailable
from traces.store.current import use_store
from traces.store.memory import MemoryStore

HOUR = 3600 * SECOND
SAYS_A_SPAN_TWICE = {"jaeger/jaeger-otlp-out.json", "otlp/jaeger-otlp-in.json"}


def send(browser, *contents, name="a.json", **headers):
    files = [SimpleUploadedFile(name, content) for content in contents]
    return browser.post("/upload", {"files": files}, headers=headers)


def send_as_script(browser, *contents, **options):
    answer = send(browser, *contents, accept="application/json", **options)
    return answer.status_code, answer.json()


def messages(answer):
    return " ".join(error["message"] for error in answer["errors"])


def recent(number=1, trace=1, at=None):
    """A span of a minute ago, as OTLP JSON has it."""
    start = time.time_ns() - 60 * SECOND if at is None else at
    return json_span(
        number,
        traceId=trace_id(trace).hex(),
        startTimeUnixNano=str(start),
        endTimeUnixNano=str(start + 5),
    )


def result_page(browser, *contents, **options):
    answer = send(browser, *contents, **options)
    assert answer.status_code == 303
    assert answer["Location"].startswith("/upload/result?of=")
    return text_of(browser.get(answer["Location"]))


def contents_of(store):
    found = store.find_traces(TraceQuery(window=ALWAYS, limit=1000))
    ids = sorted(trace.trace_id for trace in found.traces)
    return rows_of(store.get_traces(ids))


def test_the_form_needs_no_script_and_says_what_it_takes(browser, store):
    page = text_of(browser.get("/upload"))
    assert 'method="post" enctype="multipart/form-data"' in page
    assert 'type="file" name="files" id="files" multiple required' in page
    assert "csrfmiddlewaretoken" in page
    assert "256 MiB together" in page
    for form in ("OTLP JSON", "OTLP protobuf", "Jaeger JSON", "Zipkin JSON", "Tempo"):
        assert form in page


@pytest.mark.parametrize("address", ["/services", "/search"])
def test_the_way_to_it_is_where_a_person_looks(browser, store, address):
    """In the header of every page, and on the first page of an empty installation."""
    page = text_of(browser.get(address))
    assert '<a href="/upload">' in page


def test_an_empty_time_range_offers_it_too(browser, store):
    send(browser, json_request(recent(at=1)))
    assert 'class="button" href="/upload"' in text_of(browser.get("/search"))


def test_one_trace_opens(browser, store):
    answer = send(browser, json_request(recent(1), recent(2)))
    assert answer.status_code == 303
    assert answer["Location"] == f"/trace/{trace_id(1).hex()}"
    assert browser.get(answer["Location"]).status_code == 200


def test_several_traces_are_listed(browser, store):
    spans = [recent(1, trace=1), recent(2, trace=2), recent(3, trace=2)]
    page = result_page(browser, json_request(*spans))
    assert "2 traces uploaded" in page
    assert "3 spans stored" in page
    for number in (1, 2):
        assert f'href="/trace/{trace_id(number).hex()}"' in page
    assert page.count('class="notice') == 0


def test_several_files_are_one_upload(browser, store):
    contents = [json_request(recent(n, trace=n)) for n in (1, 2, 3)]
    assert "3 traces uploaded" in result_page(browser, *contents)


def test_the_listed_time_finds_what_was_uploaded(browser, store):
    spans = [recent(n, trace=n, at=n * HOUR) for n in (1, 2, 3)]
    page = result_page(browser, json_request(*spans))
    [query] = set(re.findall(r'href="/search(\?range=custom[^"]+)"', page))
    found = browser.get("/search" + query.replace("&amp;", "&"))
    assert found.context["answer"].result.matched == 3


def test_of_a_great_many_traces_the_first_are_listed(browser, store):
    page = result_page(
        browser, json_request(*(recent(n, trace=n) for n in range(1, 30)))
    )
    assert "More than 20 traces uploaded" in page
    assert page.count('href="/trace/') == 20


def test_a_script_is_told_where_to_go(browser, store):
    status, answer = send_as_script(browser, json_request(recent()))
    assert (status, answer) == (201, {"location": f"/trace/{trace_id(1).hex()}"})


def test_a_result_that_was_not_signed_here_says_nothing(browser, store):
    answer = send(browser, json_request(recent(trace=1), recent(trace=2)))
    address = answer["Location"]
    for forged in (address[:-1], address.replace("of=", "of=x"), "/upload/result"):
        refused = browser.get(forged)
        assert refused.status_code == 404
        assert "There is no such upload" in text_of(refused)


def test_the_longest_result_fits_into_an_address(browser, store):
    """With names and reasons of random text, which do not pack."""
    texts = [bytes(range(n, n + 60)).hex() for n in range(40)]
    good = [recent(n + 1, trace=n + 1) | {"name": texts[n]} for n in range(25)]
    bad = [recent(9) | {"spanId": texts[n]} for n in range(25)]
    answer = send(browser, json_request(*good, *bad) + b"\n" + b"{broken\n" * 20)
    assert len(answer["Location"]) < 6_000


@pytest.mark.parametrize("sample", sorted(SPANS_IN))
def test_a_sample_is_the_same_by_command_and_by_upload(browser, sample):
    with use_store(MemoryStore()) as by_command:
        import_files(SAMPLES / sample)
    with use_store(MemoryStore()) as by_upload:
        answer = send(browser, (SAMPLES / sample).read_bytes())
    assert answer.status_code == 303
    assert contents_of(by_upload) == contents_of(by_command)
    repeated = 1 if sample in SAYS_A_SPAN_TWICE else 0
    assert len(contents_of(by_upload)) == SPANS_IN[sample] - repeated


def test_a_sample_without_a_trace_is_refused_as_the_command_does(browser, store):
    answer = send(browser, (SAMPLES / NO_TRACE_IN).read_bytes())
    assert answer.status_code == 400
    assert "answer to a search of Tempo" in text_of(answer)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_every_form_that_the_command_reads_is_taken(browser, store, form, pack):
    """I1."""
    assert send(browser, pack(FORMS[form])).status_code == 303
    assert [span["service_name"] for span in contents_of(store)] == ["a"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(browser, store, name):
    """I1."""
    status, answer = send_as_script(browser, HOSTILE[name], name="hostile.json")
    assert (status, bool(contents_of(store))) in {(400, False), (201, True)}
    if status == 400:
        assert "Nothing was stored" in messages(answer)
        assert "hostile.json" in messages(answer) or "no span" in messages(answer)


def test_a_file_that_breaks_off_is_a_result_that_says_so(browser, store):
    content = lines(otlp_json("a")) + b"{broken\n"
    page = result_page(browser, content, name="some.jsonl")
    assert "1 trace uploaded" in page
    assert "Not everything could be read" in page
    assert "some.jsonl, line 2: not JSON" in page


def test_refused_spans_are_told_with_their_reason(browser, store):
    page = result_page(browser, lines([zipkin_span(), zipkin_span(id="XYZ")]))
    assert "1 span was refused" in page
    assert "id is not lower-case hexadecimal" in page


def test_what_was_left_out_is_told(browser, store):
    page = result_page(browser, lines(otlp_json("a"), {"resourceMetrics": []}))
    assert "resourceMetrics: not traces, left out" in page


def test_the_limits_of_ingest_hold(browser, store, settings):
    """I1."""
    settings.MAX_ATTRIBUTE_VALUE_BYTES = 10
    send(browser, lines([zipkin_span(tags={"long": "x" * 11})]))
    assert contents_of(store)[0]["attributes"]["long"] == "x" * 10


def test_a_document_over_the_limit_of_a_request_is_refused(browser, store, settings):
    """I1, a bomb of one document."""
    settings.MAX_BODY_BYTES = 100_000
    bomb = gzip.compress(b"[" + b" " * 10_000_000)
    status, answer = send_as_script(browser, bomb)
    assert status == 400
    assert "more than 100,000 bytes" in messages(answer)


def test_a_bomb_of_lines_ends_at_its_own_limit(browser, store, settings):
    """I1."""
    settings.MAX_UPLOAD_UNPACKED_BYTES = 100_000
    bomb = gzip.compress(json_request(recent()) + b"\n" * 10_000_000)
    page = result_page(browser, bomb)
    assert "unpacks to more than 100,000 bytes" in page
    assert len(contents_of(store)) == 1


def zipped(name, content):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(name, content)
    return archive.getvalue()


def test_an_archive_is_not_unpacked(browser, store, settings):
    """I1, zip slip: no name within it is ever looked at."""
    content = zipped("../../slipped.json", json_request(recent()))
    assert send(browser, content).status_code == 400
    assert not list(settings.DATA_DIR.parent.glob("**/slipped*"))


NAMES = (
    "../../../slipped.json",
    "..\\..\\slipped.json",
    "/tmp/slipped.json",
    "%2e%2e%2fslipped.json",
    "slipped\0.json",
    "slipped" * 60,
    "<script>window.__x=1</script>slipped",
)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_file_is_a_label_and_no_path(browser, store, settings, name):
    """I1, G12."""
    page = result_page(browser, lines(otlp_json("a")) + b"{\n", name=name)
    assert "slipped" in page
    assert "<script>window" not in page
    assert not list(settings.DATA_DIR.glob("**/*slipped*"))


MARKUP = b"<!doctype html><script>window.__x=1</script>"


@pytest.mark.parametrize("content", [MARKUP, b"GIF89a" + MARKUP, b"%PDF-1.7" + MARKUP])
def test_markup_and_polyglots_are_refused_and_not_given_back(browser, store, content):
    """I1."""
    answer = send(browser, content, name="page.html.json")
    assert answer.status_code == 400
    assert b"window.__x" not in answer.content


def test_a_polyglot_that_holds_spans_stays_text(browser, store):
    """I1: it is taken for the JSON that it is."""
    text = '"></script><script>window.__x=1</script>'
    spans = [recent(1, trace=n) | {"name": text} for n in (1, 2)]
    page = result_page(browser, json_request(*spans), name="x.html")
    assert "<script>window" not in page
    assert "&lt;script&gt;window" in page


def test_nothing_is_chosen(browser, store):
    answer = browser.post("/upload")
    assert answer.status_code == 400
    assert "No file was chosen" in text_of(answer)


@pytest.mark.parametrize(("over", "status"), [(0, 303), (1, 413)])
def test_the_limit_is_of_all_files_together_and_exact(
    browser, store, settings, over, status
):
    contents = [json_request(recent(trace=n)) for n in (1, 2)]
    settings.MAX_UPLOAD_BYTES = sum(map(len, contents)) - over
    answer = send(browser, *contents)
    assert answer.status_code == status
    if status == 413:
        assert "pack them with gzip" in text_of(answer)
        assert not contents_of(store)


def test_more_files_than_may_be_sent_at_once_are_a_400_that_says_so(browser, store):
    """B11: 10^4 files."""
    answer = send(browser, *[b"x"] * 10_000)
    assert answer.status_code == 400
    assert "more than 100 files" in text_of(answer)


def test_ten_thousand_fields_are_a_400(browser, store):
    """B11."""
    fields = {f"field{n}": "x" for n in range(10_000)}
    assert browser.post("/upload", fields).status_code == 400
    assert browser.post("/search", fields).status_code in (400, 405)


def test_a_field_that_holds_a_file_s_worth_of_text_is_a_413(browser, store):
    """B11: a field is kept in memory, so it may not be large; a file is not."""
    assert browser.post("/upload", {"files": "x" * 3_000_000}).status_code == 413


def test_a_form_that_is_cut_off_is_a_400(browser, store):
    cut = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n'
    for body in (b"", cut, b"--b", b"\0" * 100):
        answer = browser.generic(
            "POST", "/upload", body, "multipart/form-data; boundary=b"
        )
        assert answer.status_code == 400


def test_what_does_not_come_from_our_own_page_is_refused_and_not_stored(store):
    stranger = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    answer = send(stranger, json_request(recent()))
    assert answer.status_code == 403
    assert "Open the page anew" in text_of(answer)
    assert not contents_of(store)


def test_what_comes_from_our_own_page_is_stored(store):
    person = Client(enforce_csrf_checks=True, headers={"host": "localhost"})
    page = person.get("/upload").content.decode()
    [token] = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    file = SimpleUploadedFile("a.json", json_request(recent()))
    form = {"csrfmiddlewaretoken": token, "files": file}
    assert person.post("/upload", form).status_code == 303
    assert len(contents_of(store)) == 1


class Away(MemoryStore):
    def write(self, batch):
        raise StoreUnavailable("the disk is full")


def test_a_store_that_is_away_is_a_503_with_a_hint(browser):
    with use_store(Away()):
        answer = send(browser, json_request(recent()))
        status, as_json = send_as_script(browser, json_request(recent()))
    assert answer.status_code == status == 503
    assert answer["Retry-After"]
    for text in (text_of(answer), messages(as_json)):
        assert "the disk is full" in text
        assert "will not be counted twice" in text


def test_no_more_than_a_few_are_stored_at_once(browser, store, monkeypatch):
    semaphore = threading.BoundedSemaphore(1)
    monkeypatch.setattr(upload, "_storing", semaphore)
    with semaphore:
        answer = send(browser, json_request(recent()))
        assert answer.status_code == 503
        assert answer["Retry-After"]
    assert send(browser, json_request(recent())).status_code == 303
    with use_store(Away()):
        send(browser, json_request(recent()))
    assert send(browser, json_request(recent())).status_code == 303


def test_a_disk_that_refuses_the_file_is_a_503(browser, store, settings, tmp_path):
    (tmp_path / "file").touch()
    settings.SPOOL_DIR = tmp_path / "file" / "folder"
    answer = send(browser, json_request(recent()))
    assert answer.status_code == 503
    assert "Not a directory" in text_of(answer)


@pytest.mark.parametrize("content", [json_request(json_span()), b"{broken"])
def test_no_temporary_file_is_left(browser, store, settings, content):
    send(browser, content + b" " * 200_000)
    assert [path for path in settings.SCRATCH_DIR.rglob("*") if path.is_file()] == []


def now_and(nano):
    now = time.time_ns()
    return json_request(recent(1, trace=1), recent(2, trace=2, at=now + nano))


def test_spans_past_retention_are_announced_to_go(browser, store, settings):
    settings.RETENTION_HOURS = 48
    page = result_page(browser, now_and(-49 * HOUR))
    assert "Some of it will be removed soon" in page
    assert "Spans are kept for 2 days" in page
    assert "Some of it will be removed soon" not in result_page(
        browser, now_and(-47 * HOUR)
    )


def test_spans_that_a_default_search_does_not_find_are_pointed_out(browser, store):
    words = "older than what a search looks at"
    assert words in result_page(browser, now_and(-2 * HOUR))
    assert words not in result_page(browser, now_and(-SECOND))


def test_spans_of_the_future_are_announced_not_to_be_found(browser, store):
    assert "Some of it lies in the future" in result_page(browser, now_and(HOUR))
    assert "in the future" not in result_page(browser, now_and(SECOND))


@pytest.mark.parametrize(
    ("nano", "words"),
    [(-9000 * HOUR, "This trace will be removed soon"), (HOUR, "lies in the future")],
)
def test_the_page_of_a_trace_says_the_same_of_it_alone(browser, store, nano, words):
    at = time.time_ns() + nano
    answer = send(browser, json_request(recent(at=at)))
    page = text_of(browser.get(answer["Location"]))
    assert words in page
    [query] = re.findall(r'href="/search(\?range=custom[^"]+)"', page)
    found = browser.get("/search" + query.replace("&amp;", "&"))
    assert found.context["answer"].result.matched == 1


def test_a_trace_of_now_has_no_such_notice(browser, store):
    answer = send(browser, json_request(recent()))
    page = text_of(browser.get(answer["Location"]))
    assert "removed soon" not in page
    assert "in the future" not in page


@pytest.mark.parametrize("at", [1, 2**63 - 6])
def test_the_first_and_the_last_instant_have_a_time_to_search(browser, store, at):
    content = json_request(recent(1, trace=1, at=at), recent(2, trace=2, at=at))
    page = result_page(browser, content)
    [query] = set(re.findall(r'href="/search(\?range=custom[^"]+)"', page))
    found = browser.get("/search" + query.replace("&amp;", "&"))
    assert found.context["answer"].result.matched == 2
