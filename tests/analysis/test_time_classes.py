"""What kind of work the time on a path is."""

import numpy as np
import pytest
from hypothesis import given

from analysis.profile import ALL, profile
from analysis.requests import BAND_COUNT
from analysis.time_classes import TimeClass, class_sums, time_classes
from tests.analysis.plain import by_id, forest, forests, node

EVERY_BAND = np.arange(BAND_COUNT)


@pytest.mark.parametrize(
    ("attributes", "kind", "expected"),
    [
        ({"db.system.name": "postgresql"}, 3, TimeClass.DATABASE),
        ({"db.system": "mysql"}, 1, TimeClass.DATABASE),
        ({"db.system.name": "redis"}, 3, TimeClass.CACHE),
        ({}, 3, TimeClass.EXTERNAL),
        ({}, 4, TimeClass.MESSAGING),
        ({}, 1, TimeClass.OWN_CODE),
        ({}, 2, TimeClass.OWN_CODE),
        ({}, 5, TimeClass.OWN_CODE),
    ],
)
def test_a_span_without_children_is_of_a_class(attributes, kind, expected):
    found = forest(node(1, 0, 10, kind=kind, attributes=attributes))
    assert time_classes(found).tolist() == [expected]


def test_a_clients_own_time_is_between_services_when_another_answers():
    found = forest(
        node(1, 0, 10, kind=3),
        node(2, 2, 8, 1, kind=2, service="b"),
        node(3, 20, 30, kind=3),
        node(4, 22, 28, 3, kind=1),
    )
    assert by_id(found, time_classes(found)) == {
        1: TimeClass.BETWEEN_SERVICES,
        2: TimeClass.OWN_CODE,
        3: TimeClass.EXTERNAL,
        4: TimeClass.OWN_CODE,
    }


@given(forests())
def test_the_classes_add_up_to_the_durations(rows):
    found = profile(forest(*rows), "a", "x")
    totals = class_sums(found, EVERY_BAND)
    assert sum(totals.values()) == pytest.approx(float(found.band_nano[ALL]))
    for kind, service in totals:
        assert bool(service) == (kind == TimeClass.OWN_CODE)
