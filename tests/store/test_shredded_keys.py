"""What footers tell of keys is true, and is used only as far as it goes."""

import duckdb
import pytest

from tests.builders import MS, T0, batch, span
from tests.store.sources import ParquetStore
from traces.query import Attribute, Condition, Op, Scope, TraceQuery, Window
from traces.store.pieces import MAX_PIECES, pieces
from traces.store.shredded_keys import Kind, ShreddedKeysCache, shredded_keys

EVER = Window(0, 2**62)


@pytest.fixture
def store(tmp_path):
    return ParquetStore(tmp_path)


def shredded(store, *maps):
    store.write(batch(*(span(attributes=attributes) for attributes in maps)))
    store.compact()
    return store.shredded[-1]


def column(store, *maps):
    return shredded_keys(shredded(store, *maps))["attributes"]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, Kind.BOOLEAN),
        (7, Kind.INTEGER),
        (1.5, Kind.DOUBLE),
        ("seven", Kind.TEXT),
        ([1, 2], Kind.MIXED),
        ({"deep": 1}, Kind.MIXED),
        (b"\x00", Kind.MIXED),
    ],
)
def test_a_key_is_of_the_kind_of_all_its_values(store, value, kind):
    found = column(store, {"a.b": value}, {"a.b": value, "other": "x"}, {})
    assert found.kind("a.b") is kind


@pytest.mark.parametrize("odd", ["text", 1.5, True, [1], None])
def test_one_value_of_another_type_makes_a_key_mixed(store, odd):
    assert column(store, {"a": 1}, {"a": 2}, {"a": odd}).kind("a") is Kind.MIXED


def test_a_key_that_no_span_has_is_known_to_be_absent(store):
    found = column(store, {"a": 1}, {"a": 2})
    assert found.is_whole
    assert found.kind("b") is Kind.ABSENT


def test_keys_alike_but_for_case_are_left_alone(store):
    found = column(store, {"a": 1, "b": 1}, {"a": 2, "b": 1})
    assert found.kind("A") is None
    assert found.kind("b") is Kind.INTEGER


def test_keys_that_were_not_shredded_leave_all_others_unknown(tmp_path):
    path = tmp_path / "late.parquet"
    duckdb.sql(
        f"""
        COPY (
            SELECT CASE WHEN n < 200000 THEN {{'a': n}}::VARIANT
                ELSE {{'late': n}}::VARIANT END AS attributes
            FROM range(300000) AS numbers(n)
        ) TO '{path}' (FORMAT parquet, ROW_GROUP_SIZE 30720)
        """
    )
    found = shredded_keys(path)["attributes"]
    assert found.kind("a") is Kind.INTEGER
    assert found.kind("late") is None
    assert found.kind("nowhere") is None


def test_a_raw_file_tells_nothing(store):
    store.write(batch(span(attributes={"a": 1})))
    (piece,) = pieces(store.everything(), [Attribute("a", Scope.SPAN)])
    assert piece.kinds == {}


def test_files_are_cut_by_what_is_known_of_the_keys_asked_for(store):
    for number in range(3):
        shredded(store, {"a": 1, f"b{number}": 1})
    assert len(pieces(store.everything(), [Attribute("a", Scope.SPAN)])) == 1
    assert len(pieces(store.everything(), [Attribute("b1", Scope.SPAN)])) == 2


def test_many_different_files_become_few_pieces_of_which_one_is_unknown(store):
    keys = [f"k{number}" for number in range(MAX_PIECES + 2)]
    for key in keys:
        shredded(store, {key: 1})
    cut = pieces(store.everything(), [Attribute(key, Scope.SPAN) for key in keys])
    assert len(cut) == MAX_PIECES
    assert cut[-1].kinds == {}
    for key in keys:
        where = Condition(Attribute(key), Op.EXISTS)
        assert store.find_traces(TraceQuery(EVER, where)).matched == 1


def test_a_file_partly_in_the_window_lends_only_keys_of_spans_in_it(store):
    early = span(attributes={"x.early": 1, "x.both": 1})
    late = span(attributes={"x.late": [1], "x.both": 1}, start_ms=100)
    store.write(batch(early, late))
    store.compact()

    def keys(first, end, limit=100):
        window = Window(T0 + first * MS, T0 + end * MS)
        return [one.key for one in store.get_attribute_keys(window, "x.", limit)]

    assert keys(0, 100) == ["x.both", "x.early"]
    assert keys(50, 200) == ["x.both", "x.late"]
    assert keys(50, 200, limit=1) == ["x.both"]
    assert keys(50, 60) == []
    assert keys(0, 101) == ["x.both", "x.early", "x.late"]


def test_the_cache_holds_no_more_keys_than_it_may(store, tmp_path):
    cache = ShreddedKeysCache(max_keys=5)
    paths = [shredded(store, {f"x{n}": 1, f"y{n}": 1}) for n in range(4)]
    assert [cache.of(path)["attributes"].is_whole for path in paths] == [True] * 4
    assert list(cache._held) == paths[-1:]
    assert cache.of(tmp_path / "gone.parquet") == {}
