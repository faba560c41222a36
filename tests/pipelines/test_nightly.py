"""Nights after the first: only what changed is encoded, and the snapshot is what a build from scratch would be."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from millrace import Snapshot
from operators.search.mode import Mode
from pipelines.summary import Summary
from tests.pipelines.conftest import Index, document, write_corpus

pytestmark = pytest.mark.ray


def write(folder: Path, name: str, documents: list[dict[str, Any]]) -> None:
    write_corpus(folder / "corpus" / name, documents)


def contents(uri: str, number: int | None = None) -> dict[str, str]:
    """Live documents of a snapshot by a reader that knows manifests, Parquet and roaring bitmaps only."""
    import pyarrow.parquet as pq
    from pyroaring import BitMap

    root = Path(uri)
    files = sorted((root / "manifests").iterdir())
    manifest = json.loads((files[-1] if number is None else files[number - 1]).read_text())
    parts = {part["part"]: part for part in manifest["parts"]}
    found: dict[str, str] = {}
    for segment in manifest["segments"]:
        dead = BitMap.deserialize((root / segment["dead"]["file"]["key"]).read_bytes()) if segment["dead"] else BitMap()
        row = 0
        for name in segment["parts"]:
            for one in pq.read_table(root / parts[name]["documents"]["key"]).to_pylist():
                if row not in dead:
                    assert one["doc_id"] not in found, "a document twice"
                    found[one["doc_id"]] = one["text"]
                row += 1
    assert len(found) == manifest["counts"]["documents"]
    return found


def expected(documents: list[dict[str, Any]]) -> dict[str, str]:
    return {one["_id"]: f"{one['title']} {one['text']}".strip() for one in documents}


def answers(summary: Summary, queries: list[str]) -> list[list[tuple[float, set[str]]]]:
    """For each query scores with the documents that have them: ties have no order."""
    snapshot = Snapshot.open(summary.uri, summary.snapshot)
    found = []
    for mode in (Mode.DENSE, Mode.SPARSE):
        for hits in snapshot.search_many(queries, 10_000, mode):
            groups: dict[float, set[str]] = {}
            for hit in hits:
                groups.setdefault(hit.score, set()).add(hit.doc_id)
            found.append(sorted(groups.items()))
    return found


def counts(summary: Summary) -> tuple[int, ...]:
    return (summary.added, summary.updated, summary.deleted, summary.unchanged, summary.encoded, summary.reused)


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
    dense = slice(0, len(queries))
    assert answers(summary, queries)[dense] == answers(again, queries)[dense]


def test_index_without_a_change_publishes_nothing(index: Index, tmp_path: Path) -> None:
    write(tmp_path, "a.jsonl", [document(1)])
    first = index()
    assert index().published_before
    os.utime(tmp_path / "corpus" / "a.jsonl")
    again = index()
    assert (again.encoded, again.unchanged) == (0, 1)
    assert contents(first.uri, first.snapshot) == contents(again.uri)


def test_index_of_renamed_and_repeated_texts_encodes_each_text_once(index: Index, tmp_path: Path) -> None:
    documents = [{**document(number % 70), "_id": f"id-{number}"} for number in range(100)]
    write(tmp_path, "a.jsonl", documents)
    first = index()
    assert counts(first) == (100, 0, 0, 0, 70, 30)
    assert contents(first.uri) == expected(documents)
    (tmp_path / "corpus" / "a.jsonl").rename(tmp_path / "corpus" / "z.jsonl")
    renamed = index()
    assert counts(renamed) == (0, 0, 0, 100, 0, 0)
    moved = [{**one, "_id": f"new-{one['_id']}"} for one in documents]
    write(tmp_path, "z.jsonl", moved)
    summary = index("publish.max_delete_ratio=1")
    assert counts(summary) == (100, 0, 100, 0, 0, 100)
    assert contents(summary.uri) == expected(moved)
