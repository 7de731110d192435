"""B3, the headers of Zipkin: one `b3`, or several `x-b3-…`.

Both propagators read both, the one header before the several; they differ in what they
write. A sampling decision without ids (`b3: 0`) is passed over, because OpenTelemetry
keeps a decision with a span only. Where the decision is left to us, we record.
"""

import re
from typing import Final

from propagation.parent import Parent
from propagation.propagator import Headers, StrictPropagator

SINGLE: Final = "b3"
TRACE_ID: Final = "x-b3-traceid"
SPAN_ID: Final = "x-b3-spanid"
SAMPLED: Final = "x-b3-sampled"
FLAGS: Final = "x-b3-flags"
DEBUG: Final = "d"

_TRACE_ID = r"(?P<trace_id>[0-9a-f]{16}|[0-9a-f]{32})"
_SPAN_ID = r"(?P<span_id>[0-9a-f]{16})"
_IDS = re.compile(f"{_TRACE_ID}-{_SPAN_ID}")
_SINGLE = re.compile(rf"{_IDS.pattern}(-(?P<state>[01d])(-[0-9a-f]{{16}})?)?")
# `true` and `false` are from before the format was written down.
_STATES: Final = {"": "1", "1": "1", "true": "1", "0": "0", "false": "0"}


class B3Propagator(StrictPropagator):
    """Reads either form."""

    def read(self, headers: Headers) -> Parent | None:
        return read_single(headers.first(SINGLE)) or read_multi(headers)


class B3SinglePropagator(B3Propagator):
    """Writes `b3`."""

    names = (SINGLE,)

    def write(self, parent: Parent) -> dict[str, str]:
        return {SINGLE: f"{parent.trace_id}-{parent.span_id}-{state_of(parent)}"}


class B3MultiPropagator(B3Propagator):
    """Writes `x-b3-traceid`, `x-b3-spanid` and either `x-b3-sampled` or `x-b3-flags`."""

    names = (TRACE_ID, SPAN_ID, SAMPLED, FLAGS)

    def write(self, parent: Parent) -> dict[str, str]:
        written = {TRACE_ID: parent.trace_id, SPAN_ID: parent.span_id}
        state = state_of(parent)
        return written | ({FLAGS: "1"} if state == DEBUG else {SAMPLED: state})


def state_of(parent: Parent) -> str:
    if parent.debug:
        return DEBUG
    return "1" if parent.sampled else "0"


def read_single(text: str) -> Parent | None:
    match = _SINGLE.fullmatch(text)
    return _parent(match, match["state"] or "1") if match else None


def read_multi(headers: Headers) -> Parent | None:
    match = _IDS.fullmatch(f"{headers.first(TRACE_ID)}-{headers.first(SPAN_ID)}")
    if headers.first(FLAGS) == "1":
        return _parent(match, DEBUG)
    return _parent(match, _STATES.get(headers.first(SAMPLED), ""))


def _parent(match: re.Match[str] | None, state: str) -> Parent | None:
    if match is None or not state:
        return None
    flags, debug = int(state == "1"), state == DEBUG
    return Parent.from_hex(
        match["trace_id"], match["span_id"], flags=flags, debug=debug
    )
