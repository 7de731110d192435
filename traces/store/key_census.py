"""Which attribute maps cannot become shredded VARIANT columns, by their metadata.

DuckDB's Parquet writer renames an empty key and makes a column of every key it meets,
so maps with an empty key, and those with rare keys where there are too many keys, stay
byte pairs in a plain segment of their own. The metadata of a map lists its keys at all
depths; few distinct ones serve most spans.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from traces.store.segment_parquet import VARIANT_COLUMNS
from traces.variant import decode_metadata

MAX_KEYS: Final = 1_000


def unshreddable(paths: Iterable[Path], max_keys: int = MAX_KEYS) -> pa.Array:
    """The distinct metadata, in these plain files, whose maps must stay plain."""
    uses = _uses(paths)
    keys = {metadata: set(decode_metadata(metadata)) for metadata in uses}
    common = _common_keys(uses, keys, max_keys)
    odd = [m for m, names in keys.items() if "" in names or not names <= common]
    return pa.array(odd, pa.binary())


def _uses(paths: Iterable[Path]) -> Counter[bytes]:
    uses: Counter[bytes] = Counter()
    for column in _metadata_columns(paths):
        for pair in pc.value_counts(column).to_pylist():
            uses[pair["values"]] += pair["counts"]
    return uses


def _metadata_columns(paths: Iterable[Path]) -> Iterator[pa.ChunkedArray]:
    names = [f"{name}.metadata" for name in VARIANT_COLUMNS]
    for path in paths:
        # As dictionaries, which is how they are stored: no row is looked at twice.
        with pq.ParquetFile(path, read_dictionary=names) as file:
            table = file.read(columns=names, use_threads=False)
        for column in table.columns:
            yield pc.struct_field(column.drop_null(), "metadata")


def _common_keys(
    uses: Counter[bytes], keys: dict[bytes, set[str]], max_keys: int
) -> set[str]:
    weight: Counter[str] = Counter()
    for metadata, count in uses.items():
        weight.update(dict.fromkeys(keys[metadata], count))
    # Ties by name, so that the same input splits the same way.
    ranked = sorted(weight, key=lambda key: (-weight[key], key))
    return set(ranked[:max_keys])
