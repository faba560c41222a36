"""What died is never found, and leaves no trace in the answers of what lives."""

from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from operators.core.errors import IntegrityError
from operators.core.storage import Store, open_store
from operators.search.hit import Hit
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot
from tests.operators.search.collection import Chunk, open_snapshot, publish, random_texts

TEXTS = random_texts(130)
ROWS = [Chunk(f"d{number}", text) for number, text in enumerate(TEXTS)]
QUERIES = random_texts(8, words=3, seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def from_scratch(folder: Path, rows: list[Chunk]) -> Snapshot:
    store = open_store(str(folder / "scratch"))
    return open_snapshot(store, publish(store, rows, part_rows=200), folder / "cache")


@pytest.mark.parametrize("mode", list(Mode))
def test_search_three_segments_with_dead_rows_equals_one_of_the_live_alone(
    store: Store, tmp_path: Path, mode: Mode
) -> None:
    dead = {0, *range(3, 20), 49, *range(100, 130, 2)}  # none in the second segment
    grown = publish(store, ROWS, part_rows=25, segment_rows=50, dead=dead)
    assert [(segment.rows, segment.live) for segment in grown.segments] == [(50, 31), (50, 50), (30, 15)]
    scratch = from_scratch(tmp_path, [row for number, row in enumerate(ROWS) if number not in dead])
    assert len(scratch.manifest.segments) == 1
    found = open_snapshot(store, grown, tmp_path / "cache").search_many(QUERIES, 25, mode)
    assert found == scratch.search_many(QUERIES, 25, mode)
    assert all(found)


@pytest.mark.parametrize("mode", list(Mode))
def test_search_updated_document_gives_its_last_version_alone(store: Store, tmp_path: Path, mode: Mode) -> None:
    """Every document has an old row in an early segment, and what is asked for is the old text."""
    new = [Chunk(row.doc_id, text) for row, text in zip(ROWS, random_texts(130, seed=7), strict=True)]
    manifest = publish(store, [*ROWS, *new], part_rows=65, segment_rows=65, dead=range(130))
    assert [segment.live for segment in manifest.segments] == [0, 0, 65, 65]
    snapshot = open_snapshot(store, manifest, tmp_path / "cache")
    for hits in snapshot.search_many(TEXTS[:20], 50, mode):
        assert len(hits) == 50 or mode is Mode.SPARSE
        assert len({hit.doc_id for hit in hits}) == len(hits)
        assert all(hit.text == new[int(hit.doc_id[1:])].text for hit in hits)


@pytest.mark.parametrize("mode", list(Mode))
def test_search_where_nothing_lives_finds_nothing(store: Store, tmp_path: Path, mode: Mode) -> None:
    manifest = publish(store, ROWS, part_rows=30, segment_rows=60, dead=range(130))
    assert open_snapshot(store, manifest, tmp_path / "cache").search_many(QUERIES[:2], 5, mode) == [[], []]


@pytest.mark.parametrize("mode", list(Mode))
def test_search_without_segments_finds_nothing(store: Store, tmp_path: Path, mode: Mode) -> None:
    manifest = publish(store, [])
    assert manifest.segments == ()
    assert open_snapshot(store, manifest, tmp_path / "cache").search_many(QUERIES[:2], 5, mode) == [[], []]


def test_search_bitmap_of_other_rows_than_the_manifest_says_is_refused(store: Store, tmp_path: Path) -> None:
    manifest = publish(store, ROWS, part_rows=130, dead=[3, 5])
    segment = manifest.segments[0]
    assert segment.dead
    wrong = segment.model_copy(update={"dead": segment.dead.model_copy(update={"rows": 1})})
    snapshot = open_snapshot(store, manifest.model_copy(update={"segments": (wrong,)}), tmp_path / "cache")
    with pytest.raises(IntegrityError, match=rf"{segment.dead.file.key}: expected 1 dead rows, got 2"):
        snapshot.search("w1")


def by_score(hits: list[Hit]) -> dict[float, set[str]]:
    groups = defaultdict(set)
    for hit in hits:
        groups[hit.score].add(hit.doc_id)
    return groups


@settings(deadline=None, max_examples=25)
@given(st.sets(st.integers(0, 59)), st.integers(1, 30), st.integers(1, 40), st.integers(1, 70))
def test_search_any_deaths_among_repeated_texts_equals_the_live_alone(
    dead: set[int], part_rows: int, segment_rows: int, k: int
) -> None:
    """Of documents that score the same as the last hit any may be found; all else is the same."""
    rows = [Chunk(f"d{number}", TEXTS[number % 20]) for number in range(60)]
    with TemporaryDirectory() as folder:
        store = open_store(f"{folder}/grown")
        grown = publish(store, rows, part_rows=part_rows, segment_rows=segment_rows, dead=dead)
        snapshot = open_snapshot(store, grown, Path(folder))
        scratch = from_scratch(Path(folder), [row for number, row in enumerate(rows) if number not in dead])
        for mode in (Mode.DENSE, Mode.SPARSE):
            asked = [*QUERIES[:3], TEXTS[4]]
            pairs = zip(snapshot.search_many(asked, k, mode), scratch.search_many(asked, k, mode), strict=True)
            for found, expected in pairs:
                assert [hit.score for hit in found] == [hit.score for hit in expected]
                assert not {hit.doc_id for hit in found} & {f"d{number}" for number in dead}
                groups, same = by_score(found), by_score(expected)
                last = expected[-1].score if expected else None
                assert all(groups[score] == same[score] for score in same if score != last or len(expected) < k)
