"""One index of all segments, read by plain FAISS: what each segment's own index finds, and what search does."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyroaring import BitMap

from operators.core.errors import IntegrityError, UsageError
from operators.core.manifest import Manifest
from operators.core.storage import Store, open_store
from operators.export.export import Exported, export
from operators.export.format import Format
from operators.index.arrays import dense_matrix
from operators.index.ivf_merge import Template, shard_of_lists, shard_of_vectors
from operators.index.trained import Training
from operators.publish.chain import read_manifest
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot
from tests.pipelines.conftest import document, whole_text, write_corpus
from tests.pipelines.inline import contents, index_inline

#: Three nights, each of which adds a segment, and the last of which loses rows of the first two.
SETTINGS = ("index.segment_rows=60", "index.recall_queries=40", "publish.max_delete_ratio=1")
DIMENSIONS = 16


@dataclass(frozen=True)
class Published:
    folder: Path
    store: Store
    manifest: Manifest

    @property
    def uri(self) -> str:
        return str(self.folder / "store" / "mill")

    def queries(self) -> np.ndarray:
        table = Snapshot.open(self.uri).encode("dense", [whole_text(number) for number in range(0, 200, 9)])
        return dense_matrix(table, DIMENSIONS)


def publish(folder: Path, *settings: str) -> Published:
    nights = {"a": range(80), "b": range(80, 150), "c": range(150, 200)}
    for name, numbers in nights.items():
        write_corpus(folder / "corpus" / f"{name}.jsonl", [document(number) for number in numbers])
        if name == "c":
            for other in ("a", "b"):
                living = [document(number) for number in nights[other] if number % 11]
                write_corpus(folder / "corpus" / f"{other}.jsonl", living)
        index_inline(folder, *SETTINGS, *settings)
    store = open_store(str(folder / "store" / "mill"))
    return Published(folder, store, read_manifest(store))


Make = Callable[[str], Published]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    made: dict[str, Published] = {}

    def published(dense: str) -> Published:
        if dense not in made:
            made[dense] = publish(tmp_path_factory.mktemp(dense), f"index.dense={dense}")
        return made[dense]

    return published


def exported(published: Published, out: Path) -> Exported:
    return export(published.store, published.manifest, out, Format.FAISS)


def read(out: Path) -> tuple[faiss.Index, list[str]]:
    index = faiss.read_index(str(out / "dense.faiss"), faiss.IO_FLAG_ONDISK_SAME_DIR)
    table = pq.read_table(out / "rows.parquet")
    assert table["row"].to_pylist() == list(range(index.ntotal))
    return index, table["doc_id"].to_pylist()


def from_segments(published: Published, queries: np.ndarray, k: int) -> list[list[tuple[str, float]]]:
    """The best live rows of every segment's own file as plain FAISS reads it, all lists searched, put together."""
    manifest, found = published.manifest, [[] for _ in queries]
    parts = {part.part: part for part in manifest.parts}
    for segment, index in zip(manifest.segments, manifest.indexes["dense"], strict=True):
        documents = [published.store.get(parts[name].documents.key) for name in segment.parts]
        ids = [one for data in documents for one in pq.read_table(pa.BufferReader(data))["doc_id"].to_pylist()]
        dead = BitMap.deserialize(published.store.get(segment.dead.file.key)) if segment.dead else BitMap()
        own = faiss.deserialize_index(np.frombuffer(published.store.get(index.files["dense.faiss"].key), np.uint8))
        if hasattr(own, "nprobe"):
            own.nprobe = own.nlist
        scores, rows = own.search(queries, own.ntotal)
        for answer, own_scores, own_rows in zip(found, scores.tolist(), rows.tolist(), strict=True):
            answer += [(ids[row], score) for row, score in zip(own_rows, own_scores, strict=True) if row not in dead]
    return [sorted(answer, key=lambda pair: (-pair[1], pair[0]))[:k] for answer in found]


@pytest.mark.parametrize("dense", ["ivf-sq8", "ivf-rabitq", "flat"])
def test_export_finds_what_the_indexes_of_all_segments_find(make: Make, tmp_path: Path, dense: str) -> None:
    published = make(dense)
    assert [segment.live for segment in published.manifest.segments] == [72, 64, 50]
    exported(published, tmp_path / "out")
    index, ids = read(tmp_path / "out")
    assert sorted(ids) == sorted(contents(published.uri))
    index.nprobe = index.nlist
    queries = published.queries()
    scores, rows = index.search(queries, 20)
    # Some texts are the same: what is there is compared, not the order among equals.
    for own_scores, own_rows, expected in zip(scores, rows, from_segments(published, queries, 20), strict=True):
        np.testing.assert_array_equal(own_scores, np.array([score for _, score in expected], np.float32))
        last = expected[-1][1]
        above = {ids[row] for row, score in zip(own_rows, own_scores, strict=True) if score > last}
        assert above == {doc_id for doc_id, score in expected if np.float32(score) > np.float32(last)}


@pytest.mark.parametrize(("dense", "off"), [("ivf-sq8", 0.02), ("flat", 1e-6)])
def test_export_answers_as_search_does(make: Make, tmp_path: Path, dense: str, off: float) -> None:
    published = make(dense)
    exported(published, tmp_path / "out")
    index, ids = read(tmp_path / "out")
    index.nprobe = index.nlist
    snapshot, queries = Snapshot.open(published.uri), published.queries()
    for number, hits in enumerate(snapshot.search_many([whole_text(n) for n in range(0, 200, 9)], 10, Mode.DENSE)):
        scores, rows = index.search(queries[number : number + 1], 10)
        np.testing.assert_allclose(scores[0], [hit.score for hit in hits], atol=off)
        own = {hit.doc_id for hit in hits if hit.score > hits[-1].score + 2 * off}
        assert own <= {ids[row] for row in rows[0]}


def test_export_says_how_far_search_looks(make: Make, tmp_path: Path) -> None:
    published = make("ivf-sq8")
    first, *others = published.manifest.indexes["dense"]
    further = first.model_copy(update={"settings": {**first.settings, "nprobe": 2}})
    manifest = published.manifest.model_copy(update={"indexes": {"dense": (further, *others)}})
    done = export(published.store, manifest, tmp_path / "out", Format.FAISS)
    index, _ = read(tmp_path / "out")
    assert {each.settings["nprobe"] for each in others} == {1}
    assert index.nprobe == 2
    assert "nprobe says to search 2" in done.notes[0]
    assert isinstance(index, faiss.IndexIVFScalarQuantizer)


def test_shard_of_several_matrices_numbers_their_rows_through(tmp_path: Path) -> None:
    matrix = np.random.default_rng(0).random((7, 3), np.float32)
    shard_of_vectors(Template(3, None), [matrix[:4], matrix[4:]], 10, tmp_path / "shard")
    _, rows = faiss.read_index(str(tmp_path / "shard")).search(np.eye(3, dtype=np.float32), 7)
    assert np.array_equal(rows, 10 + np.argsort(-matrix.T, axis=1))


def test_export_is_read_where_it_was_moved_to_and_leaves_nothing_else(make: Make, tmp_path: Path) -> None:
    exported(make("ivf-sq8"), tmp_path / "out")
    shutil.move(tmp_path / "out", tmp_path / "elsewhere")
    names = sorted(path.name for path in (tmp_path / "elsewhere").rglob("*"))
    assert names == ["dense.faiss", "dense.ivfdata", "export.json", "rows.parquet"]
    index, _ = read(tmp_path / "elsewhere")
    assert str(tmp_path).encode() not in (tmp_path / "elsewhere" / "dense.faiss").read_bytes()
    assert index.search(make("ivf-sq8").queries(), 1)[1].min() >= 0


def test_export_of_graphs_is_one_exact_list(tmp_path: Path, make: Make) -> None:
    published = make("hnsw")
    done = exported(published, tmp_path / "out")
    assert "one list of the vectors as they are" in done.notes[0]
    index, _ = read(tmp_path / "out")
    assert (index.nlist, index.ntotal) == (1, 186)


def test_export_of_small_flat_segments_beside_lists_adds_them_to_the_training(tmp_path: Path) -> None:
    published = publish(tmp_path, "index.flat_rows=55", "index.memory=1000")
    kinds = {index.backend for index in published.manifest.indexes["dense"]}
    assert kinds == {"faiss-flat", "faiss-ivf-rabitq"}
    exported(published, tmp_path / "out")
    index, ids = read(tmp_path / "out")
    assert isinstance(index, faiss.IndexIVFRaBitQ)
    assert sorted(ids) == sorted(contents(published.uri))
    index.nprobe = index.nlist
    queries = Snapshot.open(published.uri).encode("dense", [whole_text(number) for number in range(150, 200)])
    scores, rows = index.search(dense_matrix(queries, DIMENSIONS), 3)
    hits = [{ids[row] for row in found} for found in rows]
    assert sum(f"doc-{number:05d}" in found for number, found in enumerate(hits, 150)) >= 45
    assert np.isfinite(scores).all()


def test_export_of_indexes_of_two_trainings_is_refused(tmp_path: Path) -> None:
    published = publish(tmp_path, "index.flat_rows=0", "index.memory=1800")
    said = r"expected indexes that began with one training, got 2 \(faiss-ivf-rabitq, faiss-ivf-sq8\)"
    with pytest.raises(UsageError, match=said):
        exported(published, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_shard_of_another_training_is_refused(make: Make, tmp_path: Path) -> None:
    """The centres of lists can be the same where codes mean something else, and FAISS compares centres alone."""
    published = make("ivf-sq8")
    [trained] = published.manifest.trained["dense"]
    (tmp_path / "trained").write_bytes(published.store.get(trained.file.key))
    template = Template(DIMENSIONS, Training(tmp_path / "trained", trained))
    index = published.manifest.indexes["dense"][2]
    (tmp_path / "shard").write_bytes(published.store.get(index.files["dense.faiss"].key))
    live = np.ones(index.rows, np.bool_)
    with pytest.raises(IntegrityError, match=f"began with training {'0' * 64}, the others with {trained.file.sha256}"):
        shard_of_lists(template, tmp_path / "shard", "0" * 64, live, 0)
    with pytest.raises(IntegrityError, match="is not the index the manifest names"):
        shard_of_lists(template, tmp_path / "shard", trained.file.sha256, live[1:], 0)


def test_export_of_a_training_that_the_manifest_lacks_is_refused(make: Make, tmp_path: Path) -> None:
    published = make("ivf-sq8")
    manifest = published.manifest.model_copy(update={"trained": {}})
    with pytest.raises(IntegrityError, match="the manifest lacks training"):
        export(published.store, manifest, tmp_path / "out", Format.FAISS)


def test_export_prints_nothing_that_json_would_be_mixed_with(
    make: Make, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    exported(make("ivf-sq8"), tmp_path / "out")
    assert capfd.readouterr().out == ""
