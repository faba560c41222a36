"""Real collections with the default encoders: counts agree, search is exact, retrieval is as good as the plain script's."""

import json
import math
from collections import Counter, defaultdict
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import scipy.sparse as sp

from operators.core.storage import open_store
from operators.search.mode import Mode
from operators.search.query import open_query_encoder
from operators.search.snapshot import Snapshot
from tests.conftest import data
from tests.pipelines.conftest import Index

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(900)]

ENCODERS = {
    "dense": {"kind": "dense", "model": "all-MiniLM-L6-v2", "precision": "auto"},
    "sparse": {"kind": "sparse", "model": "idf"},
}
#: nDCG@10 (dense, sparse, hybrid) of a plain script with the same encoders and exact search.
SCRIPT = {
    "cranfield": (1398, (0.400, 0.271, 0.410)),
    "belebele-ko": (488, (0.076, 0.129, 0.133)),
}


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.open(encoding="utf-8")]


def _judged(folder: Path) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    relevant: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels" / "test.tsv").read_text().splitlines()[1:]:
        query, document, score = line.split("\t")
        if int(score) > 0:
            relevant[query][document] = int(score)
    return {one["_id"]: one["text"] for one in _lines(folder / "queries.jsonl") if one["_id"] in relevant}, relevant


def _ndcg(found: list[str], relevant: dict[str, int]) -> float:
    gains = [relevant.get(name, 0) for name in found[:10]]
    ideal = sorted(relevant.values(), reverse=True)[:10]
    return _dcg(gains) / _dcg(ideal)


def _dcg(gains: list[int]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


@pytest.mark.one_a_day
@pytest.mark.parametrize("name", list(SCRIPT))
def test_index_real_collection_agrees_with_exact_search_and_the_plain_script(name: str, index: Index) -> None:
    folder = data(name)
    documents, expected = SCRIPT[name]
    uri = str(folder / "corpus.jsonl*")
    summary = index(source={"format": "jsonl", "uri": uri, "text": ["title", "text"]}, encoders=ENCODERS)
    assert (summary.documents, summary.rejected) == (documents, 0)
    snapshot = Snapshot.open(summary.uri)
    queries, relevant = _judged(folder)
    _check_exact(snapshot, summary.uri, list(queries.values())[:50])
    for mode, figure in zip((Mode.DENSE, Mode.SPARSE, Mode.HYBRID), expected, strict=True):
        answers = snapshot.search_many(list(queries.values()), 10, mode)
        pairs = zip(queries, answers, strict=True)
        scores = [_ndcg([hit.doc_id for hit in hits], relevant[query]) for query, hits in pairs]
        assert np.mean(scores) == pytest.approx(figure, abs=0.005), mode


def _check_exact(snapshot: Snapshot, uri: str, queries: list[str]) -> None:
    """The snapshot's answers are the best inner products over the stored vectors, by numpy and by scipy.

    Hybrid answers are the plain reciprocal rank fusion (k = 60, 100 deep) of the exact rankings, equals by row.
    """
    fused: list[Counter[int]] = [Counter() for _ in queries]
    store, manifest = open_store(uri), snapshot.manifest
    names = pl.concat(
        [pl.read_parquet(BytesIO(store.get(part.documents.key)), columns=["doc_id"]) for part in manifest.parts]
    )["doc_id"].to_list()
    for mode in (Mode.DENSE, Mode.SPARSE):
        record = manifest.encoders[mode.value]
        files = {name: Path(store.path(file.key)) for name, file in record.files.items()}
        asked = open_query_encoder(mode.value, record, files).encode(queries)
        stored = pl.concat(
            [pl.read_parquet(BytesIO(store.get(part.vectors[mode.value].key))) for part in manifest.parts]
        )
        scores = _products(stored, pl.from_arrow(asked), record.dimensions)
        for query, hits in enumerate(snapshot.search_many(queries, 10, mode)):
            best = np.sort(scores[query])[::-1][: len(hits)]
            np.testing.assert_allclose([hit.score for hit in hits], best, rtol=1e-4, atol=1e-5)
            rows = [names.index(hit.doc_id) for hit in hits]
            np.testing.assert_allclose(scores[query][rows], best, rtol=1e-4, atol=1e-5)
        for query, own in enumerate(scores):
            ranked = np.lexsort((np.arange(len(own)), -own))[:100]
            fused[query].update({int(row): 1 / (61 + rank) for rank, row in enumerate(ranked) if own[row] > 0})
    for query, hits in enumerate(snapshot.search_many(queries, 10, Mode.HYBRID)):
        best = sorted(fused[query].values(), reverse=True)[:10]
        np.testing.assert_allclose([hit.score for hit in hits], best, rtol=1e-2)
        assert np.mean([hit.score for hit in hits]) == pytest.approx(np.mean(best), rel=2e-3)


def _products(stored: pl.DataFrame, asked: pl.DataFrame, dimensions: int) -> np.ndarray:
    if "vector" in stored.columns:
        return np.stack(asked["vector"].to_list()) @ np.stack(stored["vector"].to_list()).T
    return (_matrix(asked, dimensions) @ _matrix(stored, dimensions).T).toarray()


def _matrix(frame: pl.DataFrame, dimensions: int) -> sp.csr_array:
    starts = np.concatenate([[0], np.cumsum(frame["indices"].list.len().to_numpy())])
    indices, weights = (frame[name].explode().drop_nulls().to_numpy() for name in ("indices", "weights"))
    return sp.csr_array((weights, indices, starts), shape=(len(frame), dimensions))
