"""Nights after the first: only what changed is encoded, and the snapshot is what a build from scratch would be."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from millrace import Snapshot
from operators.core.errors import GateError
from operators.search.mode import Mode
from pipelines.compaction import plan_compaction
from pipelines.load import load_recipe
from pipelines.summary import Summary
from tests.pipelines.conftest import Index, document, write_corpus
from tests.pipelines.inline import ENCODERS, contents, index_inline, run_job


@pytest.fixture
def tonight(tmp_path: Path) -> Index:
    """Index `tmp_path/corpus/*.jsonl` in this process."""
    return partial(index_inline, tmp_path)


def write(folder: Path, name: str, documents: list[dict[str, Any]]) -> None:
    write_corpus(folder / "corpus" / name, documents)


def expected(documents: list[dict[str, Any]]) -> dict[str, str]:
    return {one["_id"]: f"{one['title']} {one['text']}".strip() for one in documents}


def answers(summary: Summary, queries: list[str], *modes: Mode) -> list[list[tuple[float, set[str]]]]:
    """For each query scores with the documents that have them: ties have no order."""
    snapshot = Snapshot.open(summary.uri, summary.snapshot)
    found = []
    for mode in modes:
        for hits in snapshot.search_many(queries, 10_000, mode):
            groups: dict[float, set[str]] = {}
            for hit in hits:
                groups.setdefault(hit.score, set()).add(hit.doc_id)
            found.append(sorted(groups.items()))
    return found


def counts(summary: Summary) -> tuple[int, ...]:
    return (summary.added, summary.updated, summary.deleted, summary.unchanged, summary.encoded, summary.reused)


@pytest.mark.ray
def test_index_after_changes_encodes_only_them_and_equals_a_build_from_scratch(index: Index, tmp_path: Path) -> None:
    documents = [document(number) for number in range(300)]
    write(tmp_path, "a.jsonl", documents[:150])
    write(tmp_path, "b.jsonl", documents[150:])
    assert counts(index()) == (300, 0, 0, 0, 300, 0)
    tonight = documents[:150] + [document(number) for number in range(160, 310)]
    tonight[200] = {**tonight[200], "text": "a weir that was rebuilt"}
    write(tmp_path, "b.jsonl", tonight[150:])
    summary = index()
    assert counts(summary) == (10, 1, 10, 289, 11, 0)
    assert contents(summary.uri) == expected(tonight)
    again = index("store=" + str(tmp_path / "scratch"))
    assert counts(again) == (300, 0, 0, 0, 300, 0)
    queries = ["number5 mill", "weir rebuilt", "number305", "grain flour river"]
    assert answers(summary, queries, Mode.DENSE) == answers(again, queries, Mode.DENSE)


def test_index_without_a_change_publishes_nothing(tonight: Index, tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [document(1)])
    first = tonight()
    assert tonight().published_before
    os.utime(tmp_path / "corpus" / "a.jsonl")
    again = tonight()
    assert (again.encoded, again.unchanged) == (0, 1)
    assert contents(first.uri, first.snapshot) == contents(again.uri)


def test_index_of_renamed_and_repeated_texts_encodes_each_text_once(tonight: Index, tmp_path: Path) -> None:
    documents = [{**document(number % 70), "_id": f"id-{number}"} for number in range(100)]
    write(tmp_path, "a.jsonl", documents)
    first = tonight()
    assert counts(first) == (100, 0, 0, 0, 70, 30)
    assert contents(first.uri) == expected(documents)
    (tmp_path / "corpus" / "a.jsonl").rename(tmp_path / "corpus" / "z.jsonl")
    renamed = tonight()
    assert counts(renamed) == (0, 0, 0, 100, 0, 0)
    moved = [{**one, "_id": f"new-{one['_id']}"} for one in documents]
    write(tmp_path, "z.jsonl", moved)
    summary = tonight("publish.max_delete_ratio=1")
    assert counts(summary) == (100, 0, 100, 0, 0, 100)
    assert contents(summary.uri) == expected(moved)


def test_index_with_one_changed_encoder_encodes_stored_documents_by_it_alone(tonight: Index, tmp_path: Path) -> None:
    documents = [document(number) for number in range(120)]
    write(tmp_path, "a.jsonl", documents)
    first = tonight()
    write(tmp_path, "a.jsonl", documents[5:])
    tonight()
    encoders = {
        "dense": {"kind": "dense", "model": "hashing", "dimensions": 48},
        "words": ENCODERS["sparse"],  # the same under another name
    }
    summary = tonight(encoders=encoders)
    assert counts(summary) == (0, 0, 0, 115, 0, 0)
    vectors = Path(summary.uri) / "vectors"
    before = {folder.name: len(list(folder.iterdir())) for folder in vectors.iterdir()}
    assert before[first.encoders["sparse"].fingerprint] == before[summary.encoders["dense"].fingerprint]
    scratch = tonight("store=" + str(tmp_path / "scratch"), encoders=encoders)
    queries = ["number7 mill", "grain"]
    both = (Mode.DENSE, Mode.SPARSE)
    assert answers(summary, queries, *both) == answers(scratch, queries, *both)


def test_index_with_another_metadata_field_rewrites_documents_and_copies_vectors(
    tonight: Index, tmp_path: Path
) -> None:
    documents = [document(number) for number in range(50)]
    write(tmp_path, "a.jsonl", documents)
    tonight()
    source = {"format": "jsonl", "uri": f"{tmp_path}/corpus/*.jsonl", "text": ["title", "text"]}
    summary = tonight(source={**source, "metadata": ["title"]})
    assert counts(summary) == (0, 50, 0, 0, 0, 50)
    hit = Snapshot.open(summary.uri).search("number7", 1, Mode.SPARSE)[0]
    assert hit.metadata == {"title": "number7"}


def test_index_of_chunks_after_changes_copies_all_chunks_of_a_text(tonight: Index, tmp_path: Path) -> None:
    long = [{**document(n), "text": " ".join(f"{document(n + m)['text']}" for m in range(6))} for n in range(40)]
    write(tmp_path, "a.jsonl", long)
    chunking = {"encoder": "sparse", "tokens": 12, "overlap": 2}
    tonight(chunking=chunking)
    moved = [{**one, "_id": f"moved-{one['_id']}"} if number < 3 else one for number, one in enumerate(long)]
    write(tmp_path, "a.jsonl", moved)
    summary = tonight(chunking=chunking)
    assert counts(summary) == (3, 0, 3, 37, 0, 3)
    scratch = tonight("store=" + str(tmp_path / "scratch"), chunking=chunking)
    assert (summary.rows, summary.documents) == (scratch.rows, scratch.documents)
    queries = ["number7 mill", "number1 grain"]
    both = (Mode.DENSE, Mode.SPARSE)
    assert answers(summary, queries, *both) == answers(scratch, queries, *both)
    [mine, theirs] = [Snapshot.open(each.uri).search("number1", 3, Mode.DENSE) for each in (summary, scratch)]
    assert [(hit.doc_id, hit.chunk, hit.span, hit.text) for hit in mine] == [
        (hit.doc_id, hit.chunk, hit.span, hit.text) for hit in theirs
    ]


def test_index_that_would_delete_too_much_stops_before_encoding_and_names_the_flag(
    tonight: Index, tmp_path: Path
) -> None:
    documents = [document(number) for number in range(100)]
    write(tmp_path, "a.jsonl", documents)
    first = tonight()
    write(tmp_path, "a.jsonl", [*documents[50:], document(1000)])
    with pytest.raises(GateError, match=r"50 of 100 documents .* --set publish.max_delete_ratio=0.51"):
        tonight()
    assert contents(first.uri) == expected(documents)
    assert counts(tonight("publish.max_delete_ratio=0.51")) == (1, 0, 50, 50, 1, 0)


def test_compact_of_a_worn_snapshot_holds_the_same_in_one_segment(tonight: Index, tmp_path: Path) -> None:
    documents = [document(number) for number in range(90)]
    write(tmp_path, "a.jsonl", documents)
    tonight()
    for night in range(3):
        documents[night] = {**documents[night], "text": f"night {night} mill"}
        write(tmp_path, "a.jsonl", documents)
        worn = tonight()
    recipe = load_recipe(tmp_path / "recipe.yaml")
    compacted = run_job(plan_compaction(recipe))
    assert compacted.encoded == 0
    manifest = Snapshot.open(compacted.uri).manifest
    assert [(segment.rows, segment.dead) for segment in manifest.segments] == [(90, None)]
    queries = ["night mill", "number7 grain"]
    assert contents(compacted.uri) == expected(documents)
    both = (Mode.DENSE, Mode.SPARSE)
    assert answers(compacted, queries, *both) == answers(worn, queries, *both)
    assert run_job(plan_compaction(recipe)).published_before
    assert tonight().published_before
    documents[50] = {**documents[50], "text": "after compaction"}
    write(tmp_path, "a.jsonl", documents)
    assert counts(tonight()) == (0, 1, 0, 89, 1, 0)


def test_index_of_many_small_nights_merges_their_segments_by_itself(tonight: Index, tmp_path: Path) -> None:
    documents = [document(number) for number in range(30)]
    write(tmp_path, "a.jsonl", documents)
    tonight("index.max_small_segments=2")
    for night in range(4):
        documents.append(document(100 + night))
        write(tmp_path, "a.jsonl", documents)
        summary = tonight("index.max_small_segments=2")
    assert len(Snapshot.open(summary.uri).manifest.segments) <= 3
    assert contents(summary.uri) == expected(documents)


def test_index_with_a_new_static_encoder_on_a_worn_snapshot_weighs_live_documents_alone(
    tonight: Index, tmp_path: Path
) -> None:
    documents = [document(number) for number in range(40)]
    write(tmp_path, "a.jsonl", [*documents, *({**document(200 + n), "text": "weir weir"} for n in range(4))])
    tonight()
    write(tmp_path, "a.jsonl", documents)
    tonight()
    encoders = {**ENCODERS, "words": {"kind": "sparse", "model": "idf"}}
    worn = tonight(encoders=encoders)
    assert any(segment.dead for segment in Snapshot.open(worn.uri).manifest.segments)
    scratch = tonight("store=" + str(tmp_path / "scratch"), encoders=encoders)
    assert worn.encoders["words"].files == scratch.encoders["words"].files
