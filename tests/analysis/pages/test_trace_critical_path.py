"""The critical path on the page of a trace: a table, and pieces for the waterfall."""

import pytest
from django.urls import reverse

from analysis.pages.trace_critical_path import MAX_PIECES
from tests.builders import MS, batch, trace_id
from tests.test_trace import many, numbered
from traces.store.base import StoreUnavailable
from traces.store.current import use_store
from traces.store.memory import MemoryStore

PAGE = f"/trace/{trace_id(1).hex()}/critical-path"
IN_A_TAB = {"HX-Request": "true"}
HOSTILE = "<script>window.__x=1</script>\"'&"


@pytest.fixture
def store():
    with use_store(MemoryStore()) as store:
        yield store


@pytest.fixture
def shop(store):
    """Root [0,100] of charge [10,60] beside stock [10,50], and a late mail."""
    store.write(
        batch(
            numbered(1, name="GET /", ms=100),
            numbered(2, 1, name="charge", service="payment", start_ms=10, ms=50),
            numbered(3, 1, name="stock", service="stock", start_ms=10, ms=40),
            numbered(4, 1, name="mail", service="mail", start_ms=120, ms=10),
        )
    )


def pieces(client, **parameters):
    answer = client.get(f"{PAGE}/pieces", parameters)
    assert answer.status_code == 200
    return answer.json()["rows"]


def test_the_table_adds_up_to_the_root(client, shop):
    answer = client.get(PAGE)
    lines = [
        (line.share.name, line.share.nano // MS) for line in answer.context["shares"]
    ]
    assert lines == [("GET /", 50), ("charge", 50)]
    page = answer.content.decode()
    assert "100 ms" in page
    assert "outside: it runs before or after" in page


def test_a_tab_gets_the_table_alone(client, shop):
    page = client.get(PAGE, headers=IN_A_TAB).content.decode()
    assert "charge" in page
    assert "<html" not in page


def test_the_trace_page_loads_the_table_by_its_address(client, shop):
    page = client.get(f"/trace/{trace_id(1).hex()}?tab=path&adjust=0").content.decode()
    assert f'hx-get="{PAGE}?adjust=0"' in page


def test_the_rows_in_sight_have_their_pieces_from_the_start_of_the_trace(client, shop):
    root, stock, charge, mail = pieces(client)
    assert root["pieces"] == [[0, 10 * MS], [60 * MS, 100 * MS]]
    assert charge["pieces"] == [[10 * MS, 60 * MS]]
    assert [row["on"] for row in (stock, mail)] == [False, False]
    assert [row["outside"] for row in (stock, mail)] == [False, True]
    assert [row["slack"] for row in (root, charge)] == [0, 0]
    assert [row["slack"] for row in (stock, mail)] == [10 * MS, -1]


def test_pieces_are_of_the_rows_that_a_collapsed_waterfall_shows(client, shop):
    (root,) = pieces(client, level="1")
    assert (root["start"], root["end"]) == (0, 100 * MS)
    assert len(pieces(client, **{"from": 1, "count": 2})) == 2


def test_a_row_of_very_many_pieces_sends_the_longest(client, store):
    count = 2 * MAX_PIECES
    spans = many(count, [None, *([1] * (count - 1))]).to_pylist()
    spans[0]["duration_nano"] = count * 1000
    for span in spans[1:]:
        span["duration_nano"] = 500
    store.write(batch(*spans))
    root = pieces(client)[0]
    assert len(root["pieces"]) == MAX_PIECES
    assert root["left_out"] == count - MAX_PIECES


@pytest.mark.parametrize(
    "query", ["from=x", "count=0", "count=501", "count=-1", "level=x", "toggled=!"]
)
def test_a_bad_question_is_400(client, shop, query):
    assert client.get(f"{PAGE}/pieces?{query}").status_code == 400


def test_unknown_traces_are_404_and_a_store_away_is_503(client, store):
    for name in ("trace-critical-path", "critical-path-pieces"):
        assert client.get(reverse(name, args=["f" * 32])).status_code == 404
        assert client.get(reverse(name, args=["zz"])).status_code == 400

    class Away(MemoryStore):
        def get_traces(self, trace_ids):
            raise StoreUnavailable("away")

    with use_store(Away()):
        assert client.get(PAGE).status_code == 503


def test_names_of_strangers_are_text(client, store):
    store.write(batch(numbered(1, name=HOSTILE, service=HOSTILE)))
    assert "<script>window" not in client.get(PAGE).content.decode()


def test_what_changes_under_the_same_ids_is_found_anew(client):
    """Another store, the same trace: a kept path belongs to the trace it was found in."""
    for parent, own in ((1, [50, 50]), (None, [50, 100])):
        with use_store(MemoryStore()) as store:
            store.write(batch(numbered(1, ms=100), numbered(2, parent, ms=50)))
            found = sorted(row["self"] // MS for row in pieces(client))
            assert found == own
