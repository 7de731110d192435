"""Many requests decoded together: a bad one costs its neighbours little."""

from collections.abc import Sequence

import pytest

from tests.receivers.messages import json_request, json_span, protobuf, span_message
from tests.receivers.serving import limits
from traces.receivers import decoding
from traces.receivers.decoding import READERS, decode
from traces.receivers.encodings import Encoding
from traces.receivers.limits import Limits
from traces.receivers.wire import Read

REQUESTS = 1_000
LIMITS = limits(spans_per_request=2)
CALLS_FOR_ONE = 21  # all, then two halves at each of ten levels
GOOD = {
    Encoding.OTLP_PROTOBUF: protobuf(span_message()),
    Encoding.OTLP_JSON: json_request(json_span()),
}
BAD = [
    (Encoding.OTLP_PROTOBUF, b"\xff\xff"),
    (Encoding.OTLP_PROTOBUF, protobuf(*[span_message(n) for n in (1, 2, 3)])),
    (Encoding.OTLP_JSON, b"{"),
    (Encoding.OTLP_JSON, json_request(*[json_span(n) for n in (1, 2, 3)])),
]


class Counting:
    """A reader that counts how often it is asked, and for how many bodies."""

    def __init__(self, encoding: Encoding) -> None:
        self._read = READERS[encoding]
        self.calls, self.bodies = 0, 0

    def __call__(self, bodies: Sequence[bytes], limits: Limits) -> Read:
        self.calls += 1
        self.bodies += len(bodies)
        return self._read(bodies, limits)


@pytest.mark.parametrize(("encoding", "bad"), BAD)
@pytest.mark.parametrize("places", [[0], [617], [999], [1, 500, 998]])
def test_bad_requests_among_many_cost_few_calls(monkeypatch, encoding, bad, places):
    bodies = [GOOD[encoding]] * REQUESTS
    for place in places:
        bodies[place] = bad
    reader = Counting(encoding)
    monkeypatch.setattr(decoding, "READERS", {encoding: reader})

    batch, verdicts = decode(bodies, encoding, LIMITS)

    assert [n for n, each in enumerate(verdicts) if each.error] == places
    assert batch.num_rows == REQUESTS - len(places)
    assert reader.calls <= CALLS_FOR_ONE * len(places)
    # Each level of halves looks at every body once more, and no level at more.
    assert reader.bodies <= REQUESTS * 11


def test_good_requests_are_read_at_once(monkeypatch):
    for encoding, body in GOOD.items():
        reader = Counting(encoding)
        monkeypatch.setattr(decoding, "READERS", {encoding: reader})
        decode([body] * REQUESTS, encoding, LIMITS)
        assert reader.calls == 1
