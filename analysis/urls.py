"""The pages of what was found over many traces."""

from django.urls import URLPattern, URLResolver, include, path

from analysis.pages.bottlenecks import bottlenecks
from analysis.pages.compare import compare_page
from analysis.pages.critical_path import critical_path
from analysis.pages.differences import differences_page
from analysis.pages.failures import failures
from analysis.pages.operation import operation, operation_series
from analysis.pages.operations import operations
from analysis.pages.service_map import map_edge, map_edges, service_map
from analysis.pages.span_metrics import span_metrics
from analysis.pages.status import status
from analysis.pages.trace_critical_path import (
    critical_path_pieces,
    trace_critical_path,
)
from analysis.pages.trace_verdict import trace_verdict

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("analysis.api.urls")),
    path("map", service_map, name="map"),
    path("map/edge", map_edge, name="map-edge"),
    path("map/edges", map_edges, name="map-edges"),
    path("operations", operations, name="operations"),
    path("bottlenecks", bottlenecks, name="bottlenecks"),
    path("failures", failures, name="failures"),
    path("status", status, name="status"),
    path("metrics/spans", span_metrics, name="span-metrics"),
    path("critical-path", critical_path, name="critical-path"),
    path("compare", compare_page, name="compare"),
    path("differences", differences_page, name="differences"),
    path("operation", operation, name="operation"),
    path("operation/series", operation_series, name="operation-series"),
    path("trace/<str:trace_id>/verdict", trace_verdict, name="trace-verdict"),
    path(
        "trace/<str:trace_id>/critical-path",
        trace_critical_path,
        name="trace-critical-path",
    ),
    path(
        "trace/<str:trace_id>/critical-path/pieces",
        critical_path_pieces,
        name="critical-path-pieces",
    ),
]
