"""Open any index by the name of its backend."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.index.dense_search import open_dense
from operators.index.searcher import Searcher
from operators.index.seismic_search import open_seismic
from operators.index.settings import whole_number
from operators.index.sparse_file import Bring, open_postings
from operators.index.sparse_search import SparseSearcher
from operators.index.spec import Backend


def open_searcher(
    backend: str,
    files: Mapping[str, Path],
    settings: Mapping[str, Any],
    rows: int,
    *,
    live: NDArray[np.bool_] | None = None,
    threads: int | None = None,
    bring: Bring | None = None,
) -> Searcher:
    """Open an index of `rows` rows from files whose checksums were verified, to find the `live` ones (default: all).

    Files that `sparse_file.BY_TERM` names need neither be verified nor whole: `bring` fetches what is asked of them.
    Raises `IntegrityError` where the backend is unknown or the files are not what the settings describe.
    """
    if live is not None and live.shape != (rows,):
        raise ValueError(f"expected a mask of {rows} rows, got one of shape {live.shape}")
    if backend not in set(Backend):
        raise IntegrityError(
            f"index backend {backend!r} is unknown: this Millrace opens {sorted(Backend)}. Use a newer Millrace"
        )
    if backend in {Backend.CSC, Backend.SEISMIC}:
        exact = open_exact(files, settings, rows, live, threads, bring)
        return exact if backend == Backend.CSC else open_seismic(exact, files, settings, live)
    # A mask without a dead row is none: what it would cost is then not paid.
    return open_dense(Backend(backend), files, settings, rows, live if _dead(live).size else None, threads)


def open_exact(
    files: Mapping[str, Path],
    settings: Mapping[str, Any],
    rows: int,
    live: NDArray[np.bool_] | None,
    threads: int | None,
    bring: Bring | None = None,
) -> SparseSearcher:
    """Open the exact sparse index, which every sparse backend has; see `open_searcher`."""
    vocabulary = whole_number(settings, "vocabulary")
    return SparseSearcher(open_postings(files, vocabulary, rows, bring), rows, _dead(live), threads)


def _dead(live: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    return np.zeros(0, np.int64) if live is None else np.flatnonzero(~live)
