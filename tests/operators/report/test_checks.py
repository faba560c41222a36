from typing import Any

import pytest

from operators.core.index_records import Recall, SearchFigures, SegmentIndex
from operators.core.manifest import CanaryResult, Counts, Manifest
from operators.publish.spec import PublishSpec
from operators.report.checks import Facts, check
from operators.report.run_report import Check
from tests.operators.publish.by_hand import memory_store, publish_snapshot

FIGURES = {"depth": 100, "recall": 1, "mean_score_error": 0, "max_score_error": 0, "timed": 9, "p50_ms": 1, "p99_ms": 2}


def counts(**more: int) -> Counts:
    names = (
        "documents",
        "rows",
        "encoded",
        "reused",
        "added",
        "updated",
        "deleted",
        "unchanged",
        "truncated",
        "rejected",
    )
    return Counts(**{**dict.fromkeys(names, 0), **more})


def index(recall: float, self_found: float | None = None) -> SegmentIndex:
    figures = None if self_found is None else SearchFigures(**FIGURES, self_found=self_found, live=9)
    measured = Recall(k=10, queries=9, recall=recall, figures=figures)
    return SegmentIndex(segment="s", recipe="r", backend="b", rows=9, settings={}, files={}, measured=measured)


def canary(query: str, needed: int, **ranks: int | None) -> CanaryResult:
    return CanaryResult(query=query, mode="hybrid", k=10, needed=needed, ranks=ranks)


def checked(limits: PublishSpec | None = None, *, is_final: bool = True, **more: Any) -> dict[str, Check]:
    given = {"counts": counts(), "held": 0, "rejected_before": 0, "indexes": {}, "canaries": (), "parent": None}
    found = check(Facts(**{**given, **more}), limits or PublishSpec())
    return {each.name: each.judged(is_final=is_final) for each in found}


def parent(*canaries: CanaryResult, documents: int = 200) -> Manifest:
    manifest = publish_snapshot(memory_store(), ["a"])
    held = manifest.counts.model_copy(update={"documents": documents})
    return manifest.model_copy(update={"counts": held, "canaries": canaries})


def test_check_of_rejects_is_the_share_that_the_gate_looks_at() -> None:
    """As check_rejects counts: rejects of inputs that were not read again are documents of the source, too."""
    at, over = (checked(counts=counts(rejected=n), held=95, rejected_before=4)["documents rejected"] for n in (1, 2))
    assert (at.value, at.limit, at.state) == (0.01, 0.01, "passed")
    assert (over.value, over.state) == (pytest.approx(2 / 101), "failed")
    assert over.detail == "2 of 101"


def test_check_of_deletes_is_of_the_snapshot_before_and_there_is_none_without_it() -> None:
    assert "documents deleted" not in checked()
    at, over = (checked(counts=counts(deleted=n), parent=parent())["documents deleted"] for n in (20, 21))
    assert (at.value, at.state, over.state) == (0.1, "passed", "failed")


def test_check_of_a_source_not_compared_yet_is_open_without_a_value() -> None:
    found = checked(counts=counts(rejected=50, deleted=50), held=None, parent=parent())
    assert {(each.value, each.state) for each in found.values()} == {(None, "open")}


def test_check_of_an_unpublished_run_is_open_while_it_holds_and_failed_where_it_does_not() -> None:
    found = checked(is_final=False, counts=counts(deleted=190), held=10, parent=parent())
    assert {name: each.state for name, each in found.items()} == {
        "documents rejected": "open",
        "documents deleted": "failed",
    }


def test_check_of_indexes_is_of_the_worst_segment_of_each_encoder() -> None:
    found = checked(indexes={"dense": [index(0.99, 0.9), index(0.96, 1.0)], "sparse": [index(0.94)]})
    states = {name: (each.value, each.state) for name, each in found.items() if name != "documents rejected"}
    assert states == {
        "recall@10 of dense": (0.96, "passed"),
        "dense vectors that find themselves": (0.9, "failed"),
        "recall@10 of sparse": (0.94, "failed"),
    }


def test_check_of_a_canary_is_what_it_found_against_what_it_needs() -> None:
    found = checked(canaries=[canary("met", 1, a=3, b=None), canary("missed", 2, a=3, b=None)])
    states = [(each.value, each.limit, each.state) for each in list(found.values())[1:]]
    assert states == [(1, 1, "passed"), (1, 2, "failed")]


def test_check_of_the_canaries_fall_compares_those_asked_of_both() -> None:
    before = parent(canary("q", 0, a=1, b=2), canary("other", 0, a=1))
    found = checked(PublishSpec(max_canary_drop=0.4), canaries=[canary("q", 0, a=1, b=None)], parent=before)
    assert (found["fall of the canaries"].value, found["fall of the canaries"].state) == (0.5, "failed")
    risen = checked(canaries=[canary("q", 0, a=1, b=1)], parent=parent(canary("q", 0, a=1, b=None)))
    assert risen["fall of the canaries"].value == 0
