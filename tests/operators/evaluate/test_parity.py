"""The figures that sentence-transformers' evaluators give for the same vectors."""

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from sentence_transformers import SparseEncoder
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.sparse_encoder.evaluation import SparseInformationRetrievalEvaluator

from operators.core.storage import open_store
from operators.evaluate.evaluation import Evaluated, evaluate
from operators.evaluate.judged import read_judged_set
from operators.evaluate.pool import mean_figures
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot
from tests.operators.evaluate.judged_set import (
    ENCODERS,
    QUERIES,
    TEXTS,
    open_hard_collection,
    random_judgments,
    relevant_documents,
    write_judged_set,
)
from tests.operators.search.collection import Chunk, WordEncoder

CUTS = (1, 3, 5, 10, 100)
AT = {key: [*CUTS] for key in ("accuracy_at_k", "precision_recall_at_k", "mrr_at_k", "ndcg_at_k", "map_at_k")}


class Model:
    """An encoder as the evaluators ask one."""

    similarity_fn_name = "dot"
    sparsity = staticmethod(SparseEncoder.sparsity)

    def __init__(self, encoder: WordEncoder) -> None:
        self._encoder = encoder
        self.model_card_data = SimpleNamespace(set_evaluation_metrics=lambda *_, **__: None)

    def encode_query(self, texts: Sequence[str], **asked: Any) -> torch.Tensor:
        matrix = torch.from_numpy(self._encoder.matrix(texts))
        return matrix.to_sparse() if asked.get("convert_to_sparse_tensor") else matrix

    encode_document = encode_query

    @staticmethod
    def similarity(queries: torch.Tensor, documents: torch.Tensor) -> torch.Tensor:
        return queries.to_dense() @ documents.to_dense().T


def evaluated(snapshot: Snapshot, folder: Path, judgments: dict[str, dict[str, int]], *modes: Mode) -> Evaluated:
    judged = read_judged_set(str(write_judged_set(folder, QUERIES, judgments)))
    return evaluate(snapshot, "test", judged, modes, CUTS)


def reference(kind: type, name: str, judgments: dict[str, dict[str, int]]) -> dict[str, float]:
    evaluator = kind(QUERIES, TEXTS, relevant_documents(judgments), write_csv=False, **AT)
    figures: dict[str, float] = evaluator(Model(ENCODERS[name]))
    return {key.removeprefix("dot_"): value for key, value in figures.items()}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    root = tmp_path_factory.mktemp("hard")
    return open_hard_collection(open_store(str(root / "store")), root / "cache")


@pytest.mark.parametrize("seed", [3, 4])
def test_evaluate_dense_gives_the_figures_of_sentence_transformers(
    snapshot: Snapshot, tmp_path: Path, seed: int
) -> None:
    judgments = random_judgments(seed)
    found = evaluated(snapshot, tmp_path, judgments, Mode.DENSE)
    expected = reference(InformationRetrievalEvaluator, "meaning", judgments)
    assert dict(found.modes[Mode.DENSE].figures()) == pytest.approx(expected, abs=1e-9)
    assert 0 < expected["ndcg@10"] < 1
    assert found.judged.unjudged >= 6  # five that nobody judged, and q0


@pytest.mark.parametrize("seed", [3, 4])
def test_evaluate_sparse_gives_the_figures_and_the_sparsity_of_sentence_transformers(
    snapshot: Snapshot, tmp_path: Path, seed: int
) -> None:
    """Most queries share a word with fewer than 100 documents: the rest of the 100 are ranked by id, as they are there."""
    judgments = random_judgments(seed)
    found = evaluated(snapshot, tmp_path, judgments, Mode.SPARSE)
    expected = reference(SparseInformationRetrievalEvaluator, "words", judgments)
    figures = {name.removeprefix("words_"): figure for name, figure in found.modes[Mode.SPARSE].figures()}
    assert figures == pytest.approx(expected, abs=1e-6)
    assert list(figures)[-5:] == [
        "query_active_dims", "query_sparsity_ratio", "corpus_active_dims", "corpus_sparsity_ratio", "avg_flops",
    ]  # fmt: skip
    assert expected["avg_flops"] > 0.05


def test_evaluate_ties_at_the_last_place_go_by_id(snapshot: Snapshot, tmp_path: Path) -> None:
    """One word: a dozen documents score 1, and those kept for a cut of 5 are the ones with the lowest ids."""
    tied = sorted(doc_id for doc_id, text in TEXTS.items() if text.split().count("w7") == 1)
    assert len(tied) >= 12
    judged = read_judged_set(str(write_judged_set(tmp_path, {"q": "w7"}, {"q": {tied[4]: 1, tied[5]: 1}})))
    more = sum(text.split().count("w7") > 1 for text in TEXTS.values())
    found = evaluate(snapshot, "test", judged, [Mode.SPARSE], [5 + more])
    assert found.modes[Mode.SPARSE].scores[f"recall@{5 + more}"].tolist() == [0.5]


def test_evaluate_chunks_count_their_document_once_by_the_best(tmp_path: Path) -> None:
    ids = list(TEXTS)
    rows = [Chunk(ids[number // 3], text, number % 3) for number, text in enumerate(TEXTS.values())]
    snapshot = open_hard_collection(open_store(str(tmp_path / "store")), tmp_path / "cache", rows)
    documents = sorted({row.doc_id for row in rows})
    judgments = {query: {documents[place % 140]: 1 for place in (n, 3 * n, 7 * n)} for n, query in enumerate(QUERIES)}
    found = evaluated(snapshot, tmp_path / "set", judgments, Mode.DENSE, Mode.SPARSE)
    assert found.documents == 140
    evaluator = InformationRetrievalEvaluator(
        QUERIES, dict.fromkeys(documents, ""), relevant_documents(judgments), **AT
    )
    for mode, encoder in ((Mode.DENSE, ENCODERS["meaning"]), (Mode.SPARSE, ENCODERS["words"])):
        scores = encoder.matrix(list(QUERIES.values())) @ encoder.matrix([row.text for row in rows]).T
        best = {doc_id: scores[:, [row.doc_id == doc_id for row in rows]].max(axis=1) for doc_id in documents}
        ranked = [
            [{"corpus_id": doc_id, "score": float(best[doc_id][query])} for doc_id in documents]
            for query in range(len(QUERIES))
        ]
        expected = evaluator.compute_metrics(ranked)
        for name, scores_by_query in found.modes[mode].scores.items():
            metric, k = name.split("@")
            assert scores_by_query.mean() == pytest.approx(expected[f"{metric}@k"][int(k)], abs=1e-9), (mode, name)


def test_evaluate_dead_rows_are_neither_found_nor_counted(tmp_path: Path) -> None:
    gone = [number for number, doc_id in enumerate(TEXTS) if doc_id < "d0040"]
    snapshot = open_hard_collection(open_store(str(tmp_path / "store")), tmp_path / "cache", dead=gone)
    judgments = random_judgments()
    found = evaluated(snapshot, tmp_path / "set", judgments, Mode.SPARSE)
    alive = {doc_id: text for doc_id, text in TEXTS.items() if doc_id >= "d0040"}
    evaluator = SparseInformationRetrievalEvaluator(
        QUERIES, alive, relevant_documents(judgments), write_csv=False, **AT
    )
    expected = {key.removeprefix("dot_"): value for key, value in evaluator(Model(ENCODERS["words"])).items()}
    figures = {name.removeprefix("words_"): figure for name, figure in found.modes[Mode.SPARSE].figures()}
    assert figures == pytest.approx(expected, abs=1e-6)
    relevant = set().union(
        *relevant_documents({name: judgments[name] for name in QUERIES if name in judgments}).values()
    )
    assert (found.relevant, found.held) == (len(relevant), len(relevant & set(alive)))


def test_evaluate_hybrid_ranks_as_search_does(snapshot: Snapshot, tmp_path: Path) -> None:
    judgments = random_judgments()
    found = evaluated(snapshot, tmp_path, judgments, Mode.HYBRID).modes[Mode.HYBRID]
    asked = [name for name in QUERIES if relevant_documents(judgments).get(name)]
    firsts = [snapshot.search(QUERIES[name], 101)[0].doc_id for name in asked]
    expected = [first in relevant_documents(judgments)[name] for name, first in zip(asked, firsts, strict=True)]
    assert found.scores["accuracy@1"].tolist() == [float(right) for right in expected]
    assert found.sparsity == {}


def test_mean_of_two_collections_weighs_them_alike_and_pools_their_vectors(snapshot: Snapshot, tmp_path: Path) -> None:
    """As the NanoBEIR evaluators do, whose data no test can fetch."""
    few = list(TEXTS)[:90]
    second = open_hard_collection(
        open_store(str(tmp_path / "store")),
        tmp_path / "cache",
        [Chunk(doc_id, f"{TEXTS[doc_id]} w1 w2") for doc_id in few],
    )
    sets = [random_judgments(3), {name: {few[0]: 1, few[1]: 1} for name in list(QUERIES)[:9]}]
    both = [
        evaluated(snapshot, tmp_path / "first", sets[0], Mode.SPARSE, Mode.DENSE),
        evaluated(second, tmp_path / "second", sets[1], Mode.SPARSE),
    ]
    means = mean_figures(both)
    assert list(means) == [Mode.SPARSE]
    figures = [dict(each.modes[Mode.SPARSE].figures()) for each in both]
    for name in both[0].modes[Mode.SPARSE].scores:
        assert means[Mode.SPARSE][name] == pytest.approx(np.mean([each[name] for each in figures]))
    words = ENCODERS["words"]
    queries = words.matrix([query.text for each in both for query in each.judged.queries]) != 0
    corpus = words.matrix([*TEXTS.values(), *(f"{TEXTS[doc_id]} w1 w2" for doc_id in few)]) != 0
    pooled = means[Mode.SPARSE]
    assert pooled["words_query_active_dims"] == pytest.approx(queries.sum(axis=1).mean())
    assert pooled["words_corpus_sparsity_ratio"] == pytest.approx(1 - corpus.mean())
    assert pooled["words_avg_flops"] == pytest.approx(queries.mean(axis=0) @ corpus.mean(axis=0))
