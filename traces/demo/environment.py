"""The environment variables by which the shop's processes learn their surroundings."""

LISTEN_FD = "SHOP_LISTEN_FD"
SPOOL = "SHOP_SPOOL"
OTLP_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
OTLP_PROTOCOL = "OTEL_EXPORTER_OTLP_PROTOCOL"
GRPC_VERBOSITY = "GRPC_VERBOSITY"
HTTP_NAMES = "OTEL_SEMCONV_STABILITY_OPT_IN"


def url_of(service: str) -> str:
    """The name of the variable that holds where `service` is."""
    return f"SHOP_{service.upper()}_URL"
