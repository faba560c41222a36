"""Open and search a dense index, mapped from its file rather than read."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import pyarrow as pa

from operators.core.errors import IntegrityError
from operators.index.arrays import dense_matrix
from operators.index.dense import FILE
from operators.index.searcher import Found, best_first
from operators.index.settings import named_file, whole_number
from operators.index.spec import Backend

_CLASSES = {Backend.FLAT: faiss.IndexFlatIP, Backend.HNSW: faiss.IndexHNSWFlat}


@dataclass(frozen=True)
class DenseSearcher:
    """A FAISS index of `rows` vectors; HNSW looks at `ef_search` candidates at least.

    `threads` are OpenMP's; by default as many as OpenMP chooses.
    """

    index: Any
    dimensions: int
    rows: int
    ef_search: int | None
    threads: int | None

    def search(self, queries: pa.Table, k: int) -> Found:
        """The best rows for a table of `schema.dense(dimensions)`."""
        if self.threads:
            faiss.omp_set_num_threads(self.threads)
        width = min(k, self.rows)
        # HNSW cannot return more rows than it keeps candidates.
        params = faiss.SearchParametersHNSW(efSearch=max(self.ef_search, width)) if self.ef_search else None  # type: ignore[attr-defined]
        scores, rows = self.index.search(dense_matrix(queries, self.dimensions), width, params=params)
        return best_first(scores, rows)


def open_dense(
    backend: Backend, files: Mapping[str, Path], settings: Mapping[str, Any], rows: int, threads: int | None
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
    return DenseSearcher(index, dimensions, rows, ef_search, threads)


def _read(path: Path) -> Any:
    try:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        reason = str(error).rpartition("Error: ")[2]
        raise IntegrityError(f"{path} is not a FAISS index ({reason}). Restore it from a copy") from error
