"""Arrow tables to polars frames and back, at the ledger's door."""

import polars as pl
import pyarrow as pa

from operators.core import columns, schema
from operators.core.hashes import prefixes


def frame(table: pa.Table) -> pl.DataFrame:
    """The table as a frame with plain binary columns, empty or not."""
    fields = [pa.field(f.name, pa.binary() if pa.types.is_fixed_size_binary(f.type) else f.type) for f in table.schema]
    found = pl.from_arrow(table.cast(schema.of_fields(*fields)))
    assert isinstance(found, pl.DataFrame), "a table becomes a frame"
    return found


def table(found: pl.DataFrame, wanted: pa.Schema) -> pa.Table:
    """The frame's columns as a table of the schema; where it asks for prefixes, those of the column after them."""
    if columns.PREFIX in wanted.names:
        hashed = wanted.names[wanted.names.index(columns.PREFIX) + 1]
        values = prefixes(found[hashed].to_arrow())
        found = found.with_columns(pl.Series(columns.PREFIX, values, pl.UInt16))
    return schema.conform(found.select(wanted.names).to_arrow(), wanted)
