"""The trace of opentelemetry_trace.py as py-zipkin tells it: tags are text, there is no
link, and the warehouse serves the shop's call under the same span id.

The spans at which a process joins the trace have the library's own times.
"""

import json
from typing import Any
from urllib.request import Request, urlopen

from py_zipkin import Encoding, Kind
from py_zipkin.util import ZipkinAttrs
from py_zipkin.zipkin import zipkin_span

# All times are exact in binary, so the library's floats lose nothing.
START = 1_767_225_600.0
STEP = 0.0625
HOST = "127.0.0.1"
PORTS = {"shop": 8080, "warehouse": 8081}
ORDER = {"order.id": "o-17", "order.total": "12.5", "order.paid": "true"}


def send(
    address: str, version: str, content_type: str, encoding: Encoding, *, wide_ids: bool
) -> None:
    sender = Sender(f"http://{address}/api/{version}/spans", content_type, encoding)
    record(sender, wide_ids=wide_ids)
    print(json.dumps({"trace_id": sender.trace_id, "spans": sender.span_ids}))


class Sender:
    """Makes spans, remembers their ids, and posts what the library encodes."""

    def __init__(self, url: str, content_type: str, encoding: Encoding) -> None:
        self.url, self.content_type, self.encoding = url, content_type, encoding
        self.trace_id = ""
        self.span_ids: dict[str, str] = {}

    def post(self, payload: str | bytes) -> None:
        body = payload.encode() if isinstance(payload, str) else payload
        request = Request(self.url, body, {"Content-Type": self.content_type})
        with urlopen(request) as response:
            assert response.status == 202, response.status

    def span(
        self, service: str, name: str, kind: Kind, first: int, last: int, **more: Any
    ) -> zipkin_span:
        if "sample_rate" in more or "zipkin_attrs" in more:
            more["transport_handler"] = self.post
        return zipkin_span(
            service_name=service,
            span_name=name,
            kind=kind,
            timestamp=at(first),
            duration=at(last) - at(first),
            host=HOST,
            port=PORTS[service],
            encoding=self.encoding,
            **more,
        )

    def note(self, span: zipkin_span) -> ZipkinAttrs:
        context = span.zipkin_attrs
        self.trace_id = context.trace_id
        self.span_ids[span.span_name] = context.span_id
        return context


def record(sender: Sender, *, wide_ids: bool) -> None:
    new = {"sample_rate": 100.0, "use_128bit_trace_id": wide_ids}
    with sender.span("shop", "post /order", Kind.SERVER, 0, 16, **new) as order:
        sender.note(order)
        order.update_binary_annotations(ORDER)
        order.add_annotation("cart checked", at(1))
        with sender.span("shop", "charge card", Kind.CLIENT, 2, 6) as charge:
            sender.note(charge)
            charge.update_binary_annotations({"error": "card declined"})
            charge.add_sa_binary_annotation(9090, "bank", HOST)
        with sender.span("shop", "get /stock", Kind.CLIENT, 6, 8) as stock:
            called = sender.note(stock)
        with sender.span("shop", "publish order", Kind.PRODUCER, 8, 9) as publish:
            sender.note(publish)
            with sender.span("warehouse", "pack order", Kind.CONSUMER, 10, 14) as pack:
                sender.note(pack)
    serve(sender, called)


def serve(sender: Sender, called: ZipkinAttrs) -> None:
    """The server's half of a call: the ids of the client's half."""
    half = sender.span(
        "warehouse", "get /stock", Kind.SERVER, 6, 7, zipkin_attrs=called
    )
    with half:
        half.update_binary_annotations({"stock.left": "3"})


def at(step: int) -> float:
    return START + step * STEP
