"""How seismic's index of a segment is built: found on a sample of its rows, since each way takes minutes on all."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from operators.index.sample import draw
from operators.index.searcher import DEPTH
from operators.index.seismic_build import Shape, build_seismic, write_rows
from operators.index.seismic_record import FILE, SeismicError, SeismicRecord, library
from operators.index.seismic_search import load_seismic
from operators.index.seismic_trial import Contest, Trial, fastest, the_fastest, trials
from operators.index.sparse import build_sparse
from operators.index.sparse_file import open_postings
from operators.index.sparse_search import SparseSearcher
from operators.index.spec import IndexSpec
from operators.index.truth import ground_truth
from operators.index.vectors import Vectors

_SAMPLE_ROWS = 100_000
#: Postings a list keeps in the mean, as a share of those it has. SPLADE's weights need 0.1 to 0.3; where all weights of
#: documents are equal, as static IDF's, the choice among them is blind and nearly all are needed.
_SHARES = (0.1, 0.3, 1.0, 3.0)
_LEAST_POSTINGS = 32
#: Seconds that the index of the sample may take (on two cores 20 to 60 are usual), and how many times as long as that,
#: row for row, the one of the segment may.
_SECONDS = 150.0
_LONGER = 4.0


@dataclass(frozen=True)
class Sampled:
    """One way to build an index of the sample, what it cost, and the searches in it that were tried."""

    shape: Shape
    seconds: float
    bytes: int
    tried: tuple[Trial, ...]


@dataclass(frozen=True)
class Sample:
    """Some rows of a segment in memory, with an exact index and the queries that are asked of every other."""

    vectors: Vectors
    contest: Contest
    folder: Path

    @property
    def postings(self) -> int:
        """Postings of the rows."""
        return int(self.contest.exact.postings.docs.size)


def build_swept(vectors: Vectors, spec: IndexSpec, target: float, threads: int, folder: Path) -> SeismicRecord:
    """Write seismic's index of a segment into a folder, built as was best for a sample, and return its record.

    Raises `SeismicError` where no index of the sample finds enough, where the segment's would be larger than
    `spec.memory`, and where the library fails; `ValueError` for rows that it cannot take. How fast it is beside exact
    search is no reason yet: what a search costs before it looks at rows weighs on a sample.
    """
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        sample = take_sample(vectors, spec, target, Path(beside))
        swept = list(sweep(sample, threads))
        best = the_fastest([trial for each in swept for trial in each.tried], sample.contest)
        built = next(each for each in swept if best in each.tried)
        times = vectors.rows / sample.vectors.rows
        if built.bytes * times > spec.memory:
            raise SeismicError(f"it would take {built.bytes * times:,.0f} bytes, index.memory allows {spec.memory:,}")
        rows, shape = Path(beside) / "all", replace(built.shape, n_postings=round(built.shape.n_postings * times))
        write_rows(vectors, rows)
        build_seismic(
            rows, folder / FILE, vectors.dimensions, shape, threads, _SECONDS + _LONGER * times * built.seconds
        )
    return best.record.model_copy(update={"rows": vectors.rows, "n_postings": shape.n_postings})


def take_sample(vectors: Vectors, spec: IndexSpec, target: float, folder: Path) -> Sample:
    """A uniform sample of rows, or all of few, always the same; written into an empty folder for the library."""
    share = min(1.0, _SAMPLE_ROWS / vectors.rows)
    tables = [
        draw(table, np.ones(table.num_rows, np.bool_), share, f"part-{number}")
        for number, table in enumerate(vectors.tables())
    ]
    sample = replace(vectors, rows=sum(table.num_rows for table in tables), load=lambda: iter(tables))
    write_rows(sample, folder / "rows")
    postings = open_postings(build_sparse(sample, folder), sample.dimensions, sample.rows)
    truth = ground_truth(sample, spec.recall_queries, max(DEPTH, spec.recall_k))
    exact = SparseSearcher(postings, sample.rows, np.zeros(0, np.int64), 1)
    return Sample(sample, Contest(exact, truth, spec.recall_k, target), folder)


def sweep(sample: Sample, threads: int) -> Iterator[Sampled]:
    """Small indexes before large ones, until one that finds enough is no faster than the one before it.

    Raises `SeismicError` where the library fails before any found enough.
    """
    before: Trial | None = None
    mean = sample.postings / sample.vectors.dimensions
    # Of small samples the first may be the same.
    for n_postings in dict.fromkeys(max(_LEAST_POSTINGS, round(share * mean)) for share in _SHARES):
        shape = Shape(n_postings)
        try:
            tried = _try(sample, shape, threads)
        except SeismicError:
            # Larger indexes take longer to build, at some point too long.
            if before:
                return
            raise
        yield tried
        best = fastest(tried.tried, sample.contest.target)
        if before and (best is None or best.seconds >= before.seconds):
            return
        before = best


def _try(sample: Sample, shape: Shape, threads: int) -> Sampled:
    path = sample.folder / FILE
    start = time.perf_counter()
    build_seismic(sample.folder / "rows", path, sample.vectors.dimensions, shape, threads, _SECONDS)
    seconds = time.perf_counter() - start
    unsearched = {"query_cut": 1, "heap_factor": 1.0, "times": 1.0}
    record = SeismicRecord(version=library(), rows=sample.vectors.rows, **asdict(shape), **unsearched)
    loaded = load_seismic(path, record, sample.contest.exact)
    return Sampled(shape, seconds, path.stat().st_size, tuple(trials(sample.contest, loaded, record)))
