"""Seismic keeps the contract of every index, and where it cannot answer, or cannot be opened, exact search does."""

import logging
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from operators.core import columns, schema
from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.index import seismic_record, seismic_search
from operators.index.seismic_record import FILE
from operators.index.seismic_search import SeismicSearcher
from operators.index.sparse_search import SparseSearcher
from operators.index.vectors import Vectors
from tests.contracts.searcher import SearcherContract
from tests.operators.index.seismic_index import Both, build_beside, build_both
from tests.operators.index.tables import random_sparse, sparse_table

pytest.importorskip("seismic")

ROWS, TERMS = 600, 60
STORED, QUERIES = random_sparse(ROWS, TERMS, 0.1, 1), random_sparse(20, TERMS, 0.1, 2)


class TestSeismic(SearcherContract):
    """Looking into every block, it finds what is to be found."""

    only_positive = True

    @pytest.fixture
    def table(self):
        return sparse_table

    @pytest.fixture
    def vectors(self):
        return lambda rows, seed: random_sparse(rows, TERMS, 0.1 if rows > 1 else 0.5, seed)

    @pytest.fixture
    def build_index(self):
        return lambda matrix, folder: build_both(matrix, folder).open


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    return build_both(STORED, tmp_path_factory.mktemp("seismic"))


@pytest.fixture
def warned(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    seismic_search._warn.cache_clear()
    caplog.set_level(logging.WARNING)
    return caplog


class _Silent:
    """The exact index of a segment, which must not be asked."""

    def __init__(self, exact: SparseSearcher) -> None:
        self.vocabulary, self.rows = exact.vocabulary, exact.rows

    def search(self, *_: object) -> None:
        raise AssertionError("exact search was asked")


def without_exact(searcher: SeismicSearcher) -> SeismicSearcher:
    return SeismicSearcher(_Silent(searcher.exact), searcher.loaded, searcher.live, searcher.record)


def test_search_full_answers_are_seismics_own(both: Both) -> None:
    searcher = both.open()
    expected = searcher.exact.search(sparse_table(QUERIES), 10)
    found = without_exact(searcher).search(sparse_table(QUERIES), 10)
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)


def test_search_a_record_that_looks_less_far_finds_less(both: Both) -> None:
    query = sparse_table(random_sparse(20, TERMS, 0.5, 3))
    best = both.open().search(query, 10).scores
    short = without_exact(both.open(query_cut=1, heap_factor=1.0)).search(query, 10).scores
    assert (short <= best).all()
    assert (short < best).any()


def test_search_with_dead_rows_asks_for_more_and_answers_with_live_ones(both: Both) -> None:
    live = np.random.default_rng(0).random(ROWS) >= 0.1
    searcher = both.open(live)
    expected = searcher.exact.search(sparse_table(QUERIES[:3]), 50)
    found = without_exact(searcher).search(sparse_table(QUERIES[:3]), 50)
    assert live[found.rows].all()
    np.testing.assert_allclose(found.scores, expected.scores, rtol=1e-6)


def test_search_where_the_best_rows_died_together_is_exact(both: Both) -> None:
    for query in QUERIES[:5]:
        live = np.ones(ROWS, np.bool_)
        live[np.argsort(-(STORED @ query))[:100]] = False
        searcher = both.open(live)
        with pytest.raises(AssertionError, match="exact search was asked"):
            without_exact(searcher).search(sparse_table(query[None]), 10)
        found = searcher.search(sparse_table(query[None]), 10)
        expected = searcher.exact.search(sparse_table(query[None]), 10)
        assert np.array_equal(found.rows, expected.rows)


def table_of(terms: list[list[int]], weights: list[list[float]]) -> pa.Table:
    return pa.table({columns.INDICES: terms, columns.WEIGHTS: weights}, schema=schema.SPARSE)


@pytest.mark.parametrize(
    ("terms", "weights"),
    [([3, 4], [-1.0, 2.0]), ([], []), ([3, 3], [1.0, 1.0])],
    ids=["negative", "empty", "a term twice"],
)
def test_search_queries_that_seismic_is_not_made_for_are_exact(
    both: Both, terms: list[int], weights: list[float]
) -> None:
    query, searcher = table_of([terms], [weights]), both.open()
    found, expected = (each.search(query, 10) for each in (searcher, searcher.exact))
    assert np.array_equal(found.rows, expected.rows)
    assert np.array_equal(found.scores, expected.scores)
    with pytest.raises(AssertionError, match="exact search was asked"):
        without_exact(searcher).search(query, 10)


def test_search_finds_only_scores_above_zero(tmp_path: Path) -> None:
    table = table_of([[5, 7]] * 30, [[0.0, 1.0]] * 27 + [[1.0, 1.0]] * 3)
    vectors = Vectors(Kind.SPARSE, TERMS, 30, lambda: iter([table]))
    found = build_beside(vectors, tmp_path).open().search(table_of([[5]], [[1.0]]), 10)
    assert found.rows.tolist() == [[27, 28, 29, *[-1] * 7]]


def test_search_terms_that_no_row_holds_change_nothing(tmp_path: Path) -> None:
    stored = STORED.copy()
    stored[:, 40:] = 0
    searcher = without_exact(build_both(stored, tmp_path).open())
    asked = QUERIES.copy()
    asked[:, 40:] = 0
    expected = searcher.search(sparse_table(asked), 5)
    asked[:, 59] = 1.0
    found = searcher.search(sparse_table(asked), 5)
    assert np.array_equal(found.rows, expected.rows)


def test_search_terms_of_a_query_in_any_order_are_the_same_query(both: Both) -> None:
    terms = np.flatnonzero(QUERIES[0])[::-1].tolist()
    table = table_of([terms], [QUERIES[0, terms].tolist()])
    expected = both.open().search(sparse_table(QUERIES[:1]), 10)
    assert np.array_equal(without_exact(both.open()).search(table, 10).rows, expected.rows)


def test_open_for_few_rows_is_exact_and_reads_no_file(both: Both, warned: pytest.LogCaptureFixture) -> None:
    live = np.zeros(ROWS, np.bool_)
    live[: ROWS // 2 - 1] = True
    gone = Both({**both.files, FILE: Path("nowhere")}, both.settings, both.vectors)
    assert isinstance(gone.open(live), SparseSearcher)
    assert not warned.messages
    live[ROWS // 2 - 1] = True
    assert isinstance(both.open(live), SeismicSearcher)


def test_open_of_the_same_file_twice_shares_what_was_read(both: Both) -> None:
    live = np.random.default_rng(0).random(ROWS) >= 0.2
    one, other = both.open(), both.open(live)
    assert one.loaded is other.loaded


def _exact_and_said(both: Both, warned: pytest.LogCaptureFixture, reason: str) -> None:
    for _ in range(2):
        searcher = both.open()
        assert isinstance(searcher, SparseSearcher)
        assert searcher.search(sparse_table(QUERIES), 10).rows.shape == (20, 10)
    [message] = warned.messages
    assert message.startswith("sparse search is exact, without seismic: ")
    assert reason in message


def test_open_without_the_library_is_exact_and_said_once(
    both: Both, warned: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> str:
        raise PackageNotFoundError

    monkeypatch.setattr(seismic_record, "version", missing)
    _exact_and_said(both, warned, "pyseismic-lsr is not installed (pip install 'millrace[seismic]')")


def test_open_with_another_version_is_exact_and_said_once(
    both: Both, warned: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seismic_record, "version", lambda _: "0.6.0")
    _exact_and_said(both, warned, "was written by pyseismic-lsr 0.5.4, 0.6.0 is installed")


def _with_file(both: Both, path: Path, data: bytes) -> Both:
    path.write_bytes(data)
    return Both({**both.files, FILE: path}, both.settings, both.vectors)


@pytest.mark.parametrize("keep", [0, 7, 1000, 0.5, 0.999])
def test_open_truncated_file_is_exact_and_said_once(
    both: Both, tmp_path: Path, warned: pytest.LogCaptureFixture, keep: float
) -> None:
    data = both.files[FILE].read_bytes()
    cut = data[: keep if isinstance(keep, int) else int(len(data) * keep)]
    _exact_and_said(_with_file(both, tmp_path / FILE, cut), warned, "seismic.bin is no index of seismic")


@pytest.mark.parametrize("other", [STORED[1:], STORED * (STORED < 1)], ids=["rows", "postings"])
def test_open_file_of_other_rows_is_exact_and_said_once(
    both: Both, tmp_path: Path, warned: pytest.LogCaptureFixture, other: np.ndarray
) -> None:
    data = build_both(other, tmp_path).files[FILE].read_bytes()
    _exact_and_said(_with_file(both, tmp_path / FILE, data), warned, "seismic.bin is of other rows")


def test_open_zeros_for_a_file_is_exact_and_said_once(
    both: Both, tmp_path: Path, warned: pytest.LogCaptureFixture
) -> None:
    _exact_and_said(_with_file(both, tmp_path / FILE, bytes(4000)), warned, "seismic.bin is of other rows")


def test_open_without_a_file_is_exact_and_said_once(both: Both, warned: pytest.LogCaptureFixture) -> None:
    files = {name: path for name, path in both.files.items() if name != FILE}
    _exact_and_said(Both(files, both.settings, both.vectors), warned, "lacks its file seismic.bin")


@pytest.mark.parametrize("change", [{"query_cut": "all"}, {"rows": None}, {"more": 1}])
def test_open_with_a_record_that_is_none_is_refused(both: Both, change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError, match=rf"index setting seismic\.{next(iter(change))}: "):
        both.open(**change)
