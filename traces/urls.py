"""The pages of traces."""

from django.urls import URLPattern, URLResolver, path

from traces.pages.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
]
