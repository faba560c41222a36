"""One index for every encoder and segment, each built, measured and stored by a Ray task."""

import tempfile
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from operators.core import layout, schema
from operators.core.encoder_spec import Kind
from operators.core.errors import MillraceError
from operators.core.fingerprint import digest_file, fingerprint
from operators.core.manifest import Part, Segment, SegmentIndex, StoredFile
from operators.core.receipts import IndexReceipt
from operators.core.storage import Store
from operators.index.build import build_segment
from operators.index.spec import IndexSpec
from operators.write.parquet import read_parquet
from operators.write.receipt import commit, load
from operators.write.stored import read_verified
from pipelines.job import Job
from pipelines.progress import Progress
from pipelines.resources import index_threads
from pipelines.workers import Cluster

STAGE = "index"


@dataclass(frozen=True)
class _Work:
    """One index to build: whose vectors, in which files, how."""

    store: Store
    run: str
    encoder: str
    kind: Kind
    fingerprint: str
    dimensions: int
    segment: Segment
    files: tuple[StoredFile, ...]
    spec: IndexSpec
    threads: int

    @property
    def item(self) -> str:
        """Other settings make another index of the same run, and need another receipt."""
        return f"{self.encoder}-{self.segment.segment}-{self.spec.recipe}"


def build(
    job: Job, parts: Sequence[Part], segments: Sequence[Segment], cluster: Cluster, progress: Progress
) -> dict[str, tuple[SegmentIndex, ...]]:
    """An index of every segment for every encoder; only those that neither the parent nor a receipt has are built."""
    done = load(job.store, job.run, STAGE, IndexReceipt)
    kept = dict(_kept(job))
    work = _plan(job, parts, segments, kept, index_threads(job.recipe.resources, cluster))
    built = [done[item.item] for item in work if item.item in done]
    todo = [item for item in work if item.item not in done]
    progress.expect(STAGE, sum(item.segment.rows for item in todo))
    for receipt in cluster.run(_build, todo):
        built.append(receipt)
        progress(STAGE, receipt.index.rows, 0)
    new = {(receipt.encoder, receipt.index.segment): receipt.index for receipt in built}
    return {name: tuple(new.get((name, s.segment)) or kept[name, s.segment] for s in segments) for name in job.encoders}


def _kept(job: Job) -> Iterator[tuple[tuple[str, str], SegmentIndex]]:
    """The parent's indexes of the same vectors with the same settings, by encoder and segment."""
    wanted = job.recipe.index.recipe
    for name, before in job.kept_encoders.items():
        for index in job.parent.indexes[before] if job.parent else ():
            if index.recipe == wanted:
                yield (name, index.segment), index


def _plan(
    job: Job,
    parts: Sequence[Part],
    segments: Sequence[Segment],
    kept: Container[tuple[str, str]],
    threads: int,
) -> list[_Work]:
    by_name = {part.part: part for part in parts}
    return [
        _Work(
            store=job.store,
            run=job.run,
            encoder=name,
            kind=encoder.spec.kind,
            fingerprint=encoder.fingerprint,
            dimensions=by_name[segment.parts[0]].totals[name].dimensions,
            segment=segment,
            files=tuple(by_name[part].vectors[name] for part in segment.parts),
            spec=job.recipe.index,
            threads=threads,
        )
        for name, encoder in job.encoders.items()
        for segment in segments
        if (name, segment.segment) not in kept
    ]


def _build(work: _Work) -> IndexReceipt:
    start = time.perf_counter()
    with (
        _naming(work),
        tempfile.TemporaryDirectory(prefix="millrace-vectors-") as vectors,
        tempfile.TemporaryDirectory(prefix="millrace-index-") as folder,
    ):
        built = build_segment(
            work.kind,
            work.segment.segment,
            partial(_tables, work, _fetch(work, Path(vectors))),
            dimensions=work.dimensions,
            rows=work.segment.rows,
            spec=work.spec,
            threads=work.threads,
            folder=Path(folder),
        )
        build_name = fingerprint({"files": work.files, "settings": built.settings, "backend": built.backend})
        index = SegmentIndex(
            segment=work.segment.segment,
            recipe=work.spec.recipe,
            backend=built.backend,
            rows=work.segment.rows,
            settings=built.settings,
            files={name: _put(work, build_name, name, path) for name, path in built.files.items()},
            measured=built.measured,
        )
    receipt = IndexReceipt(encoder=work.encoder, index=index, seconds=time.perf_counter() - start)
    return commit(work.store, work.run, STAGE, work.item, receipt)


@contextmanager
def _naming(work: _Work) -> Iterator[None]:
    """Say of a failure of this machine's disk what was to be built; the store's errors name its objects already."""
    try:
        yield
    except OSError as error:
        raise MillraceError(
            f"index of encoder {work.encoder}, segment {work.segment.segment}: {error}. It is built in "
            f"{tempfile.gettempdir()}: free space there or let TMPDIR name a larger disk, then run the same command "
            f"again, which goes on with this index"
        ) from error


def _fetch(work: _Work, folder: Path) -> list[Path]:
    """The segment's vectors on this machine, verified once: a build reads them three or four times."""
    paths = [folder / f"{number:06d}.parquet" for number in range(len(work.files))]
    for path, file in zip(paths, work.files, strict=True):
        path.write_bytes(read_verified(work.store, file))
    return paths


def _tables(work: _Work, paths: list[Path]) -> Iterator[pa.Table]:
    wanted = schema.vectors(work.kind, work.dimensions)
    for path in paths:
        yield schema.conform(read_parquet(path), wanted)


def _put(work: _Work, build_name: str, name: str, path: Path) -> StoredFile:
    sha256 = digest_file(path)
    key = layout.index_file(work.fingerprint, build_name, work.segment.segment, name, sha256)
    work.store.put_file(key, path)
    return StoredFile(key=key, bytes=path.stat().st_size, sha256=sha256)
