"""What seismic finds, and how fast, beside the exact index: both asked the same queries, one at a time."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from operators.index.searcher import Found, Searcher
from operators.index.seismic_record import SeismicError, SeismicRecord
from operators.index.seismic_search import Loaded, SeismicSearcher
from operators.index.sparse_search import SparseSearcher
from operators.index.truth import GroundTruth

#: How far to search: terms of a query whose lists are looked into, its heaviest; and the share of the worst score kept
#: so far that a block must promise. Of 0.7 to 1, 0.8 finds nearly what 0.7 does.
_CUTS = (5, 10, 20, 40, 80)
_HEAPS = (1.0, 0.8)
#: How many times as fast as exact search seismic must be: it takes memory, which exact search maps, minutes to build,
#: and Python's lock while it searches, so that segments wait for each other.
_TIMES = 3.0
#: Queries that both are asked in turn.
_RACED = 200


@dataclass(frozen=True)
class Contest:
    """An exact index, and the queries with which seismic's must reach `target` recall@`k`."""

    exact: SparseSearcher
    truth: GroundTruth
    k: int
    target: float

    @cached_property
    def self_scores(self) -> NDArray[np.floating]:
        """The exact score of each query with the row that it is."""
        return self.truth.score(self.truth.rows[:, None])[:, 0]


@dataclass(frozen=True)
class Trial:
    """What an index built and searched as its record says finds, and the seconds of a query in the median.

    A row whose postings are in no list is found by nothing: `self_found` is the share of queries that find themselves.
    """

    record: SeismicRecord
    recall: float
    self_found: float
    seconds: float

    def is_enough(self, target: float) -> bool:
        """Whether it would pass the gate."""
        return min(self.recall, self.self_found) >= target


def trials(contest: Contest, loaded: Loaded, record: SeismicRecord) -> Iterator[Trial]:
    """Short searches to long ones, until one finds enough."""
    for heap_factor in _HEAPS:
        for query_cut in _CUTS:
            asked = record.model_copy(update={"query_cut": query_cut, "heap_factor": heap_factor})
            found, seconds = _ask(searcher(contest, loaded, asked), contest.truth)
            recall = contest.truth.recall(found.scores, contest.k)
            itself = contest.truth.self_found(found.rows, contest.self_scores)
            trial = Trial(asked, recall, itself, seconds)
            yield trial
            if trial.is_enough(contest.target):
                break


def tune_seismic(contest: Contest, loaded: Loaded, record: SeismicRecord) -> SeismicRecord:
    """The record of the fastest search that finds enough.

    Raises `SeismicError` where none does, or it is not so many times as fast as exact search as seismic must be.
    """
    best = the_fastest(list(trials(contest, loaded, record)), contest)
    times = _race(contest.exact, searcher(contest, loaded, best.record), contest.truth)
    if times < _TIMES:
        raise SeismicError(
            f"with recall@{contest.k} {best.recall:.3f} it is {times:.1f} times as fast as exact search, "
            f"{_TIMES:g} times are asked for"
        )
    return best.record.model_copy(update={"times": round(times, 1)})


def searcher(contest: Contest, loaded: Loaded, record: SeismicRecord) -> SeismicSearcher:
    """Seismic as a reader opens it."""
    return SeismicSearcher(contest.exact, loaded, contest.truth.live, record)


def fastest(tried: Sequence[Trial], target: float) -> Trial | None:
    """The fastest of those that find enough; None where none does."""
    enough = [trial for trial in tried if trial.is_enough(target)]
    return min(enough, key=lambda trial: trial.seconds, default=None)


def the_fastest(tried: Sequence[Trial], contest: Contest) -> Trial:
    """`fastest`; raises `SeismicError` where there is none."""
    best = fastest(tried, contest.target)
    if best is None:
        recall = max(trial.recall for trial in tried)
        itself = max(trial.self_found for trial in tried)
        raise SeismicError(
            f"of {contest.exact.rows:,} rows it reaches recall@{contest.k} {recall:.3f}, and {itself:.3f} of the "
            f"vectors find themselves; publish.min_recall asks for {contest.target:g}"
        )
    return best


def _ask(asked: Searcher, truth: GroundTruth) -> tuple[Found, float]:
    """All answers, and the median seconds of one."""
    answers = [_one(asked, truth, number) for number in range(truth.queries.num_rows)]
    found = Found(*(np.concatenate(each) for each in zip(*((one.scores, one.rows) for one, _ in answers), strict=True)))
    return found, float(np.median([seconds for _, seconds in answers]))


def _race(exact: Searcher, seismic: Searcher, truth: GroundTruth) -> float:
    """How many times as fast: both asked in turn, so that whatever slows the machine slows both."""
    raced = range(min(_RACED, truth.queries.num_rows))
    # Postings are proven when they are first used, which takes longer than to add them.
    exact.search(truth.queries.slice(0, len(raced)), truth.depth)
    pairs = [(_one(exact, truth, number)[1], _one(seismic, truth, number)[1]) for number in raced]
    slow, fast = np.median(pairs, axis=0)
    return float(slow / fast)


def _one(asked: Searcher, truth: GroundTruth, number: int) -> tuple[Found, float]:
    query = truth.queries.slice(number, 1)
    start = time.perf_counter()
    found = asked.search(query, truth.depth)
    return found, time.perf_counter() - start
