"""Documents that kill or hang a real worker of a real run: they are rejected, and nothing else is."""

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from operators.core.encoder_spec import Kind
from operators.core.manifest import Manifest
from operators.core.storage import open_store
from operators.publish.chain import read_manifest
from pipelines import encoders
from tests.pipelines import poison
from tests.pipelines.conftest import Index, document, write_corpus

pytestmark = pytest.mark.ray

DENSE = {"dense": {"kind": "dense", "model": "hashing", "dimensions": 32}}


def marked(number: int, count: int) -> dict[str, Any]:
    """Each of another word: of equal texts one alone is encoded."""
    return {"_id": f"doc-{number:05d}", "title": "", "text": poison.words(count, f"grain{number}")}


def published(folder: Path) -> tuple[Manifest, list[str], list[dict[str, Any]]]:
    """The snapshot, its ids in order, and all rejects."""
    store = open_store(str(folder / "store" / "mill"))
    manifest = read_manifest(store)
    documents = pl.concat([pl.read_parquet(BytesIO(store.get(part.documents.key))) for part in manifest.parts])
    rejects = [json.loads(line) for file in manifest.rejects for line in store.get(file.key).splitlines()]
    return manifest, documents["doc_id"].to_list(), rejects


@pytest.fixture
def workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The dense stage is the marked one; the folder its workers write to."""
    monkeypatch.setitem(encoders._ACTORS, Kind.DENSE, poison.stage(tmp_path / "workers"))
    return tmp_path / "workers"


@pytest.mark.timeout(120)
def test_index_documents_that_kill_their_worker_are_rejected_and_all_others_are_published(
    tmp_path: Path, index: Index, workers: Path
) -> None:
    documents = [document(0), document(1), marked(2, poison.KILLS), marked(3, poison.KILLS)]
    write_corpus(tmp_path / "corpus" / "a.jsonl", documents)
    summary = index("publish.max_reject_ratio=0.5", encoders=DENSE)
    assert (summary.documents, summary.rejected_by_reason) == (2, {"kills_worker": 2})
    manifest, ids, rejects = published(tmp_path)
    assert ids == ["doc-00000", "doc-00001"]
    assert [(row["doc_id"], row["line"], Path(row["file"]).name) for row in rejects] == [
        ("doc-00002", 3, "a.jsonl"),
        ("doc-00003", 4, "a.jsonl"),
    ]
    assert all("dense" in row["detail"] and "grain" not in json.dumps(row) for row in rejects)
    # All four, the last two, and each of them alone and twice. Ray waits longer before each retry, up to 6 s.
    assert poison.count(workers, "killed") == 2 + 2 + 2
    assert manifest.encoders["dense"].statistics["out_of_memory_splits"] == 0


@pytest.mark.timeout(120)
def test_index_document_that_hangs_its_worker_is_rejected_and_all_others_are_published(
    tmp_path: Path, index: Index, workers: Path
) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(0), marked(1, poison.HANGS), document(2)])
    summary = index("publish.max_reject_ratio=0.5", "resources.hang_seconds=0.5", encoders=DENSE)
    assert summary.rejected_by_reason == {"hangs_worker": 1}
    _, ids, rejects = published(tmp_path)
    assert ids == ["doc-00000", "doc-00002"]
    assert [(row["doc_id"], row["line"]) for row in rejects] == [("doc-00001", 2)]
    # All three, the last two, and it alone twice.
    assert poison.count(workers, "hung") == 2 + 2


def write_parts(folder: Path, count: int) -> None:
    """One part for each of so many files: smaller than 1 MiB, parts are not made."""
    for part in range(count):
        text = poison.words(200_000, f"weir{part}")
        write_corpus(folder / f"{part}.jsonl", [document(part), {"_id": f"long-{part}", "title": "", "text": text}])


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("least", "most"), [(2, 2), (1, 2)])
def test_index_pool_of_two_both_work_whether_there_from_the_start_or_added(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch, least: int, most: int
) -> None:
    folder = tmp_path / "workers"
    monkeypatch.setitem(encoders._ACTORS, Kind.DENSE, poison.stage(folder, workers=2))
    write_parts(tmp_path / "corpus", 4)
    summary = index(f"resources.min_actors={least}", f"resources.max_actors={most}", encoders=DENSE)
    assert summary.encoded == 8
    assert poison.count(folder, "encoded") == 4
    assert poison.count(folder, "encoded", poison.process) == 2
