"""What a snapshot is worth on a judged set: one value a query of every metric, and how sparse its vectors are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.encoder_spec import Kind
from operators.core.errors import UsageError
from operators.core.manifest import Manifest
from operators.evaluate.judged import JudgedSet
from operators.evaluate.metrics import METRICS, Scores
from operators.evaluate.retrieve import retrieve
from operators.evaluate.sparsity import Sparsity, count_active
from operators.search.fusion import DEFAULT_FUSION, Fusion
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot


@dataclass(frozen=True)
class Evaluation:
    """One mode of a snapshot: `scores` float64 [queries] by metric and cut-off, such as ndcg@10.

    `sparsity` is by encoder, where sparse ones alone were asked.
    """

    scores: Mapping[str, Scores]
    sparsity: Mapping[str, Sparsity]

    def figures(self) -> Iterator[tuple[str, float]]:
        """Means over the queries, then the sparsity of each encoder, by the names of model cards."""
        for name, scores in self.scores.items():
            yield name, float(scores.mean())
        yield from sparsity_figures(self.sparsity)


@dataclass(frozen=True)
class Evaluated:
    """A snapshot's modes on one judged set; `documents` live in the snapshot, `held` of the `relevant` ones too."""

    collection: str
    snapshot: int
    judged: JudgedSet
    documents: int
    relevant: int
    held: int
    modes: Mapping[Mode, Evaluation]
    fusion: Fusion = DEFAULT_FUSION


def sparsity_figures(sparsity: Mapping[str, Sparsity]) -> Iterator[tuple[str, float]]:
    """The figures of several encoders, each with its encoder's name before it."""
    for encoder, each in sparsity.items():
        for name, figure in each.figures():
            yield f"{encoder}_{name}", figure


def default_modes(manifest: Manifest) -> tuple[Mode, ...]:
    """The modes that differ for a snapshot's encoders: each kind there is, and hybrid where there are several."""
    kinds = {encoder.kind for encoder in manifest.encoders.values()}
    alone = tuple(mode for mode in (Mode.DENSE, Mode.SPARSE) if mode.value in kinds)
    return alone if len(manifest.encoders) == 1 else (*alone, Mode.HYBRID)


def evaluate(
    snapshot: Snapshot,
    collection: str,
    judged: JudgedSet,
    modes: Sequence[Mode],
    cuts: Sequence[int],
    fusion: Fusion = DEFAULT_FUSION,
) -> Evaluated:
    """Ask all judged queries in every mode; metrics are taken at each of `cuts`, ranks from 1.

    Raises `UsageError` where a mode asks no encoder of the snapshot, or the snapshot holds no relevant document.
    """
    encoders = {mode: snapshot.encoders(mode) for mode in modes}
    doc_ids = snapshot.doc_ids()
    relevant = judged.relevant
    held = len(relevant.intersection(doc_ids))
    if not held:
        raise UsageError(
            f"{collection} holds none of the {len(relevant):,} relevant documents of {judged.name}, such as "
            f"{min(relevant)!r}: its {len(doc_ids):,} documents have ids such as {doc_ids[0] if doc_ids else ''!r}. "
            f"Index that set's corpus.jsonl with source.id _id, or correct --data"
        )
    used = dict.fromkeys(name for names in encoders.values() for name in names)
    vectors = {name: snapshot.encode(name, judged.texts) for name in used}
    evaluated = {}
    for mode, names in encoders.items():
        asked = {name: vectors[name] for name in names}
        rankings = retrieve(snapshot, asked, max(cuts), doc_ids, fusion)
        scores = score_rankings(rankings, judged, cuts)
        evaluated[mode] = Evaluation(scores, _sparsity(snapshot, asked) if mode is Mode.SPARSE else {})
    number = snapshot.manifest.snapshot
    return Evaluated(collection, number, judged, len(doc_ids), len(relevant), held, evaluated, fusion)


def score_rankings(rankings: Iterator[list[str]], judged: JudgedSet, cuts: Sequence[int]) -> dict[str, Scores]:
    """Every metric at every cut-off, for the document ids found for each query of a set."""
    hits = np.zeros((len(judged.queries), max(cuts)), np.bool_)
    for row, (query, ranking) in enumerate(zip(judged.queries, rankings, strict=True)):
        hits[row, : len(ranking)] = [doc_id in query.relevant for doc_id in ranking]
    relevant: NDArray[np.int64] = np.array([len(query.relevant) for query in judged.queries], np.int64)
    return {f"{name}@{k}": metric(hits, relevant, k) for name, metric in METRICS.items() for k in cuts}


def _sparsity(snapshot: Snapshot, queries: Mapping[str, pa.Table]) -> dict[str, Sparsity]:
    encoders = snapshot.manifest.encoders
    return {
        name: Sparsity(
            count_active([table], encoders[name].dimensions),
            count_active(snapshot.vectors(name), encoders[name].dimensions),
        )
        for name, table in queries.items()
        if encoders[name].kind == Kind.SPARSE
    }
