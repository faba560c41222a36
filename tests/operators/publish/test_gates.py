"""Gates refuse what they should, say how to go on, and let the rest pass."""

import pytest

from operators.core.errors import GateError
from operators.core.index_records import Recall, SearchFigures, SegmentIndex, TrainedIndex
from operators.core.manifest import Part, Segment
from operators.core.stored_file import StoredFile
from operators.publish.gates import check_complete, check_deletes, check_recall, check_rejects, check_trained

FILE = StoredFile(key="documents/x/p.parquet", bytes=1, sha256="0" * 64)


def test_check_rejects_at_the_limit_passes() -> None:
    check_rejects({"empty_text": 1}, 100, 0.01, "here")


def test_check_rejects_above_the_limit_names_reasons_place_and_a_setting_that_passes() -> None:
    with pytest.raises(GateError) as refused:
        check_rejects({"empty_text": 2, "broken_json": 1}, 100, 0.01, "/store/runs/r/rejects/")
    message = str(refused.value)
    assert "3 of 100" in message
    assert "2 empty_text" in message
    assert "/store/runs/r/rejects/" in message
    assert "--set publish.max_reject_ratio=" in message
    advised = float(message.rpartition("=")[2])
    check_rejects({"empty_text": 2, "broken_json": 1}, 100, advised, "here")


def test_check_rejects_everything_rejected_advises_a_ratio_of_one() -> None:
    with pytest.raises(GateError, match=r"max_reject_ratio=1$"):
        check_rejects({"empty_text": 5}, 5, 0.01, "here")


def test_check_deletes_at_the_limit_and_of_a_first_snapshot_passes() -> None:
    check_deletes(10, 100, 0.1)
    check_deletes(0, 0, 0)


@pytest.mark.parametrize("deleted", [11, 33, 999, 1000])
def test_check_deletes_above_the_limit_names_both_numbers_and_a_setting_that_passes(deleted: int) -> None:
    with pytest.raises(GateError, match=rf"{deleted:,} of 1,000 documents .*Nothing was encoded") as refused:
        check_deletes(deleted, 1000, 0.01)
    check_deletes(deleted, 1000, float(str(refused.value).rpartition("--set publish.max_delete_ratio=")[2]))


def test_check_recall_below_the_gate_is_refused() -> None:
    check_recall("dense", _measured(0.95), 0.95)
    with pytest.raises(GateError, match=r"csc index of encoder dense, segment 0000, has recall@10 0\.949"):
        check_recall("dense", _measured(0.949), 0.95)


def test_check_recall_advises_a_gate_that_passes() -> None:
    """0.9487 was rounded to 0.95, the very gate that it had missed."""
    with pytest.raises(GateError) as refused:
        check_recall("dense", _measured(0.9487), 0.95)
    check_recall("dense", _measured(0.9487), float(str(refused.value).rpartition("=")[2]))


@pytest.mark.parametrize(
    ("backend", "advice"),
    [("faiss-hnsw", "Raise index.hnsw_m"), ("faiss-ivf-sq8", "be hnsw"), ("faiss-ivf-rabitq", "be ivf-sq8 or hnsw")],
)
def test_check_recall_says_what_to_change_of_an_approximate_index(backend: str, advice: str) -> None:
    with pytest.raises(GateError, match=advice):
        check_recall("dense", _measured(0.9).model_copy(update={"backend": backend}), 0.95)


def test_check_recall_rows_that_do_not_find_themselves_are_refused() -> None:
    figures = {"depth": 100, "recall": 1.0, "mean_score_error": 0.0, "max_score_error": 0.0, "timed": 1}
    figures |= {"p50_ms": 1.0, "p99_ms": 1.0, "live": 9, "self_found": 0.94}
    measured = Recall(k=10, queries=200, recall=1.0, figures=SearchFigures.model_validate(figures))
    with pytest.raises(GateError, match=r"share of vectors that find themselves 0\.940"):
        check_recall("dense", _index(9).model_copy(update={"measured": measured}), 0.95)


def test_check_trained_index_of_another_training_is_refused() -> None:
    trained = TrainedIndex(backend="faiss-ivf-sq8", recipe="r", lists=4, rows=99, file=FILE)
    began = _index(9).model_copy(update={"settings": {"trained": FILE.sha256}})
    check_trained("dense", [began, _index(5)], [trained])
    for other in ([], [trained.model_copy(update={"file": FILE.model_copy(update={"sha256": "12" * 32})})]):
        with pytest.raises(GateError, match=rf"began with training {FILE.sha256}, the snapshot has"):
            check_trained("dense", [began], other)


def _measured(recall: float) -> SegmentIndex:
    return _index(9).model_copy(update={"measured": Recall(k=10, queries=200, recall=recall)})


def _part(name: str, rows: int) -> Part:
    return Part(part=name, rows=rows, totals={}, documents=FILE, vectors={})


def _index(rows: int) -> SegmentIndex:
    recall = Recall(k=10, queries=1, recall=1.0)
    return SegmentIndex(segment="0000", recipe="r", backend="csc", rows=rows, settings={}, files={}, measured=recall)


def test_check_complete_whole_snapshot_passes() -> None:
    check_complete([_part("a", 3), _part("b", 2)], [Segment(segment="0000", rows=5, parts=("a", "b"))], [_index(5)])


@pytest.mark.parametrize(
    ("segment", "index"),
    [
        (Segment(segment="0000", rows=4, parts=("a", "b")), _index(4)),
        (Segment(segment="0000", rows=3, parts=("a",)), _index(3)),
        (Segment(segment="0000", rows=5, parts=("a", "b")), _index(4)),
    ],
    ids=["rows differ", "part missing", "index short"],
)
def test_check_complete_rows_lost_anywhere_are_refused(segment: Segment, index: SegmentIndex) -> None:
    with pytest.raises(GateError, match="not published"):
        check_complete([_part("a", 3), _part("b", 2)], [segment], [index])
