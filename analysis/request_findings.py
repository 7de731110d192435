"""What is measured of requests: verdicts, causes, offenders, repeats.

A request counts in the minute in which its entry span starts, once, with its whole trace.
"""

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


def request_findings(
    forest: Forest,
    window: Window,
    usual: Usual,
    thresholds: Thresholds,
    overlap_part: float,
) -> list[Measured]:
    """What is not known to be usual is learned from the requests themselves."""
    of = requests_in(forest, window)
    if not len(of):
        return []
    path, prints = critical_path(of, overlap_part=overlap_part), fingerprints(of)
    known = completed(usual, of)
    found = failures(of, path)
    verdicts = judge(of, path, found, known, thresholds)
    return [
        *request_measures(of),
        *verdict_measures(verdicts),
        *cause_measures(of, found),
        *offender_measures(of, path, known),
        *repeat_measures(of, repeats(of, path, prints)),
        *serial_measures(serial_pairs(of, path, prints)),
    ]


def requests_in(forest: Forest, window: Window) -> Forest:
    """The whole traces whose entry spans start in the window."""
    bounds = window.start_time_unix_nano, window.end_time_unix_nano
    inside = starts_in(forest, *bounds)[entry_rows(forest)]
    if inside.all():
        return forest
    return build_forest(forest.spans.filter(pa.array(inside[forest.trace])))
