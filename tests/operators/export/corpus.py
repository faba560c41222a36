"""A published collection that is hard to export: odd ids, no terms, high term ids, dead rows, several segments."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from operators.core import columns, schema
from operators.core.encoder_records import EncoderRecord
from operators.core.encoder_spec import Kind
from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.search.cache import FileCache
from operators.search.hit import Hit
from operators.search.snapshot import Snapshot
from tests.operators.search.collection import WORDS, Chunk, WordEncoder, publish, random_texts

#: Beyond 16 bits, as XLM-R's 250,002 word pieces are.
VOCABULARY = 100_003
#: The term of the word w0.
FAINT = 577
ODD_IDS = [
    'say "hello"',
    "line\nbreak\r\n",
    "tab\tand\0zero",
    "back\\slash/slash?query=1#2",
    "한국어 문서",
    "🪿 \u2028 \u2029",
    "{}],",
    "ü" * 300,
]
NO_TERMS = "no terms"
#: Rows that live no more: one odd id, the ends of parts, half of the last segment.
DEAD = {3, 9, 10, 49, *range(100, 130, 2)}


@dataclass(frozen=True)
class WideEncoder:
    """Sparse vectors of real weights whose terms are spread over a large vocabulary."""

    kind: Kind = Kind.SPARSE
    dimensions: int = VOCABULARY

    def row(self, text: str) -> dict[int, float]:
        found = {}
        for word in text.split():
            if word in WORDS:
                number = WORDS.index(word)
                weight = np.float32(np.log1p(text.split().count(word)) * (0.3 + number / 40))
                found[(number * 1_259 + 577) % VOCABULARY] = float(weight)
        return dict(sorted(found.items()))

    def encode(self, texts: Sequence[str]) -> pa.Table:
        rows = [self.row(text) for text in texts]
        lists = {columns.INDICES: [list(row) for row in rows], columns.WEIGHTS: [list(row.values()) for row in rows]}
        return pa.table(lists, schema=schema.SPARSE)


class FaintEncoder(WideEncoder):
    """The same, but that w0 weighs next to nothing where it is a text's first word."""

    def row(self, text: str) -> dict[int, float]:
        faint = FAINT if text.startswith("w0") else None
        return {term: 1e-4 if term == faint else weight for term, weight in super().row(text).items()}


class LongEncoder(WordEncoder):
    """Dense vectors of different lengths, so that an inner product is no cosine."""

    def matrix(self, texts: Sequence[str]) -> np.ndarray:
        lengths = np.array([[1 + text.count("1")] for text in texts], np.float32)
        return super().matrix(texts) * lengths


DENSE, SPARSE = LongEncoder(Kind.DENSE), WideEncoder()
ENCODERS = {"dense": DENSE, "sparse": SPARSE}
TEXTS = [*random_texts(129), "nothing of the vocabulary"]
ROWS = [
    Chunk(doc_id, text, topic=None if number % 3 == 0 else f"t{number % 3}")
    for number, (doc_id, text) in enumerate(
        zip([*ODD_IDS, *(f"d{number}" for number in range(8, 129)), NO_TERMS], TEXTS, strict=True)
    )
]
LIVE = [row for number, row in enumerate(ROWS) if number not in DEAD]
QUERIES = random_texts(8, words=3, seed=1)


def published(store: Store, rows: Sequence[Chunk] = ROWS, **settings: object) -> Manifest:
    """The collection, in 6 parts and 3 segments."""
    defaults = {"part_rows": 25, "segment_rows": 50, "dead": DEAD, "encoders": ENCODERS}
    return publish(store, rows, **{**defaults, **settings})  # type: ignore[arg-type]


def opened(store: Store, manifest: Manifest, root: Path) -> Snapshot:
    return Snapshot(store, manifest, FileCache(root), _open_encoder)


def _open_encoder(name: str, record: EncoderRecord, files: Mapping[str, Path]) -> WordEncoder | WideEncoder:
    return DENSE if record.kind == Kind.DENSE else SPARSE


def sparse_tolerance(hits: Sequence[Hit]) -> float:
    """Millrace's own index keeps 11 bits of a weight: a score is off by at most 2^-11 of itself."""
    return hits[0].score * 2**-11 + 1e-6


def query_vector(query: str) -> list[float]:
    return [float(value) for value in DENSE.matrix([query])[0]]


def assert_same_top(hits: Sequence[Hit], found: Sequence[tuple[str, float]], tolerance: float) -> None:
    """Other engines' (id, score) are Millrace's, but for the order of scores that are `tolerance` apart."""
    assert hits
    assert len(found) == len(hits)
    np.testing.assert_allclose([score for _, score in found], [hit.score for hit in hits], atol=tolerance, rtol=0)
    expected, scores = {hit.doc_id: hit.score for hit in hits}, dict(found)
    assert len(scores) == len(found), "an id twice"
    last = hits[-1].score
    assert {doc_id for doc_id, score in expected.items() if score > last + 2 * tolerance} <= set(scores)
    for doc_id in set(scores) & set(expected):
        assert abs(scores[doc_id] - expected[doc_id]) <= tolerance
    assert all(score <= last + 2 * tolerance for doc_id, score in scores.items() if doc_id not in expected)


def assert_same_sparse(hits: Sequence[Hit], found: Sequence[tuple[str, float]]) -> None:
    """`assert_same_top` of engines that keep float32 weights."""
    assert_same_top(hits, found, sparse_tolerance(hits))
