"""Open and search a dense index, mapped from its file rather than read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.index.arrays import dense_matrix
from operators.index.dense import FILE, VECTORS
from operators.index.faiss_file import check_index, map_index
from operators.index.flat_search import search_flat
from operators.index.hnsw_search import search_hnsw
from operators.index.ivf_search import open_lists
from operators.index.live import LiveRows
from operators.index.npy import map_array
from operators.index.searcher import Found, nothing
from operators.index.settings import named_file, whole_number
from operators.index.spec import Backend
from operators.index.trained import CLASSES as TRAINED_CLASSES

_CLASSES = {Backend.FLAT: faiss.IndexFlatIP, Backend.HNSW: faiss.IndexHNSWFlat, **TRAINED_CLASSES}

#: What OpenMP chose, before any thread was told otherwise.
_ALL_THREADS = faiss.omp_get_max_threads()

#: The best `width` of the live rows for each query of a matrix.
_Search = Callable[[NDArray[np.float32], int, LiveRows | None], Found]


@dataclass(frozen=True)
class DenseSearcher:
    """A FAISS index of `rows` vectors, of which `live` may be found; by default as many threads as OpenMP chooses."""

    find: _Search
    dimensions: int
    rows: int
    live: LiveRows | None
    threads: int | None

    def search(self, queries: pa.Table, k: int) -> Found:
        """The best rows for a table of `schema.dense(dimensions)`."""
        asked = dense_matrix(queries, self.dimensions)
        width = min(k, self.live.count if self.live else self.rows)
        if not width or not len(asked):
            return nothing(len(asked), width)
        # One query is one thread's work: a team that waits for each other costs milliseconds on a busy machine.
        faiss.omp_set_num_threads(min(self.threads or _ALL_THREADS, len(asked)))
        return self.find(asked, width, self.live)


def open_dense(
    backend: Backend,
    files: Mapping[str, Path],
    settings: Mapping[str, Any],
    rows: int,
    mask: NDArray[np.bool_] | None,
    threads: int | None,
) -> DenseSearcher:
    """Open verified files; raises `IntegrityError` where they are not the index the settings describe."""
    path = named_file(files, FILE)
    dimensions = whole_number(settings, "dimensions")
    expected = {"class": _CLASSES[backend].__name__, "dimensions": dimensions, "rows": rows}
    if backend.is_trained:
        expected["lists"] = whole_number(settings, "lists")
    index = map_index(path)
    check_index(path, index, expected)
    live = None if mask is None else LiveRows(mask)
    return DenseSearcher(_search(backend, index, files, settings, live), dimensions, rows, live, threads)


def _search(
    backend: Backend, index: Any, files: Mapping[str, Path], settings: Mapping[str, Any], live: LiveRows | None
) -> _Search:
    if backend is Backend.FLAT:
        return partial(search_flat, index)
    if backend is Backend.HNSW:
        return partial(search_hnsw, index, whole_number(settings, "ef_search"))
    vectors = map_array(named_file(files, VECTORS), np.float32, (index.ntotal, index.d))
    limits = whole_number(settings, "nprobe"), whole_number(settings, "rescore")
    return open_lists(index, vectors, files[FILE], live, *limits).search
