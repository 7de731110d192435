"""Many rows at once, as bulk_create writes them but without an object for each.

Of what saving a minute costs, preparing each value of each object was more than half.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, Final

from django.db import connection, models

# Where a database names no limit of its own.
_MOST_PARAMETERS: Final = 30_000


def insert(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    skip_known: bool = False,
) -> None:
    """Rows have a value for each column, as the database takes it. With `skip_known`
    those that break a constraint are left out."""
    most = connection.features.max_query_params or _MOST_PARAMETERS
    at_once = most // len(columns)
    quoted = connection.ops.quote_name
    into = f"{quoted(model._meta.db_table)} ({', '.join(map(quoted, columns))})"
    one = f"({', '.join(['%s'] * len(columns))})"
    end = " ON CONFLICT DO NOTHING" if skip_known else ""
    with connection.cursor() as cursor:
        for begin in range(0, len(rows), at_once):
            some = rows[begin : begin + at_once]
            values = ", ".join([one] * len(some))
            # The names are the model's own, and every value is bound.
            command = f"INSERT INTO {into} VALUES {values}{end}"
            cursor.execute(command, list(chain.from_iterable(some)))
