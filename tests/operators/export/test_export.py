"""What every format has in common: which rows and encoders, all or nothing, and what is said."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError, StoreError, UsageError
from operators.core.storage import Store, open_store
from operators.export.export import export
from operators.export.folder import local_folder, whole_folder
from operators.export.format import Format
from operators.export.layouts import LAYOUTS
from operators.write.parquet import to_parquet
from operators.write.stored import put_bytes
from tests.operators.export.conftest import Published
from tests.operators.export.corpus import ENCODERS, LIVE, ROWS, SPARSE, published
from tests.operators.search.collection import Chunk


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "sparse/vectors-00000.jsonl").read_bytes()[:-1].split(b"\n")]


@pytest.mark.parametrize("to", list(Format))
def test_export_says_what_the_folder_holds(collection: Published, tmp_path: Path, to: Format) -> None:
    reported: list[int] = []

    def report(stage: str, documents: int, rejected: int) -> None:
        reported.append(documents)

    done = export(collection.store, collection.manifest, tmp_path / "out", to, report=report)
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert (done.format, done.collection, done.snapshot, done.rows) == (to, "test", 1, len(LIVE))
    assert (done.files, done.bytes) == (len(files), sum(path.stat().st_size for path in files))
    assert sum(reported) == len(LIVE)
    assert done.commands
    about = json.loads((tmp_path / "out" / "export.json").read_bytes())
    assert about.items() <= json.loads(done.model_dump_json()).items()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("to", list(Format))
def test_export_of_an_empty_collection_is_an_empty_export(store: Store, tmp_path: Path, to: Format) -> None:
    assert export(store, published(store, [], dead=()), tmp_path / "out", to).rows == 0


@pytest.mark.parametrize("to", list(Format))
def test_export_of_one_encoder_needs_no_other(store: Store, tmp_path: Path, to: Format) -> None:
    for name in ("dense", "sparse"):
        manifest = published(store.child(name), encoders={name: ENCODERS[name]})
        if Kind(name) in LAYOUTS[to].kinds:
            done = export(store.child(name), manifest, tmp_path / name, to)
            assert (done.rows, list(done.encoders)) == (len(LIVE), [name])


@pytest.mark.parametrize("to", list(Format))
def test_export_of_a_changed_file_is_refused_and_leaves_nothing(store: Store, tmp_path: Path, to: Format) -> None:
    manifest = published(store)
    key = manifest.parts[-1].vectors["dense" if to is Format.FAISS else "sparse"].key
    data = bytearray(store.get(key))
    data[len(data) // 2] ^= 1
    store.put(key, bytes(data))
    with pytest.raises(IntegrityError, match=f"{key} changed on the store"):
        export(store, manifest, tmp_path / "out", to)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_export_of_other_rows_or_vectors_than_the_manifest_says_is_refused(store: Store, tmp_path: Path) -> None:
    manifest = published(store)
    first = manifest.parts[0]
    swapped = first.model_copy(update={"vectors": {**first.vectors, "sparse": first.vectors["dense"]}})
    with pytest.raises(
        IntegrityError, match=r"vectors/dense/p000.parquet cannot be read as the table that was written .*indices"
    ):
        export(store, manifest.model_copy(update={"parts": (swapped, *manifest.parts[1:])}), tmp_path / "o", Format.CSR)
    last = manifest.parts[-1].model_copy(update={"documents": first.documents})
    with pytest.raises(IntegrityError, match=r"documents/p000.parquet: expected 5 rows, got 25"):
        export(store, manifest.model_copy(update={"parts": (*manifest.parts[:-1], last)}), tmp_path / "o", Format.CSR)
    record = manifest.encoders["sparse"].model_copy(update={"dimensions": 577})
    narrow = manifest.model_copy(update={"encoders": {"sparse": record}})
    with pytest.raises(IntegrityError, match="expected terms below the vocabulary of 577"):
        export(store, narrow, tmp_path / "o", Format.CSR)


def test_export_of_chunks_names_each_by_document_and_number(store: Store, tmp_path: Path) -> None:
    """A document called a#1 beside the second chunk of a document called a."""
    rows = [Chunk("a", "w1", 0), Chunk("a", "w2", 1), Chunk("a#1", "w3", 0)]
    manifest = published(store, rows, dead=()).model_copy(update={"recipe": {"chunking": {"encoder": "dense"}}})
    export(store, manifest, tmp_path / "out", Format.ANSERINI)
    assert [line["id"] for line in lines(tmp_path / "out")] == ["a#0", "a#1", "a#1#0"]


def test_export_takes_the_encoders_asked_for(collection: Published, tmp_path: Path) -> None:
    done = export(collection.store, collection.manifest, tmp_path / "out", Format.QDRANT, ["sparse"])
    assert {name: about["field"] for name, about in done.encoders.items()} == {"sparse": "vector_sparse"}
    with pytest.raises(UsageError, match=r"no encoder 'spares' in snapshot 1: expected one of dense \(dense\), sparse"):
        export(collection.store, collection.manifest, tmp_path / "other", Format.QDRANT, ["spares"])


def test_export_of_encoders_that_share_a_field_is_refused(store: Store, tmp_path: Path) -> None:
    manifest = published(store, encoders={"a.b": ENCODERS["dense"], "a-b": ENCODERS["dense"]})
    with pytest.raises(UsageError, match=r"encoders a\.b and a-b would both be field vector_a_b"):
        export(store, manifest, tmp_path / "out", Format.LANCE)
    assert export(store, manifest, tmp_path / "out", Format.LANCE, ["a-b"]).rows == len(LIVE)


@pytest.mark.parametrize("to", [Format.OPENSEARCH, Format.MILVUS, Format.ANSERINI, Format.CIFF])
def test_export_of_a_negative_weight_is_refused_where_engines_refuse_it(
    store: Store, tmp_path: Path, to: Format
) -> None:
    manifest = published(store, encoders={"sparse": SPARSE})
    table = SPARSE.encode([row.text for row in ROWS[:25]])
    lists = [[-weight for weight in row] for row in table["weights"].to_pylist()]
    negated = to_parquet(table.set_column(1, table.schema.field(1), pa.array(lists, table.schema.field(1).type)), {})
    file = put_bytes(store, "vectors/negative.parquet", negated)
    parts = (manifest.parts[0].model_copy(update={"vectors": {"sparse": file}}), *manifest.parts[1:])
    negative = manifest.model_copy(update={"parts": parts})
    with pytest.raises(
        UsageError, match=r"encoder sparse holds a weight of -\d.*: this format takes positive ones only"
    ):
        export(store, negative, tmp_path / "out", to)
    export(store, negative, tmp_path / "out", Format.QDRANT)


def test_export_into_a_taken_folder_is_refused_before_anything_is_read(collection: Published, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("dear all")
    with pytest.raises(UsageError, match="out is not empty: expected a new or empty folder"):
        export(collection.store, collection.manifest, tmp_path / "out", Format.QDRANT)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["letter.txt"]
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="file is not empty"):
        export(collection.store, collection.manifest, tmp_path / "file", Format.QDRANT)


def test_export_into_an_empty_folder_or_a_new_path_is_taken(collection: Published, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new/deep/path"):
        export(collection.store, collection.manifest, tmp_path / name, Format.CSR)
        assert (tmp_path / name / "sparse.csr").is_file()


def test_whole_folder_that_fails_is_gone(tmp_path: Path) -> None:
    def fill() -> None:
        with whole_folder(tmp_path / "out") as folder:
            (folder / "half").write_text("half")
            raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match=r"write .*out: No space left on device\. Free space"):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_whole_folder_filled_by_somebody_meanwhile_is_left_to_them(tmp_path: Path) -> None:
    def fill() -> None:
        with whole_folder(tmp_path / "out") as folder:
            (folder / "ours").write_text("ours")
            (tmp_path / "out").mkdir()
            (tmp_path / "out" / "theirs").write_text("theirs")

    with pytest.raises(UsageError, match="out is not empty"):
        fill()
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "theirs"]


def test_local_folder_refuses_an_address() -> None:
    assert local_folder("a/b") == Path("a/b")
    with pytest.raises(UsageError, match="s3://bucket/out is not on this machine"):
        local_folder("s3://bucket/out")
