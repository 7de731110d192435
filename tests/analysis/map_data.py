"""Measures of a map with many services over many minutes, written as an analysis does.

    export DATA_DIR=… DJANGO_SETTINGS_MODULE=tracing_ui.settings
    python manage.py migrate
    python -m tests.analysis.map_data 50 150 1440

fills the database of that folder with so many services, edges and minutes up to now.
"""

import random
import sys
import time
from datetime import timedelta

import numpy as np

from analysis.edges import EdgeType
from analysis.histogram import histogram_of
from analysis.measured import EDGE, EDGE_CLIENT, SERVICE_PATH, Fields, Measured
from analysis.peers import NodeType
from tests.builders import MS, trace_id

KINDS = (
    (NodeType.SERVICE, EdgeType.CALL, "service"),
    (NodeType.DATABASE, EdgeType.DATABASE, "postgresql:db"),
    (NodeType.CACHE, EdgeType.CACHE, "redis:cache"),
    (NodeType.QUEUE, EdgeType.QUEUE, "kafka:topic"),
    (NodeType.EXTERNAL, EdgeType.CALL, "api.example"),
)


def map_edges(node_count: int, edge_count: int) -> list[Fields]:
    """A user, who calls a tree of services; other edges lead further down."""
    chance = random.Random(1)
    nodes = [("user", NodeType.USER, EdgeType.CALL), ("front-0", *KINDS[0][:2])]
    for number in range(2, node_count):
        type_, edge, name = KINDS[0] if number % 3 else chance.choice(KINDS)
        nodes.append((f"{name}-{number}", type_, edge))
    places = [at for at, node in enumerate(nodes) if node[1] is NodeType.SERVICE]
    ends = {(0, 1)}
    for at in range(2, node_count):
        ends.add((chance.choice([p for p in places if p < at]), at))
    while len(ends) < edge_count:
        one, other = sorted(chance.sample(range(1, node_count), 2))
        if one in places:
            ends.add((one, other))
    return [
        (*map_end(nodes[one]), *map_end(nodes[other]), int(nodes[other][2]))
        for one, other in sorted(ends)
    ]


def map_end(node):
    return node[0], int(node[1])


def map_measures(edges: list[Fields], seed: int = 0) -> list[Measured]:
    """Of one minute: 20 to 500 calls of each edge, a tenth of the edges fail."""
    chance = np.random.default_rng(seed)
    found = []
    for at, fields in enumerate(edges):
        count = 20 + (at * 37) % 480
        nano = (chance.lognormal(0, 0.6, count) * (5 + at % 50) * MS).astype(np.int64)
        ones = np.ones(count)
        failed = float(count // 9) if at % 10 == 3 else 0.0
        ids = {"slowest": trace_id(at + 1).hex()}
        times = histogram_of(nano, ones)
        server = (
            times if fields[3] == NodeType.SERVICE else histogram_of(nano[:0], ones)
        )
        found.append(Measured(EDGE, fields, (), count, failed, server, ids))
        found.append(Measured(EDGE_CLIENT, fields, (), count, 0.0, times, ids))
    path = [str(fields[2]) for fields in edges[:4]]
    found.append(Measured(SERVICE_PATH, tuple(path), (path[0],), 7.0, 1.0))
    return found


def fill(edges: list[Fields], minutes: int, now_nano: int) -> None:
    """The minutes before now, and the hours that are put together of them."""
    from analysis.results.changes import claim, mark, minute_of
    from analysis.results.measures import HOUR, MINUTE
    from analysis.results.minutes import analyse
    from analysis.results.saving import Effort, replace, rows_of

    last = minute_of(now_nano)
    mark(MINUTE, range(last - minutes, last))
    while change := claim(settle=timedelta(0)):
        if change.minutes == HOUR:
            analyse(None, change)  # from the minutes alone
            continue
        found = map_measures(edges, change.minute % 7)
        replace(change, rows_of(found), Effort(0, 0.0))


def main() -> None:
    import django

    django.setup()
    nodes, edges, minutes = map(int, sys.argv[1:4])
    fill(map_edges(nodes, edges), minutes, time.time_ns())


if __name__ == "__main__":
    main()
