"""The store this process works on: the segment store of the settings, opened once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from traces.store.base import TraceStore

if TYPE_CHECKING:
    from traces.store.segments import SegmentStore

_stores: list[TraceStore] = []


def current_store() -> TraceStore:
    if not _stores:
        _stores.append(_open_from_settings())
    return _stores[-1]


def current_segment_store() -> "SegmentStore":
    """For work on segments, which another store has none of."""
    from traces.store.segments import SegmentStore

    store = current_store()
    if not isinstance(store, SegmentStore):
        raise TypeError(f"{type(store).__name__} has no segments")
    return store


@contextmanager
def use_store(store: TraceStore) -> Iterator[TraceStore]:
    """Work on another store within the block; for tests."""
    _stores.append(store)
    try:
        yield store
    finally:
        _stores.remove(store)


def _open_from_settings() -> TraceStore:
    # Imported late: the segment store brings Django's models along, the contract
    # and the memory store do not.
    from traces.store.segments import SegmentStore

    return SegmentStore.from_settings()
