"""Seismic beside the exact index, on the same rows and queries: the trials by which the product decides between them.

    python benchmarks/sparse_seismic.py [--corpus FOLDER] [--rows N] [--topical SHARE] [--recall R] [--all]

All in one process, one query after the other, 100 rows an answer, medians. As in the product, stored vectors are asked
as queries, of indexes of a sample of 100,000 rows. Queries proper, which are shorter, are then asked of the best one.
`--all` goes on to what the product does with all rows: it sweeps, builds, decides. On two cores that takes some ten
minutes for each million rows of SPLADE's size. Needs `pip install 'millrace[seismic]'`.
"""

import argparse
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sparse_vectors import Vectors as Collection
from sparse_vectors import static_idf, synthetic

from operators.core.encoder_spec import Kind
from operators.encode.ragged import sparse_table
from operators.index.backend import open_searcher
from operators.index.build import build_segment
from operators.index.searcher import DEPTH, Searcher
from operators.index.seismic_record import FILE, SETTING
from operators.index.seismic_search import load_seismic
from operators.index.seismic_sweep import Sample, sweep, take_sample
from operators.index.seismic_trial import Trial, fastest, searcher
from operators.index.spec import Backend, IndexSpec
from operators.index.truth import GroundTruth
from operators.index.vectors import Vectors

_PART_ROWS = 50_000
K = 10


def main() -> None:
    """Print a table a collection."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="static IDF of this collection (BEIR layout)")
    parser.add_argument("--corpus-rows", type=int, default=350_000)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the synthetic vectors; 0 leaves them out")
    parser.add_argument("--topical", type=float, default=0.5, help="share of their terms that come from a topic")
    parser.add_argument("--queries", type=int, default=200, help="asked of either kind")
    parser.add_argument("--recall", type=float, default=0.95)
    parser.add_argument("--threads", type=int, default=2, help="of building")
    parser.add_argument("--all", action="store_true", help="build and decide for all rows")
    parser.add_argument("--json", type=Path, help="also write the decisions to this file")
    asked = parser.parse_args()
    figures = []
    if asked.corpus:
        figures.append(_measure(static_idf(asked.corpus, asked.corpus_rows, asked.queries), asked))
    if asked.rows:
        figures.append(_measure(synthetic(asked.rows, asked.queries, asked.topical), asked))
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


def _measure(collection: Collection, asked: argparse.Namespace) -> dict[str, Any]:
    rows, terms = collection.documents.shape
    print(f"{collection.name}, {collection.documents.nnz / rows:.0f} postings a row", flush=True)
    tables = [_table(collection, start) for start in range(0, rows, _PART_ROWS)]
    vectors = Vectors(Kind.SPARSE, terms, rows, partial(iter, tables))
    spec = IndexSpec(seismic_rows=0, recall_queries=asked.queries, recall_k=K)
    queries = _queries(collection)
    with tempfile.TemporaryDirectory() as folder:
        sample = take_sample(vectors, spec, asked.recall, Path(folder))
        best = _sweep(sample, asked.threads)
        if best:
            loaded = load_seismic(Path(folder) / "best", best.record, sample.contest.exact)
            _ask("the best of these", sample.contest.exact, searcher(sample.contest, loaded, best.record), queries)
    figures: dict[str, Any] = {"vectors": collection.name}
    if asked.all:
        with tempfile.TemporaryDirectory() as folder:
            figures |= _decide(vectors, spec, queries, asked, Path(folder))
    print(flush=True)
    return figures


def _sweep(sample: Sample, threads: int) -> Trial | None:
    """Print the trials, and keep the index of the best."""
    exact, truth = sample.contest.exact, sample.contest.truth
    exact.search(truth.queries, DEPTH)
    exact_ms = 1e3 * float(np.median([_one(exact, truth.queries, number)[1] for number in range(len(truth.rows))]))
    print(f"  on {sample.vectors.rows:,} rows, of which each takes exact search {exact_ms:.2f} ms as a query:")
    print("    postings a list, build s, MiB   terms, heap   recall@10   itself        ms   times as fast")
    tried: list[Trial] = []
    for each in sweep(sample, threads):
        tried += each.tried
        if fastest(tried, sample.contest.target) in each.tried:
            (sample.folder / FILE).rename(sample.folder / "best")
        built = f"{each.shape.n_postings:15} {each.seconds:9.1f} {each.bytes >> 20:6}"
        for trial in each.tried:
            print(f"    {built} {_searched(trial, exact_ms)}", flush=True)
    return fastest(tried, sample.contest.target)


def _searched(trial: Trial, exact_ms: float) -> str:
    record, own_ms = trial.record, trial.seconds * 1e3
    found = f"{record.query_cut:5} {record.heap_factor:6} {trial.recall:11.3f} {trial.self_found:8.3f}"
    return f"{found} {own_ms:9.2f} {exact_ms / own_ms:15.1f}"


def _decide(
    vectors: Vectors, spec: IndexSpec, queries: pa.Table, asked: argparse.Namespace, folder: Path
) -> dict[str, Any]:
    """What the product does with all rows: whether seismic is used, and its record or why not."""
    start = time.perf_counter()
    built = build_segment(
        Kind.SPARSE,
        "all",
        vectors.load,
        dimensions=vectors.dimensions,
        rows=vectors.rows,
        spec=spec,
        threads=asked.threads,
        folder=folder,
        target=asked.recall,
    )
    sizes = {name: path.stat().st_size for name, path in built.files.items()}
    exact_bytes = sum(sizes.values()) - sizes.get(FILE, 0)
    print(f"  on all {vectors.rows:,} rows, in {time.perf_counter() - start:,.0f} s: {built.settings[SETTING]}")
    print(f"    exact {exact_bytes >> 20:,} MiB, seismic {sizes.get(FILE, 0) >> 20:,} MiB, {built.measured}")
    if built.backend == Backend.SEISMIC:
        exact = open_searcher(Backend.CSC, built.files, built.settings, vectors.rows, threads=1)
        _ask("it", exact, open_searcher(built.backend, built.files, built.settings, vectors.rows), queries)
    return {"used": built.backend == Backend.SEISMIC, "decision": built.settings[SETTING]}


def _ask(name: str, exact: Searcher, seismic: Searcher, queries: pa.Table) -> None:
    """Queries proper, of both in turn."""
    exact.search(queries, DEPTH)
    pairs = [(_one(exact, queries, number), _one(seismic, queries, number)) for number in range(queries.num_rows)]
    best, found = (np.concatenate([pair[side][0] for pair in pairs]) for side in (0, 1))
    slow, fast = np.median([[pair[0][1], pair[1][1]] for pair in pairs], axis=0) * 1e3
    truth = GroundTruth(_NOTHING, np.ones(0, np.bool_), np.zeros(0, np.int64), queries, best)
    print(
        f"    {queries.num_rows} queries proper of {name}: recall@10 {truth.recall(found, K):.3f}, "
        f"@100 {truth.recall(found, DEPTH):.3f}, {fast:.2f} ms, exact {slow:.2f} ms, {slow / fast:.1f} times"
    )


def _one(asked: Searcher, queries: pa.Table, number: int) -> tuple[np.ndarray, float]:
    query = queries.slice(number, 1)
    start = time.perf_counter()
    found = asked.search(query, DEPTH)
    return found.scores, time.perf_counter() - start


def _table(collection: Collection, start: int) -> pa.Table:
    part = collection.documents[start : start + _PART_ROWS]
    part.sort_indices()
    return sparse_table(np.diff(part.indptr), part.indices, part.data)


def _queries(collection: Collection) -> pa.Table:
    terms, weights = (np.concatenate(each) for each in zip(*collection.queries, strict=True))
    return sparse_table(np.array([len(each) for each, _ in collection.queries]), terms, weights)


#: What a truth is of that is asked for recall alone.
_NOTHING = Vectors(Kind.SPARSE, 0, 0, partial(iter, ()))


if __name__ == "__main__":
    main()
