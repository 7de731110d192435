"""The results of analyses as JSON: 64-bit integers as text, as all of the API has them."""

from typing import Any

from analysis.histogram import Histogram
from analysis.measured import FAILED, SLOWEST
from analysis.pages.bottlenecks import EntryRow, OffenderRow, RepeatRow
from analysis.pages.failures import CauseRow
from analysis.pages.map_query import TYPE_NAMES
from analysis.pages.operations import QUANTILE_NAMES, QUANTILES, OperationRow
from analysis.pages.profile_rows import PathRow
from analysis.results.edges import exemplars
from analysis.results.measures import merged_details
from analysis.results.merging import Merged
from analysis.service_map import MapEdge
from analysis.slower import Slower


def nano(value: float | None) -> str | None:
    return None if value is None else str(round(value))


def percentiles(histogram: Histogram) -> dict[str, str | None]:
    return {
        f"{name}_nano": nano(histogram.quantile(q))
        for name, q in zip(QUANTILE_NAMES, QUANTILES, strict=True)
    }


def measured(merged: Merged) -> dict[str, Any]:
    return {
        "count": merged.count,
        "failed": merged.failed,
        "total_nano": nano(merged.histogram.sum_nano),
        **percentiles(merged.histogram),
    }


def operation(row: OperationRow) -> dict[str, Any]:
    details = merged_details(row.found.merged.details)
    return {
        "service_name": row.service_name,
        "name": row.name,
        "kind": row.kind_name,
        **measured(row.found.merged),
        "slowest_trace_id": details.get("slowest"),
        "failed_trace_id": details.get("failed"),
    }


def step(start_unix_nano: int, merged: Merged) -> dict[str, Any]:
    return {"start_time_unix_nano": str(start_unix_nano), **measured(merged)}


def edge(each: MapEdge, ends: tuple[Merged, Merged]) -> dict[str, Any]:
    """`ends` are what its callee and its caller tell."""
    (server, client), traces = ends, exemplars(ends)
    return {
        "caller": {"name": each.caller.name, "type": TYPE_NAMES[each.caller.type]},
        "callee": {"name": each.callee.name, "type": TYPE_NAMES[each.callee.type]},
        "type": each.type.name.lower(),
        "calls": each.calls,
        "failed": each.failed,
        "server": percentiles(server.histogram),
        "client": percentiles(client.histogram),
        "slowest_trace_id": traces.get(SLOWEST),
        "failed_trace_id": traces.get(FAILED),
    }


def verdicts(row: EntryRow) -> dict[str, Any]:
    return {
        "service_name": row.entry.service,
        "name": row.entry.span_name,
        "requests": row.total,
        "verdicts": [
            {
                "verdict": each.verdict,
                "requests": each.count,
                "examples": [
                    {"which": which, "trace_id": trace_id, "sentence": sentence}
                    for which, trace_id, sentence in each.told
                ],
            }
            for each in row.verdicts
        ],
    }


def spans(exemplars: list[tuple[str, int, str, str]]) -> list[dict[str, Any]]:
    return [
        {"which": which, "own_nano": str(own), "trace_id": trace, "span_id": span}
        for which, own, trace, span in exemplars
    ]


def slower(found: Slower, exemplars: list[tuple[str, int, str, str]]) -> dict[str, Any]:
    return {
        "service_name": found.service,
        "callee": found.callee or None,
        "name": found.name or None,
        "excess_nano": nano(found.excess_nano),
        "usual_p95_nano": nano(found.usual_p95_nano),
        "p95_nano": nano(found.p95_nano),
        "beyond_usual": found.beyond,
        "sentence": found.sentence,
        "spans": spans(exemplars),
    }


def offender(row: OffenderRow) -> dict[str, Any]:
    return {
        "service_name": row.service,
        "name": row.name,
        "callee": row.callee or None,
        "on_path_nano": nano(row.on_path_nano),
        "share": row.share,
        "span_count": row.hits,
        "excess_nano": nano(row.excess_nano),
        "spans": spans(row.exemplars),
    }


def repeat(row: RepeatRow) -> dict[str, Any]:
    found = row.finding
    return {
        "kind": str(found.kind),
        "service_name": found.entry.service,
        "name": found.entry.span_name,
        "what": found.what,
        "share": found.share,
        "median_calls": found.median_calls,
        "most_calls": found.most_calls,
        "on_path_nano": nano(found.on_path_nano),
        "saving_nano": nano(found.saving_nano),
        "sentence": row.sentence,
        "trace_ids": list(found.exemplars),
    }


def cause(row: CauseRow) -> dict[str, Any]:
    each = row.cause
    signature = each.signature
    return {
        "service_name": each.entry.service,
        "name": each.entry.span_name,
        "affected": each.affected,
        "share": each.share,
        "lift": each.lift,
        "origin": {"service_name": signature.service, "name": signature.span_name},
        "failure_class": str(signature.failure_class),
        "error": signature.error,
        "responsible": row.marked.responsible,
        "first_seen_unix_nano": str(each.first_seen_unix_nano),
        "reached": dict(row.reached),
        "sentence": row.sentence,
        "trace_ids": [trace_id for _, trace_id in each.exemplars],
    }


def path(row: PathRow) -> dict[str, Any]:
    return {
        "path": [
            {"service_name": each.service_name, "name": each.name} for each in row.steps
        ],
        "on_path_nano": nano(row.nano),
        "part": row.part,
        "self_nano": nano(row.self_nano),
        "calls": row.calls,
        "requests": row.requests,
        "failed": row.failed,
        "slowest_trace_id": row.slowest,
        "typical_trace_id": row.typical,
    }
