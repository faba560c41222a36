"""A part's files on the store: named by what they hold, whole, and read back by polars row for row."""

from io import BytesIO
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.core import columns
from operators.core.encoder_spec import Kind
from operators.core.fingerprint import digest
from operators.core.storage import Store, open_store
from operators.write.tables import WriteSpec, write_tables, write_vectors

SPEC = WriteSpec(
    run="run",
    documents_fingerprint="docs",
    fingerprints={"dense": "fd", "sparse": "fs"},
    kinds={"dense": Kind.DENSE, "sparse": Kind.SPARSE},
    keep_text=True,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path))


def documents(count: int) -> pa.Table:
    return pa.table(
        {
            columns.DOC_ID: [f"d{number}" for number in range(count)],
            columns.CHUNK: pa.array([0] * count, pa.int32()),
        }
    )


def vectors(count: int) -> pa.Table:
    values = pa.array(range(2 * count), pa.float32())
    return pa.table({columns.VECTOR: pa.FixedSizeListArray.from_arrays(values, 2)})


def test_write_tables_files_are_named_by_fingerprint_part_and_content(store: Store) -> None:
    written = write_tables(store, "p-0", documents(3), {"dense": vectors(3)}, SPEC)
    places = {"documents": "documents/docs/p-0", "vectors": "vectors/fd/p-0", "placed": "runs/run/placed/p-0"}
    files = {"documents": written.documents, "vectors": written.vectors["dense"], "placed": written.placed}
    for name, file in files.items():
        data = store.get(file.key)
        assert file.key == f"{places[name]}-{digest(data)[:16]}.parquet"
        assert (file.bytes, file.sha256) == (len(data), digest(data))
    assert {info.key for info in store.list("")} == {file.key for file in files.values()}


def test_write_tables_rows_come_back_and_places_are_of_this_part(store: Store) -> None:
    written = write_tables(store, "p-0", documents(20_000), {"dense": vectors(20_000)}, SPEC)
    found = [pl.read_parquet(BytesIO(store.get(file.key))) for file in (written.documents, written.vectors["dense"])]
    assert found[0][columns.DOC_ID].to_list() == [f"d{number}" for number in range(20_000)]
    assert found[1][columns.VECTOR].to_list()[12_345] == [24_690, 24_691]
    placed = pl.read_parquet(BytesIO(store.get(written.placed.key)))
    assert placed[columns.PART].unique().to_list() == ["p-0"]
    assert placed[columns.ROW].sort().to_list() == list(range(20_000))


def test_write_vectors_file_says_whose_it_is(store: Store) -> None:
    """Somebody who finds a file alone can tell what made it."""
    file = write_vectors(store, "p-0", "dense", vectors(1), SPEC)
    about = pq.read_metadata(BytesIO(store.get(file.key))).metadata
    expected = {"run": "run", "part": "p-0", "documents": "docs", "encoder": "fd"}
    assert {key.decode(): value.decode() for key, value in about.items() if key.startswith(b"millrace.")} == {
        f"millrace.{key}": value for key, value in expected.items()
    }


def test_write_tables_of_no_documents_are_files_of_no_rows(store: Store) -> None:
    written = write_tables(store, "p-0", documents(0), {"dense": vectors(0)}, SPEC)
    for file in (written.documents, written.vectors["dense"], written.placed):
        assert pl.read_parquet(BytesIO(store.get(file.key))).is_empty()


def test_write_tables_again_writes_the_same_objects(store: Store) -> None:
    first = write_tables(store, "p-0", documents(3), {"dense": vectors(3)}, SPEC)
    assert write_tables(store, "p-0", documents(3), {"dense": vectors(3)}, SPEC) == first
