"""Rows of terms to postings by term: a counting sort into files that are mapped into memory."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.index.arrays import SparseRows

#: Zeros written at once while a file gets its space: 8 MB.
_CHUNK = 1 << 23


class Postings:
    """For each term the rows that hold it, ascending, and their 8-bit impacts: 5 bytes a posting on disk.

    `counts` says how many postings of each term will be added, row after row.
    """

    def __init__(self, counts: NDArray[np.int64], folder: Path) -> None:
        self._starts = np.concatenate([[0], np.cumsum(counts)])
        self._next = self._starts[:-1].copy()
        self._docs = _mapped(folder / "docs", np.uint32, int(self._starts[-1]))
        self._impacts = _mapped(folder / "impacts", np.uint8, int(self._starts[-1]))

    def add(self, first: int, rows: SparseRows, impacts: NDArray[np.int32]) -> None:
        """Add rows, which are numbered from `first`, with an impact for each of their terms."""
        numbers = first + np.repeat(np.arange(rows.starts.size - 1), np.diff(rows.starts))
        order = np.argsort(rows.terms, kind="stable")
        terms, begins, counts = np.unique(rows.terms[order], return_index=True, return_counts=True)
        places = np.repeat(self._next[terms] - begins, counts) + np.arange(order.size)
        self._docs[places] = numbers[order]
        self._impacts[places] = impacts[order]
        self._next[terms] += counts

    def terms(self) -> Iterable[int]:
        """The terms that have postings."""
        terms: list[int] = np.flatnonzero(np.diff(self._starts)).tolist()
        return terms

    def of_term(self, term: int) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
        """The rows that hold a term, ascending, and their impacts."""
        place = slice(int(self._starts[term]), int(self._starts[term + 1]))
        return self._docs[place], self._impacts[place]


def _mapped(path: Path, kind: type[np.generic], count: int) -> "np.memmap[Any, Any]":
    """An array in a file that has its space already: to write to a map without space would kill the process."""
    size = max(1, count)  # an empty file cannot be mapped
    with path.open("wb") as file:
        for start in range(0, size, _CHUNK):
            np.zeros(min(_CHUNK, size - start), kind).tofile(file)
    return np.memmap(path, kind, "r+", shape=(size,))
