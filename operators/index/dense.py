"""Build a dense index: FAISS, inner product over the vectors as they are stored."""

from pathlib import Path
from typing import Any

import faiss

from operators.index.arrays import dense_matrix
from operators.index.spec import Backend, IndexSpec
from operators.index.vectors import Vectors

FILE = "dense.faiss"


def build_dense(vectors: Vectors, spec: IndexSpec, threads: int, folder: Path) -> dict[str, Path]:
    """Write the index that `spec` chooses for so many rows and return its file by name; memory is it and one part.

    Raises `ValueError` on NaN or infinity, `OSError` where the file cannot be written.
    """
    # The number of OpenMP threads belongs to the calling thread, so it is set beside the work it is for.
    faiss.omp_set_num_threads(threads)
    index = _empty(vectors, spec)
    for table in vectors.tables():
        index.add(dense_matrix(table, vectors.dimensions))
    path = folder / FILE
    # Given a path, FAISS only prints that the last bytes found no room, and leaves a file that is cut short.
    with path.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]
    return {FILE: path}


def dense_settings(vectors: Vectors, spec: IndexSpec) -> dict[str, Any]:
    """What the manifest keeps of how the index was built, and what opening it needs."""
    if spec.dense_backend(vectors.rows) is Backend.FLAT:
        return {"dimensions": vectors.dimensions}
    return {
        "dimensions": vectors.dimensions,
        "m": spec.hnsw_m,
        "ef_construction": spec.hnsw_ef_construction,
        "ef_search": spec.hnsw_ef_search,
    }


def _empty(vectors: Vectors, spec: IndexSpec) -> Any:
    if spec.dense_backend(vectors.rows) is Backend.FLAT:
        return faiss.IndexFlatIP(vectors.dimensions)
    index = faiss.IndexHNSWFlat(vectors.dimensions, spec.hnsw_m, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = spec.hnsw_ef_construction
    return index
