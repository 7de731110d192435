"""The segment store keeps the contract, as written and as compacted."""

import pytest

from tests.store.contract import StoreContract
from tests.store.segment_builders import compaction_settings, make_store
from traces.store.compaction import compact
from traces.store.segments import SegmentStore


@pytest.fixture
def store(tmp_path, db):
    store = make_store(tmp_path)
    yield store
    store.engine.close()


class TestFreshSegments(StoreContract):
    pass


class CompactingStore(SegmentStore):
    """Compacts after every write that it can."""

    def write(self, batch):
        super().write(batch)
        compact(self.files, compaction_settings(self))


class TestCompactedSegments(StoreContract):
    @pytest.fixture
    def store(self, store):
        store.__class__ = CompactingStore
        return store
