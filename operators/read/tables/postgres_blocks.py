"""Ranges of a table's pages, each with a digest that stays the same while its rows do.

A row of a heap never changes in place: an update is a new row with another `xmin` or at another place. So the places
and `xmin` of the rows on some pages, with the column definitions and the server's start (a promoted or restored server
may give out transaction numbers again), name the content of those pages: no text is read to know that it is the same.
"""

from dataclasses import dataclass
from typing import Any

from psycopg import sql

from operators.core.fingerprint import fingerprint
from operators.read.tables.postgres_connection import Connection

#: Of a range, with what is stored out of line.
SHARD_BYTES = 64 << 20
_FEWEST, _MOST = 16, 1 << 16
_LEAVES = """
WITH RECURSIVE tree(oid) AS (SELECT %s::oid UNION SELECT inhrelid FROM pg_inherits JOIN tree ON inhparent = tree.oid)
SELECT c.oid::int8, c.oid::regclass::text, c.relkind::text, coalesce(a.amname, '')::text, row_security_active(c.oid),
       pg_table_size(c.oid)::int8, pg_relation_size(c.oid)::int8 / current_setting('block_size')::int8,
       (SELECT count(*) FROM tree)::int8
FROM tree JOIN pg_class c USING (oid) LEFT JOIN pg_am a ON a.oid = c.relam ORDER BY 1
"""
#: What a column's value depends on beside its row. Types that somebody can redefine name no content.
_DEFINITION = """
SELECT attnum::int8, attname::text, atttypid::int8, atttypmod::int8, attmissingval::text,
       typtype = 'b' AND attgenerated <> 'v' AND (typcategory <> 'A' OR typnamespace = 'pg_catalog'::regnamespace)
FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = %s::oid AND attname = ANY(%s) ORDER BY attnum
"""
_SERVER = "SELECT pg_postmaster_start_time()::text, oid::int8 FROM pg_database WHERE datname = current_database()"
_BLOCKS = """
SELECT page / {pages}, count(*)::int8, sum(row)::text
FROM (SELECT ((ctid::text::point)[0])::int8 AS page, {row} AS row FROM ONLY {leaf}) AS rows
GROUP BY 1 ORDER BY 1 DESC
"""
_ROW = "hashtextextended(tableoid::text || ' ' || ctid::text || ' ' || xmin::text, 0)"


@dataclass(frozen=True)
class Leaf:
    """A table or partition that holds rows; `definition` names its columns, "" where they name no content."""

    oid: int
    name: str
    pages: int
    definition: str


@dataclass(frozen=True)
class Block:
    """The rows on some pages of a leaf; `token` names their content, "" where only a copy can tell."""

    name: str
    token: str
    source: sql.Composable
    condition: sql.Composable


def find_leaves(connection: Connection, oid: int, columns: list[str]) -> tuple[Leaf, ...] | None:
    """The tables that hold the relation's rows, or None where it is not made of plain tables that are all visible."""
    server = connection.execute(_SERVER).fetchone()
    found = []
    for leaf, name, kind, method, secured, size, pages, members in connection.execute(_LEAVES, [oid]).fetchall():
        if secured and members > 1:
            return None
        if kind == "p":
            continue
        if kind not in ("r", "m") or method != "heap":
            return None
        rows = connection.execute(_DEFINITION, [leaf, columns]).fetchall()
        plain = all(row[-1] for row in rows)
        definition = fingerprint([*server, leaf, *map(list, rows)]) if plain and server else ""
        found.append(Leaf(leaf, name, _pages(size, pages), definition))
    return tuple(found)


def find_blocks(connection: Connection, leaf: Leaf) -> list[Block]:
    """The ranges of pages that hold rows, last first."""
    query = sql.SQL(_BLOCKS).format(pages=sql.Literal(leaf.pages), row=sql.SQL(_ROW), leaf=sql.SQL(leaf.name))
    return [_block(leaf, row) for row in connection.execute(query).fetchall()]


def digest_rows(connection: Connection, relation: sql.Composable, condition: sql.Composable) -> str:
    """Name of the rows of a relation of plain tables that meet a condition."""
    query = sql.SQL("SELECT count(*)::int8, sum({})::text FROM {} WHERE {}")
    found = connection.execute(query.format(sql.SQL(_ROW), relation, condition)).fetchone()
    return fingerprint(list(found or ()))


def _block(leaf: Leaf, row: Any) -> Block:
    number, count, digest = row
    start, stop = number * leaf.pages, (number + 1) * leaf.pages
    token = fingerprint([leaf.definition, start, stop, count, digest]) if leaf.definition else ""
    condition = sql.SQL("ctid >= {}::tid AND ctid < {}::tid").format(f"({start},0)", f"({stop},0)")
    name = f"pages-{leaf.oid}-{start:010d}-{leaf.pages}"
    return Block(name, token, sql.SQL("ONLY {}").format(sql.SQL(leaf.name)), condition)


def _pages(size: int, pages: int) -> int:
    """A power of two, so that a table that grows keeps its ranges."""
    wanted = SHARD_BYTES * pages // size if size else _MOST
    return max(_FEWEST, min(_MOST, 1 << max(0, wanted.bit_length() - 1)))
