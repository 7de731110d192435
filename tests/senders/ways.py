"""Every way in which every sender sends: its arguments, with names for the addresses."""

from typing import NamedTuple


class Way(NamedTuple):
    """A sender, and arguments in which `{jaeger_http}` and the like stand for ports."""

    sender: str
    arguments: str

    def __str__(self) -> str:
        return f"{self.sender} {self.mode}"

    @property
    def mode(self) -> str:
        """What of its arguments is no address."""
        words = [word for word in self.arguments.split() if "127.0.0.1" not in word]
        plain = [word for word in words if "{" not in word]
        sampled = ["sampled"] if "{jaeger_sampling}" in words else []
        return "-".join([*plain, *sampled]) or "default"

    def to(self, **ports: int) -> list[str]:
        return self.arguments.format(**ports).split()


OTLP = [
    Way("python-otlp", "grpc none 127.0.0.1:{otlp_grpc}"),
    Way("python-otlp", "grpc gzip 127.0.0.1:{otlp_grpc}"),
    Way("python-otlp", "http none 127.0.0.1:{otlp_http}"),
    Way("python-otlp", "http gzip 127.0.0.1:{otlp_http}"),
    Way("js-otlp-grpc", "none 127.0.0.1:{otlp_grpc}"),
    Way("js-otlp-grpc", "gzip 127.0.0.1:{otlp_grpc}"),
    Way("js-otlp-http", "none 127.0.0.1:{otlp_http}"),
    Way("js-otlp-http", "gzip 127.0.0.1:{otlp_http}"),
    Way("js-otlp-proto", "none 127.0.0.1:{otlp_http}"),
    Way("js-otlp-proto", "gzip 127.0.0.1:{otlp_http}"),
]
OPENTELEMETRY_ZIPKIN = [
    Way("python-otel-zipkin-json", "127.0.0.1:{zipkin}"),
    Way("python-otel-zipkin-proto", "127.0.0.1:{zipkin}"),
    Way("js-otel-zipkin", "127.0.0.1:{zipkin}"),
]
ZIPKIN = [
    Way("python-py-zipkin", "v1-json 127.0.0.1:{zipkin}"),
    Way("python-py-zipkin", "v2-json 127.0.0.1:{zipkin}"),
    Way("python-py-zipkin", "v2-proto 127.0.0.1:{zipkin}"),
    Way("python-py-zipkin-thrift", "127.0.0.1:{zipkin}"),
    Way("js-zipkin", "v1 127.0.0.1:{zipkin}"),
    Way("js-zipkin", "v2 127.0.0.1:{zipkin}"),
]
OPENTELEMETRY_JAEGER = [
    Way("python-otel-jaeger-thrift", "udp 127.0.0.1:{jaeger_compact}"),
    Way("python-otel-jaeger-thrift", "http 127.0.0.1:{jaeger_http}"),
    Way("python-otel-jaeger-grpc", "127.0.0.1:{jaeger_grpc}"),
]
JAEGER = [
    Way("python-jaeger-client", "127.0.0.1 {jaeger_compact}"),
    Way("js-jaeger-client", "udp 127.0.0.1 {jaeger_binary}"),
    Way("js-jaeger-client", "http 127.0.0.1 {jaeger_http}"),
]
SAMPLED_JAEGER = [
    Way("python-jaeger-client", "127.0.0.1 {jaeger_compact} {jaeger_sampling}"),
    Way("js-jaeger-client", "udp 127.0.0.1 {jaeger_binary} {jaeger_sampling}"),
]
ALL = [
    *OTLP,
    *OPENTELEMETRY_ZIPKIN,
    *ZIPKIN,
    *OPENTELEMETRY_JAEGER,
    *JAEGER,
    *SAMPLED_JAEGER,
]
