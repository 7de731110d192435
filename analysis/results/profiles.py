"""Profiles on demand: from stored spans, kept a while for the next look at them."""

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from analysis.forest import build_forest
from analysis.profile import Profile, profile
from analysis.results.arrivals import REACH_NANO
from analysis.results.thresholds import overlap_part
from analysis.time_classes import KEYS
from traces.query import Window
from traces.store.base import TraceStore
from traces.store.current import current_store

# Beyond so many spans a sample of the traces is profiled.
MOST_SPANS: Final = 200_000
FRESH_SECONDS: Final = 60.0
_KEPT: Final = 3


@dataclass(frozen=True, slots=True)
class Profiled:
    """A profile of one in `one_in` of the `trace_count` traces with the operation."""

    profile: Profile
    one_in: int
    trace_count: int


@dataclass(frozen=True, slots=True)
class _Kept:
    # Held, so that no later store can have the same `id`.
    store: TraceStore
    profiled: Profiled
    made_at: float


_Key = tuple[int, Window, str, str]
_lock = threading.Lock()
_kept: OrderedDict[_Key, _Kept] = OrderedDict()


def read_profile(window: Window, service_name: str, name: str) -> Profiled:
    """Of the entries in traces in which the operation starts in the window. Raises
    StoreError."""
    store = current_store()
    key = (id(store), window, service_name, name)
    with _lock:
        kept = _kept.get(key)
    if kept and time.monotonic() - kept.made_at < FRESH_SECONDS:
        return kept.profiled
    profiled = _profiled(store, window, service_name, name)
    with _lock:
        _kept[key] = _Kept(store, profiled, time.monotonic())
        _kept.move_to_end(key)
        while len(_kept) > _KEPT:
            _kept.popitem(last=False)
    return profiled


def _profiled(
    store: TraceStore, window: Window, service_name: str, name: str
) -> Profiled:
    sample = store.get_sample(
        window, REACH_NANO, KEYS, (service_name, name), MOST_SPANS
    )
    forest = build_forest(sample.spans)
    found = profile(forest, service_name, name, overlap_part=overlap_part())
    return Profiled(found, sample.one_in, sample.trace_count)
