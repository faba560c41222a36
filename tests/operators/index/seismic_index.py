"""Seismic's index beside the exact one, of a plain matrix, built without a sweep, and searched to its last block."""

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.core.encoder_spec import Kind
from operators.index.backend import open_searcher
from operators.index.searcher import Searcher
from operators.index.seismic_build import Shape, build_seismic, write_rows
from operators.index.seismic_record import FILE, SETTING, SeismicRecord, library
from operators.index.sparse import build_sparse
from operators.index.vectors import Vectors
from tests.operators.index.tables import in_parts, sparse_table


@dataclass(frozen=True)
class Both:
    """The files and settings of an index whose backend is csc-seismic."""

    files: dict[str, Path]
    settings: dict[str, Any]
    vectors: Vectors

    def open(self, live: NDArray[np.bool_] | None = None, **record: object) -> Searcher:
        settings = {**self.settings, SETTING: {**self.settings[SETTING], **record}}
        return open_searcher("csc-seismic", self.files, settings, self.vectors.rows, live=live)


def sparse_vectors(matrix: NDArray[np.float32]) -> Vectors:
    rows, vocabulary = matrix.shape
    return Vectors(Kind.SPARSE, vocabulary, rows, partial(in_parts, sparse_table(matrix), rows // 3, 0))


def build_both(matrix: NDArray[np.float32], folder: Path) -> Both:
    return build_beside(sparse_vectors(matrix), folder)


def build_beside(vectors: Vectors, folder: Path) -> Both:
    files = build_sparse(vectors, folder)
    shape = Shape(n_postings=1000)
    write_rows(vectors, folder / "rows")
    build_seismic(folder / "rows", folder / FILE, vectors.dimensions, shape, 1, 60.0)
    searched = {"query_cut": 1000, "heap_factor": 0.0, "times": 3.0}
    record = SeismicRecord(version=library(), rows=vectors.rows, **asdict(shape), **searched)
    settings = {"vocabulary": vectors.dimensions, SETTING: record.model_dump()}
    return Both({**files, FILE: folder / FILE}, settings, vectors)
