"""What one snapshot of Postgres shows of a relation, cut into shards that join the snapshot."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from psycopg import sql

from operators.core.fingerprint import fingerprint
from operators.read.spec import SourceSpec
from operators.read.tables.postgres_blocks import Leaf, digest_rows, find_blocks
from operators.read.tables.postgres_columns import Column, selected
from operators.read.tables.postgres_connection import Connection
from operators.read.tables.postgres_watermark import Watermark
from operators.read.tables.spec import TableSpec
from operators.read.tables.table import Pinned, PreviousSource, Shard

_ALL = sql.SQL("true")


@dataclass(frozen=True)
class View:
    """A relation in the snapshot that `connection` holds; `leaves` where it is made of plain tables."""

    connection: Connection
    spec: SourceSpec
    relation: sql.Composable
    columns: dict[str, Column]
    leaves: tuple[Leaf, ...] | None
    watermark: Watermark | None

    def whole(self) -> Pinned:
        """All rows."""
        reached = self.watermark.reached(self.connection) if self.watermark else None
        shards = tuple(self._blocks() if self.leaves is not None else self._ranges())
        if self.watermark:
            return Pinned(self._token(reached), shards=shards, watermark=reached)
        tokens = [shard.token for shard in shards]
        return Pinned(fingerprint(tokens) if all(tokens) else "", shards=shards)

    def changed(self, previous: PreviousSource) -> Pinned | None:
        """The rows changed since the snapshot before, or None where the watermark does not tell them."""
        if self.watermark is None or previous.watermark is None:
            return None
        reached = self.watermark.reached(self.connection)
        if reached is None or self.watermark.is_before(self.connection, reached, previous.watermark):
            return None
        condition = self.watermark.since(previous.watermark)
        name = f"changed-{fingerprint(previous.full_at)}-{previous.increments:06d}"
        # By id: through an index or not, the same rows come in the same order.
        shard = self._shard(name, self._digest(condition), self.relation, condition, ordered=True)
        return Pinned(self._token(reached), shards=(shard,), watermark=reached, keeps_earlier=True)

    def _token(self, reached: str | None) -> str:
        """Name of what the next night would read if nothing changed until then."""
        if self.watermark is None or reached is None:
            return ""
        digest = self._digest(self.watermark.since(reached))
        return fingerprint([reached, digest]) if digest else ""

    def _digest(self, condition: sql.Composable) -> str:
        if self.leaves is None or not all(leaf.definition for leaf in self.leaves):
            return ""
        definitions = [leaf.definition for leaf in self.leaves]
        return fingerprint([definitions, digest_rows(self.connection, self.relation, condition)])

    def _blocks(self) -> Iterator[Shard]:
        for leaf in self.leaves or ():
            for block in find_blocks(self.connection, leaf):
                yield self._shard(block.name, block.token, block.source, block.condition)

    def _ranges(self) -> Iterator[Shard]:
        """Ranges of the shard key with about as many rows each; rows without a key go with the last."""
        table = self.spec.table or TableSpec()
        key = self.columns[table.shard_key or self.spec.id]
        name = sql.Identifier(key.name)
        bounds = self._bounds(key, table.shards)
        if not bounds:
            yield self._shard("rows", "", self.relation, _ALL, ordered=True)
            return
        first = sql.SQL("{} < {}").format(name, bounds[0])
        last = sql.SQL("({0} >= {1} OR {0} IS NULL)").format(name, bounds[-1])
        inner = [sql.SQL("{0} >= {1} AND {0} < {2}").format(name, *pair) for pair in pairwise(bounds)]
        for number, condition in enumerate((first, *inner, last)):
            yield self._shard(f"rows-{number:04d}-of-{len(bounds) + 1}", "", self.relation, condition, ordered=True)

    def _bounds(self, key: Column, shards: int) -> list[sql.Composable]:
        if shards == 1:
            return []
        shares = sql.SQL(", ").join(sql.Literal(number / shards) for number in range(1, shards))
        query = sql.SQL("SELECT percentile_disc(ARRAY[{}]) WITHIN GROUP (ORDER BY {})::text[] FROM {}")
        row = self.connection.execute(query.format(shares, sql.Identifier(key.name), self.relation)).fetchone()
        values = dict.fromkeys(row[0] or ()) if row else {}
        return [sql.SQL("{}::{}").format(value, sql.Identifier(key.type)) for value in values if value is not None]

    @cached_property
    def _snapshot(self) -> str:
        row = self.connection.execute("SELECT pg_export_snapshot()").fetchone()
        return str(row[0]) if row else ""

    def _shard(
        self, name: str, token: str, source: sql.Composable, condition: sql.Composable, *, ordered: bool = False
    ) -> Shard:
        query = sql.SQL("SELECT {} FROM {} WHERE {}").format(selected(self.columns, self.spec), source, condition)
        if ordered:
            query = sql.SQL("{} ORDER BY {}").format(query, sql.Identifier(self.spec.id))
        return Shard(
            name=name, token=token, work={"snapshot": self._snapshot, "select": query.as_string(self.connection)}
        )
