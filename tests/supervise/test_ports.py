"""Ports are looked at before anything starts."""

import socket

import pytest

from tracing_ui.supervise.ports import Port, PortUnavailable


def test_a_busy_port_is_named_with_the_variable_that_moves_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
        with pytest.raises(PortUnavailable) as caught:
            Port("127.0.0.1", number, "WEB_PORT").require_free()
    assert str(caught.value) == (
        f"Port {number} on 127.0.0.1 is in use by another program. "
        "Set WEB_PORT to another port."
    )


def test_a_port_shared_by_its_owner_is_busy_all_the_same():
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as server:
        port = Port("127.0.0.1", server.getsockname()[1], "OTLP_GRPC_PORT")
        with pytest.raises(PortUnavailable):
            port.require_free()


def test_a_free_port_may_be_taken_right_after():
    with socket.create_server(("127.0.0.1", 0)) as server:
        number = server.getsockname()[1]
    port = Port("127.0.0.1", number, "WEB_PORT")
    port.require_free()
    with socket.create_server(("127.0.0.1", number)):
        assert port.answers()
    assert not port.answers()


def test_a_foreign_address_is_explained():
    with pytest.raises(PortUnavailable, match="cannot be opened"):
        Port("192.0.2.1", 9, "WEB_PORT").require_free()


def test_all_addresses_are_reached_over_loopback():
    assert Port("0.0.0.0", 80, "WEB_PORT").address == "127.0.0.1:80"
    assert Port("::", 80, "WEB_PORT").address == "[::1]:80"
