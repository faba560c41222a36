"""What dead rows cost a search: time and recall among live rows, beside an index that never held the dead ones.

    python benchmarks/dead_rows.py --rows 50000 --dimensions 128

Rows die at random, or all together around what is asked, as when a topic is deleted.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import faiss
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns, schema
from operators.core.encoder_spec import Kind
from operators.index.backend import open_searcher
from operators.index.build import BuiltIndex, build_segment
from operators.index.dense import FILE
from operators.index.searcher import Searcher
from operators.index.spec import IndexSpec

SHARES = (0.0, 0.1, 0.2, 0.3, 0.5)
QUERIES = 64
K = 100
_TOPICS, _SPREAD = 60, 0.8


def main() -> None:
    """Print a line for each backend, way to die and share."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=128)
    asked = parser.parse_args()
    topics = np.random.default_rng(0).standard_normal((_TOPICS, asked.dimensions))
    stored = _vectors(topics, asked.rows, 1)
    orders = {"random": np.random.default_rng(4).permutation(asked.rows), "together": np.argsort(-(stored @ topics[0]))}
    queries = {"random": _vectors(topics, QUERIES, 2), "together": _vectors(topics[:1], QUERIES, 3)}
    print("                         ms a query            recall@100")
    print("index  died      share   masked  alone  ratio  masked   alone  selector  same scores")
    with tempfile.TemporaryDirectory() as folder:
        for dense in ("flat", "hnsw"):
            whole = _build(stored, dense, Path(folder) / dense)
            for died, share in product(orders, SHARES):
                live = np.ones(asked.rows, np.bool_)
                live[orders[died][: int(share * asked.rows)]] = False
                alone = _build(stored[live], dense, Path(folder) / f"{dense}-{died}-{share}")
                line = _compare(whole, alone, stored, queries[died], live)
                print(f"{dense:5}  {died:8}  {share:5.0%}  {line}", flush=True)


def _compare(
    whole: BuiltIndex,
    alone: BuiltIndex,
    stored: NDArray[np.float32],
    queries: NDArray[np.float32],
    live: NDArray[np.bool_],
) -> str:
    reached = np.sort(queries @ stored[live].T, axis=1)[:, -K, None] - 1e-6
    masked = open_searcher(whole.backend, whole.files, whole.settings, whole.rows, live=live, threads=1)
    scratch = open_searcher(alone.backend, alone.files, alone.settings, alone.rows, threads=1)
    (found, ours), (wanted, theirs) = _timed(masked, queries), _timed(scratch, queries)
    recalls = [float((scores >= reached).mean()) for scores in (found, wanted)]
    same = "yes" if np.array_equal(found, wanted) else "no"
    selected = float((_by_selector(whole, queries, live) >= reached).mean())
    times = f"{ours:7.3f}  {theirs:5.3f}  {ours / theirs:5.2f}"
    return f"{times}  {recalls[0]:6.4f}  {recalls[1]:6.4f}  {selected:8.4f}  {same}"


def _by_selector(whole: BuiltIndex, queries: NDArray[np.float32], live: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Scores by FAISS's own way to leave rows out, with as many live candidates."""
    index = faiss.read_index(str(whole.files[FILE]))
    bits = np.packbits(live, bitorder="little")
    facts = {"sel": faiss.IDSelectorBitmap(bits.size, faiss.swig_ptr(bits))}
    if "ef_search" in whole.settings:
        ef = max(whole.settings["ef_search"], K) * whole.rows // int(live.sum())
        params = faiss.SearchParametersHNSW(efSearch=ef, **facts)  # type: ignore[attr-defined]
    else:
        params = faiss.SearchParameters(**facts)
    scores: NDArray[np.float32] = index.search(queries, K, params=params)[0]
    return scores


def _timed(searcher: Searcher, queries: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    table = _table(queries)
    searcher.search(table, K)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        found = searcher.search(table, K)
        seconds.append(time.perf_counter() - start)
    return found.scores, min(seconds) / len(queries) * 1e3


def _vectors(topics: NDArray[np.float64], rows: int, seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    found = topics[rng.integers(0, len(topics), rows)] + _SPREAD * rng.standard_normal((rows, topics.shape[1]))
    unit: NDArray[np.float32] = (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _table(matrix: NDArray[np.float32]) -> pa.Table:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
    return schema.conform(pa.table({columns.VECTOR: lists}), schema.dense(matrix.shape[1]))


def _build(matrix: NDArray[np.float32], dense: str, folder: Path) -> BuiltIndex:
    def load() -> Iterator[pa.Table]:
        yield _table(matrix)

    rows, dimensions = matrix.shape
    spec = IndexSpec.model_validate({"dense": dense, "recall_queries": 1, "hnsw_ef_search": 128})
    folder.mkdir()
    return build_segment(Kind.DENSE, dense, load, dimensions=dimensions, rows=rows, spec=spec, threads=1, folder=folder)


if __name__ == "__main__":
    main()
