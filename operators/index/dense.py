"""Build a dense index: FAISS, inner product over the vectors as they are stored."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from operators.index.arrays import dense_matrix
from operators.index.faiss_file import write_index
from operators.index.npy import saving
from operators.index.spec import Backend, IndexSpec
from operators.index.trained import Training, read_training
from operators.index.vectors import Vectors

FILE = "dense.faiss"
#: The exact vectors, row by row, beside an index that holds short codes of them. In float32: float16 would be half the
#: file, but scores would differ by 7e-5 from those of flat segments, and 200 rows take 162 us to score instead of 30.
VECTORS = "vectors.npy"


def build_dense(
    vectors: Vectors, backend: Backend, spec: IndexSpec, training: Training | None, threads: int, folder: Path
) -> dict[str, Path]:
    """Write an index and return its files by name; memory is it and one part. A trained backend needs its training.

    Raises `ValueError` on NaN or infinity, `OSError` where a file cannot be written, `IntegrityError` where the
    training is not the one that was recorded.
    """
    # The number of OpenMP threads belongs to the calling thread, so it is set beside the work it is for.
    faiss.omp_set_num_threads(threads)
    files = {FILE: folder / FILE}
    matrices: Iterator[NDArray[np.float32]] = (dense_matrix(table, vectors.dimensions) for table in vectors.tables())
    if training:
        files[VECTORS] = folder / VECTORS
        matrices = saving(matrices, (vectors.rows, vectors.dimensions), files[VECTORS])
    index = read_training(training, vectors.dimensions) if training else _empty(backend, vectors.dimensions, spec)
    for matrix in matrices:
        index.add(matrix)
    write_index(index, files[FILE])
    return files


def dense_settings(vectors: Vectors, backend: Backend, spec: IndexSpec, training: Training | None) -> dict[str, Any]:
    """What the manifest keeps of how the index was built, and what opening it needs, but for how far it searches."""
    settings: dict[str, Any] = {"dimensions": vectors.dimensions}
    if backend is Backend.HNSW:
        settings |= {"m": spec.hnsw_m, "ef_construction": spec.hnsw_ef_construction}
    if training:
        settings |= {"lists": training.record.lists, "trained": training.record.file.sha256}
    return settings


def _empty(backend: Backend, dimensions: int, spec: IndexSpec) -> Any:
    if backend is Backend.FLAT:
        return faiss.IndexFlatIP(dimensions)
    index = faiss.IndexHNSWFlat(dimensions, spec.hnsw_m, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = spec.hnsw_ef_construction
    return index
