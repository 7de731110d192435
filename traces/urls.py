"""The pages of traces."""

from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from traces.pages.health import healthz
from traces.pages.receivers import receivers
from traces.pages.services import services
from traces.pages.trace_find import trace_find
from traces.pages.trace_search import trace_points, trace_search
from traces.pages.trace_urls import urlpatterns as trace_urls
from traces.pages.upload import upload
from traces.pages.upload_result import upload_result

to_search = RedirectView.as_view(pattern_name="trace-search", query_string=True)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", to_search, name="home"),
    path("search", trace_search, name="trace-search"),
    path("search/points", trace_points, name="trace-points"),
    path("find", trace_find, name="trace-find"),
    path("services", services, name="services"),
    path("receivers", receivers, name="receivers"),
    path("upload", upload, name="upload"),
    path("upload/result", upload_result, name="upload-result"),
    *trace_urls,
    path("api/v1/", include("traces.api.rest.urls")),
    path("favicon.ico", RedirectView.as_view(url="/static/img/mark.svg")),
    path("healthz", healthz, name="healthz"),
]
