"""OTLP requests, in either encoding, to the wire."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from traces.receivers.encodings import Encoding
from traces.receivers.limits import Limits
from traces.receivers.otlp_json import to_protobuf
from traces.receivers.otlp_protobuf import read_requests
from traces.receivers.verdict import Verdict
from traces.receivers.wire import Read


class ContentType(StrEnum):
    PROTOBUF = "application/x-protobuf"
    JSON = "application/json"


ENCODINGS: Final = {
    ContentType.PROTOBUF: Encoding.OTLP_PROTOBUF,
    ContentType.JSON: Encoding.OTLP_JSON,
}


def read_protobuf(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Raises BadRequest when any of the bodies is bad."""
    return Read(read_requests(bodies, limits), [Verdict() for _ in bodies])


def read_json(bodies: Sequence[bytes], limits: Limits) -> Read:
    """Raises BadRequest when any of the bodies is bad."""
    transcoded = [to_protobuf(body, limits) for body in bodies]
    wire = read_requests([each.body for each in transcoded], limits)
    verdicts = [
        Verdict(each.rejected.total(), each.rejected, each.remarks)
        for each in transcoded
    ]
    return Read(wire, verdicts)
