"""A stored table is what was written, in the columns that are asked for, or named as what it is not."""

from pathlib import Path

import pyarrow as pa
import pytest

from operators.core.errors import IntegrityError
from operators.core.storage import Store, open_store
from operators.core.stored_file import StoredFile
from operators.write.parquet import read_parquet, to_parquet
from operators.write.stored import put_bytes, read_columns, read_table

TABLE = pa.table({"a": pa.array([1, 2], pa.int64()), "b": ["x", "y"]})
KEY = "documents/part.parquet"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def put(store: Store, data: bytes) -> StoredFile:
    return put_bytes(store, KEY, data)


def test_read_table_gives_the_columns_and_types_of_its_schema(store: Store) -> None:
    file = put(store, to_parquet(TABLE, {}))
    wanted = pa.schema({"b": pa.string()})
    assert read_table(store, file, wanted).to_pydict() == {"b": ["x", "y"]}
    assert read_columns(store, file, ["a"]).to_pydict() == {"a": [1, 2]}
    assert read_columns(store, file).column_names == ["a", "b"]
    assert read_parquet(Path(store.path(KEY)), TABLE.schema).equals(TABLE)


def test_read_table_of_bytes_that_changed_tells_both_checksums(store: Store) -> None:
    file = put(store, to_parquet(TABLE, {}))
    store.put(KEY, b"other")
    with pytest.raises(IntegrityError, match=file.sha256):
        read_table(store, file, TABLE.schema)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"no table at all", "ArrowInvalid"),
        (to_parquet(TABLE, {})[:-20], "ArrowInvalid"),
        (to_parquet(TABLE.select(["a"]), {}), "b"),
        (to_parquet(TABLE.set_column(0, "a", pa.array(["x", "y"])), {}), "a"),
        (to_parquet(TABLE.set_column(1, "b", pa.array([None, "y"])), {}), "nulls"),
    ],
    ids=["garbage", "cut", "column missing", "other type", "null"],
)
def test_read_table_that_is_none_of_its_schema_names_the_object(store: Store, data: bytes, told: str) -> None:
    """The checksum is right: it says who wrote it, and not that it is well."""
    wanted = pa.schema([TABLE.schema.field("a"), pa.field("b", pa.string(), nullable=False)])
    for read in (
        lambda: read_table(store, put(store, data), wanted),
        lambda: read_parquet(_local(store, data), wanted),
    ):
        with pytest.raises(
            IntegrityError, match=r"part\.parquet cannot be read as the table that was written"
        ) as refused:
            read()
        assert told in str(refused.value)


def _local(store: Store, data: bytes) -> Path:
    put(store, data)
    return Path(store.path(KEY))
