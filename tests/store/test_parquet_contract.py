"""The reading half keeps the contract on files: raw, shredded, and mixed."""

import pytest

from tests.store.contract import StoreContract
from tests.store.sources import ParquetStore


class TestRawFiles(StoreContract):
    @pytest.fixture
    def store(self, tmp_path) -> ParquetStore:
        return ParquetStore(tmp_path)


class TestShreddedFiles(TestRawFiles):
    def settle(self, store: ParquetStore) -> None:
        store.compact()
