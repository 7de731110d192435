"""Every port that the server listens on, by the variable that moves it.

A receiver whose port is set to 0 is switched off.
"""

from dataclasses import dataclass
from typing import Final

from django.conf import settings

from tracing_ui.supervise.ports import Port


@dataclass(frozen=True, slots=True)
class Receiver:
    """What arrives at a port: its name for people, and how an address is written."""

    variable: str
    name: str
    address: str = "{}"
    is_udp: bool = False


RECEIVERS: Final = (
    Receiver("OTLP_GRPC_PORT", "OTLP/gRPC"),
    Receiver("OTLP_HTTP_PORT", "OTLP/HTTP", "http://{}/v1/traces"),
    Receiver("ZIPKIN_PORT", "Zipkin", "http://{}/api/v2/spans"),
    Receiver("JAEGER_HTTP_PORT", "Jaeger/HTTP", "http://{}/api/traces"),
    Receiver("JAEGER_GRPC_PORT", "Jaeger/gRPC"),
    Receiver("JAEGER_COMPACT_PORT", "Jaeger/UDP, compact", is_udp=True),
    Receiver("JAEGER_BINARY_PORT", "Jaeger/UDP, binary", is_udp=True),
    Receiver("SAMPLING_PORT", "Jaeger's sampling", "http://{}/sampling"),
)
PORT_VARIABLES: Final = ("WEB_PORT", *(each.variable for each in RECEIVERS))


def receiver_port(receiver: Receiver) -> Port | None:
    """None when it is switched off."""
    number = getattr(settings, receiver.variable)
    if not number:
        return None
    return Port(settings.HOST, number, receiver.variable, receiver.is_udp)


def receiver_ports() -> dict[Receiver, Port]:
    """Those that are switched on."""
    found = {each: receiver_port(each) for each in RECEIVERS}
    return {each: port for each, port in found.items() if port is not None}


def receiver_addresses(host: str = "") -> dict[str, str]:
    """Name and address, for people; with the host by which they reach this server."""
    return {
        each.name: each.address.format(
            f"{host}:{port.number}" if host else port.address
        )
        for each, port in receiver_ports().items()
    }


def web_port() -> Port:
    return Port(settings.HOST, settings.WEB_PORT, "WEB_PORT")


def all_ports() -> list[Port]:
    return [web_port(), *receiver_ports().values()]
