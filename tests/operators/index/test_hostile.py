"""Files whose checksum is right and whose content is not: refused with a message, never searched."""

import pickle
import shutil
import zipfile
from itertools import pairwise
from pathlib import Path

import faiss
import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.index.backend import open_searcher
from operators.index.build import BuiltIndex
from operators.index.faiss_file import read_index
from operators.index.sparse_file import term_digest
from operators.index.spec import Backend
from tests.operators.index.tables import dense_table, random_dense, random_sparse, sparse_table
from tests.operators.index.test_build import build
from tests.operators.index.training import trained_on

ROWS, SIZE = 50, 12


@pytest.fixture(params=["flat", "hnsw", "ivf-sq8", "ivf-rabitq"])
def dense(request: pytest.FixtureRequest, tmp_path: Path) -> BuiltIndex:
    matrix, backend = random_dense(ROWS, SIZE), Backend(f"faiss-{request.param}")
    training = trained_on(matrix, backend, tmp_path / "trained.faiss") if backend.is_trained else None
    return build(Kind.DENSE, dense_table(matrix), tmp_path, ROWS, SIZE, training=training, dense=request.param)


@pytest.fixture
def csc(tmp_path: Path) -> BuiltIndex:
    return build(Kind.SPARSE, sparse_table(random_sparse(ROWS, SIZE, 0.5)), tmp_path, ROWS, SIZE)


def refuse(built: BuiltIndex, match: str, rows: int = ROWS, **settings: object) -> None:
    with pytest.raises(IntegrityError, match=match):
        open_searcher(built.backend, built.files, {**built.settings, **settings}, rows)


def refuse_search(built: BuiltIndex, match: str) -> None:
    """Postings are proven when they are first used: whatever opens must not be searched."""
    searcher = open_searcher(built.backend, built.files, built.settings, ROWS)
    with pytest.raises(IntegrityError, match=match):
        searcher.search(sparse_table(np.ones((1, SIZE), np.float32)), 5)


def test_open_undamaged_files_opens_them(dense: BuiltIndex, csc: BuiltIndex) -> None:
    for built in (dense, csc):
        assert open_searcher(built.backend, built.files, built.settings, ROWS).rows == ROWS


@pytest.mark.parametrize("keep", [0, 3, 20, 100, 0.5, 0.99])
def test_open_truncated_faiss_file_is_refused(dense: BuiltIndex, keep: float) -> None:
    path = dense.files["dense.faiss"]
    data = path.read_bytes()
    path.write_bytes(data[: keep if isinstance(keep, int) else int(len(data) * keep)])
    refuse(dense, r"dense\.faiss is not a FAISS index")


def test_open_garbage_faiss_file_is_refused(dense: BuiltIndex) -> None:
    dense.files["dense.faiss"].write_bytes(bytes(range(256)) * 8)
    refuse(dense, r"dense\.faiss is not a FAISS index")


def test_read_faiss_file_that_claims_more_than_it_holds_is_refused_before_the_memory_is_asked_for(
    tmp_path: Path,
) -> None:
    """FAISS's own limit is a terabyte: it asked for the 4 GB and then missed them in the file."""
    index = faiss.IndexFlatIP(SIZE)
    index.add(random_dense(ROWS, SIZE))
    faiss.write_index(index, str(tmp_path / "flat.faiss"))
    data = bytearray((tmp_path / "flat.faiss").read_bytes())
    place = data.index((ROWS * SIZE).to_bytes(8, "little"))
    data[place : place + 8] = (1_000_000_000).to_bytes(8, "little")
    (tmp_path / "flat.faiss").write_bytes(data)
    with pytest.raises(IntegrityError, match=r"flat\.faiss is not a FAISS index .*deserialization_vector_byte_limit"):
        read_index(tmp_path / "flat.faiss")


def test_open_other_faiss_index_is_refused(dense: BuiltIndex) -> None:
    for other in (faiss.IndexFlatL2(SIZE), faiss.IndexFlatIP(SIZE + 1), faiss.IndexFlatIP(SIZE)):
        other.add(np.ones((ROWS - 1, other.d), np.float32))
        faiss.write_index(other, str(dense.files["dense.faiss"]))
        refuse(dense, "is not the index the manifest names")


def test_open_with_other_facts_is_refused(dense: BuiltIndex) -> None:
    refuse(dense, "is not the index the manifest names", rows=ROWS + 1)
    refuse(dense, "is not the index the manifest names", dimensions=SIZE + 1)
    refuse(dense, "setting dimensions: expected a whole number", dimensions="12")
    refuse(dense, "setting dimensions: expected a whole number", dimensions=True)


def _array(change: object) -> object:
    def damage(path: Path) -> None:
        np.save(path, change(np.load(path)))  # type: ignore[operator]

    return damage


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def _object_array(path: Path) -> None:
    np.save(path, np.array([{}], object), allow_pickle=True)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", b"")


def _huge(path: Path) -> None:
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<u4", "fortran_order": False, "shape": (1 << 62,)})


@pytest.mark.parametrize("name", ["indptr.npy", "docs.npy", "weights.npy", "maxima.npy", "digests.npy"])
@pytest.mark.parametrize(
    "damage",
    [
        _cut,
        _object_array,
        _zip,
        _huge,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"\x93NUMPY"),
        lambda path: path.write_bytes(b"no array at all" * 20),
        lambda path: path.write_bytes(pickle.dumps([1, 2, 3])),
        _array(lambda a: a.astype(np.float64)),
        _array(lambda a: a.astype(a.dtype.newbyteorder(">")) if a.itemsize > 1 else a[:, :1]),
        _array(lambda a: a.reshape(1, -1)),
        _array(lambda a: a[:-1]),
        _array(lambda a: np.append(a, a[-1:])),
        _array(lambda a: a[:0]),
    ],
)
def test_open_damaged_array_is_refused(csc: BuiltIndex, name: str, damage: object) -> None:
    damage(csc.files[name])  # type: ignore[operator]
    # Arrays that fit each other no longer are refused at the one that is checked against them.
    refuse(csc, r"(indptr|docs|weights|maxima|digests)\.npy")


def _swap(a: np.ndarray) -> np.ndarray:
    a[3], a[4] = a[5], a[2]
    return a


def _set(place: int, value: float) -> object:
    def change(a: np.ndarray) -> np.ndarray:
        a[place] = value
        return a

    return _array(change)


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (_array(_swap), "offsets that ascend"),
        (_set(4, 2**63), "offsets that ascend"),
        (_set(-1, 2**64 - 1), "expected uint32 of shape"),
        (_set(0, 1), "offsets that ascend"),
    ],
)
def test_open_sparse_offsets_out_of_bounds_are_refused(csc: BuiltIndex, damage: object, match: str) -> None:
    damage(csc.files["indptr.npy"])  # type: ignore[operator]
    refuse(csc, match)


@pytest.mark.parametrize("name", ["docs.npy", "weights.npy", "digests.npy"])
@pytest.mark.parametrize("bit", range(8))
def test_search_any_bit_flipped_is_refused(csc: BuiltIndex, name: str, bit: int) -> None:
    data = bytearray(csc.files[name].read_bytes())
    data[-1 - bit] ^= 1 << bit
    csc.files[name].write_bytes(data)
    refuse_search(csc, "postings of term .* that were published")


@pytest.mark.parametrize(
    ("name", "damage", "match"),
    [
        ("docs.npy", _set(-1, ROWS), f"expected ascending rows below {ROWS}"),
        ("docs.npy", _set(0, 2**32 - 1), f"expected ascending rows below {ROWS}"),
        ("docs.npy", _array(lambda a: np.sort(a)[::-1]), f"expected ascending rows below {ROWS}"),
        ("weights.npy", _set(3, np.nan), "expected weights from 0 to"),
        ("weights.npy", _set(3, np.inf), "expected weights from 0 to"),
        ("weights.npy", _set(3, -1), "expected weights from 0 to"),
        ("maxima.npy", _set(0, 1e-3), "expected weights from 0 to"),
    ],
)
def test_search_postings_that_lead_astray_are_refused_though_their_digests_are_right(
    csc: BuiltIndex, name: str, damage: object, match: str
) -> None:
    damage(csc.files[name])  # type: ignore[operator]
    indptr, docs, weights = (np.load(csc.files[each]) for each in ("indptr.npy", "docs.npy", "weights.npy"))
    places = [slice(int(start), int(stop)) for start, stop in pairwise(indptr)]
    digests = [np.frombuffer(term_digest(docs[place], weights[place]), np.uint8) for place in places]
    np.save(csc.files["digests.npy"], np.stack(digests))
    refuse_search(csc, match)


def test_open_without_a_file_is_refused(csc: BuiltIndex) -> None:
    del csc.files["docs.npy"]
    refuse(csc, r"lacks its file docs\.npy")


def test_open_file_missing_from_the_machine_is_refused(csc: BuiltIndex, dense: BuiltIndex) -> None:
    for built in (csc, dense):
        shutil.rmtree(next(iter(built.files.values())).parent, ignore_errors=True)
        refuse(built, "is not a")


def test_open_unknown_backend_is_refused() -> None:
    with pytest.raises(IntegrityError, match="backend 'seismic' is unknown: this Millrace opens"):
        open_searcher("seismic", {}, {}, 1)
