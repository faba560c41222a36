"""The convex combination of all scores of all rows, whatever part of them a search looks at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from operators.core.encoder_spec import Kind
from operators.core.errors import UsageError
from operators.core.storage import Store, open_store
from operators.search.fusion import Convex, ReciprocalRank, parse_fusion
from operators.search.hit import Hit
from operators.search.mode import Mode
from tests.operators.index.tables import dense_table, sparse_table
from tests.operators.search.collection import ENCODERS, Chunk, WordEncoder, open_snapshot, publish, random_texts

TEXTS = random_texts(400)
ROWS = [Chunk(f"d{number}", text) for number, text in enumerate(TEXTS)]
QUERIES = random_texts(6, words=3, seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def brute_force(
    encoders: Mapping[str, WordEncoder], query: str, shares: Mapping[str, float], texts: Sequence[str] = TEXTS
) -> list[tuple[str, float]]:
    """All documents, best first: every row scored by every encoder, in numpy and float64."""
    total = np.zeros(len(texts))
    for name, encoder in encoders.items():
        scores = encoder.matrix(texts).astype(np.float64) @ encoder.matrix([query])[0].astype(np.float64)
        least = -1.0 if encoder.kind is Kind.DENSE else 0.0
        if scores.max() > least:
            total += shares[name] * (scores - least) / (scores.max() - least)
    return [(f"d{row}", float(total[row])) for row in np.argsort(-total, kind="stable")]


def check(hits: Sequence[Hit], expected: Sequence[tuple[str, float]]) -> None:
    np.testing.assert_allclose([hit.score for hit in hits], [score for _, score in expected], atol=1e-6)
    assert [hit.doc_id for hit in hits] == [doc_id for doc_id, _ in expected]


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.5, 1.0])
def test_search_convex_equals_all_scores_of_all_rows(store: Store, tmp_path: Path, weight: float) -> None:
    """Each encoder is asked for 100 of 400 rows: the scores of most rows of the answer come from the stored vectors."""
    manifest = publish(store, ROWS, part_rows=37, segment_rows=120)
    snapshot = open_snapshot(store, manifest, tmp_path / "cache")
    shares = {"meaning": weight, "words": 1 - weight}
    answers = snapshot.search_many(QUERIES, 20, fusion=Convex(weight))
    filled = 0
    for query, hits in zip(QUERIES, answers, strict=True):
        check(hits, brute_force(ENCODERS, query, shares)[:20])
        filled += sum(hit.dense_rank is None for hit in hits)
    assert filled or weight == 1.0


def test_search_convex_for_fewer_hits_gives_the_first_of_many(store: Store, tmp_path: Path) -> None:
    snapshot = open_snapshot(store, publish(store, ROWS, part_rows=100), tmp_path / "cache")
    for query in QUERIES:
        many = snapshot.search(query, 60, fusion=Convex(0.7))
        few = snapshot.search(query, 7, fusion=Convex(0.7))
        check(few, [(hit.doc_id, hit.score) for hit in many[:7]])


def test_search_convex_shares_a_kinds_weight_among_its_encoders(store: Store, tmp_path: Path) -> None:
    encoders = {"a": WordEncoder(Kind.DENSE), "b": WordEncoder(Kind.SPARSE), "c": WordEncoder(Kind.DENSE, seed=9)}
    snapshot = open_snapshot(store, publish(store, ROWS, encoders=encoders, part_rows=150), tmp_path / "cache")
    for query in QUERIES:
        vectors = {name: encoder.encode([query]) for name, encoder in encoders.items()}
        both = snapshot.search_vectors(vectors, 15, fusion=Convex(0.6))[0]
        check(both, brute_force(encoders, query, {"a": 0.3, "b": 0.4, "c": 0.3})[:15])
        del vectors["b"]
        dense = {name: encoders[name] for name in "ac"}
        alone = snapshot.search_vectors(vectors, 15, fusion=Convex(0.6))[0]
        check(alone, brute_force(dense, query, {"a": 0.5, "c": 0.5})[:15])


def test_search_convex_of_one_encoder_gives_its_own_scores(store: Store, tmp_path: Path) -> None:
    snapshot = open_snapshot(store, publish(store, ROWS), tmp_path / "cache")
    for mode in (Mode.DENSE, Mode.SPARSE):
        assert snapshot.search_many(QUERIES, 9, mode, fusion=Convex()) == snapshot.search_many(QUERIES, 9, mode)


def test_search_convex_where_no_word_is_known_goes_by_meaning(store: Store, tmp_path: Path) -> None:
    snapshot = open_snapshot(store, publish(store, ROWS[:50]), tmp_path / "cache")
    vectors = {"meaning": ENCODERS["meaning"].encode(["w1 w2"]), "words": ENCODERS["words"].encode(["unheard of"])}
    hits = snapshot.search_vectors(vectors, 50, fusion=Convex(0.5))[0]
    expected = brute_force({"meaning": ENCODERS["meaning"]}, "w1 w2", {"meaning": 0.5}, TEXTS[:50])
    check(hits, expected)


@dataclass(frozen=True)
class Numbers:
    """A text is two numbers: the cosine of its dense vector with (1, 0), and its only sparse weight."""

    kind: Kind
    dimensions: int = 2

    def encode(self, texts: Sequence[str]) -> pa.Table:
        pairs = [[float(word) for word in text.split()] for text in texts]
        if self.kind is Kind.DENSE:
            return dense_table(np.array([[cosine, sqrt(1 - cosine**2)] for cosine, _ in pairs], np.float32))
        return sparse_table(np.array([[weight, 0] for _, weight in pairs], np.float32))


def test_search_convex_finds_a_row_that_is_good_for_both_and_among_the_first_of_neither(
    store: Store, tmp_path: Path
) -> None:
    """150 rows are best in meaning and have no word, 150 the other way round; the best sum is behind both."""
    meaning = [f"{1 - number / 1e4} 0.0001" for number in range(150)]
    words = [f"-0.9 {10 - number / 1e3}" for number in range(150)]
    rows = [Chunk(f"d{number}", text) for number, text in enumerate([*meaning, *words, "0.8 9"])]
    encoders = {"meaning": Numbers(Kind.DENSE), "words": Numbers(Kind.SPARSE)}
    snapshot = open_snapshot(store, publish(store, rows, encoders=encoders, part_rows=80), tmp_path / "cache")
    vectors = {name: encoder.encode(["1 1"]) for name, encoder in encoders.items()}
    best = snapshot.search_vectors(vectors, 2, fusion=Convex(0.5))[0][0]
    assert best.doc_id == "d300"
    assert best.score == pytest.approx(0.5 * 1.8 / 2 + 0.5 * 9 / 10, abs=1e-3)
    assert (best.dense_rank, best.sparse_rank) == (151, 151)


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_convex_weight_that_is_no_share_is_refused(weight: float) -> None:
    with pytest.raises(UsageError, match=f"weight {weight}: expected the share of the dense encoders, from 0 to 1"):
        Convex(weight)


def test_parse_fusion_knows_two_and_gives_no_weight_to_ranks() -> None:
    assert parse_fusion("rrf", None) == ReciprocalRank()
    assert parse_fusion("convex", None) == Convex(0.7)
    assert parse_fusion("convex", 0.0) == Convex(0.0)
    with pytest.raises(UsageError, match="reciprocal rank fusion has no weight"):
        parse_fusion("rrf", 0.5)
    with pytest.raises(UsageError, match="fusion 'sum' is unknown: expected one of rrf, convex"):
        parse_fusion("sum", None)
