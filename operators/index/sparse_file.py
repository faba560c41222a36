"""Open the arrays of a sparse index and prove that searching them cannot leave their bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.index.settings import named_file
from operators.index.sparse import DOCS, INDPTR, WEIGHTS


@dataclass(frozen=True)
class Postings:
    """Read-only mapped arrays: term t is in `docs[indptr[t]:indptr[t + 1]]` with the `weights` beside them."""

    indptr: NDArray[np.uint64]
    docs: NDArray[np.uint32]
    weights: NDArray[np.float32]


def open_postings(files: Mapping[str, Path], vocabulary: int, rows: int) -> Postings:
    """Map verified files; raises `IntegrityError` where they are not such an index."""
    indptr = _map(named_file(files, INDPTR), np.uint64)
    docs = _map(named_file(files, DOCS), np.uint32)
    weights = _map(named_file(files, WEIGHTS), np.float32)
    _expect(files[INDPTR], "length", vocabulary + 1, indptr.size)
    _expect(files[INDPTR], "first offset", 0, int(indptr[0]))
    if not (indptr[:-1] <= indptr[1:]).all():
        raise IntegrityError(f"{files[INDPTR]} is not a sparse index: its offsets descend. Index again")
    _expect(files[DOCS], "length", int(indptr[-1]), docs.size)
    _expect(files[WEIGHTS], "length", docs.size, weights.size)
    if docs.size and int(docs.max()) >= rows:
        raise IntegrityError(f"{files[DOCS]}: expected rows below {rows}, got {int(docs.max())}. Index again")
    # A sum needs no copy of the array, and any NaN or infinity shows in it.
    if not np.isfinite(np.sum(weights, dtype=np.float64)):
        raise IntegrityError(f"{files[WEIGHTS]} holds NaN or infinite weights. Index again")
    return Postings(indptr, docs, weights)


def _map(path: Path, dtype: Any) -> NDArray[Any]:
    try:
        # Unlike np.load this opens nothing but an array: no zip archive, and no object array (which is a pickle).
        # A header may state a shape whose bytes overflow, which numpy only warns of.
        with np.errstate(over="raise"):
            array = open_memmap(path, mode="r")
    except (ValueError, TypeError, OSError, EOFError, ArithmeticError) as error:
        raise IntegrityError(f"{path} is not a numpy array ({error}). Restore it from a copy") from error
    if array.ndim != 1 or array.dtype != np.dtype(dtype):
        raise IntegrityError(
            f"{path}: expected {np.dtype(dtype).name} in one dimension, got {array.dtype} in {array.ndim}. Index again"
        )
    # A plain view: numba compiles for arrays, not for numpy's memmap class, and the view keeps the file mapped.
    return array.view(np.ndarray)


def _expect(path: Path, what: str, expected: int, found: int) -> None:
    if found != expected:
        raise IntegrityError(f"{path} is not a sparse index: expected {what} {expected}, got {found}. Index again")
