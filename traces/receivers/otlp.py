"""OTLP requests, in either encoding, to the wire."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import numpy as np

from traces.receivers.encodings import Encoding
from traces.receivers.limits import Limits
from traces.receivers.otlp_json import to_protobuf
from traces.receivers.otlp_protobuf import read_requests
from traces.receivers.plain_otlp_json import PlainRequests
from traces.receivers.verdict import BadRequest, Verdict
from traces.receivers.wire import Read, join


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
    """Plain requests by columns, odd ones value by value.

    Raises BadRequest when a request holds too many spans; any other that is bad has
    its error in its verdict.
    """
    plain = PlainRequests(limits)
    odd = np.array([not plain.add(body) for body in bodies], np.bool_)
    if not odd.any():
        return Read(plain.build(), [Verdict() for _ in bodies])
    verdicts = [Verdict() for _ in bodies]
    messages = []
    for number in np.flatnonzero(odd).tolist():
        message, verdicts[number] = _transcode(bodies[number], limits)
        messages.append(message)
    wires = [plain.build(), read_requests(messages, limits)]
    return Read(join(wires, [np.flatnonzero(~odd), np.flatnonzero(odd)]), verdicts)


def _transcode(body: bytes, limits: Limits) -> tuple[bytes, Verdict]:
    try:
        message, rejected, remarks = to_protobuf(body, limits)
    except BadRequest as error:
        return b"", Verdict(error=error)
    return message, Verdict(rejected.total(), rejected, remarks)
