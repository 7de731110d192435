"""A table of contents: each part of the site has its own `urls.py`."""

from django.urls import include, path

urlpatterns = [
    path("", include("traces.urls")),
    path("", include("analysis.urls")),
]
