"""Columns of spans put together from batches, each text kept once."""

from collections.abc import Mapping
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from traces.spans import MOST_TEXT_CHARACTERS, TEXTS, compared_schema
from traces.store.base import QueryTooExpensive

# Different texts of all batches together.
MOST_BYTES: Final = 256 * 1024 * 1024
_MIB: Final = 1024 * 1024


class DictionaryBatches:
    """Some batches need not have all columns of text."""

    def __init__(self, *, marked: bool = False) -> None:
        self._schema = compared_schema(marked=marked)
        self._batches: list[Mapping[str, pa.Array]] = []
        self._bytes = 0

    def add(self, columns: Mapping[str, pa.Array]) -> None:
        """Those of the schema, and texts, integers or booleans that become texts.
        Raises QueryTooExpensive."""
        kinds = {field.name: field.type for field in self._schema}
        self._batches.append(
            {
                name: _of_type(column, kinds.get(name, TEXTS))
                for name, column in columns.items()
            }
        )
        self._bytes += sum(
            column.dictionary.nbytes
            for column in self._batches[-1].values()
            if column.type == TEXTS
        )
        if self._bytes > MOST_BYTES:
            raise QueryTooExpensive(
                "the attributes of these spans have more than"
                f" {MOST_BYTES // _MIB:,} MiB of different texts"
            )

    def table(self) -> pa.Table:
        """Attributes in the order of names; what is null in all rows is left out."""
        found = {
            field.name: self._column(field.name, field.type) for field in self._schema
        }
        names = {name for batch in self._batches for name in batch} - found.keys()
        for name in sorted(names):
            column = self._column(name, TEXTS)
            if column.null_count < len(column):
                found[name] = column
        return pa.table(found)

    def _column(self, name: str, kind: pa.DataType) -> pa.ChunkedArray:
        chunks = [
            batch[name] if name in batch else _nothing(len(batch["trace_id"]))
            for batch in self._batches
        ]
        return pa.chunked_array(chunks, kind)


def _of_type(column: pa.Array, kind: pa.DataType) -> pa.Array:
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    if kind == TEXTS:
        return _encoded(column)
    # Copied: as long as a column is used, all that DuckDB gave with it stays.
    return pa.concat_arrays([column.cast(kind)])


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    encoded = column.dictionary_encode()
    texts = encoded.dictionary.cast(pa.string())
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > MOST_TEXT_CHARACTERS:
        # What was cut may have become equal.
        cut = pc.utf8_slice_codeunits(texts, 0, MOST_TEXT_CHARACTERS)
        return cut.take(encoded.indices).dictionary_encode()
    return pa.DictionaryArray.from_arrays(encoded.indices, texts)


def _nothing(rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(
        pa.nulls(rows, pa.int32()), pa.array([], pa.string())
    )
