"""Files read as big-ann-benchmarks reads them, and scored by scipy."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy.sparse import csr_array

from operators.core.storage import open_store
from operators.export.export import export
from operators.export.format import Format
from operators.search.mode import Mode
from tests.operators.export.conftest import Export, Published
from tests.operators.export.corpus import LIVE, QUERIES, ROWS, SPARSE, VOCABULARY, assert_same_sparse, published


def read(path: Path) -> csr_array:
    """The whole file, which holds nothing else."""
    with path.open("rb") as file:
        rows, columns, stored = np.fromfile(file, "int64", 3)
        starts = np.fromfile(file, "int64", rows + 1)
        indices = np.fromfile(file, "int32", stored)
        values = np.fromfile(file, "float32", stored)
        assert file.read() == b""
    assert starts[-1] == stored
    return csr_array((values, indices, starts), shape=(rows, columns))


def test_csr_rows_are_the_live_vectors(exported: Export, tmp_path: Path) -> None:
    exported(Format.CSR)
    matrix = read(tmp_path / "out" / "sparse.csr")
    assert matrix.shape == (len(LIVE), VOCABULARY)
    assert matrix.has_canonical_format
    assert matrix.indices.max() > 65_535
    for number, row in enumerate(LIVE):
        cut = slice(matrix.indptr[number], matrix.indptr[number + 1])
        assert dict(zip(matrix.indices[cut].tolist(), matrix.data[cut].tolist(), strict=True)) == SPARSE.row(row.text)


def test_csr_answers_as_search_does(collection: Published, exported: Export, tmp_path: Path) -> None:
    exported(Format.CSR)
    matrix = read(tmp_path / "out" / "sparse.csr")
    ids = pq.read_table(tmp_path / "out" / "rows.parquet")["doc_id"].to_pylist()
    for hits, query in zip(collection.answers[Mode.SPARSE], QUERIES, strict=True):
        weights = np.zeros(VOCABULARY, np.float32)
        terms = SPARSE.row(query)
        weights[list(terms)] = list(terms.values())
        scores = matrix @ weights
        best = [row for row in np.argsort(-scores, kind="stable")[:10] if scores[row] > 0]
        assert_same_sparse(hits, [(ids[row], float(scores[row])) for row in best])


def test_csr_table_names_every_row(exported: Export, tmp_path: Path) -> None:
    exported(Format.CSR)
    table = pq.read_table(tmp_path / "out" / "rows.parquet")
    assert table["row"].to_pylist() == list(range(len(LIVE)))
    assert table["id"].to_pylist() == table["doc_id"].to_pylist() == [row.doc_id for row in LIVE]


def test_csr_leaves_nothing_else_behind(exported: Export, tmp_path: Path) -> None:
    exported(Format.CSR)
    names = sorted(path.name for path in (tmp_path / "out").rglob("*"))
    assert names == ["export.json", "rows.parquet", "sparse.csr"]


def test_csr_of_nothing_that_lives_has_no_rows(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    export(store, published(store, dead=range(len(ROWS))), tmp_path / "out", Format.CSR)
    assert read(tmp_path / "out" / "sparse.csr").shape == (0, VOCABULARY)
