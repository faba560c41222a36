"""Indexes as a manifest knows them: what they are, where they lie, and what was measured of them."""

from typing import Any

from operators.core.spec import Spec
from operators.core.stored_file import StoredFile


class SearchFigures(Spec):
    """How an index answered its queries with `depth` rows each, while `live` rows lived.

    `recall` is that of the whole answer, `self_found` the share of queries that found their own row where exact search
    does. Score errors are shares of a query's best score. `p50_ms` and `p99_ms` are of `timed` queries asked alone.
    """

    depth: int
    recall: float
    self_found: float
    mean_score_error: float
    max_score_error: float
    timed: int
    p50_ms: float
    p99_ms: float
    live: int


class Recall(Spec):
    """Share of the exact top `k` that the index found, over `queries` stored vectors asked as queries.

    `figures` are None where no live row could be asked, and in snapshots of Millrace before it took them.
    """

    k: int
    queries: int
    recall: float
    figures: SearchFigures | None = None


class IndexTotals(Spec):
    """All indexes of one encoder together: their bytes, and what a query asked of every one of them finds and takes."""

    bytes: int
    measured: Recall


class TrainedIndex(Spec):
    """An index without rows, trained on `rows` vectors: all indexes of `backend` made by `recipe` begin as copies."""

    backend: str
    recipe: str
    lists: int
    rows: int
    file: StoredFile


class SegmentIndex(Spec):
    """One encoder's index of a segment: `backend` opens `files` (by file name), `settings` are how they were built.

    `recipe` is the fingerprint of the index settings asked for, so that a changed recipe builds it anew.
    """

    segment: str
    recipe: str
    backend: str
    rows: int
    settings: dict[str, Any]
    files: dict[str, StoredFile]
    measured: Recall
