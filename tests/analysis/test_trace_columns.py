"""Columns of what requests do: calls, errors, versions of other services."""

from analysis.forest import build_forest
from analysis.subtrees import subtrees
from analysis.trace_columns import trace_columns
from tests.analysis.plain import forest, node
from tests.builders import batch, trace_id
from traces.store.memory import MemoryStore


def request(number, queries=1, *, failed=False, version="1"):
    """A call of `b`, which asks a database so many times."""
    base = 100 * number
    of = {"trace_id": trace_id(number)}
    called = {"resource_attributes": {"service.version": version}}
    return [
        node(base + 1, 0, 99, name="GET", **of),
        node(base + 2, 1, 90, base + 1, service="b", name="charge", **of, **called),
        *(
            node(base + 3 + n, 2, 3, base + 2, service="b", name="SELECT", **of)
            for n in range(queries)
        ),
        *(
            [node(base + 90, 4, 5, base + 2, name="x", status_code=2, **of)]
            if failed
            else []
        ),
    ]


def columns(*requests):
    store = MemoryStore()
    store.write(batch(*(span for spans in requests for span in spans)))
    ids = [trace_id(n) for n in range(1, len(requests) + 1)]
    found = store.get_excerpt_of(ids, [], ["service.version"], 1_000)
    return trace_columns(build_forest(found)).to_pydict()


def test_calls_are_counted_by_path_in_sizes():
    found = columns(
        *(request(n, queries) for n, queries in enumerate((0, 1, 2, 3, 5, 9, 70), 1))
    )
    assert found["calls of b charge"] == ["once"] * 7
    assert found["calls of b charge > SELECT"] == [
        "never",
        "once",
        "twice",
        "3 to 4 times",
        "5 to 8 times",
        "9 to 16 times",
        "more than 64 times",
    ]


def test_errors_are_told_where_they_are():
    found = columns(*(request(n, failed=n > 2) for n in range(1, 8)))
    assert found["errors in a x"] == ["no errors"] * 2 + ["errors"] * 5


def test_versions_are_those_of_the_services_below():
    found = columns(request(1, version="1"), request(2, version="2"))
    assert found["b: service.version"] == ["1", "2"]
    assert "a: service.version" not in found


def test_a_request_below_another_has_its_own_calls():
    spans = [
        node(1, 0, 99, name="outer"),
        node(2, 1, 50, 1, name="inner", kind=2),
        node(3, 2, 3, 2, name="query"),
        node(4, 60, 90, 1, name="inner", kind=2),
    ]
    whole = forest(*spans)
    inner = [row for row in range(4) if whole.names[whole.name[row]] == "inner"]
    found = trace_columns(subtrees(whole, inner).forest).to_pydict()
    assert found == {"calls of a query": ["once", "never"]}


def test_of_nothing_there_are_no_columns():
    whole = forest(node(1, 0, 10))
    assert trace_columns(whole).num_columns == 0
    assert trace_columns(subtrees(whole, whole.roots[:0]).forest).num_columns == 0
