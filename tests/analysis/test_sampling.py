"""Weights from `ot=th:` in tracestate."""

import pyarrow as pa
import pytest

from analysis.sampling import span_weights


@pytest.mark.parametrize(
    ("trace_state", "weight"),
    [
        ("", 1),
        ("ot=th:0", 1),
        ("ot=th:8", 2),
        ("ot=th:c", 4),
        ("ot=th:fd70a4", 100),
        ("ot=rv:abcdef01234567;th:8", 2),
        ("vendor=th:8", 1),
        ("vendor=x, ot=th:8", 2),
        ("ot=xth:8", 1),
        ("ot=th:ffffffffffffff", 2**56),
    ],
)
def test_a_threshold_says_how_many_spans_one_stands_for(trace_state, weight):
    found = span_weights(pa.chunked_array([[trace_state]]))
    assert found.weight[0] == pytest.approx(weight, rel=1e-5)
    assert found.malformed == 0


@pytest.mark.parametrize("digits", ["", "g", "8 8", "FF", "0" * 15, "-1", "٣"])
def test_a_malformed_threshold_counts_as_none_and_is_told(digits):
    found = span_weights(pa.chunked_array([["ot=th:" + digits, "ot=th:8"]]))
    assert found.weight.tolist() == [1, 2]
    assert found.malformed == 1


def test_no_spans_have_no_weights():
    assert span_weights(pa.chunked_array([], pa.string())).weight.tolist() == []
