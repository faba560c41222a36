"""Build the index of one segment and one encoder, open it as a reader would, tune it, and measure it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from operators.core.encoder_spec import Kind
from operators.core.index_records import Recall
from operators.index.choice import dense_backend
from operators.index.dense import build_dense, dense_settings
from operators.index.measured import measure_index, truth_of
from operators.index.seismic_choice import add_seismic
from operators.index.sparse import build_sparse
from operators.index.spec import Backend, IndexSpec
from operators.index.trained import Training
from operators.index.vectors import Vectors

#: Rows are uint32 in the sparse index.
_MAX_ROWS = 1 << 32


@dataclass(frozen=True)
class BuiltIndex:
    """An index in local files (by file name), ready to be put on the store and recorded as a `SegmentIndex`."""

    backend: str
    rows: int
    settings: dict[str, Any]
    files: dict[str, Path]
    measured: Recall


def build_segment(
    kind: Kind,
    segment: str,
    load: Callable[[], Iterator[pa.Table]],
    *,
    dimensions: int,
    rows: int,
    spec: IndexSpec,
    threads: int,
    folder: Path,
    training: Training | None = None,
    target: float = 1.0,
) -> BuiltIndex:
    """Index a segment's vectors into an existing, empty folder of this machine, and tune its search to a recall.

    `load` starts reading the part tables in order, four times (dense) or five (sparse); `dimensions` is the vocabulary
    where sparse. Where `choice.dense_backend` is a trained one, `training` is of it. Raises `ValueError` naming the
    segment where the parts hold other than `rows` rows, or no vectors.
    """
    try:
        return _build(Vectors(kind, dimensions, rows, load), spec, training, target, threads, folder)
    except ValueError as error:
        raise ValueError(f"{kind} index of segment {segment}: {error}") from error


def _build(
    vectors: Vectors, spec: IndexSpec, training: Training | None, target: float, threads: int, folder: Path
) -> BuiltIndex:
    if not 0 < vectors.rows < _MAX_ROWS:
        raise ValueError(f"expected at least 1 and fewer than {_MAX_ROWS} rows, got {vectors.rows}")
    if vectors.kind is Kind.DENSE:
        backend = dense_backend(spec, vectors.rows, vectors.dimensions)
        files = build_dense(vectors, backend, spec, training, threads, folder)
        settings = dense_settings(vectors, backend, spec, training)
    else:
        backend, settings = Backend.CSC, {"vocabulary": vectors.dimensions}
        files = build_sparse(vectors, folder)
        if vectors.rows > spec.seismic_rows:
            setting, file = add_seismic(vectors, spec, target, threads, folder)
            backend = Backend.SEISMIC if file else Backend.CSC
            settings, files = {**settings, **setting}, {**files, **file}
    measured = measure_index(backend, files, settings, truth_of(vectors, spec), spec, target, threads)
    return BuiltIndex(measured.backend, vectors.rows, measured.settings, dict(measured.files), measured.recall)
