"""`/api/v1/`: our own REST API."""

from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from traces.api.rest import completions, documents, receivers, traces

urlpatterns = [
    path("traces", traces.traces, name="api-traces"),
    path("traces/<str:trace_id>", traces.trace, name="api-trace"),
    path("services", completions.services, name="api-services"),
    path("receivers", receivers.receivers, name="api-receivers"),
    path("span-names", completions.span_names, name="api-span-names"),
    path("attribute-keys", completions.attribute_keys, name="api-attribute-keys"),
    path("attribute-values", completions.attribute_values, name="api-attribute-values"),
    path("schema", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs", documents.docs, name="api-docs"),
]
