"""Some rows of a Parquet object, read by the row groups that may hold them: of a large file a few requests."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from operators.core import schema
from operators.core.parquet_file import reading
from operators.core.storage import Store
from operators.core.stored_file import StoredFile

Filter = list[Any]


def read_rows(store: Store, file: StoredFile, filters: Filter) -> pa.Table:
    """The rows that pass all filters, each `(column, operator, value)`.

    The file's checksum would need all of it; each page carries one, and a key with the hash of its content is never
    written twice. Raises `IntegrityError` where a page or the footer is not what was written.
    """
    with reading(store.locate(file.key)), store.open(file.key) as source:
        return pq.read_table(source, filters=filters or None, page_checksum_verification=True, use_threads=False)


def read_all_rows(store: Store, files: Iterable[StoredFile], filters: Filter, wanted: pa.Schema) -> pa.Table:
    """`read_rows` of several files of one schema, one after the other."""
    found = [_conformed(store, file, filters, wanted) for file in files]
    return pa.concat_tables([wanted.empty_table(), *found])


def _conformed(store: Store, file: StoredFile, filters: Filter, wanted: pa.Schema) -> pa.Table:
    with reading(store.locate(file.key)):
        return schema.conform(read_rows(store, file, filters), wanted)
