"""What the receivers counted."""

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from traces.api.rest import shapes
from traces.api.rest.problems import answers_problems
from traces.receivers.reports import read_received


@extend_schema(
    operation_id="count_received",
    summary="What arrived",
    responses={200: shapes.ReceivedShape, **shapes.ERRORS},
)
@api_view(["GET"])
@answers_problems()
def receivers(request: Request) -> Response:
    """Counts of the last day, by encoding, of all ingest processes together."""
    received = read_received()
    since = received.since_nano
    encodings = [
        {
            "encoding": encoding,
            "received": totals.received,
            "stored": totals.stored,
            "failed": totals.failed,
            "rejected": totals.rejected,
            "lost": totals.lost,
            "unsent": totals.unsent,
        }
        for encoding, totals in received.totals.items()
    ]
    return Response(
        {
            "running": received.running,
            "since_unix_nano": None if since is None else str(since),
            "encodings": encodings,
        }
    )
