"""Percentiles, the table, and what /proc says."""

import os

import pytest

from tests.benchmarks.__main__ import parse
from tests.benchmarks.figures import Figure, percentile, shown, table
from tests.benchmarks.processes import (
    Stat,
    cpu_seconds,
    descendants,
    parse_resident_bytes,
    parse_stat,
    resident_bytes,
)
from tests.benchmarks.report import performance_page
from tests.benchmarks.workload import Workload


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (50, 5), (51, 6), (99, 10), (100, 10)]
)
def test_a_percentile_is_one_of_the_values_by_nearest_rank(percent, value):
    assert percentile([*range(10, 0, -1)], percent) == value


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123, "0.12 ms"), (12.34, "12.3 ms"), (1234.5, "1,234 ms"), (0, "0.00 ms")],
)
def test_figures_show_the_digits_that_matter(value, text):
    assert shown(value, "ms") == text


def test_the_table_marks_what_misses_its_target():
    lines = table(
        [
            Figure("fast", 10, "ms", 10),
            Figure("slow", 11, "ms", 10, "a note"),
            Figure("plain", 7, "B"),
        ]
    ).splitlines()
    assert lines[2] == "| fast | 10.0 ms | 10.0 ms |  |"
    assert lines[3] == "| slow | 11.0 ms | 10.0 ms | **missed**; a note |"
    assert lines[4] == "| plain | 7.00 B |  |  |"


def test_the_page_names_the_command_and_the_workload():
    figures, arguments = [Figure("x", 1, "s")], ["--spans", "2000"]
    page = performance_page(figures, Workload(2_000), arguments, load=0.25)
    assert "`python -m tests.benchmarks --spans 2000`" in page
    assert "2,000 spans with 10 attributes each" in page
    assert "Load average before the run: 0.2" in page
    assert "| x | 1.00 s |" in page


def test_a_process_may_be_named_anything():
    text = "7 (a) b (c) S 3 7 7 0 -1 0 0 0 0 0 " + " ".join(["100"] * 4) + " 20 0"
    ticks = os.sysconf("SC_CLK_TCK")
    assert parse_stat(text) == Stat(parent=3, cpu_seconds=400 / ticks)


def test_descendants_are_found_at_any_depth():
    stats = {pid: Stat(parent, 1.0) for pid, parent in {2: 1, 3: 2, 4: 3, 5: 1}.items()}
    assert sorted(descendants(2, stats)) == [2, 3, 4]


def test_resident_memory_is_read_in_bytes():
    assert parse_resident_bytes("Name:\tx\nVmRSS:\t  12 kB\n") == 12_288
    assert parse_resident_bytes("Name:\tkernel thread\n") == 0


def test_this_process_has_used_time_and_memory():
    assert cpu_seconds(os.getpid()) > 0
    assert resident_bytes(os.getpid()) > 1_000_000


def test_parts_can_be_chosen_and_unknown_ones_are_refused(capsys):
    assert parse(["--only", "search,paint"]).only == ("search", "paint")
    with pytest.raises(SystemExit):
        parse(["--only", "lunch"])
    assert "lunch" in capsys.readouterr().err
