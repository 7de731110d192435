"""What Jaeger's collector serves over gRPC: spans, and how much to sample."""

from typing import Final

from traces.receivers.encodings import Encoding
from traces.receivers.grpc_server import Method, Question
from traces.receivers.sampling import StrategyFile
from traces.receivers.sampling_answers import as_protobuf, service_asked_for

POST_SPANS: Final = Method(
    "jaeger.api_v2.CollectorService",
    "PostSpans",
    Encoding.JAEGER_PROTOBUF,
    # An empty message: there is no place in it to say what was refused.
    lambda verdict: b"",
)


def sampling_question(strategies: StrategyFile) -> Question:
    def answer(body: bytes) -> bytes:
        return as_protobuf(strategies.current().of(service_asked_for(body)))

    return Question("jaeger.api_v2.SamplingManager", "GetSamplingStrategy", answer)
