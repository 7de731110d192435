"""The header's box: from a pasted trace id to the trace."""

import re

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

MAX_PASTED_CHARACTERS = 200
HEX_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")


@require_safe
def trace_find(request: HttpRequest) -> HttpResponse:
    pasted = request.GET.get("id", "")[:MAX_PASTED_CHARACTERS]
    trace_id = parse_trace_id(pasted)
    if trace_id is None:
        context = {"pasted": pasted}
        return render(request, "traces/trace_find.html", context, status=400)
    return redirect("trace-detail", trace_id=trace_id)


def parse_trace_id(text: str) -> str | None:
    """32 lower-case hex digits, from 16 or 32 in any case with spaces or dashes.

    Also of a W3C traceparent header, whose second field is the trace id.
    """
    folded = re.sub(r"[\s\"']", "", text).lower()
    if (fields := folded.split("-")) and len(fields) == 4 and len(fields[1]) == 32:
        folded = fields[1]
    folded = folded.replace("-", "").removeprefix("0x")
    if not HEX_ID.fullmatch(folded) or not folded.strip("0"):
        return None
    return folded.rjust(32, "0")
