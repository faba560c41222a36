"""A filter gives what a snapshot of the matching documents alone would give."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError, UsageError
from operators.core.fingerprint import digest_file
from operators.core.manifest import Manifest, Part, Segment
from operators.core.storage import Store, open_store
from operators.core.stored_file import StoredFile
from operators.search.filter import Filter, filter_of, parse_where
from operators.search.fusion import Convex, Fusion, ReciprocalRank
from operators.search.metadata import Metadata
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot
from tests.operators.search.collection import Chunk, WordEncoder, open_snapshot, publish, random_texts

TEXTS = random_texts(300)
QUERIES = random_texts(5, words=3, seed=1)
#: Rows of topic "rare" are few and in two segments, some rows have no topic.
TOPICS = [None if row % 11 == 0 else "rare" if row % 70 == 13 else f"t{row % 3}" for row in range(300)]
ROWS = [Chunk(f"d{row}", text, topic=topic) for row, (text, topic) in enumerate(zip(TEXTS, TOPICS, strict=True))]
DEAD = {83, *range(100, 200, 3)}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


@pytest.fixture
def snapshot(store: Store, tmp_path: Path) -> Snapshot:
    manifest = publish(store, ROWS, part_rows=25, segment_rows=100, dead=DEAD)
    return open_snapshot(store, manifest, tmp_path / "cache")


def matching(*topics: str) -> list[int]:
    return [row for row, topic in enumerate(TOPICS) if topic in topics and row not in DEAD]


@pytest.mark.parametrize("fusion", [ReciprocalRank(), Convex(0.4)])
@pytest.mark.parametrize("mode", list(Mode))
def test_search_where_equals_a_snapshot_of_the_matching_rows_alone(
    snapshot: Snapshot, tmp_path: Path, mode: Mode, fusion: Fusion
) -> None:
    for topics in (("t1",), ("rare",), ("t0", "rare")):
        own = open_store(str(tmp_path / "-".join(topics)))
        alone = open_snapshot(own, publish(own, [ROWS[row] for row in matching(*topics)]), tmp_path / "cache")
        found = snapshot.search_many(QUERIES, 30, mode, fusion=fusion, where={"topic": topics})
        assert found == alone.search_many(QUERIES, 30, mode, fusion=fusion)
        assert all(found) or (mode is Mode.SPARSE and topics == ("rare",))


def test_search_where_few_match_gives_all_of_them_in_exact_order(snapshot: Snapshot) -> None:
    """Three of 300 rows, far behind the first 100: whoever filters what was found finds none of them."""
    rows = matching("rare")
    assert rows == [13, 153, 223, 293]
    encoder = WordEncoder(Kind.DENSE)
    for query in QUERIES:
        scores = encoder.matrix([TEXTS[row] for row in rows]) @ encoder.matrix([query])[0]
        expected = [f"d{rows[place]}" for place in np.argsort(-scores, kind="stable")]
        hits = snapshot.search(query, 10, Mode.DENSE, where={"topic": "rare"})
        assert [hit.doc_id for hit in hits] == expected
        assert all(hit.metadata == {"topic": "rare"} for hit in hits)


def test_search_where_nothing_matches_finds_nothing_and_leaves_other_searches_alone(snapshot: Snapshot) -> None:
    before = snapshot.search_many(QUERIES, 10)
    assert snapshot.search_many(QUERIES, 10, where={"topic": "unheard"}) == [[]] * len(QUERIES)
    assert snapshot.search_many(QUERIES, 10, where={}) == before
    assert snapshot.search_many(QUERIES, 10) == before


def test_search_where_of_an_unknown_field_names_those_there_are_before_a_model_is_loaded(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = "where lang: no such metadata field; the snapshot's documents have topic"
    with pytest.raises(UsageError, match=problem):
        snapshot.search_vectors({"words": WordEncoder(Kind.SPARSE).encode(["w1"])}, 3, where={"lang": "ko"})
    monkeypatch.delattr(snapshot, "_encoders")
    with pytest.raises(UsageError, match=problem):
        snapshot.search("w1", where={"lang": "ko"})


@pytest.mark.parametrize("values", [[], [2020], 2020, ["a", None]])
def test_filter_of_what_no_document_can_have_is_refused(values: object) -> None:
    with pytest.raises(UsageError, match="where year: expected text or several"):
        filter_of({"year": values})  # type: ignore[dict-item]


def test_parse_where_takes_values_with_equals_signs_and_fields_twice() -> None:
    where = parse_where(["lang=ko", "lang=en", "url=http://x?a=b", "empty="])
    assert where == {"lang": ["ko", "en"], "url": ["http://x?a=b"], "empty": [""]}
    assert filter_of({"lang": "ko"}) == filter_of({"lang": ["ko"]}) == Filter((("lang", frozenset({"ko"})),))
    for word in ("lang", "=ko", ""):
        with pytest.raises(UsageError, match=r"expected field=value, such as lang=ko"):
            parse_where([word])


@pytest.fixture
def table(tmp_path: Path) -> pl.DataFrame:
    """Three parts of two fields with nulls, and of 300 rows, as Parquet files of another writer."""
    rng = np.random.default_rng(0)
    values = ["ko", "en", "", "ünï", None]
    columns = {f"meta.{name}": [values[place] for place in rng.integers(0, 5, 300)] for name in ("lang", "kind")}
    frame = pl.DataFrame(
        {"doc_id": [f"d{row}" for row in range(300)], **columns}, schema_overrides={"meta.lang": pl.String}
    )
    for part in range(3):
        frame[part * 100 : (part + 1) * 100].write_parquet(tmp_path / f"p{part}.parquet", row_group_size=30)
    return frame


def metadata_of(folder: Path, rows: int = 100) -> tuple[Metadata, Segment]:
    parts = []
    for name in ("p0", "p1", "p2"):
        path = folder / f"{name}.parquet"
        file = StoredFile(key=path.name, bytes=path.stat().st_size, sha256=digest_file(path))
        parts.append(Part(part=name, rows=rows, totals={}, documents=file, vectors={}))
    segment = Segment(segment="s", rows=3 * rows, parts=("p2", "p0", "p1"))
    manifest = Manifest.model_construct(parts=tuple(parts), segments=(segment,))
    return Metadata(manifest, lambda file: folder / file.key), segment


@pytest.mark.parametrize(
    "where", [{"lang": "ko"}, {"lang": ["ko", "ünï"]}, {"lang": ["ko", "en"], "kind": ["", "ko"]}, {"kind": "none"}]
)
def test_matching_equals_polars(tmp_path: Path, table: pl.DataFrame, where: dict[str, str | list[str]]) -> None:
    metadata, segment = metadata_of(tmp_path)
    ordered = pl.concat([table[200:], table[:100], table[100:200]])
    expected = np.ones(300, np.bool_)
    for field, values in where.items():
        listed = [values] if isinstance(values, str) else values
        expected &= np.array([value in listed for value in ordered[f"meta.{field}"].to_list()])
    found = metadata.matching(segment, filter_of(where))
    np.testing.assert_array_equal(found, expected)
    assert metadata.fields == ("lang", "kind")


def test_matching_part_that_is_another_is_refused(tmp_path: Path, table: pl.DataFrame) -> None:
    metadata, segment = metadata_of(tmp_path, rows=99)
    with pytest.raises(IntegrityError, match=r"p2.parquet is not the part .* expected 99 rows with meta.lang, got 100"):
        metadata.matching(segment, filter_of({"lang": "ko"}))
