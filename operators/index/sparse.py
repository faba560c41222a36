"""Build the sparse index: for every term the rows that hold it, as plain arrays (CSC; see sparse_file).

Weights become float16: 6 bytes a posting instead of 8, no slower to add, and half of the last of 11 bits lost.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from operators.index.arrays import sparse_rows
from operators.index.compiled import compiled
from operators.index.sparse_file import DIGEST_BYTES, DIGESTS, DOCS, INDPTR, MAXIMA, WEIGHTS, term_digest
from operators.index.vectors import Vectors

_LARGEST = np.finfo(np.float16).max


def build_sparse(vectors: Vectors, folder: Path) -> dict[str, Path]:
    """Write the index of a segment's sparse vectors and return its files by name.

    A counting sort: one pass over the parts counts postings, one puts them in place. Memory is the output, mapped from
    its files, and one part. Raises `ValueError` for vectors `sparse_rows` refuses, for a weight that is negative or
    beyond float16, for a term twice in a row, and where the passes differ.
    """
    files = {name: folder / name for name in (INDPTR, DOCS, WEIGHTS, MAXIMA, DIGESTS)}
    indptr = _count(vectors)
    np.save(files[INDPTR], indptr)
    postings = int(indptr[-1])
    docs = _mapped(files[DOCS], np.uint32, postings)
    weights = _mapped(files[WEIGHTS], np.float16, postings)
    _fill(vectors, indptr, docs, weights)
    docs.flush()
    weights.flush()
    maxima, digests = _describe(indptr, docs, weights)
    np.save(files[MAXIMA], maxima)
    np.save(files[DIGESTS], digests)
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
    weights: NDArray[np.float16],
) -> None:
    cursor, ends = indptr[:-1].astype(np.int64), indptr[1:].astype(np.int64)
    first = 0
    for table in vectors.tables():
        rows = sparse_rows(table, vectors.dimensions)
        values = halves(rows.weights).view(np.uint16)
        if not _place(rows.starts, rows.terms, values, first, cursor, ends, docs, weights.view(np.uint16)):
            break
        first += table.num_rows
    if not np.array_equal(cursor, ends):
        raise ValueError("the parts changed between the two passes over them")


def halves(weights: NDArray[np.float32]) -> NDArray[np.float16]:
    """Weights as an index keeps them; raises `ValueError` where one is negative or beyond float16."""
    if weights.size and not (weights.min() >= 0 and weights.max() <= _LARGEST):
        raise ValueError(
            f"expected weights from 0 to {_LARGEST}, got {weights.min()} to {weights.max()}: the index keeps float16"
        )
    return weights.astype(np.float16)


def _describe(
    indptr: NDArray[np.uint64], docs: NDArray[np.uint32], weights: NDArray[np.float16]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Each term's largest weight and digest, read back from the files."""
    terms = indptr.size - 1
    maxima = np.zeros(terms, np.float32)
    digests = np.zeros((terms, DIGEST_BYTES), np.uint8)
    for term in range(terms):
        place = slice(int(indptr[term]), int(indptr[term + 1]))
        rows, values = docs[place], weights[place]
        if rows.size:
            maxima[term] = values.max()
        if (rows[1:] <= rows[:-1]).any():
            raise ValueError(f"expected a term once in a row, got term {term} twice")
        digests[term] = np.frombuffer(term_digest(rows, values), np.uint8)
    return maxima, digests


@compiled
def _place(
    starts: NDArray[np.int64],
    terms: NDArray[np.uint32],
    values: NDArray[np.uint16],
    first: int,
    cursor: NDArray[np.int64],
    ends: NDArray[np.int64],
    docs: NDArray[np.uint32],
    weights: NDArray[np.uint16],
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
