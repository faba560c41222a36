"""Canaries are asked of the snapshot that is about to be published, and what they miss is not published."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from operators.core.errors import GateError, UsageError
from operators.core.manifest import Manifest
from operators.core.storage import open_store
from operators.publish.chain import list_snapshots, read_manifest
from pipelines import canaries
from pipelines.compaction import plan_compaction
from pipelines.load import load_recipe
from pipelines.summary import Summary
from tests.pipelines.conftest import Index, document, recipe_text, write_corpus
from tests.pipelines.inline import ENCODERS, contents, counted, index_inline, run_job

DOCUMENTS = [document(number) for number in range(60)]
QUERY = "number7 mill river"


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Index `tmp_path/corpus/*.jsonl` in this process."""
    return partial(index_inline, tmp_path)


def write(folder: Path, documents: list[dict[str, Any]]) -> None:
    write_corpus(folder / "corpus" / "a.jsonl", documents)


def canary(*expect: str, **more: Any) -> dict[str, Any]:
    return {"query": QUERY, "expect": list(expect), "mode": "sparse", **more}


def gate(*asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"publish": {"canaries": list(asked), "max_delete_ratio": 1.0, **more}}


def published(folder: Path) -> Manifest:
    return read_manifest(open_store(str(folder / "store" / "mill")))


def snapshots(folder: Path) -> list[int]:
    return list_snapshots(open_store(str(folder / "store" / "mill")))


def ranking(documents: list[dict[str, Any]]) -> list[str]:
    """The sparse order of documents for the query, by numpy over the texts; equal scores in reading order."""
    texts = [f"{one['title']} {one['text']}" for one in documents]
    scores = np.array([counted(text, 64) @ counted(QUERY, 64) for text in texts])
    return [documents[row]["_id"] for row in np.argsort(-scores, kind="stable") if scores[row] > 0]


def test_index_with_canaries_that_are_met_keeps_their_ranks(index: Index, tmp_path: Path) -> None:
    write(tmp_path, DOCUMENTS)
    order = ranking(DOCUMENTS)
    summary = index(**gate(canary(order[2], order[0]), canary(order[0], order[30], k=3, min_hits=1)))
    first, second = published(tmp_path).canaries
    assert first.ranks == {order[2]: 3, order[0]: 1}
    assert (first.found, first.needed, first.k, first.mode) == (2, 2, 10, "sparse")
    assert second.ranks == {order[0]: 1, order[30]: None}
    assert summary.canaries == (first, second)
    again = index(**gate(canary(order[0])))
    assert again.published_before
    assert again.canaries == (first, second)


def test_index_with_a_canary_that_fails_publishes_nothing_and_goes_on_once_it_is_mended(
    index: Index, tmp_path: Path
) -> None:
    write(tmp_path, DOCUMENTS[:40])
    index()
    before = contents(str(tmp_path / "store" / "mill"))
    write(tmp_path, DOCUMENTS)
    order = ranking(DOCUMENTS)
    with pytest.raises(GateError) as refused:
        index(**gate(canary(order[1], "doc-99999", k=4)))
    message = str(refused.value)
    assert f"{QUERY!r} (sparse): expected 2 of 2 documents among the first 4, got 1" in message
    assert f"{order[1]} has rank 2, doc-99999 is missing; first came {', '.join(order[:4])}" in message
    assert snapshots(tmp_path) == [1]
    assert contents(str(tmp_path / "store" / "mill")) == before
    mended = index(**gate(canary(order[1], k=4)))
    assert (mended.snapshot, mended.encoded, mended.added) == (2, 0, 20)
    assert snapshots(tmp_path) == [1, 2]


def test_index_in_which_canaries_fall_behind_the_last_snapshot_publishes_nothing(index: Index, tmp_path: Path) -> None:
    write(tmp_path, DOCUMENTS)
    order = ranking(DOCUMENTS)
    asked = canary(order[0], order[1], min_hits=1), canary(order[0], min_hits=0, k=3)
    index(**gate(*asked))
    write(tmp_path, [one for one in DOCUMENTS if one["_id"] != order[1]])
    with pytest.raises(GateError, match=r"75.0% .* in snapshot 1 100.0%; publish.max_canary_drop allows 0.2 less"):
        index(**gate(*asked, max_canary_drop=0.2))
    assert snapshots(tmp_path) == [1]
    assert index(**gate(*asked, max_canary_drop=0.25)).snapshot == 2
    # Nobody expects of the third night what the second did not have.
    write(tmp_path, [one for one in DOCUMENTS[:59] if one["_id"] != order[1]])
    assert index(**gate(*asked, max_canary_drop=0.0)).canaries[0].ranks == {order[0]: 1, order[1]: None}


def test_compact_asks_the_canaries_too(index: Index, tmp_path: Path) -> None:
    write(tmp_path, DOCUMENTS[:30])
    index()
    write(tmp_path, DOCUMENTS)
    index()
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path, encoders=ENCODERS, **gate(canary("doc-99999"))))
    with pytest.raises(GateError, match="doc-99999 is missing"):
        run_job(plan_compaction(load_recipe(path)))
    assert snapshots(tmp_path) == [1, 2]


def test_index_without_canaries_opens_no_snapshot(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("opened")

    monkeypatch.setattr(canaries, "Snapshot", refuse)
    write(tmp_path, DOCUMENTS[:5])
    summary = index()
    assert summary.canaries == published(tmp_path).canaries == ()
    write(tmp_path, DOCUMENTS[:6])
    with pytest.raises(AssertionError, match="opened"):
        index(**gate(canary("doc-00001")))


@pytest.mark.ray
def test_index_on_ray_asks_canaries_of_the_fitted_encoder(ray_index: Index, tmp_path: Path) -> None:
    """The idf encoder's weights are files of the snapshot; a worker reads them like any reader."""
    write(tmp_path, DOCUMENTS)
    summary: Summary = ray_index(**gate({"query": "number7", "expect": ["doc-00007"], "k": 3, "mode": "hybrid"}))
    assert summary.canaries[0].found == 1
    assert snapshots(tmp_path) == [1]


def test_recipe_with_a_canary_for_a_kind_that_no_encoder_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path, encoders={"dense": ENCODERS["dense"]}, **gate(canary("doc-00001"))))
    with pytest.raises(UsageError, match=r"'number7 mill river' is for mode sparse, no encoder is sparse"):
        load_recipe(path)
