"""What the analysis pages show, beside the traces of `traces.api`."""

from django.urls import path

from analysis.api import views

urlpatterns = [
    path("operations", views.operations, name="api-operations"),
    path("operation-series", views.operation_series, name="api-operation-series"),
    path("edges", views.edges, name="api-edges"),
    path("bottlenecks", views.bottlenecks, name="api-bottlenecks"),
    path("failures", views.failures, name="api-failures"),
    path("critical-path", views.critical_path, name="api-critical-path"),
]
