from functools import partial
from pathlib import Path

import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.index.build import BuiltIndex, build_segment
from operators.index.spec import IndexSpec
from operators.index.trained import Training
from tests.operators.index.tables import dense_table, in_parts, random_dense, random_sparse, sparse_table


def build(
    kind: Kind,
    table,
    folder: Path,
    rows: int,
    dimensions: int,
    *,
    training: Training | None = None,
    target: float = 1.0,
    **spec: object,
) -> BuiltIndex:
    chosen = IndexSpec.model_validate(spec)
    load = partial(in_parts, table, table.num_rows // 2)
    more = {"dimensions": dimensions, "rows": rows, "training": training, "target": target}
    return build_segment(kind, "0007", load, spec=chosen, threads=1, folder=folder, **more)


@pytest.mark.parametrize(
    ("spec", "backend"),
    [
        ({"flat_rows": 100}, "faiss-flat"),
        ({"flat_rows": 99}, "faiss-hnsw"),
        ({"dense": "flat", "flat_rows": 0}, "faiss-flat"),
        ({"dense": "hnsw"}, "faiss-hnsw"),
    ],
)
def test_build_dense_chooses_by_size_unless_told(tmp_path: Path, spec: dict[str, object], backend: str) -> None:
    built = build(Kind.DENSE, dense_table(random_dense(100, 8)), tmp_path, 100, 8, **spec)
    assert built.backend == backend
    assert list(built.files) == ["dense.faiss"]
    assert built.rows == 100
    assert built.measured.recall >= 0.99
    hnsw = {"m": 32, "ef_construction": 40, "ef_search": 100} if backend == "faiss-hnsw" else {}
    assert built.settings == {"dimensions": 8, **hnsw}


def test_build_sparse_is_exact(tmp_path: Path) -> None:
    built = build(Kind.SPARSE, sparse_table(random_sparse(120, 40)), tmp_path, 120, 40, recall_queries=50, recall_k=7)
    assert (built.backend, built.settings) == ("csc", {"vocabulary": 40})
    assert sorted(built.files) == ["digests.npy", "docs.npy", "indptr.npy", "maxima.npy", "weights.npy"]
    assert (built.measured.k, built.measured.queries, built.measured.recall) == (7, 50, 1.0)


@pytest.mark.parametrize("stated", [9, 11])
@pytest.mark.parametrize("kind", list(Kind))
def test_build_other_number_of_rows_is_refused(tmp_path: Path, kind: Kind, stated: int) -> None:
    table = dense_table(random_dense(10, 4)) if kind is Kind.DENSE else sparse_table(random_sparse(10, 4))
    with pytest.raises(ValueError, match=f"{kind} index of segment 0007: expected {stated} rows in the parts, got 10"):
        build(kind, table, tmp_path, stated, 4)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", list(Kind))
def test_build_value_that_is_not_finite_is_refused(tmp_path: Path, kind: Kind, bad: float) -> None:
    matrix = random_dense(10, 4)
    matrix[6, 2] = bad
    table = dense_table(matrix) if kind is Kind.DENSE else sparse_table(matrix)
    with pytest.raises(ValueError, match=r"segment 0007: expected finite .*, got 1 values"):
        build(kind, table, tmp_path, 10, 4)


def test_build_term_beyond_the_vocabulary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="below the vocabulary of 9, got 9"):
        build(Kind.SPARSE, sparse_table(np.ones((10, 10), np.float32)), tmp_path, 10, 9)
