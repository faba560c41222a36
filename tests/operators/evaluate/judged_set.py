"""Judged sets on disk, and a collection that makes them hard: many ties, whole numbers, ids in another order than rows."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from operators.core.encoder_records import EncoderRecord
from operators.core.encoder_spec import Kind
from operators.core.storage import Store
from operators.search.cache import FileCache
from operators.search.snapshot import Snapshot
from tests.operators.search.collection import WORDS, Chunk, WordEncoder, publish, random_texts

#: Inner products of whole numbers are the same in every order of summing, so that equal scores are equal everywhere.
_DIMENSIONS = 8


@dataclass(frozen=True)
class WholeNumbers(WordEncoder):
    """Dense: the sum of a vector of small whole numbers for each word."""

    @property
    def dimensions(self) -> int:
        return _DIMENSIONS

    def matrix(self, texts: object) -> np.ndarray:
        basis = np.random.default_rng(5).integers(-1, 2, (len(WORDS), _DIMENSIONS))
        counts = WordEncoder(Kind.SPARSE).matrix(texts)  # type: ignore[arg-type]
        return (counts @ basis).astype(np.float32)


ENCODERS: dict[str, WordEncoder] = {"meaning": WholeNumbers(Kind.DENSE), "words": WordEncoder(Kind.SPARSE)}
#: Ids in an order that has nothing to do with that of the rows.
_IDS = [f"d{number:04d}" for number in np.random.default_rng(2).permutation(420)]
TEXTS = dict(zip(_IDS, random_texts(420, words=4), strict=True))
QUERIES = {f"q{number}": text for number, text in enumerate(random_texts(40, words=3, seed=1))}


def random_judgments(seed: int = 3) -> dict[str, dict[str, int]]:
    """One to seven judgments for most queries, some of them 0 and of documents that are nowhere; q0 has none but 0."""
    rng = np.random.default_rng(seed)
    ids = [*sorted(TEXTS)[:60], "nowhere-1", "nowhere-2"]
    judged = {
        query: {str(doc_id): int(rng.integers(0, 3)) for doc_id in rng.choice(ids, rng.integers(1, 8), replace=False)}
        for query in list(QUERIES)[:35]
    }
    return judged | {"q0": {ids[0]: 0}, "of another split": {ids[1]: 1}}


def relevant_documents(judgments: Mapping[str, Mapping[str, int]]) -> dict[str, set[str]]:
    return {query: {doc_id for doc_id, score in found.items() if score > 0} for query, found in judgments.items()}


def write_judged_set(
    folder: Path, queries: Mapping[str, str], judgments: Mapping[str, Mapping[str, int]], split: str = "test"
) -> Path:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"_id": query, "text": text}, ensure_ascii=False) for query, text in queries.items()]
    (folder / "queries.jsonl").write_text("\n".join(lines) + "\n")
    rows = [f"{query}\t{doc_id}\t{score}" for query, found in judgments.items() for doc_id, score in found.items()]
    (folder / "qrels" / f"{split}.tsv").write_text("\n".join(["query-id\tcorpus-id\tscore", *rows]) + "\n")
    return folder


def open_hard_collection(store: Store, root: Path, rows: list[Chunk] | None = None, **settings: object) -> Snapshot:
    """A snapshot of `TEXTS`, or of other rows, in two segments."""
    chunks = rows or [Chunk(doc_id, text) for doc_id, text in TEXTS.items()]
    manifest = publish(store, chunks, part_rows=50, segment_rows=250, encoders=ENCODERS, **settings)  # type: ignore[arg-type]
    return Snapshot(store, manifest, FileCache(root), _open)


def _open(name: str, record: EncoderRecord, files: Mapping[str, Path]) -> WordEncoder:
    return ENCODERS[name]
