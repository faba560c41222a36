"""Build the index of one segment and one encoder, open it as a reader would, and measure it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from operators.core.encoder_spec import Kind
from operators.core.manifest import Recall
from operators.index.backend import open_searcher
from operators.index.dense import build_dense, dense_settings
from operators.index.sparse import build_sparse
from operators.index.spec import Backend, IndexSpec
from operators.index.vectors import Vectors
from operators.index.verify import measure_recall

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
) -> BuiltIndex:
    """Index a segment's vectors into an existing, empty folder of this machine.

    `load` starts reading the part tables in order, three times (dense) or four (sparse); `dimensions` is the vocabulary
    where sparse. Raises `ValueError` naming the segment where the parts hold other than `rows` rows, or no vectors.
    """
    try:
        return _build(Vectors(kind, dimensions, rows, load), spec, threads, folder)
    except ValueError as error:
        raise ValueError(f"{kind} index of segment {segment}: {error}") from error


def _build(vectors: Vectors, spec: IndexSpec, threads: int, folder: Path) -> BuiltIndex:
    if not 0 < vectors.rows < _MAX_ROWS:
        raise ValueError(f"expected at least 1 and fewer than {_MAX_ROWS} rows, got {vectors.rows}")
    if vectors.kind is Kind.DENSE:
        backend, settings = spec.dense_backend(vectors.rows), dense_settings(vectors, spec)
        files = build_dense(vectors, spec, threads, folder)
    else:
        backend, settings = Backend.CSC, {"vocabulary": vectors.dimensions}
        files = build_sparse(vectors, folder)
    searcher = open_searcher(backend, files, settings, vectors.rows, threads=threads)
    measured = measure_recall(searcher, vectors, spec.recall_k, spec.recall_queries)
    return BuiltIndex(backend.value, vectors.rows, settings, files, measured)
