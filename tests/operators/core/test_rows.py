"""Of a large object only the row groups that may hold the rows are read, and what is read is what was written."""

from typing import Any
from uuid import uuid4

import fsspec
import numpy as np
import pyarrow as pa
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from fsspec.spec import AbstractBufferedFile

from operators.core import schema
from operators.core.errors import IntegrityError, ObjectMissingError
from operators.core.fingerprint import digest
from operators.core.rows import read_all_rows, read_rows
from operators.core.storage import Store, open_store
from operators.core.stored_file import StoredFile
from operators.write.parquet import to_parquet

KEYS = schema.of_fields(pa.field("prefix", pa.uint16()), pa.field("value", pa.binary(16)))
ROWS = 400_000


class _File(AbstractBufferedFile):  # type: ignore[misc]  # fsspec is untyped
    """Read in requests as an object of S3 is, and counted."""

    def _fetch_range(self, start: int, end: int) -> bytes:
        data = self.fs.store[self.path].getvalue()[start:end]
        _Counting.fetched += len(data)
        return bytes(data)


class _Counting(MemoryFileSystem):  # type: ignore[misc]  # fsspec is untyped
    protocol = "counting"
    store: dict[str, Any] = {}
    pseudo_dirs = [""]
    fetched = 0

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            return super().open(path, mode, **options)
        return _File(self, self._strip_protocol(path), mode, size=self.info(path)["size"], **options)


@pytest.fixture
def store() -> Store:
    fsspec.register_implementation("counting", _Counting, clobber=True)
    return open_store(f"counting://{uuid4().hex}")


def put(store: Store, table: pa.Table, key: str = "keys.parquet") -> StoredFile:
    data = to_parquet(table, {})
    store.put(key, data)
    return StoredFile(key=key, bytes=len(data), sha256=digest(data))


def keys(rows: int = ROWS) -> pa.Table:
    """Sorted by prefix, with digests that no compression makes small."""
    prefixes = np.arange(rows) * 65536 // rows
    data = pa.py_buffer(np.random.default_rng(0).bytes(16 * rows))
    values = pa.Array.from_buffers(pa.binary(16), rows, [None, data])
    return pa.Table.from_arrays([pa.array(prefixes, pa.uint16()), values], schema=KEYS)


def test_read_rows_of_a_range_reads_its_row_groups_and_not_the_object(store: Store) -> None:
    table = keys()
    file = put(store, table)
    assert file.bytes > 6_000_000
    _Counting.fetched = 0
    found = read_rows(store, file, [("prefix", ">=", 30_000), ("prefix", "<=", 30_500)])
    assert _Counting.fetched < file.bytes / 2
    inside = [30_000 <= value <= 30_500 for value in table["prefix"].to_pylist()]
    assert found.to_pylist() == table.filter(pa.array(inside)).to_pylist()
    _Counting.fetched = 0
    assert read_rows(store, file, []).num_rows == ROWS
    assert _Counting.fetched >= file.bytes * 0.9


def test_read_rows_of_a_range_without_rows_is_empty_with_its_columns(store: Store) -> None:
    found = read_rows(store, put(store, keys(10)), [("prefix", ">", 65_000)])
    assert (found.num_rows, found.column_names) == (0, ["prefix", "value"])


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9])
def test_read_rows_corrupt_page_is_refused_and_named(store: Store, share: float) -> None:
    file = put(store, keys(100_000))
    data = bytearray(store.get(file.key))
    data[int(len(data) * share)] ^= 0xFF
    store.put(file.key, bytes(data))
    with pytest.raises(IntegrityError, match=r"keys\.parquet cannot be read.*Restore it from a copy"):
        read_rows(store, file, [])


@pytest.mark.parametrize("keep", [0, 3, 1000, -1])
def test_read_rows_cut_object_is_refused(store: Store, keep: int) -> None:
    file = put(store, keys(1000))
    store.put(file.key, store.get(file.key)[:keep])
    with pytest.raises(IntegrityError, match=r"keys\.parquet"):
        read_rows(store, file, [])


def test_read_rows_object_that_is_not_there_says_so(store: Store) -> None:
    file = StoredFile(key="gone.parquet", bytes=1, sha256="0" * 64)
    with pytest.raises(ObjectMissingError, match=r"gone\.parquet: not found"):
        read_rows(store, file, [])


def test_read_all_rows_of_several_files_are_one_table_in_their_order(store: Store) -> None:
    first, second = keys(20), keys(10)
    files = [put(store, first, "first.parquet"), put(store, second, "second.parquet")]
    found = read_all_rows(store, files, [], KEYS)
    assert found.schema == KEYS
    assert found.equals(pa.concat_tables([first, second]))
    assert read_all_rows(store, [], [], KEYS).equals(KEYS.empty_table())


def test_read_all_rows_of_a_file_without_a_column_is_refused(store: Store) -> None:
    file = put(store, keys(5).select(["prefix"]))
    with pytest.raises(IntegrityError, match=r"keys\.parquet cannot be read.*lacks columns"):
        read_all_rows(store, [file], [], KEYS)
