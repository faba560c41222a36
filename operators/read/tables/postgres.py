"""Postgres: one exported snapshot for the whole run, pages of tables or ranges of a key as shards, changed rows only.

Of a plain table (partitioned ones too) shards are ranges of pages, and a range whose rows are the same is not copied
again. What is behind a view or a query cannot be told so: it is copied every night, in the order of its ids, and the
same rows give the same files. Rows seen by a watermark alone leave deletions unseen until the next full pass.
"""

from collections.abc import Iterator

import pyarrow as pa
from psycopg import sql

from operators.core.errors import UsageError
from operators.read.spec import SourceSpec
from operators.read.tables.postgres_blocks import find_leaves
from operators.read.tables.postgres_columns import find_columns
from operators.read.tables.postgres_connection import Connection, connect, naming, where
from operators.read.tables.postgres_rows import batches
from operators.read.tables.postgres_view import View
from operators.read.tables.postgres_watermark import find_watermark
from operators.read.tables.spec import TableSpec
from operators.read.tables.table import Pinned, PreviousSource, Shard

_RELATION = """
SELECT c.oid::int8, c.oid::regclass::text FROM pg_class c WHERE c.oid = to_regclass(%s)
"""


class PostgresTable:
    """A table, view or query. `pin` holds its connection open, and with it the snapshot that `copy` joins."""

    def __init__(self, spec: SourceSpec) -> None:
        self._spec, self._table = spec, spec.table or TableSpec()
        self._pinned: Connection | None = None

    def pin(self, previous: PreviousSource | None) -> Pinned:
        """See `Table`."""
        self._pinned = connection = connect(self._spec)
        with naming("read", self._spec):
            relation, oid = self._relation(connection)
            columns = find_columns(connection, relation, self._spec)
            needed = [*self._spec.fields(), *filter(None, [self._table.watermark])]
            leaves = None if oid is None else find_leaves(connection, oid, needed)
            watermark = find_watermark(relation, columns, self._spec)
            view = View(connection, self._spec, relation, columns, leaves, watermark)
            return (view.changed(previous) if previous else None) or view.whole()

    def copy(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """See `Table`."""
        with (
            naming("read", self._spec),
            connect(self._spec, str(shard.work["snapshot"])) as connection,
            connection.cursor("millrace", binary=True) as cursor,
        ):
            cursor.execute(sql.SQL(str(shard.work["select"])))
            yield from batches(cursor)

    def close(self) -> None:
        """End the transaction that holds the snapshot."""
        if self._pinned:
            self._pinned.close()

    def _relation(self, connection: Connection) -> tuple[sql.Composable, int | None]:
        if self._table.query:
            return sql.SQL("({}) AS source").format(sql.SQL(self._table.query.strip().rstrip(";"))), None
        found = connection.execute(_RELATION, [self._table.name]).fetchone()
        if found is None:
            raise UsageError(f"{where(self._spec)}: there is no such table. Correct table.name, with its schema")
        return sql.SQL(found[1]), int(found[0])
