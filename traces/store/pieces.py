"""A relation cut into pieces, in each of which a query's attributes are all of a kind.

What is known of a key spares DuckDB from putting whole VARIANTs together: a key that
no span has needs no look, and one that is all text is read as a column of text.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from traces.query import Attribute, Condition, Filter, Scope, children
from traces.store.segment_parquet import union_sql
from traces.store.shredded_keys import Kind
from traces.store.source import Part, Relation
from traces.store.sql import columns_of

# Each piece is a scan of its own, with a condition of its own.
MAX_PIECES: Final = 8

ColumnKey = tuple[str, str]


class Piece(NamedTuple):
    """Some of a relation's files as one table expression."""

    sql: str
    kinds: Mapping[ColumnKey, Kind] = {}
    """By column and key; a pair that is missing may be anything."""


def attributes_of(node: Filter) -> Iterator[Attribute]:
    if isinstance(node, Condition):
        if isinstance(node.subject, Attribute):
            yield node.subject
        return
    for part in children(node):
        yield from attributes_of(part)


def pieces(relation: Relation, attributes: Iterable[Attribute]) -> list[Piece]:
    """Together all of the relation; one piece when nothing tells its files apart."""
    wanted = _column_keys(attributes)
    if not wanted or not relation.parts:
        return [Piece(relation.sql)]
    groups: defaultdict[tuple[Kind | None, ...], list[Part]] = defaultdict(list)
    for part in relation.parts:
        groups[_kinds(part, wanted)].append(part)
    ranked = sorted(groups.items(), key=lambda group: -len(group[1]))
    rest = [part for _, parts in ranked[MAX_PIECES - 1 :] for part in parts]
    cut = ranked[: MAX_PIECES - 1]
    if len(ranked) <= MAX_PIECES:
        cut, rest = ranked, []
    found = [Piece(parts_sql(parts), _known(wanted, kinds)) for kinds, parts in cut]
    return found + ([Piece(parts_sql(rest))] if rest else [])


def parts_sql(parts: Iterable[Part]) -> str:
    parts = list(parts)
    return union_sql(
        [part.path for part in parts if not part.is_variant],
        [part.path for part in parts if part.is_variant],
    )


def _column_keys(attributes: Iterable[Attribute]) -> list[ColumnKey]:
    return sorted(
        {
            (column, attribute.key)
            for attribute in attributes
            if attribute.scope is not Scope.EVENT
            for column in columns_of(attribute.scope)
        }
    )


def _kinds(part: Part, wanted: Sequence[ColumnKey]) -> tuple[Kind | None, ...]:
    keys = part.keys()
    return tuple(
        keys[column].kind(key) if column in keys else None for column, key in wanted
    )


def _known(
    wanted: Sequence[ColumnKey], kinds: Sequence[Kind | None]
) -> dict[ColumnKey, Kind]:
    pairs = zip(wanted, kinds, strict=True)
    return {name: kind for name, kind in pairs if kind is not None}
