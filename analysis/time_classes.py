"""What kind of work time is: own code, a database, the way between two services…"""

from enum import IntEnum
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.attributes import DATABASES, first_of
from analysis.forest import Forest
from analysis.grouping import groups, sums
from analysis.histogram import FloatArray, IntArray
from analysis.profile import Profile
from traces.spans import SpanKind
from traces.tree import NO_PARENT, BoolArray

CACHES: Final = ("redis", "memcached", "valkey")
# The attributes that a forest must have been read with.
KEYS: Final = DATABASES


class TimeClass(IntEnum):
    OWN_CODE = 0
    DATABASE = 1
    CACHE = 2
    # A client's time that the service it called did not spend: network and queues.
    BETWEEN_SERVICES = 3
    # A client's call of which no other service has sent a span.
    EXTERNAL = 4
    MESSAGING = 5


def time_classes(forest: Forest) -> IntArray:
    """The class of each row's own time."""
    system = first_of(forest, *DATABASES)
    is_database = _numpy(pc.is_valid(system))
    is_cache = _numpy(pc.is_in(system, value_set=pa.array(CACHES)))
    client = forest.kind == SpanKind.CLIENT
    answered = np.zeros(len(forest), bool)
    child = np.flatnonzero(forest.parent != NO_PARENT)
    above = forest.parent[child]
    answered[above[forest.service[child] != forest.service[above]]] = True
    found: IntArray = np.select(
        [is_cache, is_database, client & answered, client, _sends(forest)],
        [
            TimeClass.CACHE,
            TimeClass.DATABASE,
            TimeClass.BETWEEN_SERVICES,
            TimeClass.EXTERNAL,
            TimeClass.MESSAGING,
        ],
        TimeClass.OWN_CODE,
    )
    return found


def _sends(forest: Forest) -> BoolArray:
    found: BoolArray = forest.kind == SpanKind.PRODUCER
    return found


def _numpy(column: pa.Array) -> BoolArray:
    found: BoolArray = column.to_numpy(zero_copy_only=False)
    return found


def class_sums(profile: Profile, bands: IntArray) -> dict[tuple[int, str], float]:
    """Weighted nanoseconds on the path in these bands, by class; own code by service.

    The service is empty for the other classes. They add up to the durations.
    """
    forest, requests = profile.forest, profile.requests
    own = profile.critical_path.self_nano
    rows = np.flatnonzero((requests.of >= 0) & (own > 0))
    rows = rows[np.isin(requests.band[requests.of[rows]], bands)]
    kind = time_classes(forest)[rows]
    service = np.where(kind == TimeClass.OWN_CODE, forest.service[rows], -1)
    group = groups(kind, service)
    weighted: FloatArray = own[rows] * requests.weight[requests.of[rows]]
    totals = sums(group.number, weighted, len(group)).tolist()
    return {
        (int(kind[at]), forest.services[service[at]] if service[at] >= 0 else ""): nano
        for at, nano in zip(group.first.tolist(), totals, strict=True)
    }
