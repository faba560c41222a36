"""Static weights are fitted on the stored vectors, once for a collection; later snapshots keep them."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from operators.core import columns, layout
from operators.core.encoder_spec import FITTED
from operators.core.fingerprint import digest
from operators.core.manifest import Part, Segment
from operators.core.receipts import FitReceipt
from operators.core.stored_file import StoredFile
from operators.encode.idf import document_frequencies, idf_weights, model_files, own_terms
from operators.index.segments import LocatedPart, located_parts
from operators.write.receipt import commit, load
from operators.write.stored import put_bytes, read_columns
from pipelines.job import Job
from pipelines.place import Place
from pipelines.segments import live_rows
from pipelines.workers import Cluster


def fit(job: Job, segments: Sequence[Segment], parts: Sequence[Part], cluster: Cluster) -> dict[str, FitReceipt]:
    """A receipt for every encoder that is fitted on the corpus; none where no encoder is."""
    done = dict(load(job.store, job.run, "fit", FitReceipt))
    for name, encoder in job.encoders.items():
        if encoder.spec.model in FITTED and name not in done:
            done[name] = _kept(job, name) or _fit(job, name, segments, parts, cluster)
    return done


def _kept(job: Job, name: str) -> FitReceipt | None:
    """The parent snapshot's weights, so that a night's changes move nobody's scores."""
    if job.parent is None or name not in job.kept_encoders:
        return None
    before = job.parent.encoders[job.kept_encoders[name]]
    receipt = FitReceipt(encoder=name, dimensions=before.dimensions, rows=0, files=before.files)
    return commit(job.store, job.run, "fit", name, receipt)


def _fit(job: Job, name: str, segments: Sequence[Segment], parts: Sequence[Part], cluster: Cluster) -> FitReceipt:
    dimensions = max(part.totals[name].dimensions for part in parts)
    located = located_parts(segments, {part.part: part for part in parts})
    counts = cluster.run(partial(_count, Place(job.store, job.run), name, dimensions), located)
    frequencies: np.ndarray[tuple[int], np.dtype[np.int64]] = np.zeros(dimensions, np.int64)
    for found in counts:
        frequencies += found
    rows = sum(segment.live for segment in segments)
    encoder = job.encoders[name]
    files_made = model_files(idf_weights(frequencies, rows), encoder.folder)
    stored = {file: _put(job, encoder.fingerprint, file, data) for file, data in files_made.items()}
    receipt = FitReceipt(encoder=name, dimensions=dimensions, rows=rows, files=stored)
    return commit(job.store, job.run, "fit", name, receipt)


def _count(
    place: Place, name: str, dimensions: int, located: LocatedPart
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Of live rows alone, or the weights would be those of a corpus that is no more."""
    vectors = read_columns(place.store, located.part.vectors[name], [columns.INDICES, columns.WEIGHTS])
    return document_frequencies(own_terms(vectors.filter(live_rows(place, located))), dimensions)


def _put(job: Job, fingerprint: str, name: str, data: bytes) -> StoredFile:
    return put_bytes(job.store, layout.model_file(fingerprint, name, digest(data)), data)
