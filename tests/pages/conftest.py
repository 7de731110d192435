"""Pages over a memory store."""

import time

import pytest
from django.test import Client

from traces.store.current import use_store
from traces.store.memory import MemoryStore


@pytest.fixture
def store():
    with use_store(MemoryStore()) as store:
        yield store


@pytest.fixture
def browser():
    return Client(headers={"host": "localhost"})


@pytest.fixture
def htmx():
    return Client(headers={"host": "localhost", "hx-request": "true"})


@pytest.fixture
def now():
    """A minute ago, in nanoseconds: inside the default time range."""
    return time.time_ns() - 60 * 1_000_000_000
