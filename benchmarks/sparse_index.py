"""Building and exact search of the sparse index, against scipy, pyseismic's brute force and a plain pass over postings.

    python benchmarks/sparse_index.py [--rows N] [--corpus FOLDER] [--queries N] [--rounds R]

One thread on every side, k=10, the same vectors; millrace is given all queries at once, as `evaluate` does. Rounds
alternate between the sides, figures are each side's best round; scores are compared with the plain pass. Each turn is
run once before it is timed: a virtual machine takes memory away that was idle while the others had theirs (here reading
43 MB took 127 ms after 3 s, 250 after 10). pyseismic (`pip install pyseismic-lsr==0.5.4`) is left out where it is not
installed. Building reads Arrow tables in memory; what it takes beside them, pages of its mapped output included, is the
growth of the process to its peak.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ["RAYON_NUM_THREADS"] = "1"  # pyseismic's; its own argument is not heeded

import numba
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from processes import forget_peak, peak_memory
from sparse_vectors import Vectors as Sample
from sparse_vectors import static_idf, synthetic

from operators.core.encoder_spec import Kind
from operators.encode.ragged import sparse_table
from operators.index.backend import open_searcher
from operators.index.sparse import build_sparse
from operators.index.vectors import Vectors

K = 10
_PART_ROWS = 50_000
Answer = tuple[NDArray[np.int64], NDArray[np.float32]]
Query = tuple[NDArray[np.uint32], NDArray[np.float32]]
Search = Callable[[list[Query]], list[Answer]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the synthetic vectors; 0 leaves them out")
    parser.add_argument("--corpus", type=Path, help="also static IDF of this collection (BEIR layout)")
    parser.add_argument("--corpus-rows", type=int, default=350_000)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    asked = parser.parse_args()
    samples = []
    print(f"{platform.machine()}, numba {version('numba')}, scipy {version('scipy')}, one thread, k={K}\n")
    if asked.rows:
        samples += [partial(synthetic, asked.rows, asked.queries, topical) for topical in (0.0, 0.5)]
    if asked.corpus:
        samples.append(partial(static_idf, asked.corpus, asked.corpus_rows, asked.queries))
    figures = [_measure(sample(), asked.rounds) for sample in samples]
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")


def _measure(sample: Sample, rounds: int) -> dict[str, Any]:
    postings = sample.documents.nnz
    print(f"{sample.name}: {postings:,} postings, {postings / sample.documents.shape[0]:.0f} a row")
    with tempfile.TemporaryDirectory() as folder:
        millrace, built = _millrace(sample, Path(folder))
        sides = {
            "millrace": millrace,
            "plain pass": _plain(sample),
            "scipy product": _scipy(sample),
        }
        sides |= _seismic(sample)
        best = dict.fromkeys(sides, np.inf)
        answers: dict[str, list[Answer]] = {}
        for _ in range(rounds):
            for name, search in sides.items():
                search(sample.queries)
                start = time.perf_counter()
                answers[name] = search(sample.queries)
                best[name] = min(best[name], time.perf_counter() - start)
    agree = {name: _agreement(answers[name], answers["plain pass"]) for name in sides}
    times = {name: seconds / best["millrace"] for name, seconds in best.items()}
    for name, seconds in best.items():
        each = seconds / len(sample.queries) * 1e3
        print(f"  {name:16} {each:8.2f} ms a query, {times[name]:6.2f} times millrace, {agree[name]:.2%} as plain")
    print(flush=True)
    return {"vectors": sample.name, **built, "times": times, "agree": agree}


def _tables(sample: Sample) -> list[pa.Table]:
    found = []
    for start in range(0, sample.documents.shape[0], _PART_ROWS):
        part = sample.documents[start : start + _PART_ROWS]
        part.sort_indices()
        found.append(sparse_table(np.diff(part.indptr), part.indices, part.data))
    return found


def _millrace(sample: Sample, folder: Path) -> tuple[Search, dict[str, float]]:
    """How it searches, and what building it took."""
    rows, vocabulary = sample.documents.shape
    tables = _tables(sample)

    def load() -> Iterator[pa.Table]:
        return iter(tables)

    vectors = Vectors(Kind.SPARSE, vocabulary, rows, load)
    warm = Vectors(Kind.SPARSE, vocabulary, 10, lambda: iter([tables[0].slice(0, 10)]))
    with tempfile.TemporaryDirectory() as other:
        build_sparse(warm, Path(other))
    before = forget_peak()
    start = time.perf_counter()
    files = build_sparse(vectors, folder)
    seconds, output = time.perf_counter() - start, sum(path.stat().st_size for path in files.values())
    rate, memory = sample.documents.nnz / seconds, (peak_memory() - before) / output
    print(f"  built in {seconds:.1f} s: {rate / 1e6:.1f} M postings/s, {output >> 20:,} MiB, memory {memory:.1f} times")
    searcher = open_searcher("csc", files, {"vocabulary": vocabulary}, rows, threads=1)

    def search(queries: list[Query]) -> list[Answer]:
        found = searcher.search(_table(queries), K)
        return list(zip(found.rows, found.scores, strict=True))

    return search, {"postings_per_second": rate, "memory_of_output": memory}


def _table(queries: list[Query]) -> pa.Table:
    terms, weights = (np.concatenate(each) for each in zip(*queries, strict=True))
    return sparse_table(np.array([len(each) for each, _ in queries]), terms, weights)


def _each(one: Callable[[NDArray[np.uint32], NDArray[np.float32]], Answer]) -> Search:
    return lambda queries: [one(*query) for query in queries]


def _plain(sample: Sample) -> Search:
    """Every posting of the query's terms, once, in one pass over float32 weights."""
    columns = sample.documents.tocsc()
    totals = np.empty(columns.shape[0], np.float32)

    def search(terms: NDArray[np.uint32], weights: NDArray[np.float32]) -> Answer:
        rows, scores = np.full(K, -1, np.int64), np.full(K, -np.inf, np.float32)
        _add_all(columns.indptr, columns.indices, columns.data, terms, weights, totals, rows, scores)
        return rows, scores

    return _each(search)


@numba.njit(nogil=True)
def _add_all(indptr, docs, values, terms, weights, totals, rows, scores):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    totals[:] = 0
    for number in range(terms.size):
        weight = weights[number]
        for at in range(indptr[terms[number]], indptr[terms[number] + 1]):
            totals[docs[at]] += weight * values[at]
    for row in range(totals.size):
        if totals[row] > scores[-1]:
            place = scores.size - 1
            while place > 0 and totals[row] > scores[place - 1]:
                scores[place], rows[place] = scores[place - 1], rows[place - 1]
                place -= 1
            scores[place], rows[place] = totals[row], row


def _scipy(sample: Sample) -> Search:
    vocabulary = sample.documents.shape[1]

    def search(terms: NDArray[np.uint32], weights: NDArray[np.float32]) -> Answer:
        query = np.zeros(vocabulary, np.float32)
        query[terms] = weights
        scores = sample.documents @ query
        best = np.argpartition(-scores, K)[:K]
        best = best[np.lexsort((best, -scores[best]))]
        return best, scores[best]

    return _each(search)


def _seismic(sample: Sample) -> dict[str, Search]:
    try:
        from seismic import SeismicDataset, get_seismic_string
    except ImportError:
        return {}
    matrix, kind = sample.documents, get_seismic_string()
    dataset = SeismicDataset(dim=matrix.shape[1])
    names = [str(row) for row in range(matrix.shape[0])]
    dataset.add_documents_by_id(
        names, matrix.indices.astype(np.int64), matrix.data.astype(np.float32), matrix.indptr.astype(np.int64)
    )

    def search(terms: NDArray[np.uint32], weights: NDArray[np.float32]) -> Answer:
        found = dataset.search("q", terms.astype(str).astype(kind), weights, k=K)
        return np.array([int(each[2]) for each in found]), np.array([each[1] for each in found], np.float32)

    return {"pyseismic brute": _each(search)}


def _agreement(found: list[Answer], expected: list[Answer]) -> float:
    """Share of the places at which both have a row of the same score, to float32's last bits."""
    pairs = zip(found, expected, strict=True)
    same = [np.isclose(own[1][: len(other[1])], other[1][: len(own[1])], rtol=1e-4) for own, other in pairs]
    return float(np.mean(np.concatenate(same)))


if __name__ == "__main__":
    main()
