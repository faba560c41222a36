"""How the terms of sparse encoders spread, read from the offsets of their indexes: a few hundred kB a segment."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.core import columns
from operators.core.encoder_records import EncoderRecord, QueryActivity, Spread
from operators.core.encoder_spec import Kind
from operators.core.index_records import SegmentIndex
from operators.core.manifest import Part
from operators.core.storage import Store
from operators.index.npy import map_array
from operators.index.sparse_file import INDPTR
from operators.index.spread import document_frequencies, query_activity, spread
from operators.search.snapshot import Snapshot
from operators.write.stored import read_verified
from pipelines.job import Job
from pipelines.workers import Cluster


@dataclass(frozen=True)
class _Work:
    store: Store
    encoder: str
    dimensions: int
    indexes: tuple[SegmentIndex, ...]


def measure_spread(
    job: Job, indexes: Mapping[str, Sequence[SegmentIndex]], parts: Sequence[Part], cluster: Cluster
) -> dict[str, Spread]:
    """The spread of every sparse encoder over all `parts`, each measured by a task."""
    work = [
        _Work(job.store, name, parts[0].totals[name].dimensions, tuple(found))
        for name, found in indexes.items()
        if job.encoders[name].spec.kind is Kind.SPARSE
    ]
    return dict(cluster.run(_measure, work))


def activity_of_queries(
    store: Store, snapshot: Snapshot, name: str, record: EncoderRecord, queries: Sequence[str]
) -> QueryActivity:
    """What queries cost that a sparse encoder of a snapshot reads."""
    indexes = snapshot.manifest.indexes[name]
    vectors = snapshot.encode(name, queries)
    indices: Any = vectors[columns.INDICES].combine_chunks()
    terms: NDArray[np.int64] = indices.flatten().to_numpy().astype(np.int64)
    frequencies = _frequencies(store, indexes, record.dimensions)
    return query_activity(terms, len(queries), frequencies, sum(index.rows for index in indexes))


def _measure(work: _Work) -> tuple[str, Spread]:
    frequencies = _frequencies(work.store, work.indexes, work.dimensions)
    return work.encoder, spread(frequencies, sum(index.rows for index in work.indexes))


def _frequencies(store: Store, indexes: Sequence[SegmentIndex], vocabulary: int) -> NDArray[np.int64]:
    with tempfile.TemporaryDirectory(prefix="millrace-offsets-") as folder:
        offsets = (_offsets(store, each, vocabulary, Path(folder)) for each in indexes)
        return document_frequencies(offsets, vocabulary)


def _offsets(store: Store, index: SegmentIndex, vocabulary: int, folder: Path) -> NDArray[np.uint64]:
    path = folder / f"{index.segment}.npy"
    path.write_bytes(read_verified(store, index.files[INDPTR]))
    return map_array(path, np.uint64, (vocabulary + 1,))
