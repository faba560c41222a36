"""IVF indexes are trained once, on a sample of all live rows; later snapshots keep that until the recipe changes."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from operators.core import layout, schema
from operators.core.encoder_spec import Kind
from operators.core.index_records import TrainedIndex
from operators.core.manifest import Part, Segment
from operators.core.receipts import TrainReceipt
from operators.core.stored_file import StoredFile
from operators.index.arrays import dense_matrix
from operators.index.choice import SAMPLE_A_LIST, dense_backend, inverted_lists
from operators.index.sample import draw
from operators.index.segments import LocatedPart, located_parts
from operators.index.spec import Backend
from operators.index.trained import train as train_index
from operators.write.receipt import commit, load
from operators.write.stored import put_path, read_columns, read_table
from pipelines.job import Job
from pipelines.place import Place
from pipelines.resources import index_threads
from pipelines.segments import live_rows
from pipelines.workers import Cluster

STAGE = "train"


@dataclass(frozen=True)
class _Work:
    """An index to train: of how many lists, on which samples of vectors."""

    place: Place
    encoder: str
    fingerprint: str
    dimensions: int
    recipe: str
    backend: Backend
    lists: int
    samples: tuple[StoredFile, ...]
    threads: int


def train(
    job: Job, segments: Sequence[Segment], parts: Sequence[Part], cluster: Cluster
) -> dict[str, tuple[TrainedIndex, ...]]:
    """For every dense encoder the training of each backend that some segment needs; none where none is needed."""
    done = load(job.store, job.run, STAGE, TrainReceipt)
    found = {name: list(_kept(job, name)) for name, encoder in job.encoders.items() if encoder.spec.kind is Kind.DENSE}
    for name, trained in found.items():
        for backend, rows in _needed(job, name, segments, parts).items():
            if backend not in {each.backend for each in trained}:
                receipt = done.get(_item(name, backend, job))
                receipt = receipt or _train(job, name, backend, rows, segments, parts, cluster)
                trained.append(receipt.trained)
    return {name: tuple(trained) for name, trained in found.items() if trained}


def _kept(job: Job, name: str) -> Iterator[TrainedIndex]:
    """What the parent snapshot's indexes of the same vectors began with, where they were made by the same recipe."""
    if job.parent and name in job.kept_encoders:
        for trained in job.parent.trained.get(job.kept_encoders[name], ()):
            if trained.recipe == job.recipe.index.recipe:
                yield trained


def _needed(job: Job, name: str, segments: Sequence[Segment], parts: Sequence[Part]) -> dict[Backend, int]:
    """The trained backends of an encoder's segments, each with the rows of its largest segment."""
    dimensions = parts[0].totals[name].dimensions
    rows: dict[Backend, int] = {}
    for segment in segments:
        backend = dense_backend(job.recipe.index, segment.rows, dimensions)
        if backend.is_trained:
            rows[backend] = max(segment.rows, rows.get(backend, 0))
    return rows


def _item(name: str, backend: Backend, job: Job) -> str:
    return f"{name}-{backend}-{job.recipe.index.recipe}"


def _train(
    job: Job,
    name: str,
    backend: Backend,
    rows: int,
    segments: Sequence[Segment],
    parts: Sequence[Part],
    cluster: Cluster,
) -> TrainReceipt:
    live = sum(segment.live for segment in segments)
    lists = inverted_lists(rows, live)
    place = Place(job.store, job.run)
    located = located_parts(segments, {part.part: part for part in parts})
    drawn = cluster.run(partial(_draw, place, name, min(1.0, lists * SAMPLE_A_LIST / live)), located)
    work = _Work(
        place=place,
        encoder=name,
        fingerprint=job.encoders[name].fingerprint,
        dimensions=parts[0].totals[name].dimensions,
        recipe=job.recipe.index.recipe,
        backend=backend,
        lists=lists,
        # In one order, whichever part was done first: the same sample gives the same centres.
        samples=tuple(sorted(drawn, key=lambda file: file.key)),
        threads=index_threads(job.recipe.resources, cluster),
    )
    (receipt,) = cluster.run(partial(_learn, _item(name, backend, job)), [work], gpus=min(1.0, cluster.gpus))
    return receipt


def _draw(place: Place, name: str, share: float, located: LocatedPart) -> StoredFile:
    table = read_columns(place.store, located.part.vectors[name])
    live = live_rows(place, located).to_numpy(zero_copy_only=False)
    sample = draw(table.replace_schema_metadata(None), live, share, located.part.part)
    return place.put_table(f"samples/{name}-{located.part.part}", sample)


def _learn(item: str, work: _Work) -> TrainReceipt:
    wanted = schema.dense(work.dimensions)
    tables = [read_table(work.place.store, file, wanted) for file in work.samples]
    sample = dense_matrix(pa.concat_tables(tables), work.dimensions)
    with tempfile.TemporaryDirectory(prefix="millrace-train-") as folder:
        path = Path(folder) / "trained.faiss"
        train_index(sample, work.backend, work.lists, work.threads, path)
        file = put_path(work.place.store, partial(layout.trained, work.fingerprint), path)
    trained = TrainedIndex(backend=work.backend, recipe=work.recipe, lists=work.lists, rows=len(sample), file=file)
    return commit(work.place.store, work.place.run, STAGE, item, TrainReceipt(encoder=work.encoder, trained=trained))
