"""Measure an index before it is published: how much of what exact search finds does it find, how right, how fast?"""

import time

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.core.index_records import Recall, SearchFigures
from operators.index.searcher import Found, Searcher
from operators.index.truth import GroundTruth

#: Queries are asked one by one, and timed, for so long; the rest together, by all threads.
_TIMED_SECONDS = 0.25


def measure_recall(searcher: Searcher, truth: GroundTruth, k: int) -> Recall:
    """Recall@k and the other figures of an index that was opened to find the live rows of the ground truth.

    Raises `IntegrityError` where it finds what is not there: dead rows, one twice, or scores that are no numbers.
    """
    queries = truth.queries.num_rows
    if not queries:
        return Recall(k=k, queries=0, recall=1.0)
    found, seconds = _ask(searcher, truth.queries, truth.depth)
    _check_sound(found, truth.live)
    scores = truth.score(np.hstack([found.rows, truth.rows[:, None]]))
    own, self_scores = scores[:, :-1], scores[:, -1]
    errors = _errors(found, own, truth.scale)
    p50, p99 = np.percentile(seconds, [50, 99]) * 1e3
    figures = SearchFigures(
        depth=truth.depth,
        recall=truth.recall(own, truth.depth),
        self_found=truth.self_found(found.rows, self_scores),
        mean_score_error=float(errors.mean()) if errors.size else 0.0,
        max_score_error=float(errors.max(initial=0)),
        timed=len(seconds),
        p50_ms=p50,
        p99_ms=p99,
        live=int(truth.live.sum()),
    )
    return Recall(k=k, queries=queries, recall=truth.recall(own, k), figures=figures)


def _ask(searcher: Searcher, queries: pa.Table, depth: int) -> tuple[Found, list[float]]:
    # What a process does once, compiling and mapping, is no part of an answer.
    searcher.search(queries.slice(0, 1), depth)
    answers: list[Found] = []
    seconds: list[float] = []
    while len(seconds) < queries.num_rows and sum(seconds) < _TIMED_SECONDS:
        start = time.perf_counter()
        answers.append(searcher.search(queries.slice(len(seconds), 1), depth))
        seconds.append(time.perf_counter() - start)
    answers.append(searcher.search(queries.slice(len(seconds)), depth))
    scores = np.concatenate([answer.scores for answer in answers])
    return Found(scores, np.concatenate([answer.rows for answer in answers])), seconds


def _check_sound(found: Found, live: NDArray[np.bool_]) -> None:
    is_hit = found.rows >= 0
    hits = found.rows[is_hit]
    faults = {
        "rows that are not there": int((hits >= live.size).sum()),
        "dead rows": int((~live[hits[hits < live.size]]).sum()),
        "rows twice in an answer": _repeated(found.rows),
        "scores that are NaN or infinite": int((~np.isfinite(found.scores[is_hit])).sum()),
    }
    if any(faults.values()):
        seen = ", ".join(f"{count} {fault}" for fault, count in faults.items() if count)
        raise IntegrityError(f"the index of {live.size} rows is broken: expected live rows, each once, got {seen}")


def _repeated(rows: NDArray[np.int64]) -> int:
    ordered = np.sort(rows, axis=1)
    return int(((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).sum())


def _errors(found: Found, own: NDArray[np.floating], scale: NDArray[np.floating]) -> NDArray[np.floating]:
    """By how much the scores of hits are off, as a share of their query's best score."""
    query, place = np.nonzero((found.rows >= 0) & np.isfinite(own) & (scale[:, None] > 0))
    errors: NDArray[np.floating] = np.abs(found.scores[query, place] - own[query, place]) / scale[query]
    return errors
