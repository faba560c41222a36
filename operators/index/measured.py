"""Tune an index and measure it, as it is opened by a reader: when it was built, and when rows of it have died."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.core.index_records import Recall, SegmentIndex
from operators.core.manifest import Segment
from operators.index.backend import open_exact, open_searcher
from operators.index.searcher import DEPTH, Searcher
from operators.index.seismic_choice import measure_seismic, refusal
from operators.index.seismic_record import FILE, SETTING, SeismicError, record_of
from operators.index.seismic_trial import Contest
from operators.index.spec import Backend, IndexSpec
from operators.index.truth import GroundTruth, ground_truth
from operators.index.tune import Rung, ladder, tune
from operators.index.vectors import Vectors
from operators.index.verify import measure_recall

#: Share of the rows measured that may die before an approximate index is measured anew: some twenty times until its
#: segment is rewritten (`max_dead_ratio`). Every night would fetch all indexes and vectors for a few dead rows.
_MAY_DIE = 0.01


@dataclass(frozen=True)
class MeasuredIndex:
    """An index as a reader is to open it: the settings say how far it searches."""

    backend: Backend
    files: Mapping[str, Path]
    settings: dict[str, Any]
    recall: Recall


def truth_of(vectors: Vectors, spec: IndexSpec, live: NDArray[np.bool_] | None = None) -> GroundTruth:
    """What the index of some vectors is measured by."""
    return ground_truth(vectors, spec.recall_queries, max(DEPTH, spec.recall_k), live)


def measure_index(
    backend: Backend,
    files: Mapping[str, Path],
    settings: Mapping[str, Any],
    truth: GroundTruth,
    spec: IndexSpec,
    target: float,
    threads: int,
) -> MeasuredIndex:
    """Tune the search to the recall asked for and measure what it then finds of the live rows.

    Where seismic's index is not worth it, the exact one beside it is measured, without that file.
    """
    rows = truth.vectors.rows

    def open_with(rung: Rung) -> Searcher:
        return open_searcher(backend, files, {**settings, **rung}, rows, live=truth.live, threads=threads)

    if backend is Backend.SEISMIC:
        exact = open_exact(files, settings, rows, truth.live, threads)
        try:
            contest = Contest(exact, truth, spec.recall_k, target)
            record, recall = measure_seismic(contest, files, record_of(settings))
            return MeasuredIndex(backend, files, {**settings, SETTING: record.model_dump()}, recall)
        except (SeismicError, IntegrityError) as error:
            backend, settings = Backend.CSC, {**settings, **refusal(error)}
            files = {name: path for name, path in files.items() if name != FILE}
    rung = tune(open_with, ladder(backend, spec, settings, rows), truth, spec.recall_k, target)
    return MeasuredIndex(backend, files, {**settings, **rung}, measure_recall(open_with(rung), truth, spec.recall_k))


def is_outdated(index: SegmentIndex, segment: Segment) -> bool:
    """Whether so many rows died since an approximate index was measured that it must be again."""
    figures = index.measured.figures
    measured = figures.live if figures else index.rows
    return not Backend(index.backend).is_exact and segment.live < measured * (1 - _MAY_DIE)
