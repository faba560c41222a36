"""Seismic is used where it finds enough and is worth it; else the exact index is all there is, and says why."""

import time
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from operators.core.encoder_spec import Kind
from operators.core.index_records import Recall
from operators.index import seismic_record, seismic_sweep, seismic_trial
from operators.index.backend import open_searcher
from operators.index.build import BuiltIndex
from operators.index.measured import MeasuredIndex, measure_index, truth_of
from operators.index.searcher import Found, Searcher
from operators.index.seismic_record import FILE, SETTING, SeismicError, describe, is_stale
from operators.index.seismic_search import SeismicSearcher
from operators.index.seismic_trial import Contest, tune_seismic
from operators.index.spec import Backend, IndexSpec
from operators.index.verify import measure_recall
from tests.operators.index.seismic_index import sparse_vectors
from tests.operators.index.tables import random_sparse, sparse_table
from tests.operators.index.test_build import build

pytest.importorskip("seismic")

ROWS, TERMS, QUERIES = 4_000, 200, 60
STORED = random_sparse(ROWS, TERMS, 0.1)
VECTORS = sparse_vectors(STORED)
EXACT_FILES = ["digests.npy", "docs.npy", "indptr.npy", "maxima.npy", "weights.npy"]


def be_worth_it(patch: pytest.MonkeyPatch) -> None:
    """Whatever it takes in time, which these tests do not measure; and try one way to build."""
    patch.setattr(seismic_trial, "_TIMES", 0.0)
    patch.setattr(seismic_sweep, "_SHARES", (0.2,))


@pytest.fixture
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    be_worth_it(monkeypatch)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> BuiltIndex:
    with pytest.MonkeyPatch.context() as patch:
        be_worth_it(patch)
        return build_index(tmp_path_factory.mktemp("index"))


def build_index(folder: Path, target: float = 0.9, **spec: object) -> BuiltIndex:
    chosen = {"seismic_rows": ROWS - 1, "recall_queries": QUERIES, **spec}
    return build(Kind.SPARSE, sparse_table(STORED), folder, ROWS, TERMS, target=target, **chosen)


def measure(index: BuiltIndex, target: float = 0.9, live: np.ndarray | None = None) -> MeasuredIndex:
    spec = IndexSpec(recall_queries=QUERIES)
    truth = truth_of(VECTORS, spec, live)
    return measure_index(Backend(index.backend), index.files, index.settings, truth, spec, target, 1)


def check_exact(index: BuiltIndex, reason: str) -> None:
    assert (index.backend, sorted(index.files)) == ("csc", EXACT_FILES)
    assert reason in index.settings[SETTING]["not_used"]
    assert describe([index.settings]).startswith("1 segments searched exactly: ")
    assert index.measured.recall == 1.0


def test_build_where_it_is_worth_it_has_seismic_beside_the_exact_index(index: BuiltIndex) -> None:
    assert (index.backend, sorted(index.files)) == ("csc-seismic", sorted([*EXACT_FILES, FILE]))
    record = index.settings[SETTING]
    assert (record["library"], record["version"], record["rows"]) == ("pyseismic-lsr", "0.5.4", ROWS)
    assert 0.9 <= index.measured.recall < 1.0
    assert describe([index.settings]) == f"1 segments searched by it, {record['times']:.1f} times as fast as exactly"


def test_build_measures_what_a_reader_finds(index: BuiltIndex) -> None:
    searcher = open_searcher(index.backend, index.files, index.settings, ROWS)
    assert isinstance(searcher, SeismicSearcher)
    truth = truth_of(VECTORS, IndexSpec(recall_queries=QUERIES))
    found = searcher.search(truth.queries, 100)
    assert truth.recall(found.scores, 10) == pytest.approx(index.measured.recall)
    products = STORED[truth.rows].astype(np.float64) @ STORED.T.astype(np.float64)
    np.testing.assert_allclose(found.scores, np.take_along_axis(products, found.rows, axis=1), rtol=1e-6)


def test_build_of_a_sample_scales_the_lists_to_all_rows(
    tmp_path: Path, worth_it: None, monkeypatch: pytest.MonkeyPatch, index: BuiltIndex
) -> None:
    monkeypatch.setattr(seismic_sweep, "_SAMPLE_ROWS", ROWS // 2)
    monkeypatch.setattr(seismic_sweep, "_LEAST_POSTINGS", 1)
    half = build_index(tmp_path, 0.5)
    assert half.settings[SETTING]["n_postings"] == pytest.approx(index.settings[SETTING]["n_postings"], rel=0.1)
    assert half.settings[SETTING]["rows"] == ROWS


def test_build_of_so_many_rows_as_are_searched_exactly_tries_nothing(tmp_path: Path, worth_it: None) -> None:
    index = build_index(tmp_path, seismic_rows=ROWS)
    assert (index.backend, index.settings) == ("csc", {"vocabulary": TERMS})


def test_build_where_nothing_finds_enough_is_exact(tmp_path: Path, worth_it: None) -> None:
    index = build_index(tmp_path, 0.999)
    check_exact(index, "of 4,000 rows it reaches recall@10 0.99")
    assert "publish.min_recall asks for 0.999" in index.settings[SETTING]["not_used"]


def test_build_where_it_would_not_fit_in_memory_is_exact(tmp_path: Path, worth_it: None) -> None:
    check_exact(build_index(tmp_path, memory=1000), "bytes, index.memory allows 1,000")


def test_build_where_the_library_fails_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operators.index.seismic_build.kind_of", lambda _: "NoSuchIndex")
    check_exact(build_index(tmp_path), "building failed with exit code 1: ")


def missing(_: str) -> str:
    raise PackageNotFoundError


def test_build_without_the_library_is_exact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seismic_record, "version", missing)
    index = build_index(tmp_path)
    check_exact(index, "pyseismic-lsr is not installed")
    assert index.settings[SETTING]["version"] is None


def test_measure_for_a_higher_gate_searches_further(index: BuiltIndex, worth_it: None) -> None:
    low, high = (measure(index, target) for target in (0.5, 0.98))
    assert low.recall.recall < 0.98 <= high.recall.recall < 1.0
    assert low.settings[SETTING]["query_cut"] < high.settings[SETTING]["query_cut"]


def test_measure_where_it_finds_less_than_is_asked_for_goes_on_without_it(index: BuiltIndex, worth_it: None) -> None:
    again = measure(index, 0.999)
    assert (again.backend, sorted(again.files), again.recall.recall) == (Backend.CSC, EXACT_FILES, 1.0)
    assert "it reaches recall@10 0.99" in again.settings[SETTING]["not_used"]


def test_trial_that_finds_enough_but_not_itself_is_not_enough() -> None:
    trial = seismic_trial.Trial(None, recall=0.99, self_found=0.9, seconds=1)
    assert trial.is_enough(0.9)
    assert not trial.is_enough(0.95)
    assert not replace(trial, recall=0.5, self_found=1.0).is_enough(0.9)


@pytest.mark.parametrize("short", [{"recall": 0.89}, {"figures": {"self_found": 0.89}}])
def test_measure_below_the_gate_goes_on_without_it(
    index: BuiltIndex, worth_it: None, monkeypatch: pytest.MonkeyPatch, short: dict[str, object]
) -> None:
    def less(*asked: object) -> Recall:
        found = measure_recall(*asked)
        changed = {**found.model_dump(), **short, "figures": {**found.figures.model_dump(), **short.get("figures", {})}}
        return Recall.model_validate(changed)

    monkeypatch.setattr("operators.index.seismic_choice.measure_recall", less)
    again = measure(index)
    assert (again.backend, sorted(again.files), again.recall.recall) == (Backend.CSC, EXACT_FILES, 1.0)
    assert "0.890" in again.settings[SETTING]["not_used"]


def test_measure_when_rows_died_searches_the_live_ones(index: BuiltIndex, worth_it: None) -> None:
    live = np.random.default_rng(0).random(ROWS) >= 0.1
    again = measure(index, live=live)
    assert (again.backend, set(again.files)) == (Backend.SEISMIC, set(index.files))
    assert again.recall.figures.live == int(live.sum())
    assert again.recall.recall >= 0.9


def test_measure_with_another_library_goes_on_without_it(
    index: BuiltIndex, worth_it: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seismic_record, "version", lambda _: "0.6.0")
    again = measure(index)
    assert (again.backend, sorted(again.files), again.recall.recall) == (Backend.CSC, EXACT_FILES, 1.0)
    assert "0.6.0 is installed" in again.settings[SETTING]["not_used"]


def test_measure_without_the_file_goes_on_without_it(index: BuiltIndex, worth_it: None, tmp_path: Path) -> None:
    again = measure(replace(index, files={**index.files, FILE: tmp_path / FILE}))
    assert (again.backend, sorted(again.files)) == (Backend.CSC, EXACT_FILES)


class _Slow:
    """A searcher that takes some milliseconds longer than another."""

    def __init__(self, inner: Searcher, milliseconds: int) -> None:
        self.inner, self.milliseconds = inner, milliseconds
        self.rows, self.vocabulary = inner.rows, TERMS

    def search(self, queries: pa.Table, k: int) -> Found:
        time.sleep(self.milliseconds / 1000)
        return self.inner.search(queries, k)


def contest_of(index: BuiltIndex, milliseconds: int) -> tuple[Contest, SeismicSearcher]:
    searcher = open_searcher(index.backend, index.files, index.settings, ROWS)
    truth = truth_of(VECTORS, IndexSpec(recall_queries=10))
    return Contest(_Slow(searcher.exact, milliseconds), truth, 10, 0.5), searcher


def test_tune_where_it_is_several_times_as_fast_records_how_many(index: BuiltIndex) -> None:
    contest, searcher = contest_of(index, 20)
    assert 3 <= tune_seismic(contest, searcher.loaded, searcher.record).times < 1000


def test_tune_where_it_is_not_three_times_as_fast_is_refused(
    index: BuiltIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = seismic_trial.searcher
    monkeypatch.setattr(seismic_trial, "searcher", lambda *asked: _Slow(opened(*asked), 20))
    contest, searcher = contest_of(index, 40)
    with pytest.raises(SeismicError, match=r"it is [12]\.\d times as fast as exact search, 3 times are asked for"):
        tune_seismic(contest, searcher.loaded, searcher.record)


def test_tune_where_it_is_slower_than_exact_search_is_refused(
    index: BuiltIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = seismic_trial.searcher
    monkeypatch.setattr(seismic_trial, "searcher", lambda *asked: _Slow(opened(*asked), 20))
    contest, searcher = contest_of(index, 0)
    with pytest.raises(SeismicError, match=r"it is 0\.\d times as fast as exact search"):
        tune_seismic(contest, searcher.loaded, searcher.record)


@pytest.mark.parametrize(
    ("found", "tried"),
    [
        ({0.1: (0.9, 5)}, [0.1, 0.3, 1.0, 3.0]),  # none finds enough
        ({0.1: (1.0, 5), 0.3: (1.0, 3), 1.0: (1.0, 4), 3.0: (1.0, 1)}, [0.1, 0.3, 1.0]),
        ({0.1: (0.9, 1), 0.3: (1.0, 3), 1.0: (0.9, 1)}, [0.1, 0.3, 1.0]),
        ({0.1: (1.0, 5), 0.3: None}, [0.1, 0.3]),  # the library failed
    ],
)
def test_sweep_goes_on_to_larger_indexes_while_they_are_better(
    monkeypatch: pytest.MonkeyPatch, found: dict[float, tuple[float, float] | None], tried: list[float]
) -> None:
    asked: list[float] = []

    def attempt(sample: object, shape: seismic_sweep.Shape, threads: int) -> seismic_sweep.Sampled:
        asked.append(round(shape.n_postings / 1000, 1))
        outcome = found.get(asked[-1], (0.9, 5))
        if outcome is None:
            raise SeismicError("building took too long")
        recall, seconds = outcome
        trial = seismic_trial.Trial(None, recall, self_found=1.0, seconds=seconds)
        return seismic_sweep.Sampled(shape, 1.0, 1, (trial,))

    class Sample:
        postings, contest = 1_000_000, Contest(None, None, 10, 0.95)
        vectors = replace(VECTORS, dimensions=1000)

    monkeypatch.setattr(seismic_sweep, "_try", attempt)
    swept = list(seismic_sweep.sweep(Sample(), 1))
    assert asked == tried
    assert len(swept) == len(tried) - (None in found.values())


def test_sweep_where_the_library_fails_at_once_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    sample = seismic_sweep.take_sample(VECTORS, IndexSpec(recall_queries=2), 0.9, tmp_path)
    monkeypatch.setattr("operators.index.seismic_build.kind_of", lambda _: "NoSuchIndex")
    with pytest.raises(SeismicError, match="building failed"):
        list(seismic_sweep.sweep(sample, 1))


def test_index_is_stale_where_another_version_is_installed_than_tried_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = {version: {SETTING: {"version": version}} for version in ("0.5.4", "0.6.0", None)}
    monkeypatch.setattr(seismic_record, "version", lambda _: "0.6.0")
    assert [is_stale(tried[version]) for version in ("0.5.4", "0.6.0", None)] == [True, False, True]
    assert not is_stale({"vocabulary": 3})
    monkeypatch.setattr(seismic_record, "version", missing)
    assert not any(is_stale(settings) for settings in tried.values())


def test_describe_counts_segments_and_names_reasons_once() -> None:
    used = [{SETTING: {"times": times}} for times in (4.2, 3.1)]
    refused = [{SETTING: {"not_used": reason}} for reason in ("too slow", "too slow", "too large")]
    assert describe([{}]) == ""
    assert describe([*used, *refused, {}]) == (
        "2 segments searched by it, 3.1 times as fast as exactly; "
        "3 segments searched exactly: too slow (and 1 other reasons)"
    )
