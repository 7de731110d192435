"""Which attribute keys the shredded columns of a file hold, by its Parquet footer.

A key that was shredded is a column of its own, and then in no rest of a map. Where the
footer counts no value beside that column, the column's type is the type of every value
of the key; where no map has a rest, no other key occurs in the file. Source: the
Apache Parquet format's VariantShredding specification.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from traces.store.segment_parquet import VARIANT_COLUMNS

MAX_CACHED_KEYS: Final = 200_000


class Kind(StrEnum):
    """What all values of one key are, by the name of DuckDB's type."""

    BOOLEAN = "BOOLEAN"
    INTEGER = "BIGINT"
    DOUBLE = "DOUBLE"
    TEXT = "VARCHAR"
    MIXED = "mixed"  # lists, maps, empty values, or more than one type
    ABSENT = "absent"  # no span has the key


class ShreddedColumn(NamedTuple):
    kinds: Mapping[str, Kind]
    """Of the keys that were shredded and occur."""
    is_whole: bool
    """Whether there are no other keys."""

    def kind(self, key: str) -> Kind | None:
        """None when nothing is known of the key."""
        if _is_like_another(key, self.kinds):
            return None
        return self.kinds.get(key, Kind.ABSENT if self.is_whole else None)


ShreddedKeys = Mapping[str, ShreddedColumn]
"""By column. Of a column that is not named, nothing is known."""

_KINDS: Final = {
    pa.bool_(): Kind.BOOLEAN,
    pa.int64(): Kind.INTEGER,
    pa.float64(): Kind.DOUBLE,
    pa.string(): Kind.TEXT,
}


def shredded_keys(path: Path) -> ShreddedKeys:
    """What the footer of a variant file says. Raises OSError, pa.ArrowException."""
    with pq.ParquetFile(path) as file:
        return _Footer(file.schema_arrow, file.metadata).keys()


class _Footer:
    def __init__(self, schema: pa.Schema, metadata: pq.FileMetaData) -> None:
        self.schema = schema
        self.groups = [metadata.row_group(n) for n in range(metadata.num_row_groups)]

    def keys(self) -> dict[str, ShreddedColumn]:
        found = {}
        leaf = 0
        for field in self.schema:
            if field.name in VARIANT_COLUMNS:
                found[field.name] = self._column(dict(_children(field.type, leaf)))
            leaf += _leaf_count(field.type)
        return found

    def _column(self, parts: "_Parts") -> ShreddedColumn:
        value, typed = parts.get("value"), parts.get("typed_value")
        kinds = {
            key: kind
            for key, (kept, leaf) in (_children(*typed) if typed else ())
            if (kind := self._kind(kept, leaf)) is not None
        }
        is_whole = value is not None and not self._holds_any(value[1])
        return ShreddedColumn(kinds, is_whole)

    def _kind(self, kept: pa.DataType, leaf: int) -> Kind | None:
        """None when no map has the key."""
        if not any(self._holds_any(at) for at in _leaves(kept, leaf)):
            return None
        parts = dict(_children(kept, leaf))
        typed, value = parts.get("typed_value"), parts.get("value")
        if typed is None or (value is not None and self._holds_any(value[1])):
            return Kind.MIXED
        return _KINDS.get(typed[0], Kind.MIXED)

    def _holds_any(self, leaf: int) -> bool:
        """Whether a value of this column may not be null."""
        for group in self.groups:
            column = group.column(leaf)
            statistics = column.statistics
            if statistics is None or not statistics.has_null_count:
                return True
            if statistics.null_count < column.num_values:
                return True
        return False


def _is_like_another(key: str, keys: Mapping[str, Kind]) -> bool:
    """Whether it differs from one in its case only, which DuckDB confuses in a cast."""
    folded = key.casefold()
    return any(other.casefold() == folded and other != key for other in keys)


_Parts = Mapping[str, tuple[pa.DataType, int]]


def _storage(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _fields(kind: pa.DataType) -> list[pa.Field]:
    kind = _storage(kind)
    return [kind.field(n) for n in range(kind.num_fields)]


def _leaf_count(kind: pa.DataType) -> int:
    fields = _fields(kind)
    return sum(_leaf_count(field.type) for field in fields) if fields else 1


def _leaves(kind: pa.DataType, first: int) -> range:
    return range(first, first + _leaf_count(kind))


def _children(
    kind: pa.DataType, leaf: int
) -> Iterator[tuple[str, tuple[pa.DataType, int]]]:
    """Name, type and first leaf column of each field."""
    for field in _fields(kind):
        yield field.name, (_storage(field.type), leaf)
        leaf += _leaf_count(field.type)


class ShreddedKeysCache:
    """By path, least recently used dropped first; a file never changes."""

    def __init__(self, max_keys: int = MAX_CACHED_KEYS) -> None:
        self.max_keys = max_keys
        self._held: OrderedDict[Path, ShreddedKeys] = OrderedDict()
        self._key_count = 0
        self._lock = threading.Lock()

    def of(self, path: Path) -> ShreddedKeys:
        """Nothing of a file that cannot be read; whoever scans it will say so."""
        with self._lock:
            if path in self._held:
                self._held.move_to_end(path)
                return self._held[path]
        try:
            keys = shredded_keys(path)
        except (OSError, pa.ArrowException):
            return {}
        with self._lock:
            self._hold(path, keys)
        return keys

    def _hold(self, path: Path, keys: ShreddedKeys) -> None:
        if path in self._held:
            return
        self._held[path] = keys
        self._key_count += _size(keys)
        while self._key_count > self.max_keys:
            self._key_count -= _size(self._held.popitem(last=False)[1])


def _size(keys: ShreddedKeys) -> int:
    return 1 + sum(len(column.kinds) for column in keys.values())
