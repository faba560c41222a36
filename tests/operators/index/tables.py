"""Vector tables for index tests, from plain matrices."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns, schema


def dense_table(matrix: NDArray[np.float32]) -> pa.Table:
    flat = pa.array(matrix.astype(np.float32).ravel(), pa.float32())
    kind = schema.dense(matrix.shape[1])
    return pa.table({columns.VECTOR: pa.FixedSizeListArray.from_arrays(flat, matrix.shape[1])}).cast(kind)


def sparse_table(matrix: NDArray[np.float32]) -> pa.Table:
    """The non-zeros of each row."""
    rows = [np.flatnonzero(row) for row in matrix]
    indices = [row.tolist() for row in rows]
    weights = [values[row].tolist() for values, row in zip(matrix, rows, strict=True)]
    return pa.table({columns.INDICES: indices, columns.WEIGHTS: weights}, schema=schema.SPARSE)


def random_dense(rows: int, dimensions: int, seed: int = 0) -> NDArray[np.float32]:
    matrix = np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def random_sparse(rows: int, vocabulary: int, share: float = 0.1, seed: int = 0) -> NDArray[np.float32]:
    # Numbers that a sparse index holds exactly: an oracle then agrees to the last bits.
    rng = np.random.default_rng(seed)
    weights = rng.gamma(2, 0.5, (rows, vocabulary)) * (rng.random((rows, vocabulary)) < share)
    return weights.astype(np.float16).astype(np.float32)


def in_parts(table: pa.Table, *sizes: int) -> Iterator[pa.Table]:
    """The table in slices of the given sizes, and the rest."""
    start = 0
    for size in (*sizes, table.num_rows - sum(sizes)):
        yield table.slice(start, size)
        start += size
