"""The demo's sparse encoder against static IDF, and both with the dense one: nDCG@10 and active dimensions.

    PYTHONPATH=. python benchmarks/demo_sparse.py FOLDER... [--documents N] [--queries N] [--kept FOLDER]

Each FOLDER is a judged collection in BEIR layout. Scores are exact, hybrid is reciprocal rank fusion (k = 60) of the
first 100 of each side. `--queries` takes the first N judged ones, `--documents` what answers them and others at random
until there are N: figures of a sample are higher than those of the whole collection. MiniLM reads a document once: its
vectors are the dense encoder's and what `minilm-sparse` expands by. `--kept` keeps them, by collection.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from dense_vectors import dense_vectors
from judged_sample import Sample, read_sample
from numpy.typing import NDArray
from sparse_sides import Sides

from operators.core.encoder_spec import Role
from operators.evaluate.metrics import ndcg
from operators.search.fuse import fuse

_K, _DEPTH = 10, 100
_COLUMNS = ("idf", "minilm-sparse", "dense", "dense + idf", "dense + minilm-sparse")

Ranked = NDArray[np.int64]


def main() -> None:
    """Print a row a collection, and their mean."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1_000_000)
    parser.add_argument("--kept", type=Path, help="a folder for the dense vectors")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    asked = parser.parse_args()
    print("| nDCG@10 | documents | queries |", " | ".join(_COLUMNS), "| active dimensions: idf, minilm-sparse |")
    print("| --- " * (len(_COLUMNS) + 4) + "|")
    rows = [_row(read_sample(folder, asked.documents, asked.queries), asked.kept) for folder in asked.folders]
    print("| mean | | |", _cells(np.mean([scores for scores, _ in rows], axis=0)), "| |")
    if asked.json:
        figures = [{**dict(zip(_COLUMNS, scores.tolist(), strict=True)), "active": active} for scores, active in rows]
        asked.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


def _row(sample: Sample, kept: Path | None) -> tuple[NDArray[np.float64], float]:
    """Each column's nDCG, and the active dimensions of a document by `minilm-sparse`."""
    documents = dense_vectors(sample.texts, Role.DOCUMENT, kept and kept / f"{sample.name}_d.npy")
    queries = dense_vectors([each.text for each in sample.queries], Role.QUERY, kept and kept / f"{sample.name}_q.npy")
    sides = Sides(sample.texts, [each.text for each in sample.queries], documents)
    ranked = [_best(sides.idf()), _best(sides.minilm_sparse()), _best(queries @ documents.T)]
    rankings = [*ranked, _fused(ranked[0], ranked[2]), _fused(ranked[1], ranked[2])]
    row = np.array([_judged(sample, ranking) for ranking in rankings])
    active = sides.active_dimensions()
    shown = ", ".join(f"{dimensions:.0f}" for dimensions in active)
    print(f"| {sample.name} | {len(sample.ids):,} | {len(sample.queries):,} | {_cells(row)} | {shown} |", flush=True)
    return row, float(active[-1])


def _best(scores: NDArray[np.float32]) -> Ranked:
    """The first rows of each query, equal scores by row."""
    ranked: Ranked = np.argsort(-scores, axis=1, kind="stable")[:, :_DEPTH]
    return ranked


def _fused(left: Ranked, right: Ranked) -> Ranked:
    pairs = zip(left.tolist(), right.tolist(), strict=True)
    return np.array([[row for row, _ in fuse(pair)][:_DEPTH] for pair in pairs])


def _judged(sample: Sample, ranking: Ranked) -> float:
    ids = np.array(sample.ids, dtype=object)
    hits = np.array(
        [[key in query.relevant for key in ids[row[:_K]]] for query, row in zip(sample.queries, ranking, strict=True)]
    )
    return float(ndcg(hits, np.array([len(query.relevant) for query in sample.queries]), _K).mean())


def _cells(figures: NDArray[np.float64]) -> str:
    return " | ".join(f"{figure:.3f}" for figure in figures)


if __name__ == "__main__":
    main()
