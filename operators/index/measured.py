"""Tune an index and measure it, as it is opened by a reader: when it was built, and when rows of it have died."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.core.manifest import Recall, Segment, SegmentIndex
from operators.index.backend import open_searcher
from operators.index.searcher import DEPTH, Searcher
from operators.index.spec import Backend, IndexSpec
from operators.index.truth import ground_truth
from operators.index.tune import Rung, ladder, tune
from operators.index.vectors import Vectors
from operators.index.verify import measure_recall

#: Share of the rows measured that may die before an approximate index is measured anew: some twenty times until its
#: segment is rewritten (`max_dead_ratio`). Every night would fetch all indexes and vectors for a few dead rows.
_MAY_DIE = 0.01


def measure_index(
    backend: Backend,
    files: Mapping[str, Path],
    settings: Mapping[str, Any],
    vectors: Vectors,
    spec: IndexSpec,
    target: float,
    threads: int,
    live: NDArray[np.bool_] | None = None,
) -> tuple[dict[str, Any], Recall]:
    """The settings with those of search that reach the recall asked for, and what the index then finds of live rows."""

    def open_with(rung: Rung) -> Searcher:
        return open_searcher(backend, files, {**settings, **rung}, vectors.rows, live=live, threads=threads)

    truth = ground_truth(vectors, spec.recall_queries, max(DEPTH, spec.recall_k), live)
    rung = tune(open_with, ladder(backend, spec, settings, vectors.rows), truth, spec.recall_k, target)
    return {**settings, **rung}, measure_recall(open_with(rung), truth, spec.recall_k)


def is_outdated(index: SegmentIndex, segment: Segment) -> bool:
    """Whether so many rows died since an approximate index was measured that it must be again."""
    figures = index.measured.figures
    measured = figures.live if figures else index.rows
    return not Backend(index.backend).is_exact and segment.live < measured * (1 - _MAY_DIE)
