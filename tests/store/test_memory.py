"""The memory store keeps the contract."""

import pytest

from tests.store.contract import StoreContract
from traces.store.memory import MemoryStore


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
