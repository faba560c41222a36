"""A trained index is what its record says, or nothing is built from it; rows in inverted lists are all there, once."""

import shutil
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.core.fingerprint import digest_file
from operators.index.backend import open_searcher
from operators.index.build import BuiltIndex
from operators.index.spec import Backend
from operators.index.trained import Training, factory, read_training
from tests.operators.index.tables import dense_table, random_dense
from tests.operators.index.test_build import build
from tests.operators.index.training import trained_on

ROWS, SIZE = 300, 16
STORED = random_dense(ROWS, SIZE)
BACKENDS = [Backend.IVF_SQ8, Backend.IVF_RABITQ]


@pytest.fixture(params=BACKENDS)
def training(request: pytest.FixtureRequest, tmp_path: Path) -> Training:
    return trained_on(STORED, request.param, tmp_path / "trained.faiss")


@pytest.fixture
def built(training: Training, tmp_path: Path) -> BuiltIndex:
    dense = training.record.backend.removeprefix("faiss-")
    return build(Kind.DENSE, dense_table(STORED), tmp_path, ROWS, SIZE, training=training, dense=dense)


def signed(training: Training, **changes: object) -> Training:
    """The record of whatever lies in the file now."""
    file = training.record.file.model_copy(update={"sha256": digest_file(training.path)})
    return replace(training, record=training.record.model_copy(update={"file": file, **changes}))


def test_factory_names_a_graph_of_centres_from_65536_lists_on() -> None:
    assert factory(Backend.IVF_SQ8, 32_768) == "IVF32768,SQ8"
    assert factory(Backend.IVF_RABITQ, 65_536) == "IVF65536_HNSW32,RaBitQ4"


def test_training_is_the_same_on_one_thread_and_two(training: Training, tmp_path: Path) -> None:
    from operators.index.trained import train

    train(STORED, Backend(training.record.backend), training.record.lists, 2, tmp_path / "again.faiss")
    assert digest_file(tmp_path / "again.faiss") == training.record.file.sha256


@pytest.mark.parametrize("place", [0, 40, 0.5, -1])
def test_read_training_of_another_sha256_is_refused(training: Training, place: float) -> None:
    data = bytearray(training.path.read_bytes())
    data[place if isinstance(place, int) else int(len(data) * place)] ^= 1
    training.path.write_bytes(data)
    with pytest.raises(IntegrityError, match="is another training than the snapshot's: expected sha256"):
        build(Kind.DENSE, dense_table(STORED), training.path.parent, ROWS, SIZE, training=training)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"lists": 8}, "'lists': 8"),
        ({"backend": "faiss-ivf-sq8"}, "IndexIVFScalarQuantizer"),
        ({"backend": "faiss-ivf-rabitq"}, "IndexIVFRaBitQ"),
    ],
)
def test_read_training_that_is_not_what_was_recorded_is_refused(
    training: Training, changes: dict[str, object], fact: str
) -> None:
    if training.record.backend == changes.get("backend"):
        return
    with pytest.raises(IntegrityError, match=rf"is not the index the manifest names: expected .*{fact}"):
        read_training(signed(training, **changes), SIZE)


def test_read_training_of_other_dimensions_rows_or_bytes_is_refused(training: Training) -> None:
    with pytest.raises(IntegrityError, match="'dimensions': 17"):
        read_training(training, SIZE + 1)
    index = read_training(training, SIZE)
    index.add(STORED)
    faiss.write_index(index, str(training.path))
    with pytest.raises(IntegrityError, match=f"got .*'rows': {ROWS}"):
        read_training(signed(training), SIZE)
    training.path.write_bytes(training.path.read_bytes()[:100])
    with pytest.raises(IntegrityError, match="is not a FAISS index"):
        read_training(signed(training), SIZE)


def test_read_training_without_its_training_is_refused(training: Training) -> None:
    backend = Backend(training.record.backend)
    faiss.write_index(faiss.index_factory(SIZE, factory(backend, training.record.lists), 0), str(training.path))
    with pytest.raises(IntegrityError, match=r"got .*'trained': False"):
        read_training(signed(training), SIZE)


def test_build_leaves_the_training_as_it_was_for_the_next_segment(training: Training, built: BuiltIndex) -> None:
    assert digest_file(training.path) == training.record.file.sha256 == built.settings["trained"]


def refuse(built: BuiltIndex, match: str, **settings: object) -> None:
    with pytest.raises(IntegrityError, match=match):
        open_searcher(built.backend, built.files, {**built.settings, **settings}, ROWS)


def test_open_lists_that_hold_a_row_twice_or_not_at_all_is_refused(training: Training, built: BuiltIndex) -> None:
    for wrong in ([*range(ROWS - 1), 0], [*range(1, ROWS + 1)], [-1, *range(1, ROWS)]):
        index = read_training(training, SIZE)
        index.add_with_ids(STORED, np.array(wrong, np.int64))
        faiss.write_index(index, str(built.files["dense.faiss"]))
        refuse(built, f"expected every row below {ROWS} once in its lists")


@pytest.mark.parametrize("rows", [STORED[:-1], STORED[:, :-1], STORED.astype(np.float64), np.asfortranarray(STORED)])
def test_open_other_vectors_is_refused(built: BuiltIndex, rows: np.ndarray) -> None:
    np.save(built.files["vectors.npy"], rows)
    refuse(built, r"vectors\.npy is not what the index names")


@pytest.mark.parametrize("keep", [0, 6, 60, 0.5])
def test_open_truncated_vectors_is_refused(built: BuiltIndex, keep: float) -> None:
    data = built.files["vectors.npy"].read_bytes()
    built.files["vectors.npy"].write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    refuse(built, r"vectors\.npy is not a numpy array")


def test_open_with_other_settings_or_files_is_refused(built: BuiltIndex) -> None:
    for name in ("lists", "nprobe", "rescore"):
        refuse(built, f"index setting {name}: expected a whole number", **{name: 0})
    refuse(built, "expected .*'lists': 5", lists=5)
    del built.files["vectors.npy"]
    refuse(built, r"lacks its file vectors\.npy")


def test_open_vectors_are_those_that_were_indexed_to_the_last_bit(built: BuiltIndex, tmp_path: Path) -> None:
    assert np.array_equal(np.load(built.files["vectors.npy"]), STORED)
    shutil.rmtree(tmp_path)
    refuse(built, "is not a")
