"""The addresses of one trace."""

from django.urls import path

from traces.pages import trace_detail

urlpatterns = [
    path("trace/<str:trace_id>", trace_detail.trace_detail, name="trace-detail"),
    path("trace/<str:trace_id>/rows", trace_detail.trace_rows, name="trace-rows"),
    path("trace/<str:trace_id>/find", trace_detail.span_find, name="span-find"),
    path("trace/<str:trace_id>/reveal", trace_detail.span_reveal, name="span-reveal"),
    path("trace/<str:trace_id>/parent", trace_detail.row_parent, name="row-parent"),
    path(
        "trace/<str:trace_id>/span/<str:key>",
        trace_detail.span_page,
        name="span-detail",
    ),
]
