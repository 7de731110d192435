"""Calls from one service of the shop to another, over HTTP."""

import os
from typing import Any

import requests

from traces.demo import environment

CALL_TIMEOUT_SECONDS = 10.0

session = requests.Session()
# A proxy of the environment is not meant for neighbours on loopback.
session.trust_env = False


class PeerFailed(Exception):
    """Another service answered with an error, or not at all (then `status` is 0)."""

    def __init__(self, service: str, error: requests.RequestException) -> None:
        super().__init__(f"{service} failed: {error}")
        self.status = 0 if error.response is None else error.response.status_code


def peer_url(service: str, path: str) -> str:
    """Where `path` of `service` is."""
    return os.environ[environment.url_of(service)] + path


def call(
    method: str, service: str, path: str, body: dict[str, Any] | None = None
) -> Any:
    """The decoded JSON answer of `service`; `PeerFailed` if it cannot be had."""
    try:
        response = session.request(
            method, peer_url(service, path), json=body, timeout=CALL_TIMEOUT_SECONDS
        )
        response.raise_for_status()
    except requests.RequestException as error:
        raise PeerFailed(service, error) from error
    return response.json()
