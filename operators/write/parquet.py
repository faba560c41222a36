"""Arrow tables to Parquet bytes and back, the same bytes for the same table."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from operators.core.parquet_file import reading
from operators.core.schema import conform

#: Rows a group: small enough that one row's group is read in milliseconds, large enough to compress.
_GROUP_ROWS = 8192


def to_parquet(table: pa.Table, about: dict[str, str]) -> bytes:
    """Parquet bytes (zstd) of a table; `about` goes into the file's metadata, so that a part carries its recipe."""
    sink = pa.BufferOutputStream()
    described = table.replace_schema_metadata({f"millrace.{key}": value for key, value in sorted(about.items())})
    pq.write_table(described, sink, compression="zstd", row_group_size=_GROUP_ROWS, write_page_checksum=True)
    return sink.getvalue().to_pybytes()


def from_parquet(data: bytes, name: str, columns: Sequence[str] | None = None) -> pa.Table:
    """The table in Parquet bytes, of the given columns; raises `IntegrityError` naming it where it is none.

    The checksum of the bytes was verified. It says who wrote them, and not that they are well.
    """
    with reading(name):
        return pq.read_table(pa.BufferReader(data), columns=None if columns is None else list(columns))


def read_parquet(path: Path, wanted: pa.Schema) -> pa.Table:
    """`from_parquet` of a local file, in the columns and types of a schema."""
    with reading(str(path)):
        return conform(pq.read_table(path), wanted)
