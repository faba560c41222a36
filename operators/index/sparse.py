"""Build the sparse index: for every term the rows that hold it, as three plain arrays (CSC).

`indptr.npy` uint64 [vocabulary + 1], `docs.npy` uint32 [nnz], ascending inside a term, `weights.npy` float32 [nnz].
"""

import os
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from operators.index.arrays import sparse_rows
from operators.index.vectors import Vectors

INDPTR, DOCS, WEIGHTS = "indptr.npy", "docs.npy", "weights.npy"


def build_sparse(vectors: Vectors, folder: Path) -> dict[str, Path]:
    """Write the index of a segment's sparse vectors and return its files by name.

    A counting sort: one pass over the parts counts postings, one puts them in place. Memory is the output, mapped from
    its files, and one part. Raises `ValueError` for vectors `sparse_rows` refuses, and where the passes differ.
    """
    files = {name: folder / name for name in (INDPTR, DOCS, WEIGHTS)}
    indptr = _count(vectors)
    np.save(files[INDPTR], indptr)
    postings = int(indptr[-1])
    docs = _mapped(files[DOCS], np.uint32, postings)
    weights = _mapped(files[WEIGHTS], np.float32, postings)
    _fill(vectors, indptr, docs, weights)
    docs.flush()
    weights.flush()
    return files


def _mapped(path: Path, kind: type[np.generic], count: int) -> "np.memmap[Any, Any]":
    """A new array in a file whose space is taken at once: to write to a map without space would kill the process."""
    array = open_memmap(path, "w+", kind, (count,))
    if hasattr(os, "posix_fallocate"):  # macOS has none
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _count(vectors: Vectors) -> NDArray[np.uint64]:
    counts = np.zeros(vectors.dimensions + 1, np.int64)
    for table in vectors.tables():
        counts[1:] += np.bincount(sparse_rows(table, vectors.dimensions).terms, minlength=vectors.dimensions)
    return np.cumsum(counts).astype(np.uint64)


def _fill(
    vectors: Vectors,
    indptr: NDArray[np.uint64],
    docs: NDArray[np.uint32],
    weights: NDArray[np.float32],
) -> None:
    cursor, ends = indptr[:-1].astype(np.int64), indptr[1:].astype(np.int64)
    first = 0
    for table in vectors.tables():
        rows = sparse_rows(table, vectors.dimensions)
        if not _place(rows.starts, rows.terms, rows.weights, first, cursor, ends, docs, weights):
            break
        first += table.num_rows
    if not np.array_equal(cursor, ends):
        raise ValueError("the parts changed between the two passes over them")


@numba.njit(nogil=True)  # type: ignore[untyped-decorator]
def _place(
    starts: NDArray[np.int64],
    terms: NDArray[np.uint32],
    values: NDArray[np.float32],
    first: int,
    cursor: NDArray[np.int64],
    ends: NDArray[np.int64],
    docs: NDArray[np.uint32],
    weights: NDArray[np.float32],
) -> bool:
    """Put one part's postings at the cursor of their terms; False where a term has no room left."""
    for row in range(starts.size - 1):
        for at in range(starts[row], starts[row + 1]):
            term = terms[at]
            place = cursor[term]
            if place >= ends[term]:
                return False
            docs[place] = first + row
            weights[place] = values[at]
            cursor[term] = place + 1
    return True
