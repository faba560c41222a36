"""Whether a segment is searched by seismic: tried on its rows, measured as a reader opens it, else refused with why."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operators.core.index_records import Recall
from operators.index.seismic_record import (
    FILE,
    SETTING,
    SeismicError,
    SeismicRecord,
    SeismicRefusal,
    installed,
    library,
)
from operators.index.seismic_search import check_version, load_seismic
from operators.index.seismic_sweep import build_swept
from operators.index.seismic_trial import Contest, searcher, tune_seismic
from operators.index.settings import named_file
from operators.index.spec import IndexSpec
from operators.index.vectors import Vectors
from operators.index.verify import measure_recall

_LOG = logging.getLogger(__name__)


def add_seismic(
    vectors: Vectors, spec: IndexSpec, target: float, threads: int, folder: Path
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Build seismic's index beside the exact one: its setting and its file, or why there is none and no file."""
    try:
        library()
        record = build_swept(vectors, spec, target, threads, folder)
    except (SeismicError, ValueError) as error:
        return refusal(error), {}
    return {SETTING: record.model_dump()}, {FILE: folder / FILE}


def measure_seismic(contest: Contest, files: Mapping[str, Path], record: SeismicRecord) -> tuple[SeismicRecord, Recall]:
    """The record of the search that is worth it, and what was measured of that.

    Raises `SeismicError` where none is, or the file cannot be read here.
    """
    check_version(record)
    loaded = load_seismic(named_file(files, FILE), record, contest.exact)
    tuned = tune_seismic(contest, loaded, record)
    measured = measure_recall(searcher(contest, loaded, tuned), contest.truth, contest.k)
    itself = measured.figures.self_found if measured.figures else 1.0
    if min(measured.recall, itself) < contest.target:
        raise SeismicError(
            f"its recall@{contest.k} is {measured.recall:.3f}, and {itself:.3f} of the vectors find themselves; "
            f"publish.min_recall asks for {contest.target:g}"
        )
    return tuned, measured


def refusal(error: Exception) -> dict[str, Any]:
    """The setting of an index without seismic's."""
    _LOG.info("seismic is not used: %s", error)
    return {SETTING: SeismicRefusal(version=installed(), not_used=str(error)).model_dump()}
