"""The shop as real processes: what their stock instrumentation exports."""

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice, pairwise
from pathlib import Path
from threading import Event

import pytest
import requests
from django.core.management import CommandError, call_command

from tests.demo.collector import (
    Collector,
    RecordedTrace,
    as_dict,
    grpc_collector,
    http_collector,
)
from traces.demo.load import Tally, checkout, send, send_load, trace_id_of, visits
from traces.demo.patterns import Pattern
from traces.demo.run import Shop

PROJECT = Path(__file__).resolve().parents[2]
STEPS = ("validate", "charge", "save")
CLOSED_ENDPOINT = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def recorded() -> Iterator[dict[str, RecordedTrace]]:
    """One trace of each pattern and a slow listing, from one run of the shop."""
    with grpc_collector() as collector:
        with Shop(collector.endpoint) as shop:
            trace_ids = send_one_of_each(shop)
        yield {name: collector.trace(id_) for name, id_ in trace_ids.items()}


def send_one_of_each(shop: Shop) -> dict[str, str]:
    tally = Tally()
    each = [checkout(pattern, random.Random(1)) for pattern in Pattern]
    send_load(shop.gateway_url, each, 5, tally, Event())
    assert not tally.unexpected
    trace_ids = {str(pattern): ids[0] for pattern, ids in tally.trace_ids.items()}
    return trace_ids | {"listing": slow_listing(shop)}


def slow_listing(shop: Shop) -> str:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"{shop.gateway_url}/api/orders?each=1", timeout=30)
    assert answer.ok
    return str(trace_id_of(answer))


@pytest.fixture
def normal(recorded: dict[str, RecordedTrace]) -> RecordedTrace:
    return recorded["normal"]


@pytest.fixture
def cascade(recorded: dict[str, RecordedTrace]) -> RecordedTrace:
    return recorded["cascade"]


@pytest.mark.slow
def test_a_checkout_is_one_trace_through_all_services(normal):
    services = {span.service for span in normal.spans}
    assert services == {"gateway", "auth", "payment", "db", "orders", "email"}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["normal", "bottleneck", "cascade", "listing"])
def test_every_span_but_the_root_has_its_parent_in_the_trace(recorded, name):
    trace = recorded[name]
    roots = [span.label for span in trace.spans if not trace.parent(span)]
    assert len(roots) == 1
    assert roots[0].startswith("gateway: ")


@pytest.mark.slow
def test_the_statement_is_reached_through_each_step_of_the_payment(normal):
    assert normal.path(normal.only("db: INSERT payments")) == [
        "gateway: POST /api/checkout",
        "gateway: POST",
        "payment: POST /payments",
        "payment: create_payment",
        "payment: payment.process",
        "payment: save",
        "payment: INSERT payments",
        "db: INSERT payments",
    ]


@pytest.mark.slow
def test_validate_charge_and_save_follow_one_another(normal):
    steps = [normal.only(f"payment: {step}").span for step in STEPS]
    for earlier, later in pairwise(steps):
        assert earlier.end_time_unix_nano <= later.start_time_unix_nano


@pytest.mark.slow
def test_a_normal_checkout_takes_its_time_and_fails_nowhere(normal):
    assert normal.only("gateway: POST /api/checkout").duration_ms >= 57
    assert normal.only("db: INSERT payments").duration_ms >= 10
    assert not any(span.failed for span in normal.spans)


@pytest.mark.slow
def test_payments_carry_the_attributes_and_the_event_of_a_payment(normal):
    attributes = normal.only("payment: create_payment").attributes
    assert attributes["payment.id"].startswith("pay-")
    assert isinstance(attributes["payment.amount"], float)
    assert attributes["payment.currency"] in ("EUR", "USD", "GBP")
    assert attributes["http.method"] == "POST"
    assert attributes["http.url"].endswith("/payments")
    (event,) = normal.only("payment: validate").span.events
    assert event.name == "Validating payment request"


@pytest.mark.slow
def test_old_and_new_http_attribute_names_both_occur(normal):
    assert "http.method" in normal.only("gateway: POST /api/checkout").attributes
    assert "http.request.method" in normal.only("auth: POST /verify").attributes


@pytest.mark.slow
def test_resources_name_the_environment_the_old_way_and_the_new(normal):
    for span in normal.spans:
        assert span.resource["deployment.environment"] == "demo"
        assert span.resource["deployment.environment.name"] == "demo"
        assert span.resource["service.version"] == "1.4.2"


@pytest.mark.slow
def test_a_statement_is_described_by_its_caller_and_by_the_database(normal):
    caller = normal.only("payment: INSERT payments")
    database = normal.only("db: INSERT payments")
    assert caller.span.kind == caller.span.SPAN_KIND_CLIENT
    assert database.span.kind == database.span.SPAN_KIND_SERVER
    for span in (caller, database):
        assert span.attributes["db.system.name"] == "sqlite"
        assert span.attributes["db.namespace"] == "shop"
        assert span.attributes["db.query.text"].startswith("INSERT INTO payments")


@pytest.mark.slow
def test_the_queue_keeps_the_trace_whole_and_links_to_the_sender(normal):
    sent = normal.only("gateway: send orders")
    processed = normal.only("orders: process orders")
    assert sent.span.kind == sent.span.SPAN_KIND_PRODUCER
    assert processed.span.kind == processed.span.SPAN_KIND_CONSUMER
    assert normal.parent(processed) is sent
    assert [link.span_id for link in processed.span.links] == [sent.span.span_id]
    message_id = sent.attributes["messaging.message.id"]
    assert processed.attributes["messaging.message.id"] == message_id
    assert processed.attributes["messaging.destination.name"] == "orders"


@pytest.mark.slow
def test_an_order_ends_in_an_e_mail(normal):
    path = normal.path(normal.only("email: SMTP send"))
    assert path[-4:] == [
        "orders: process orders",
        "orders: send emails",
        "email: process emails",
        "email: SMTP send",
    ]


@pytest.mark.slow
def test_in_a_bottleneck_the_database_alone_is_slow(recorded):
    trace = recorded["bottleneck"]
    database = trace.only("db: INSERT payments")
    assert database.duration_ms >= 2_000
    assert trace.only("gateway: POST /api/checkout").duration_ms > database.duration_ms
    assert not any(span.failed for span in trace.spans)


@pytest.mark.slow
def test_in_a_cascade_the_card_network_fails_first(cascade):
    failed = [span for span in cascade.spans if span.failed]
    first = min(failed, key=lambda span: span.span.end_time_unix_nano)
    assert first.label == "payment: POST /v1/authorizations"
    assert "refused" in first.span.status.message


@pytest.mark.slow
def test_in_a_cascade_the_database_times_out_and_outlives_its_caller(cascade):
    caller = cascade.only("payment: INSERT failed_payments")
    database = cascade.only("db: INSERT failed_payments")
    assert caller.failed
    assert "no answer within 1 s" in caller.span.status.message
    assert database.failed
    assert database.span.end_time_unix_nano > caller.span.end_time_unix_nano


@pytest.mark.slow
def test_in_a_cascade_the_gateway_answers_502_and_nothing_is_ordered(cascade):
    root = cascade.only("gateway: POST /api/checkout")
    assert root.failed
    assert root.attributes["http.status_code"] == 502
    assert {span.service for span in cascade.spans} == {
        "gateway",
        "auth",
        "payment",
        "db",
    }


@pytest.mark.slow
def test_a_failed_payment_records_its_exception_once_with_its_stack(cascade):
    process = cascade.only("payment: payment.process").span
    (event,) = process.events
    attributes = as_dict(event.attributes)
    assert event.name == "exception"
    assert attributes["exception.type"].endswith("CardNetworkError")
    assert "in charge" in attributes["exception.stacktrace"]
    assert process.status.message == attributes["exception.message"]


@pytest.mark.slow
def test_a_slow_listing_asks_once_for_each_order(recorded):
    trace = recorded["listing"]
    assert len(trace.labelled("orders: SELECT orders")) == 1
    assert len(trace.labelled("orders: SELECT order_items")) == 12


@pytest.mark.slow
@pytest.mark.parametrize(
    ("protocol", "content_type"),
    [
        ("http/protobuf", "application/x-protobuf"),
        ("http/json", "application/json"),
    ],
)
def test_spans_come_over_http(protocol: str, content_type: str):
    tally = Tally()
    with http_collector() as collector:
        with Shop(collector.endpoint, protocol) as shop:
            visit = checkout(Pattern.NORMAL, random.Random(1))
            send(shop.gateway_url, visit, tally)
        received = collector.bodies
    assert tally.total == tally.answers[Pattern.NORMAL] == 1
    assert {(path, type_) for path, type_, _ in received} == {
        ("/v1/traces", content_type)
    }
    assert any(b"SMTP send" in body for _, _, body in received)


def start_demo(collector: Collector, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "manage.py", "demo", "--endpoint", collector.endpoint]
    return subprocess.Popen(
        [*command, *options],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: "subprocess.Popen[str]", text: str) -> None:
    assert process.stdout
    assert any(text in line for line in process.stdout), f"{text!r} never came"


@pytest.mark.slow
def test_the_command_sends_all_patterns_and_names_their_traces():
    with grpc_collector() as collector:
        demo = start_demo(collector, "--requests", "5", "--rate", "20")
        output, _ = demo.communicate(timeout=120)
        for pattern in Pattern:
            block = output.split(f"  {pattern}: ")[1].splitlines()
            assert collector.trace(block[1].split()[0]).spans
    assert demo.returncode == 0
    assert "went wrong" not in output


@pytest.mark.slow
def test_ctrl_c_waits_for_answers_flushes_and_ends_every_process():
    with grpc_collector() as collector:
        demo = start_demo(collector, "--requests", "0", "--pattern", "bottleneck")
        read_until(demo, "requests answered")
        demo.send_signal(signal.SIGINT)
        # The pipe ends when the last process that holds it has ended.
        output, _ = demo.communicate(timeout=120)
        assert "Stopped." in output
        assert "went wrong" not in output
        trace_id = output.split("  bottleneck: ")[1].splitlines()[1].split()[0]
        assert len(collector.trace(trace_id).labelled("email: SMTP send")) == 1
    assert demo.returncode == 0


@pytest.mark.slow
def test_the_shop_dies_with_its_parent():
    with grpc_collector() as collector:
        demo = start_demo(collector, "--requests", "0", "--pattern", "normal")
        read_until(demo, "requests answered")
        demo.kill()
        output, _ = demo.communicate(timeout=120)
    assert "Traceback" not in output


def test_a_missing_server_is_named_with_the_way_to_start_it():
    with pytest.raises(CommandError, match=r"Nothing is listening at .*`make run`"):
        call_command("demo", endpoint=CLOSED_ENDPOINT)


@pytest.mark.parametrize("endpoint", ["localhost:4317", "http://h", "http://h:x"])
def test_an_endpoint_that_is_no_address_is_refused(endpoint: str):
    with pytest.raises(CommandError, match="is not"):
        call_command("demo", endpoint=endpoint)


@pytest.mark.parametrize(("option", "value"), [("rate", "0"), ("requests", "-1")])
def test_a_load_that_cannot_be_sent_is_refused(option: str, value: str):
    with pytest.raises(CommandError, match=option):
        call_command("demo", f"--{option}", value)


def test_the_first_requests_of_a_mix_hold_every_pattern():
    assert {visit.pattern for visit in islice(visits("mix"), 4)} == set(Pattern)


def test_a_mix_also_lists_orders():
    assert any(visit.method == "GET" for visit in islice(visits("mix"), 40))


def test_a_shop_that_does_not_answer_is_counted_not_raised():
    tally = Tally()
    send_load(CLOSED_ENDPOINT, islice(visits("normal"), 3), 100, tally, Event())
    assert tally.unexpected == {"ConnectionError": 3}
