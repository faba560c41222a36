"""Two nights of one source, what the second must publish, and a reader of snapshots that shares nothing with a run."""

import json
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyroaring import BitMap

from millrace import Snapshot
from operators.core.storage import open_store
from operators.search.cache import FileCache
from operators.search.mode import Mode
from tests.pipelines.conftest import document, recipe_text, write_corpus
from tests.pipelines.inline import ENCODERS, index_inline

QUERIES = ("number3 mill", "number44 again", "number81 weir stone", "number125 river")
#: Words that make a file of 30 documents larger than 1 MiB, below which no part is cut: each file is a part.
PADDING = 7000
#: 90 new documents whose texts are new, and 4 changed ones.
ENCODED = 94
GATES = ("publish.max_reject_ratio=0.5",)

Document = dict[str, Any]
Files = dict[str, list[Document]]


def first_night(padding: int = 0) -> Files:
    """80 documents."""
    return {"a.jsonl": _documents(range(40), padding), "b.jsonl": _documents(range(40, 80), padding)}


def second_night(padding: int = 0) -> Files:
    """4 of them deleted, 4 with a new text, 4 with the text of another; 90 new ones and 4 with texts of those."""
    before = first_night(padding)
    other, kept = before["a.jsonl"], before["b.jsonl"][4:]
    for number in range(4):
        kept[number] = {**kept[number], "text": f"{kept[number]['text']} again"}
        kept[number + 4] = {**other[number], "_id": kept[number + 4]["_id"]}
    new = _documents(range(80, 110), padding)
    return {
        "a.jsonl": other,
        "b.jsonl": kept,
        "c.jsonl": [*new, *({**one, "_id": f"same-as-{one['_id']}"} for one in new[:4])],
        "d.jsonl": [*_documents(range(120, 150), padding), document(120)],
        "e.jsonl": _documents(range(150, 180), padding),
    }


def _documents(numbers: Iterable[int], padding: int) -> list[Document]:
    more = " ".join(["sluice"] * padding)
    return [{**document(number), "text": f"{document(number)['text']} {more}".strip()} for number in numbers]


def write_files(folder: Path, files: Files) -> None:
    """What of `folder/corpus` is the same already keeps its time, and with it its version."""
    for name, documents in files.items():
        path = folder / "corpus" / name
        text = "".join(json.dumps(one) + "\n" for one in documents)
        if not path.exists() or path.read_text() != text:
            write_corpus(path, documents)


@dataclass(frozen=True)
class Seen:
    """All that a reader can see of a snapshot. `rows` has by id the text, title and vectors of each chunk."""

    number: int
    rows: dict[str, list[tuple[Any, ...]]]
    counts: dict[str, Any]
    answers: list[list[tuple[float, list[str]]]]


def see(uri: str, cache: Path) -> Seen:
    """The newest snapshot, by its manifest, Parquet and roaring bitmaps; and what it answers."""
    get = open_store(uri).get
    number = max(int(info.key[-17:-5]) for info in open_store(uri).list("manifests/"))
    manifest = json.loads(get(f"manifests/{number:012d}.json"))
    rows = _rows(get, manifest)
    assert len(rows) == manifest["counts"]["documents"]
    # What an attempt encoded depends on the attempts before it.
    counts = {name: count for name, count in manifest["counts"].items() if name != "encoded"}
    return Seen(number, rows, counts, _answers(uri, cache))


def numbers(uri: str) -> list[int]:
    """The snapshots there are."""
    return [int(info.key[-17:-5]) for info in open_store(uri).list("manifests/")]


def _rows(get: Callable[[str], bytes], manifest: dict[str, Any]) -> dict[str, list[tuple[Any, ...]]]:
    parts = {part["part"]: part for part in manifest["parts"]}
    found: dict[str, list[tuple[Any, ...]]] = {}
    for segment in manifest["segments"]:
        dead = BitMap.deserialize(get(segment["dead"]["file"]["key"])) if segment["dead"] else BitMap()
        number = 0
        for name in segment["parts"]:
            tables = [parts[name]["documents"], *(file for _, file in sorted(parts[name]["vectors"].items()))]
            columns = [pq.read_table(BytesIO(get(file["key"]))).to_pylist() for file in tables]
            for document_, *vectors in zip(*columns, strict=True):
                if number not in dead:
                    chunks = found.setdefault(document_["doc_id"], [])
                    assert document_["chunk"] == len(chunks), "a document twice"
                    chunks.append((document_["text"], *(tuple(map(str, vector.items())) for vector in vectors)))
                number += 1
    return found


def _answers(uri: str, cache: Path) -> list[list[tuple[float, list[str]]]]:
    """For each query scores with the documents that have them: ties have no order."""
    snapshot = Snapshot.open(uri, cache=FileCache(cache))
    answers = []
    for mode in (Mode.DENSE, Mode.SPARSE):
        for hits in snapshot.search_many(list(QUERIES), 1000, mode):
            groups: dict[float, list[str]] = {}
            for hit in hits:
                groups.setdefault(round(hit.score, 5), []).append(hit.doc_id)
            answers.append([(score, sorted(ids)) for score, ids in sorted(groups.items())])
    return answers


@dataclass(frozen=True)
class Nights:
    """A source on its second night, the collection as the first one left it, and as the second one must."""

    folder: Path
    expected: Seen

    def begin(self, target: Path) -> Path:
        """A copy of the collection after the first night below `target`, and the recipe of the second."""
        shutil.copytree(self.folder / "first", target / "store")
        return self.recipe(target)

    def recipe(self, target: Path) -> Path:
        """The recipe with its store below `target`."""
        source = {"format": "jsonl", "uri": f"{self.folder}/corpus/*.jsonl", "text": ["title", "text"]}
        path = target / "recipe.yaml"
        path.write_text(recipe_text(target, source=source, encoders=ENCODERS, publish={"max_reject_ratio": 0.5}))
        return path


def prepare(folder: Path, padding: int = 0) -> Nights:
    """Write both nights, index the first one, and the second one without any disturbance."""
    write_files(folder, first_night(padding))
    index_inline(folder, f"store={folder}/first", *GATES)
    write_files(folder, second_night(padding))
    shutil.copytree(folder / "first", folder / "second")
    summary = index_inline(folder, f"store={folder}/second", *GATES)
    assert (summary.added, summary.updated, summary.deleted, summary.encoded) == (94, 8, 4, ENCODED)
    assert summary.rejected_by_reason == {"duplicate_id": 1}
    expected = see(f"{folder}/second/mill", folder / "cache")
    texts: dict[str, str] = {}
    for one in (one for _, documents in sorted(second_night(padding).items()) for one in documents):
        texts.setdefault(one["_id"], f"{one['title']} {one['text']}")
    assert {doc_id: chunks[0][0] for doc_id, chunks in expected.rows.items()} == texts
    return Nights(folder, expected)
