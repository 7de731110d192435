"""What is measured of requests: verdicts, causes, offenders, repeats.

A request counts in the minute in which its entry span starts, once, with its whole trace.
"""

from dataclasses import replace

import pyarrow as pa

from analysis.cause_measures import cause_measures
from analysis.critical_path import critical_path
from analysis.entries import entry_rows
from analysis.failures import failures
from analysis.fingerprints import fingerprints
from analysis.forest import Forest, build_forest
from analysis.latency import starts_in
from analysis.measured import Measured
from analysis.offender_measures import offender_measures
from analysis.repeat_measures import repeat_measures
from analysis.repeats import repeats
from analysis.serial_calls import serial_pairs
from analysis.serial_measures import serial_measures
from analysis.usual import Usual, completed
from analysis.verdict import Thresholds, judge
from analysis.verdict_measures import request_measures, verdict_measures
from traces.query import Window
from traces.tree import BoolArray


def request_findings(
    forest: Forest,
    named: Forest,
    window: Window,
    usual: Usual,
    thresholds: Thresholds,
    overlap_part: float,
) -> list[Measured]:
    """What is not known to be usual is learned from the requests themselves. `named` is
    the forest as its services and names are to be told."""
    chosen = rows_of_requests(forest, window)
    of = requests_in(forest, chosen)
    if not len(of):
        return []
    told = of if named is forest else _told_as(of, named, chosen)
    path, prints = critical_path(of, overlap_part=overlap_part), fingerprints(of)
    known = completed(usual, of)
    found = failures(of, path)
    verdicts = judge(of, path, found, known, thresholds)
    return [
        *request_measures(told),
        *verdict_measures(verdicts, told),
        *cause_measures(told, found),
        *offender_measures(told, path, known),
        *repeat_measures(of, repeats(of, path, prints)),
        *serial_measures(serial_pairs(of, path, prints)),
    ]


def rows_of_requests(forest: Forest, window: Window) -> BoolArray:
    """All of the traces whose entry spans start in the window."""
    bounds = window.start_time_unix_nano, window.end_time_unix_nano
    inside: BoolArray = starts_in(forest, *bounds)[entry_rows(forest)][forest.trace]
    return inside


def requests_in(forest: Forest, chosen: BoolArray) -> Forest:
    if chosen.all():
        return forest
    return build_forest(forest.spans.filter(pa.array(chosen)))


def _told_as(of: Forest, named: Forest, chosen: BoolArray) -> Forest:
    """The chosen rows are in order already, so that they are those of the new forest."""
    return replace(
        of,
        service=named.service[chosen],
        services=named.services,
        name=named.name[chosen],
        names=named.names,
    )
