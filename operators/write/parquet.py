"""Arrow tables to Parquet bytes and back, the same bytes for the same table."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

#: Rows a group: small enough that one row's group is read in milliseconds, large enough to compress.
_GROUP_ROWS = 8192


def to_parquet(table: pa.Table, about: dict[str, str]) -> bytes:
    """Parquet bytes (zstd) of a table; `about` goes into the file's metadata, so that a part carries its recipe."""
    sink = pa.BufferOutputStream()
    described = table.replace_schema_metadata({f"millrace.{key}": value for key, value in sorted(about.items())})
    pq.write_table(described, sink, compression="zstd", row_group_size=_GROUP_ROWS, write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def from_parquet(data: bytes, columns: list[str] | None = None) -> pa.Table:
    """The table in Parquet bytes that were verified by their checksum."""
    return pq.read_table(pa.BufferReader(data), columns=columns)


def read_parquet(path: Path) -> pa.Table:
    """The table in a local Parquet file that was verified by its checksum."""
    return pq.read_table(path)
