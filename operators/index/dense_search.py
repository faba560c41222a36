"""Open and search a dense index, mapped from its file rather than read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.index.arrays import dense_matrix
from operators.index.dense import FILE
from operators.index.flat_search import search_flat
from operators.index.hnsw_search import search_hnsw
from operators.index.live import LiveRows
from operators.index.searcher import Found, nothing
from operators.index.settings import named_file, whole_number
from operators.index.spec import Backend

_CLASSES = {Backend.FLAT: faiss.IndexFlatIP, Backend.HNSW: faiss.IndexHNSWFlat}


@dataclass(frozen=True)
class DenseSearcher:
    """A FAISS index of `rows` vectors, of which `live` may be found; HNSW looks at `ef_search` candidates at least.

    `threads` are OpenMP's; by default as many as OpenMP chooses.
    """

    index: Any
    dimensions: int
    rows: int
    live: LiveRows | None
    ef_search: int | None
    threads: int | None

    def search(self, queries: pa.Table, k: int) -> Found:
        """The best rows for a table of `schema.dense(dimensions)`."""
        asked = dense_matrix(queries, self.dimensions)
        width = min(k, self.live.count if self.live else self.rows)
        if not width:
            return nothing(len(asked), 0)
        if self.threads:
            faiss.omp_set_num_threads(self.threads)
        if self.ef_search:
            return search_hnsw(self.index, asked, width, self.ef_search, self.live)
        return search_flat(self.index, asked, width, self.live)


def open_dense(
    backend: Backend,
    files: Mapping[str, Path],
    settings: Mapping[str, Any],
    rows: int,
    live: NDArray[np.bool_] | None,
    threads: int | None,
) -> DenseSearcher:
    """Open a verified file; raises `IntegrityError` where it is not the index the settings describe."""
    path = named_file(files, FILE)
    dimensions = whole_number(settings, "dimensions")
    ef_search = whole_number(settings, "ef_search") if backend is Backend.HNSW else None
    index = _read(path)
    expected = (_CLASSES[backend].__name__, dimensions, rows, faiss.METRIC_INNER_PRODUCT)
    found = (type(index).__name__, index.d, index.ntotal, index.metric_type)
    if found != expected:
        raise IntegrityError(
            f"{path} is not the index the manifest names: expected (class, dimensions, rows, metric) {expected}, "
            f"got {found}. Index again"
        )
    return DenseSearcher(index, dimensions, rows, None if live is None else LiveRows(live), ef_search, threads)


def _read(path: Path) -> Any:
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        reason = str(error).rpartition("Error: ")[2]
        raise IntegrityError(f"{path} is not a FAISS index ({reason}). Restore it from a copy") from error
