import datetime as dt

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.local import LocalFileOpener

from operators.core.errors import StoreError, UsageError
from operators.read.parquet import read_parquet
from operators.read.slices import Kind
from tests.operators.read.sources import documents, ids, piece, read_all, reasons, source


def _write(path, count, **options):
    pq.write_table(pa.Table.from_pylist(documents(count)), path, **options)
    return path


def test_read_parquet_row_groups_give_their_rows_numbered_through_the_file(tmp_path):
    path = _write(tmp_path / "a.parquet", 50, row_group_size=10)
    records = list(read_parquet(piece(path, Kind.ROW_GROUPS, 1, 3), source("parquet", path)))
    assert [record.line for record in records] == list(range(11, 31))
    assert [record.value["_id"] for record in records] == [f"d{number}" for number in range(10, 30)]


@pytest.mark.parametrize("string", [pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())])
def test_read_parquet_every_kind_of_string_column_is_text(tmp_path, string):
    table = pa.table({"_id": [1, 2], "text": pa.array(["a", "b"]).cast(string)})
    pq.write_table(table, tmp_path / "a.parquet")
    read, rejects = read_all(source("parquet", tmp_path))
    assert (ids(read), read["text"].to_pylist(), rejects.num_rows) == (["1", "2"], ["a", "b"], 0)


def test_read_parquet_without_the_columns_named_says_which_it_found(tmp_path):
    _write(tmp_path / "a.parquet", 1)
    with pytest.raises(UsageError, match=r"a\.parquet has no column title and no column body.*found _id, text"):
        read_all(source("parquet", tmp_path, text=["title", "body"]))


def test_read_parquet_metadata_of_any_type_become_strings_and_missing_columns_null(tmp_path):
    row = {"_id": "a", "text": "b", "lang": "ko", "n": 3, "tags": ["x", "é"], "at": dt.date(2026, 1, 2)}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "a.parquet")
    table, _ = read_all(source("parquet", tmp_path, metadata=["lang", "n", "tags", "at", "absent"]))
    found = [table[f"meta.{name}"][0].as_py() for name in ("lang", "n", "tags", "at", "absent")]
    assert found == ["ko", "3", '["x","é"]', '"2026-01-02"', None]


def test_read_parquet_corrupt_row_group_costs_itself_and_one_reject(tmp_path):
    path = _write(tmp_path / "a.parquet", 50, row_group_size=10, compression="zstd")
    chunk = pq.ParquetFile(path).metadata.row_group(2).column(1)
    data = bytearray(path.read_bytes())
    middle = chunk.data_page_offset + 30
    data[middle : middle + 20] = b"\xff" * 20
    path.write_bytes(data)
    table, rejects = read_all(source("parquet", tmp_path))
    assert ids(table) == [f"d{number}" for number in range(50) if not 20 <= number < 30]
    assert reasons(rejects) == [("unreadable_file", None)]
    assert "row group 2, its last 10 rows" in rejects["detail"][0].as_py()


@pytest.mark.parametrize("keep", [0, 3, 200])
def test_read_parquet_truncated_file_is_one_reject_and_the_others_are_read(tmp_path, keep):
    (tmp_path / "a.parquet").write_bytes(_write(tmp_path / "whole", 50).read_bytes()[:keep])
    _write(tmp_path / "b.parquet", 5)
    table, rejects = read_all(source("parquet", tmp_path))
    assert table.num_rows == 5
    assert reasons(rejects) == [("unreadable_file", None)]
    assert rejects["file"][0].as_py() == str(tmp_path / "a.parquet")


def test_read_parquet_invalid_utf8_costs_its_row_only(tmp_path):
    text = pa.array([b"good", b"caf\xe9", b"fine"], pa.binary())
    table = pa.table({"_id": ["a", "b", "c"], "text": pa.Array.from_buffers(pa.string(), 3, text.buffers())})
    pq.write_table(table, tmp_path / "a.parquet")
    read, rejects = read_all(source("parquet", tmp_path))
    assert ids(read) == ["a", "c"]
    assert reasons(rejects) == [("invalid_utf8", 2)]


def test_read_parquet_where_the_storage_fails_is_no_corrupt_file(tmp_path, monkeypatch):
    path = _write(tmp_path / "a.parquet", 5)

    def fail(self, size=-1):
        raise OSError("connection reset")

    monkeypatch.setattr(LocalFileOpener, "read", fail)
    with pytest.raises(StoreError, match="connection reset"):
        list(read_parquet(piece(path), source("parquet", path)))
