"""What requests do, as columns of text beside their attributes: how often each call path
was gone, where something failed, which version and host of each service took part."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis.forest import Forest
from analysis.grouping import groups
from analysis.histogram import IntArray
from analysis.paths import Paths, call_paths
from analysis.subtrees import owners
from traces.spans import resource_column

CALLS: Final = "calls of "
ERRORS: Final = "errors in "
RESOURCE_KEYS: Final = (
    "service.version",
    "host.name",
    "k8s.pod.name",
    "deployment.environment.name",
)
MOST_PATHS: Final = 200
_CLASSES: Final = (
    "never",
    "once",
    "twice",
    "3 to 4 times",
    "5 to 8 times",
    "9 to 16 times",
    "17 to 32 times",
    "33 to 64 times",
    "more than 64 times",
)
_FAILED: Final = ("no errors", "errors")


def trace_columns(forest: Forest) -> pa.Table:
    """A row for each root, in their order; what the roots themselves are is left out."""
    owner = owners(forest)
    columns = {
        **_calls(forest, owner),
        **_errors(forest, owner),
        **_resources(forest, owner),
    }
    if not columns:
        return pa.table({"": pa.nulls(len(forest.roots))}).select([])
    return pa.table(columns)


def _calls(forest: Forest, owner: IntArray) -> dict[str, pa.Array]:
    path, paths = call_paths(forest)
    below = np.flatnonzero(forest.parent >= 0)
    chosen = _frequent(path[below], owner[below], len(paths))
    counts = _counts(path[below], owner[below], chosen, len(forest.roots))
    # 0, 1, 2, and then twice as many each.
    size = np.ceil(np.log2(np.maximum(counts, 1))).astype(np.int64) + 1
    size = np.where(counts == 0, 0, np.minimum(size, len(_CLASSES) - 1))
    return {
        CALLS + _text(forest, paths, int(number)): _named(size[:, at], _CLASSES)
        for at, number in enumerate(chosen)
    }


def _errors(forest: Forest, owner: IntArray) -> dict[str, pa.Array]:
    failed = np.flatnonzero(forest.failed & (forest.parent >= 0))
    alike = groups(forest.service[failed], forest.name[failed])
    requests = len(forest.roots)
    chosen = _frequent(alike.number, owner[failed], len(alike))
    counts = _counts(alike.number, owner[failed], chosen, requests)
    firsts = failed[alike.first[chosen]]
    return {
        ERRORS + _operation(forest, int(row)): _named(
            (counts[:, at] > 0).astype(np.int64), _FAILED
        )
        for at, row in enumerate(firsts)
    }


def _resources(forest: Forest, owner: IntArray) -> dict[str, pa.Array]:
    """Of each service but the root's own, whose resource is a column already."""
    away = np.flatnonzero(forest.service != forest.service[forest.roots][owner])
    found = {}
    for key in RESOURCE_KEYS:
        column = resource_column(key)
        if column not in forest.spans.column_names or not len(away):
            continue
        texts = forest.spans[column].combine_chunks()
        known = away[pc.is_valid(texts).to_numpy(zero_copy_only=False)[away]]
        for service in np.unique(forest.service[known]).tolist():
            rows = known[forest.service[known] == service]
            name = f"{forest.services[service]}: {key}"
            found[name] = _first_of(texts, rows, owner[rows], len(forest.roots))
    return dict(list(found.items())[:MOST_PATHS])


def _first_of(
    texts: pa.Array, rows: IntArray, owner: IntArray, requests: int
) -> pa.Array:
    """By request the text of its first row, null without one."""
    first = np.full(requests, -1)
    # Written backwards, so that the first is written last.
    first[owner[::-1]] = rows[::-1]
    return texts.take(pa.array(first, mask=first < 0))


def _frequent(number: IntArray, owner: IntArray, count: int) -> IntArray:
    """The numbers that most requests have."""
    pairs = groups(number, owner).first
    frequency = np.bincount(number[pairs], minlength=count)
    found: IntArray = np.argsort(-frequency, kind="stable")[:MOST_PATHS]
    return found[frequency[found] > 0]


def _counts(
    number: IntArray, owner: IntArray, chosen: IntArray, requests: int
) -> IntArray:
    """How often each request has each chosen number."""
    place = np.full(int(number.max(initial=-1)) + 1, -1)
    place[chosen] = np.arange(len(chosen))
    kept = np.flatnonzero(place[number] >= 0)
    cell = owner[kept] * len(chosen) + place[number[kept]]
    found = np.bincount(cell, minlength=requests * len(chosen))
    return found.reshape(requests, len(chosen))


def _named(number: IntArray, names: Sequence[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(number, pa.int32()), pa.array(names))


def _operation(forest: Forest, row: int) -> str:
    return f"{forest.services[forest.service[row]]} {forest.names[forest.name[row]]}"


def _text(forest: Forest, paths: Paths, number: int) -> str:
    """The path without its root, the same service named once in a row."""
    parts, last = [], -1
    for step in paths.steps(number)[1:]:
        service = int(paths.service[step])
        name = forest.names[paths.name[step]]
        parts.append(name if service == last else f"{forest.services[service]} {name}")
        last = service
    return " > ".join(parts)
