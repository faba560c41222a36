"""Where the tasks of a run read and write: what of a job they need, small enough to travel with each."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from operators.core import columns, layout
from operators.core.fingerprint import digest
from operators.core.manifest import LedgerFile
from operators.core.rows import read_all_rows
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.ledger.files import merge
from operators.ledger.frames import frame, table
from operators.ledger.ranges import Range
from operators.write.parquet import to_parquet
from operators.write.stored import put_bytes, read_table


@dataclass(frozen=True)
class Place:
    """A run's store and name."""

    store: Store
    run: str

    def put(self, name: str, rows: pl.DataFrame, wanted: pa.Schema) -> StoredFile:
        """Put a table of the run; its key holds its hash."""
        return self.put_table(name, table(rows, wanted))

    def put_table(self, name: str, rows: pa.Table) -> StoredFile:
        """`put` of an Arrow table."""
        data = to_parquet(rows, {"run": self.run})
        return put_bytes(self.store, layout.run_file(self.run, f"{name}-{digest(data)[:16]}.parquet"), data)

    def in_range(self, files: Sequence[StoredFile], within: Range, wanted: pa.Schema) -> pl.DataFrame:
        """The rows of a run's files whose prefix lies in the range."""
        filters = [(columns.PREFIX, ">=", within.first), (columns.PREFIX, "<=", within.last)]
        return frame(read_all_rows(self.store, files, filters, wanted))

    def ledger(self, files: Sequence[LedgerFile], within: Range, wanted: pa.Schema) -> pl.DataFrame:
        """The rows of a range of a ledger: of its base and deltas in their order."""
        found = [each for each in files if within.overlaps(each.bits, each.bucket)]
        tables = [read_table(self.store, each.file, wanted) for each in found]
        return merge([frame(each) for each in tables or [wanted.empty_table()]], wanted.names[0], within)
