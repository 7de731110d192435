"""A JSON list of spans as objects, quickly where it is as it should be.

Documents are read straight into types. What those refuse is read span by span, and
only spans that are still refused go through plain Python objects: there whatever can
be understood is taken, and the rest has a reason. Both ways give the same for what
both take.
"""

from collections.abc import Callable, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
import numpy as np
import orjson

from traces.receivers.json_fields import BadSpan, JsonObject
from traces.receivers.limits import Limits
from traces.receivers.verdict import BadRequest, Verdict
from traces.receivers.wire import most_items, too_many_spans
from traces.variant_columns import Ints

_NOT_READ = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
Span = TypeVar("Span")


class Documents(NamedTuple):
    """The good spans of many bodies, the number of each span's body, and a verdict on
    each body, which counts the others."""

    spans: list[Any]
    request: Ints
    verdicts: list[Verdict]


class SpanDocuments(Generic[Span]):
    """Reads lists of spans of one type.

    `lenient` makes a span of a parsed object or raises BadSpan; `require` raises
    BadRequest for a span that shows the document to be of another kind.
    """

    def __init__(
        self,
        kind: type[Span],
        lenient: Callable[[JsonObject], Span],
        require: Callable[[Span], None],
    ) -> None:
        self._all = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
        self._each = msgspec.json.Decoder(list[msgspec.Raw])
        self._one = msgspec.json.Decoder(kind)
        self._lenient, self._require = lenient, require

    def read_all(self, bodies: Sequence[bytes], limits: Limits) -> Documents:
        spans: list[Span] = []
        verdicts: list[Verdict] = []
        counts: list[int] = []
        for body in bodies:
            verdict, found = Verdict(), []
            try:
                found = self._read(body, verdict, limits)
            except BadRequest as error:
                verdict = Verdict(error=error)
            spans += found
            verdicts.append(verdict)
            counts.append(len(found))
        return Documents(spans, np.repeat(np.arange(len(bodies)), counts), verdicts)

    def _read(self, body: bytes, verdict: Verdict, limits: Limits) -> list[Span]:
        if not body:
            return []
        _require_few_values(body, limits)
        try:
            spans = self._all.decode(body)
        except _NOT_READ:
            spans = self._one_by_one(body, verdict)
        if len(spans) > limits.spans_per_request:
            raise too_many_spans(limits)
        for span in spans:
            self._require(span)
        return spans

    def _one_by_one(self, body: bytes, verdict: Verdict) -> list[Span]:
        spans = []
        for raw in self._split(body):
            try:
                spans.append(self._read_one(raw))
            except BadSpan as error:
                verdict.rejected[str(error)] += 1
        return spans

    def _split(self, body: bytes) -> list[msgspec.Raw]:
        try:
            return self._each.decode(body)
        except msgspec.ValidationError:
            raise BadRequest("Zipkin JSON that is not a list of spans") from None
        except _NOT_READ:
            raise BadRequest(_not_json(body)) from None

    def _read_one(self, raw: msgspec.Raw) -> Span:
        try:
            return self._one.decode(raw)
        except _NOT_READ:
            pass
        span = _parse(bytes(raw))
        if not isinstance(span, dict):
            raise BadSpan("a span that is not an object")
        return self._lenient(span)


def _require_few_values(body: bytes, limits: Limits) -> None:
    """Each takes a hundred bytes of memory, and two of the body.

    Commas in texts count too: they would have to be every tenth byte to matter.
    """
    most = most_items(limits)
    if body.count(b",") > most:
        raise BadRequest(f"a request may hold {most} JSON values")


def _parse(document: bytes) -> Any:
    try:
        return orjson.loads(document)
    except (orjson.JSONDecodeError, RecursionError):
        raise BadRequest(_not_json(document)) from None


def _not_json(body: bytes) -> str:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return f"the body is not valid JSON: {error}"
    except RecursionError:
        pass
    return "the body is not valid JSON: nested too deeply"
