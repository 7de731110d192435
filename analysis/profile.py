"""The call-path profile of an entry operation: what its requests waited for, by path.

A path is the sequence of (service, span name) from the entry to a span. Time on the
critical path adds up: over all paths it is the duration of the requests, in each band of
percentiles and so also in the difference of two bands.
"""

from dataclasses import dataclass

import numpy as np

from analysis.critical_path import CriticalPath, critical_path
from analysis.forest import Forest
from analysis.grouping import groups, sums
from analysis.histogram import FloatArray, IntArray
from analysis.paths import Paths, call_paths
from analysis.requests import BAND_COUNT, Requests, requests_to
from analysis.self_time import own_times
from analysis.waiting import fire_and_forget
from traces.tree import NO_PARENT

ALL: int = BAND_COUNT


@dataclass(frozen=True, slots=True)
class Sums:
    """Weighted sums, a row a path, a column a band and a last one for all of them.

    `on_path_nano` is time owned on the critical path, `self_nano` time not covered by
    children, `hits` counts spans, `failed` those with an error, `requests` the requests
    with such a span.
    """

    on_path_nano: FloatArray
    self_nano: FloatArray
    hits: FloatArray
    failed: FloatArray
    requests: FloatArray


@dataclass(frozen=True, slots=True)
class Visits:
    """What each request spent on each of its paths, on its critical path."""

    request: IntArray
    path: IntArray
    on_path_nano: IntArray


@dataclass(frozen=True, slots=True)
class Profile:
    """`path` is that of each row, -1 outside of the requests.

    `slowest` and `typical` are requests, by path and band as in `sums`: those in which
    the path took most, and the median of those in which it took any; -1 for none.
    `band_weight` and `band_nano` are the weighted requests and their durations.
    """

    forest: Forest
    requests: Requests
    critical_path: CriticalPath
    path: IntArray
    paths: Paths
    sums: Sums
    visits: Visits
    slowest: IntArray
    typical: IntArray
    band_weight: FloatArray
    band_nano: FloatArray

    def mean_nano(self, band: int) -> float:
        """Of the duration of the requests of a band."""
        return float(self.band_nano[band] / (self.band_weight[band] or 1))

    def trace_id(self, request: int) -> bytes:
        row = int(self.requests.root[request])
        found: bytes = self.forest.spans["trace_id"][row].as_py()
        return found


def profile(
    forest: Forest, service_name: str, name: str, *, overlap_part: float = 0.0
) -> Profile:
    """Of all requests to the operation in the forest; there may be none."""
    requests = requests_to(forest, service_name, name)
    every_path, all_paths = call_paths(forest)
    away = fire_and_forget(forest, every_path, len(all_paths))
    found = critical_path(forest, away, overlap_part=overlap_part)
    rows = np.flatnonzero(requests.of >= 0)
    path, paths = _of_requests(every_path[rows], all_paths)
    of_row = np.full(len(forest), NO_PARENT)
    of_row[rows] = path
    visits = _visits(requests.of[rows], path, found.self_nano[rows])
    slowest, typical = _exemplars(visits, requests.band, len(paths))
    weight, nano = requests.weight, requests.weight * requests.duration_nano
    return Profile(
        forest,
        requests,
        found,
        of_row,
        paths,
        _sums(forest, requests, found, rows, of_row, visits, len(paths)),
        visits,
        slowest,
        typical,
        _by_band(requests.band, weight),
        _by_band(requests.band, nano),
    )


def _of_requests(path: IntArray, all_paths: Paths) -> tuple[IntArray, Paths]:
    """The paths that these rows have, numbered anew in the same order."""
    is_used = np.zeros(len(all_paths), bool)
    is_used[path] = True
    used = np.flatnonzero(is_used)
    number = np.cumsum(is_used) - 1
    above = all_paths.parent[used]
    parent = np.where(above == NO_PARENT, NO_PARENT, number[above])
    columns = all_paths.service[used], all_paths.name[used], all_paths.depth[used]
    return number[path], Paths(parent, *columns)


def _visits(request: IntArray, path: IntArray, own: IntArray) -> Visits:
    pair = groups(request, path)
    # Sums of whole nanoseconds: exact up to 104 days.
    total = sums(pair.number, own.astype(float), len(pair)).astype(np.int64)
    return Visits(request[pair.first], path[pair.first], total)


def _sums(
    forest: Forest,
    requests: Requests,
    found: CriticalPath,
    rows: IntArray,
    of_row: IntArray,
    visits: Visits,
    path_count: int,
) -> Sums:
    request = requests.of[rows]
    cell = of_row[rows] * BAND_COUNT + requests.band[request]
    weight = requests.weight[request]
    own = own_times(forest)[rows]

    def add_up(values: FloatArray, cell: IntArray = cell) -> FloatArray:
        return _with_all(sums(cell, values, path_count * BAND_COUNT))

    visited = visits.path * BAND_COUNT + requests.band[visits.request]
    return Sums(
        on_path_nano=add_up(weight * found.self_nano[rows]),
        self_nano=add_up(weight * own),
        hits=add_up(weight),
        failed=add_up(weight * forest.failed[rows]),
        requests=add_up(requests.weight[visits.request], visited),
    )


def _with_all(cells: FloatArray) -> FloatArray:
    by_band = cells.reshape(-1, BAND_COUNT)
    return np.column_stack((by_band, by_band.sum(axis=1)))


def _by_band(band: IntArray, values: FloatArray) -> FloatArray:
    found = sums(band, values, BAND_COUNT)
    return np.append(found, found.sum())


def _exemplars(
    visits: Visits, band: IntArray, path_count: int
) -> tuple[IntArray, IntArray]:
    """The requests with the longest and with the median visits."""
    shape = (path_count, BAND_COUNT + 1)
    slowest, typical = np.full(shape, -1), np.full(shape, -1)
    some = np.flatnonzero(visits.on_path_nano > 0)
    path, request = visits.path[some], visits.request[some]
    own = visits.on_path_nano[some]
    for column, chosen in (
        (band[request], slice(BAND_COUNT)),
        (None, slice(ALL, None)),
    ):
        width = BAND_COUNT if column is not None else 1
        cell = path * width + (column if column is not None else 0)
        order = np.lexsort((request, own, cell))
        count = np.bincount(cell, minlength=path_count * width)
        last = np.cumsum(count) - 1
        filled = np.flatnonzero(count)
        for exemplar, place in ((slowest, last), (typical, last - count // 2)):
            cells = np.full(path_count * width, -1)
            cells[filled] = request[order[place[filled]]]
            exemplar[:, chosen] = cells.reshape(-1, width)
    return slowest, typical
