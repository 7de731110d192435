"""The pages of what was found over many traces."""

from django.urls import URLPattern, path

from analysis.pages.operation import operation, operation_series
from analysis.pages.operations import operations

urlpatterns: list[URLPattern] = [
    path("operations", operations, name="operations"),
    path("operation", operation, name="operation"),
    path("operation/series", operation_series, name="operation-series"),
]
