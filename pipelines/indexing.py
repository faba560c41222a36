"""What a task on the index of one encoder and segment works on: whose vectors, in which files, and how."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa

from operators.core import schema
from operators.core.encoder_spec import Kind
from operators.core.errors import MillraceError
from operators.core.fingerprint import fingerprint
from operators.core.manifest import Part, Segment
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.index.spec import IndexSpec
from operators.write.parquet import read_parquet
from operators.write.stored import read_verified
from pipelines.job import Job
from pipelines.resources import index_threads
from pipelines.workers import Cluster


@dataclass(frozen=True)
class IndexWork:
    """One index: of which vectors, built and measured how, and the recall that its search is tuned to."""

    store: Store
    run: str
    encoder: str
    kind: Kind
    fingerprint: str
    dimensions: int
    segment: Segment
    files: tuple[StoredFile, ...]
    spec: IndexSpec
    target: float
    threads: int

    @property
    def item(self) -> str:
        """Other settings make another index of the same run, and need another receipt."""
        return f"{self.encoder}-{self.segment.segment}-{fingerprint({'recipe': self.spec.recipe, 'to': self.target})}"

    def fetch(self, folder: Path) -> Callable[[], Iterator[pa.Table]]:
        """Bring the segment's vectors to this machine, verified once, for as many passes as are asked for."""
        paths = [folder / f"{number:06d}.parquet" for number in range(len(self.files))]
        for path, file in zip(paths, self.files, strict=True):
            path.write_bytes(read_verified(self.store, file))
        return partial(self._tables, paths)

    def _tables(self, paths: Sequence[Path]) -> Iterator[pa.Table]:
        wanted = schema.vectors(self.kind, self.dimensions)
        for path in paths:
            yield read_parquet(path, wanted)


def index_work(job: Job, name: str, segment: Segment, parts: Mapping[str, Part], cluster: Cluster) -> IndexWork:
    """The work on one encoder's index of a segment; `parts` by name."""
    encoder = job.encoders[name]
    return IndexWork(
        store=job.store,
        run=job.run,
        encoder=name,
        kind=encoder.spec.kind,
        fingerprint=encoder.fingerprint,
        dimensions=parts[segment.parts[0]].totals[name].dimensions,
        segment=segment,
        files=tuple(parts[part].vectors[name] for part in segment.parts),
        spec=job.recipe.index,
        target=job.recipe.publish.min_recall,
        threads=index_threads(job.recipe.resources, cluster),
    )


@contextmanager
def scratch(work: IndexWork) -> Iterator[tuple[Path, Path]]:
    """Two folders of this machine, for vectors and for an index; a full disk is said with what was to be done there."""
    try:
        with (
            tempfile.TemporaryDirectory(prefix="millrace-vectors-") as vectors,
            tempfile.TemporaryDirectory(prefix="millrace-index-") as index,
        ):
            yield Path(vectors), Path(index)
    except OSError as error:
        # The store's errors name its objects already.
        raise MillraceError(
            f"index of encoder {work.encoder}, segment {work.segment.segment}: {error}. It is built in "
            f"{tempfile.gettempdir()}: free space there or let TMPDIR name a larger disk, then run the same command "
            f"again, which goes on with this index"
        ) from error
