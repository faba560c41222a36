"""A large sparse index in a store: a query brings what its terms need, proves it, and answers as if all were here."""

from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.core.fingerprint import digest_file
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.index.backend import open_searcher
from operators.index.build import BuiltIndex, build_segment
from operators.index.searcher import Found, Searcher
from operators.index.sparse_file import BY_TERM
from operators.index.spec import IndexSpec
from operators.search.cache import FileCache
from operators.search.ranges import RangeCache, bringer, joined
from tests.operators.index.tables import in_parts, random_sparse, sparse_table

ROWS, VOCABULARY = 40_000, 50
MATRIX = random_sparse(ROWS, VOCABULARY, 0.2, seed=3)
QUERIES = sparse_table(random_sparse(4, VOCABULARY, 0.06, seed=4))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BuiltIndex:
    load = partial(in_parts, sparse_table(MATRIX))
    folder = tmp_path_factory.mktemp("index")
    spec = IndexSpec(recall_queries=5)
    return build_segment(Kind.SPARSE, "s", load, dimensions=VOCABULARY, rows=ROWS, spec=spec, threads=1, folder=folder)


def publish(store: Store, built: BuiltIndex) -> dict[str, StoredFile]:
    for name, path in built.files.items():
        store.put(f"indexes/{name}", path.read_bytes())
    return {
        name: StoredFile(key=f"indexes/{name}", bytes=path.stat().st_size, sha256=digest_file(path))
        for name, path in built.files.items()
    }


def open_ranged(store: Store, files: dict[str, StoredFile], cache: Path) -> Searcher:
    ranges = RangeCache(store, FileCache(cache), whole=10_000)
    paths = {
        name: ranges.path(file) if name in BY_TERM else ranges.cache.path(store, file) for name, file in files.items()
    }
    return open_searcher("csc", paths, {"vocabulary": VOCABULARY}, ROWS, bring=bringer(ranges, files))


def same(found: Found, expected: Found) -> bool:
    return np.array_equal(found.rows, expected.rows) and np.array_equal(found.scores, expected.scores)


def test_search_by_ranges_answers_as_the_whole_index_and_brings_a_part(
    store: Store, built: BuiltIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = publish(store, built)
    whole = open_searcher("csc", built.files, {"vocabulary": VOCABULARY}, ROWS)
    asked: list[int] = []
    get_range = Store.get_range
    monkeypatch.setattr(
        Store,
        "get_range",
        lambda self, key, start, stop: asked.append(stop - start) or get_range(self, key, start, stop),
    )
    monkeypatch.setattr("operators.search.ranges._GAP", 0)
    searcher = open_ranged(store, files, tmp_path / "cache")
    assert same(searcher.search(QUERIES, 20), whole.search(QUERIES, 20))
    terms = np.unique(QUERIES["indices"].combine_chunks().flatten().to_numpy())
    postings = sum(int((MATRIX[:, term] > 0).sum()) for term in terms)
    large = files["docs.npy"].bytes + files["weights.npy"].bytes
    assert 0 < len(terms) < VOCABULARY / 3
    assert sum(asked) == (0 if store.is_local else postings * 6 + 2 * 4096)
    assert sum(asked) < large / 2
    asked.clear()
    # Another process finds on this machine what the first one brought.
    assert same(open_ranged(store, files, tmp_path / "cache").search(QUERIES, 20), whole.search(QUERIES, 20))
    assert asked == []


@pytest.mark.parametrize("name", BY_TERM)
def test_search_by_ranges_changed_bytes_are_refused(store: Store, built: BuiltIndex, tmp_path: Path, name: str) -> None:
    files = publish(store, built)
    data = bytearray(store.get(files[name].key))
    indptr = np.load(built.files["indptr.npy"])
    term = int(QUERIES["indices"][0][0].as_py())
    data[len(data) - int(indptr[-1] - indptr[term]) * (4 if name == "docs.npy" else 2)] ^= 1
    store.put(files[name].key, bytes(data))
    with pytest.raises(IntegrityError, match=f"postings of term {term} that were published"):
        open_ranged(store, files, tmp_path / "cache").search(QUERIES, 20)


def test_search_by_ranges_other_size_is_refused(store: Store, built: BuiltIndex, tmp_path: Path) -> None:
    files = publish(store, built)
    store.put(files["docs.npy"].key, store.get(files["docs.npy"].key)[:-4])
    with pytest.raises(IntegrityError, match=r"docs\.npy changed on the store: expected \d+ bytes, got \d+"):
        open_ranged(store, files, tmp_path / "cache")


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 40)), max_size=12), st.integers(0, 20))
def test_joined_ranges_cover_what_was_asked_and_lie_apart(pairs: list[tuple[int, int]], gap: int) -> None:
    ranges = [(start, start + length) for start, length in pairs]
    found = list(joined(ranges, gap))
    wanted = {place for start, stop in ranges for place in range(start, stop)}
    covered = {place for start, stop in found for place in range(start, stop)}
    assert wanted <= covered
    assert all(second[0] - first[1] > gap for first, second in pairwise(found))
    # What was not asked lies between two things that were, no further apart than the gap.
    assert all(any(p in wanted for p in range(place - gap, place)) for place in covered - wanted)
