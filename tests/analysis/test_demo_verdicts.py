"""The three kinds of requests of the demo, recorded from its processes, named right."""

import random
from collections.abc import Iterator
from threading import Event

import pytest

from analysis.critical_path import critical_path
from analysis.failures import failures
from analysis.fingerprints import fingerprints
from analysis.repeats import RepeatKind, repeats
from analysis.usual import learn_usual
from analysis.verdict import Verdict, judge
from tests.analysis.plain import forest
from tests.builders import event, link, span
from tests.demo.collector import Recorded, as_dict, grpc_collector
from tests.demo.test_demo import slow_listing
from traces.demo.load import Tally, checkout, send_load
from traces.demo.patterns import Pattern
from traces.demo.run import Shop

NORMAL_REQUESTS = 6

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorded() -> Iterator[dict[str, list]]:
    """Spans by trace id, in hexadecimal, and as `normal`, `bottleneck`, `cascade` and
    `listing` those of one such request."""
    chance, tally = random.Random(1), Tally()
    patterns = [Pattern.NORMAL] * NORMAL_REQUESTS
    patterns += [Pattern.BOTTLENECK, Pattern.CASCADE]
    with grpc_collector() as collector:
        with Shop(collector.endpoint) as shop:
            each = [checkout(pattern, chance) for pattern in patterns]
            send_load(shop.gateway_url, each, 5, tally, Event())
            listing = slow_listing(shop)
        assert not tally.unexpected
        traces: dict[str, list] = {}
        for one in collector.spans:
            traces.setdefault(one.span.trace_id.hex(), []).append(row_of(one))
        named = {
            str(pattern): traces[ids[0]] for pattern, ids in tally.trace_ids.items()
        }
        yield traces | named | {"listing": traces[listing]}


def row_of(recorded: Recorded):
    sent = recorded.span
    return span(
        trace_id=sent.trace_id,
        span_id=sent.span_id,
        parent_span_id=sent.parent_span_id or None,
        name=sent.name,
        kind=sent.kind,
        start_time_unix_nano=sent.start_time_unix_nano,
        duration_nano=sent.end_time_unix_nano - sent.start_time_unix_nano,
        status_code=sent.status.code,
        status_message=sent.status.message,
        service=recorded.service,
        attributes=recorded.attributes,
        events=[
            event(each.name, each.time_unix_nano, **as_dict(each.attributes))
            for each in sent.events
        ],
        links=[link(each.trace_id, each.span_id) for each in sent.links],
    )


def judged(recorded, name, usual):
    of = forest(*recorded[name])
    path = critical_path(of)
    found = judge(of, path, failures(of, path), usual)
    culprit = int(found.culprit[0])
    where = (
        None
        if culprit < 0
        else (of.services[of.service[culprit]], of.names[of.name[culprit]])
    )
    return found.verdict(0), where, found.sentence(0)


def usual_of(recorded, *, only_normal):
    rows = [
        row
        for id_, trace in recorded.items()
        if len(id_) == 32
        and not (
            only_normal
            and any(trace is recorded[k] for k in ("bottleneck", "cascade", "listing"))
        )
        for row in trace
    ]
    return learn_usual(forest(*rows))


@pytest.fixture(params=["normal requests", "all requests"])
def usual(recorded, request):
    """Slow requests are frequent in the demo: they are part of what is usual."""
    return usual_of(recorded, only_normal=request.param == "normal requests")


def test_a_normal_request_is_normal(recorded, usual):
    verdict, culprit, sentence = judged(recorded, "normal", usual)
    assert (verdict, culprit) == (Verdict.NORMAL, None)
    assert sentence.startswith("gateway: POST /api/checkout took ")


def test_the_slow_statement_is_the_bottleneck(recorded, usual):
    verdict, culprit, sentence = judged(recorded, "bottleneck", usual)
    assert verdict == Verdict.BOTTLENECK
    assert culprit == ("db", "INSERT payments")
    assert sentence.startswith("db: INSERT payments took 2.0 s of 2.")


def test_the_card_network_began_the_cascade(recorded, usual):
    verdict, culprit, sentence = judged(recorded, "cascade", usual)
    assert verdict == Verdict.CASCADE_FAILURE
    assert culprit == ("payment", "POST /v1/authorizations")
    assert sentence == (
        "payment: POST /v1/authorizations failed: card-network could not be reached"
        " (card-network.example:443 refused the connection); 6 spans above failed with"
        " it, up to gateway: POST /api/checkout; payment: INSERT failed_payments failed"
        " as well, but not first"
    )


def test_the_cascades_second_failure_is_a_statement_that_was_too_slow(recorded):
    of = forest(*recorded["cascade"])
    found = failures(of, critical_path(of))
    assert [
        (each.signature.service, each.signature.span_name, each.blame.failure_class)
        for each in found
    ] == [
        ("payment", "POST /v1/authorizations", "unreachable"),
        ("db", "INSERT failed_payments", "slow"),
    ]


def test_a_slow_listing_is_n_plus_one(recorded):
    of = forest(*recorded["listing"])
    found = repeats(of, critical_path(of), fingerprints(of))
    assert [(each.kind, each.what, each.count) for each in found] == [
        (RepeatKind.N_PLUS_ONE, "sqlite: SELECT order_items", 12)
    ]


def test_calls_between_services_have_names_that_outlive_the_processes(recorded):
    """Their ports are others each time that the demo starts."""
    rows = [row for id_, trace in recorded.items() if len(id_) == 32 for row in trace]
    texts = fingerprints(forest(*rows)).texts
    assert {"POST auth/verify", "POST payment/payments"} <= set(texts)
    assert not [text for text in texts if "127.0.0.1" in text]
