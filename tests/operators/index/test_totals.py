"""Figures of all segments together: what a search of them finds is no worse than they say."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.core.index_records import Recall, SegmentIndex
from operators.core.manifest import DeadRows, Segment
from operators.core.stored_file import StoredFile
from operators.index.backend import open_searcher
from operators.index.spec import Backend
from operators.index.totals import index_totals
from tests.operators.index.tables import dense_table
from tests.operators.index.test_build import build
from tests.operators.index.test_ivf_search import SIZE, topics
from tests.operators.index.training import trained_on

FILE = StoredFile(key="indexes/a", bytes=7, sha256="0" * 64)


def segment(name: str, rows: int, dead: int = 0) -> Segment:
    return Segment(segment=name, rows=rows, parts=(name,), dead=DeadRows(rows=dead, file=FILE) if dead else None)


def recorded(name: str, rows: int, measured: Recall) -> SegmentIndex:
    facts = {"recipe": "r", "backend": "faiss-ivf-sq8", "settings": {}, "files": {"a": FILE}}
    return SegmentIndex(segment=name, rows=rows, measured=measured, **facts)


def test_totals_weigh_shares_by_live_rows_and_add_up_times() -> None:
    figures = {"depth": 100, "self_found": 1.0, "mean_score_error": 0.0, "timed": 5, "live": 1}

    def measured(recall: float, error: float, ms: float) -> Recall:
        own = {"recall": recall, "max_score_error": error, "p50_ms": ms, "p99_ms": 2 * ms}
        return Recall.model_validate({"k": 10, "queries": 50, "recall": recall, "figures": {**figures, **own}})

    indexes = [recorded("a", 40, measured(1.0, 0.1, 1.0)), recorded("b", 70, measured(0.8, 0.3, 2.0))]
    totals = index_totals(indexes, [segment("a", 40, dead=10), segment("b", 70, dead=60)])
    assert totals.bytes == 14
    assert (totals.measured.k, totals.measured.queries) == (10, 100)
    assert totals.measured.recall == pytest.approx((30 * 1.0 + 10 * 0.8) / 40)
    found = totals.measured.figures
    assert (found.max_score_error, found.p50_ms, found.p99_ms, found.live, found.timed) == (0.3, 3.0, 6.0, 40, 10)


def test_totals_of_indexes_without_figures_have_none() -> None:
    totals = index_totals([recorded("a", 9, Recall(k=10, queries=9, recall=0.5))], [segment("a", 9)])
    assert (totals.measured.recall, totals.measured.figures) == (0.5, None)


def test_totals_bound_the_recall_of_a_search_of_all_segments(tmp_path: Path) -> None:
    """Against exact search over all rows at once, by queries that are rows of no segment."""
    sizes = [3_000, 1_500, 500]
    stored, queries = topics(sum(sizes), 5), topics(300, 6)
    training = trained_on(stored, Backend.IVF_SQ8, tmp_path / "trained.faiss")
    firsts = np.cumsum([0, *sizes])
    indexes, answers = [], []
    for number, rows in enumerate(sizes):
        own = stored[firsts[number] : firsts[number + 1]]
        folder = tmp_path / str(number)
        folder.mkdir()
        make = partial(build, Kind.DENSE, dense_table(own), folder, rows, SIZE, training=training, dense="ivf-sq8")
        built = make(recall_queries=rows, target=0.9)
        assert built.measured.recall >= 0.9
        indexes.append(recorded(str(number), rows, built.measured))
        searcher = open_searcher(built.backend, built.files, built.settings, rows)
        answers.append(searcher.search(dense_table(queries), 100).scores)
    totals = index_totals(indexes, [segment(str(number), rows) for number, rows in enumerate(sizes)])
    together = -np.sort(-np.hstack(answers), axis=1)[:, :10]
    exact = -np.sort(-(queries @ stored.T), axis=1)[:, 9]
    found = float((together >= exact[:, None] - 1e-6).mean())
    assert found >= totals.measured.recall - 0.03
    assert 0.9 <= totals.measured.recall < 1
