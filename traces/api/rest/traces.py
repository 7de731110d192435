"""`/api/v1/traces`: search, and one trace whole."""

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from traces.api import otlp_json
from traces.api.rest import shapes
from traces.api.rest.problems import answers_problems, refusal
from traces.search.form import PARAMETERS, FieldError, read_form
from traces.search.translate import fixed_window, print_cursor, to_query
from traces.store.base import SearchResult, TraceSummary
from traces.store.current import current_store

TRACE_ID_DIGITS = 32


@extend_schema(
    operation_id="search_traces",
    summary="Search traces",
    parameters=shapes.SEARCH,
    responses={200: shapes.SearchShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems(*PARAMETERS)
def traces(request: Request) -> Response:
    """Traces in which one span satisfies all conditions, in the order of `sort`."""
    form = read_form(request.query_params)
    query = to_query(form, time.time_ns())
    result = current_store().find_traces(query)
    fixed = form.querystring(
        after=print_cursor(result.next) if result.next else "",
        **fixed_window(query.window),
    )
    return Response(search_body(request, result, fixed))


def search_body(request: Request, result: SearchResult, next_page: str) -> Any:
    here = request.build_absolute_uri(request.path)
    return {
        "traces": [summary_body(trace) for trace in result.traces],
        "matched": result.matched,
        "scanned": {
            "spans": result.scanned.spans,
            "segments": result.scanned.segments,
            "left_out": list(result.scanned.left_out),
        },
        "next": here + next_page if result.next else None,
    }


def summary_body(trace: TraceSummary) -> dict[str, Any]:
    """64-bit integers are text: JavaScript would round them."""
    return {
        "trace_id": trace.trace_id.hex(),
        "root_service_name": trace.root_service_name,
        "root_name": trace.root_name,
        "start_time_unix_nano": str(trace.start_time_unix_nano),
        "duration_nano": str(trace.duration_nano),
        "span_count": trace.span_count,
        "error_count": trace.error_count,
        "services": [
            {
                "service_name": share.service_name,
                "span_count": share.span_count,
                "error_count": share.error_count,
            }
            for share in trace.services
        ],
    }


@extend_schema(
    operation_id="get_trace",
    summary="One trace",
    responses={200: shapes.TraceShape, 404: shapes.ErrorsShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems()
def trace(request: Request, trace_id: str) -> Response | HttpResponseBase:
    """All spans of a trace as OTLP JSON: int64 as text, bytes as base64."""
    found = parse_trace_id(trace_id)
    if found is None:
        expected = FieldError("trace_id", "expected 32 hexadecimal digits, not all 0")
        return refusal([expected])
    batch = current_store().get_traces([found])
    if not batch.num_rows:
        missing = {"parameter": "trace_id", "message": "there is no such trace"}
        return Response({"errors": [missing]}, status=404)
    chunks = otlp_json.encode_chunks(batch)
    return stream_json(chunks, asynchronous=isinstance(request._request, ASGIRequest))


def parse_trace_id(text: str) -> bytes | None:
    digits = text.lower()
    known = set(digits) <= set("0123456789abcdef") and len(digits) == TRACE_ID_DIGITS
    return bytes.fromhex(digits) if known and digits.strip("0") else None


def stream_json(
    chunks: Iterator[bytes], *, asynchronous: bool
) -> StreamingHttpResponse:
    """An answer that is never whole in memory; Django wants the server's own kind."""
    content = in_turn(chunks) if asynchronous else chunks
    return StreamingHttpResponse(content, content_type="application/json")


async def in_turn(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    next_chunk = sync_to_async(lambda: next(chunks, None), thread_sensitive=False)
    while (chunk := await next_chunk()) is not None:
        yield chunk
