from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from operators.core import schema
from operators.core.encoder_spec import Kind
from operators.index.sparse import build_sparse
from operators.index.vectors import Vectors
from tests.operators.index.tables import in_parts, random_sparse, sparse_table


def build(load, rows: int, vocabulary: int, folder: Path) -> dict[str, np.ndarray]:
    files = build_sparse(Vectors(Kind.SPARSE, vocabulary, rows, load), folder)
    return {name: np.load(path, allow_pickle=False) for name, path in files.items()}


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 40), st.integers(1, 30), st.floats(0, 0.5), st.integers(0, 9), st.data())
def test_build_sparse_equals_scipy_csc(
    rows: int, vocabulary: int, share: float, seed: int, data: st.DataObject
) -> None:
    matrix = random_sparse(rows, vocabulary, share, seed)
    cut = data.draw(st.integers(0, rows))
    expected = sparse.csc_array(matrix)
    expected.sort_indices()
    with TemporaryDirectory() as folder:
        found = build(lambda: in_parts(sparse_table(matrix), cut, 0), rows, vocabulary, Path(folder))
    assert {name: array.dtype.str for name, array in found.items()} == {
        "indptr.npy": "<u8",
        "docs.npy": "<u4",
        "weights.npy": "<f2",
        "maxima.npy": "<f4",
        "digests.npy": "|u1",
    }
    np.testing.assert_array_equal(found["indptr.npy"], expected.indptr)
    np.testing.assert_array_equal(found["docs.npy"], expected.indices)
    np.testing.assert_array_equal(found["weights.npy"], expected.data.astype(np.float16))
    largest = expected.max(axis=0).toarray() if rows else np.zeros(vocabulary)
    np.testing.assert_array_equal(found["maxima.npy"], largest.astype(np.float16))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 20), min_size=1, max_size=8), st.integers(1, 30), st.floats(0, 0.5), st.integers(0, 9))
def test_build_sparse_of_any_parts_is_that_of_all_rows_to_the_byte(
    sizes: list[int], vocabulary: int, share: float, seed: int
) -> None:
    """What is indexed in parts, empty ones too, need never be merged: it is what one part would have given."""
    rows = max(1, sum(sizes))
    table = sparse_table(random_sparse(rows, vocabulary, share, seed))
    with TemporaryDirectory() as parted, TemporaryDirectory() as whole:
        build(lambda: in_parts(table, *sizes), rows, vocabulary, Path(parted))
        build(lambda: iter([table]), rows, vocabulary, Path(whole))
        files = [{path.name: path.read_bytes() for path in Path(each).iterdir()} for each in (parted, whole)]
    assert len(files[0]) == 5
    assert files[0] == files[1]


def test_build_sparse_parts_that_change_between_passes_are_refused(tmp_path: Path) -> None:
    tables = iter([sparse_table(random_sparse(30, 10, 0.5, seed)) for seed in range(2)])

    def load() -> Iterator[pa.Table]:
        yield next(tables)

    with pytest.raises(ValueError, match="changed between the two passes"):
        build(load, 30, 10, tmp_path)


def write(folder: Path, *rows: dict[int, float]) -> None:
    table = pa.table(
        {"indices": [list(row) for row in rows], "weights": [list(row.values()) for row in rows]}, schema=schema.SPARSE
    )
    build(lambda: iter([table]), len(rows), 10, folder)


@pytest.mark.parametrize("weight", [-0.5, 65_520.0, 1e30])
def test_build_sparse_weight_that_float16_cannot_hold_is_refused(tmp_path: Path, weight: float) -> None:
    with pytest.raises(ValueError, match=r"expected weights from 0 to 65504\.0, got"):
        write(tmp_path, {3: 1.0}, {3: weight})


def test_build_sparse_term_twice_in_a_row_is_refused(tmp_path: Path) -> None:
    table = pa.table({"indices": [[2, 2]], "weights": [[1.0, 1.0]]}, schema=schema.SPARSE)
    with pytest.raises(ValueError, match="got term 2 twice"):
        build(lambda: iter([table]), 1, 10, tmp_path)
