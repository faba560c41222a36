from pathlib import Path

import numpy as np
import pytest

from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError, UsageError
from operators.core.storage import Store, open_store
from operators.search.fuse import fuse
from operators.search.mode import Mode, parse_mode
from operators.search.snapshot import Snapshot
from tests.operators.search.collection import ENCODERS, Chunk, WordEncoder, open_snapshot, publish, random_texts

TEXTS = random_texts(130)
ROWS = [Chunk(f"d{number}", text, topic=f"t{number % 3}") for number, text in enumerate(TEXTS)]
QUERIES = random_texts(8, words=3, seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def opened(store: Store, tmp_path: Path, rows: list[Chunk] = ROWS, **settings: object) -> Snapshot:
    return open_snapshot(store, publish(store, rows, **settings), tmp_path / "cache")  # type: ignore[arg-type]


def exact(kind: Kind, query: str, texts: list[str] = TEXTS) -> list[tuple[int, float]]:
    """All rows with their inner products, best first, ties by row; sparse only above 0."""
    encoder = WordEncoder(kind)
    scores = (encoder.matrix([query]).astype(np.float64) @ encoder.matrix(texts).T.astype(np.float64))[0]
    ranked = sorted(enumerate(scores.tolist()), key=lambda item: (-item[1], item[0]))
    return ranked if kind is Kind.DENSE else [(row, score) for row, score in ranked if score > 0]


def test_search_one_kind_equals_exact_search(store: Store, tmp_path: Path) -> None:
    snapshot = opened(store, tmp_path)
    for query in QUERIES:
        sparse = snapshot.search(query, 10, Mode.SPARSE)
        assert [(hit.doc_id, hit.score) for hit in sparse] == [
            (f"d{row}", s) for row, s in exact(Kind.SPARSE, query)[:10]
        ]
        assert [(hit.rank, hit.sparse_rank, hit.dense_rank) for hit in sparse] == [
            (rank, rank, None) for rank in range(1, len(sparse) + 1)
        ]
        dense = snapshot.search(query, 10, Mode.DENSE)
        assert [hit.doc_id for hit in dense] == [f"d{row}" for row, _ in exact(Kind.DENSE, query)[:10]]
        expected = [score for _, score in exact(Kind.DENSE, query)[:10]]
        np.testing.assert_allclose([hit.score for hit in dense], expected, atol=1e-6)
        assert all(hit.score == hit.dense_score and hit.sparse_score is None for hit in dense)


def test_search_hybrid_for_many_hits_fuses_as_many_ranks(store: Store, tmp_path: Path) -> None:
    """Fused from the first 100 rows of each side alone, the last of 60 hits would be others."""
    snapshot = opened(store, tmp_path)
    for query in QUERIES:
        rankings = [[row for row, _ in exact(kind, query)] for kind in Kind]
        expected = [f"d{row}" for row, _ in fuse(rankings)[:60]]
        assert [hit.doc_id for hit in snapshot.search(query, 60)] == expected


def test_search_hybrid_fuses_the_ranks_of_both(store: Store, tmp_path: Path) -> None:
    snapshot = opened(store, tmp_path)
    for query in QUERIES:
        dense, sparse = ([row for row, _ in exact(kind, query)][:100] for kind in Kind)
        expected = fuse([dense, sparse])[:10]
        hits = snapshot.search(query)
        assert [hit.doc_id for hit in hits] == [f"d{row}" for row, _ in expected]
        np.testing.assert_allclose([hit.score for hit in hits], [score for _, score in expected])
        for hit, (row, _) in zip(hits, expected, strict=True):
            assert hit.dense_rank == (dense.index(row) + 1 if row in dense else None)
            assert hit.sparse_rank == (sparse.index(row) + 1 if row in sparse else None)


@pytest.mark.parametrize("mode", list(Mode))
def test_search_many_segments_equals_one(tmp_path: Path, mode: Mode) -> None:
    stores = [open_store(str(tmp_path / name)) for name in ("one", "many")]
    one = opened(stores[0], tmp_path, part_rows=130)
    many = opened(stores[1], tmp_path, part_rows=7, segment_rows=20)
    assert len(one.manifest.segments) == 1
    assert len(many.manifest.segments) > 5
    assert many.search_many(QUERIES, 25, mode) == one.search_many(QUERIES, 25, mode)


def test_search_many_equals_single_searches(store: Store, tmp_path: Path) -> None:
    snapshot = opened(store, tmp_path)
    assert snapshot.search_many(QUERIES, 5, Mode.SPARSE) == [snapshot.search(q, 5, Mode.SPARSE) for q in QUERIES]
    assert snapshot.search_many([], 5) == []


@pytest.mark.parametrize("mode", list(Mode))
def test_rank_documents_gives_ids_and_scores_of_the_hits(store: Store, tmp_path: Path, mode: Mode) -> None:
    rows = [Chunk(f"d{number // 5}", text, number % 5) for number, text in enumerate(TEXTS)]
    snapshot = opened(store, tmp_path, rows)
    vectors = {name: snapshot.encode(name, QUERIES) for name in snapshot.encoders(mode)}
    hits = snapshot.search_many(QUERIES, 20, mode)
    assert hits == snapshot.search_vectors(vectors, 20)
    assert snapshot.rank_documents(vectors, 20) == [[(hit.doc_id, hit.score) for hit in found] for found in hits]


def test_search_hit_carries_text_span_and_metadata(store: Store, tmp_path: Path) -> None:
    hit = opened(store, tmp_path).search(TEXTS[41], 1)[0]
    assert (hit.doc_id, hit.text, hit.metadata) == ("d41", TEXTS[41], {"topic": "t2"})
    assert (hit.chunk, hit.span) == (0, (0, len(TEXTS[41])))
    assert (hit.rank, hit.dense_rank, hit.sparse_rank) == (1, 1, 1)
    assert hit.facts()["doc_id"] == "d41"


def test_search_without_kept_text_gives_none(store: Store, tmp_path: Path) -> None:
    assert opened(store, tmp_path, keep_text=False).search(TEXTS[3], 1)[0].text is None


def test_search_chunks_gives_each_document_once_by_its_best(store: Store, tmp_path: Path) -> None:
    rows = [Chunk(f"d{number // 5}", text, number % 5) for number, text in enumerate(TEXTS)]
    snapshot = opened(store, tmp_path, rows)
    for query in QUERIES:
        best: dict[str, int] = {}
        for row, _ in exact(Kind.SPARSE, query):
            best.setdefault(rows[row].doc_id, row)
        hits = snapshot.search(query, 6, Mode.SPARSE)
        assert [(hit.doc_id, hit.chunk, hit.text) for hit in hits] == [
            (rows[row].doc_id, rows[row].chunk, rows[row].text) for row in list(best.values())[:6]
        ]
        assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))


@pytest.mark.parametrize("mode", list(Mode))
def test_search_chunks_of_few_documents_looks_deeper_until_k(store: Store, tmp_path: Path, mode: Mode) -> None:
    """300 chunks of one document fill the first 100 rows of either side; the others are behind them."""
    rows = [Chunk("long", "w1 w2 w3", number) for number in range(300)]
    rows += [Chunk(f"short{number}", f"w1 w2 w{number + 10}") for number in range(4)]
    hits = opened(store, tmp_path, rows, part_rows=100).search("w1 w2 w3", 5, mode)
    assert hits[0].doc_id == "long"
    assert {hit.doc_id for hit in hits} == {"long", "short0", "short1", "short2", "short3"}


def test_search_k_above_documents_returns_all(store: Store, tmp_path: Path) -> None:
    snapshot = opened(store, tmp_path, ROWS[:7])
    assert {hit.doc_id for hit in snapshot.search("w1", 50, Mode.DENSE)} == {f"d{number}" for number in range(7)}


def test_search_unknown_words_finds_nothing_sparse(store: Store, tmp_path: Path) -> None:
    assert opened(store, tmp_path).search("nothing like that", 5, Mode.SPARSE) == []


def test_search_mode_without_encoder_names_those_there_are(store: Store, tmp_path: Path) -> None:
    snapshot = opened(store, tmp_path, encoders={"words": ENCODERS["words"]})
    with pytest.raises(UsageError, match=r"no dense encoder, it has words \(sparse\)"):
        snapshot.search("w1", 5, Mode.DENSE)
    assert [h.doc_id for h in snapshot.search("w1")] == [h.doc_id for h in snapshot.search("w1", mode=Mode.SPARSE)]


def test_search_two_encoders_of_a_kind_reports_the_better_rank(store: Store, tmp_path: Path) -> None:
    encoders = {"a": WordEncoder(Kind.SPARSE), "b": WordEncoder(Kind.DENSE), "c": WordEncoder(Kind.DENSE, seed=9)}
    manifest = publish(store, ROWS, encoders=encoders)
    snapshot = open_snapshot(store, manifest, tmp_path)
    for hit in snapshot.search(QUERIES[0], 10, Mode.DENSE):
        assert hit.dense_rank is not None
        assert hit.sparse_rank is None
        assert 1 / (60 + hit.dense_rank) <= hit.score <= 2 / (60 + hit.dense_rank)


@pytest.mark.parametrize("k", [0, -3])
def test_search_k_below_one_is_refused(store: Store, tmp_path: Path, k: int) -> None:
    with pytest.raises(UsageError, match=f"k: expected at least 1, got {k}"):
        opened(store, tmp_path).search("w1", k)


def test_parse_mode_unknown_is_refused() -> None:
    assert parse_mode("dense") is Mode.DENSE
    with pytest.raises(UsageError, match="mode 'fuzzy' is unknown: expected one of hybrid, dense, sparse"):
        parse_mode("fuzzy")


def test_open_reads_the_newest_or_the_one_asked_for(store: Store) -> None:
    publish(store, ROWS[:20])
    publish(store, ROWS[:40], snapshot=2)
    assert Snapshot.open(store.uri).manifest.snapshot == 2
    assert Snapshot.open(store.uri, 1).manifest.snapshot == 1
    with pytest.raises(UsageError, match=r"no snapshot 3 .*expected one of 1, 2"):
        Snapshot.open(store.uri, 3)


def test_open_manifest_that_contradicts_itself_is_refused(store: Store, tmp_path: Path) -> None:
    manifest = publish(store, ROWS, part_rows=50, segment_rows=60)
    part = manifest.parts[1].model_copy(update={"rows": 49})
    segments = manifest.segments[:-1]
    damaged = [
        manifest.model_copy(update={"parts": (manifest.parts[0], part, *manifest.parts[2:])}),
        manifest.model_copy(update={"segments": segments}),
        manifest.model_copy(update={"parts": manifest.parts[:-1]}),
    ]
    for wrong in damaged:
        with pytest.raises(IntegrityError, match="snapshot 1 of test contradicts itself"):
            open_snapshot(store, wrong, tmp_path)
    lacking = manifest.model_copy(update={"indexes": {**manifest.indexes, "words": manifest.indexes["words"][:1]}})
    with pytest.raises(IntegrityError, match="encoder words has indexes of"):
        open_snapshot(store, lacking, tmp_path).search("w1")


@pytest.mark.parametrize("query", ["", "  "])
def test_search_blank_query_is_refused(store: Store, tmp_path: Path, query: str) -> None:
    with pytest.raises(UsageError, match="expected words to look for"):
        opened(store, tmp_path).search(query)
