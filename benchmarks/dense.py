"""Every dense index on the same vectors, tuned to the same recall, beside what autofaiss chooses for as much memory.

    python benchmarks/dense.py vectors.npy --autofaiss /tmp/autofaiss/bin/python
    python benchmarks/dense.py store/wiki/vectors/*/*.parquet --recall 0.99

Build seconds are those of training and adding, without tuning and measuring. Latency is of single queries on one
thread, each for 100 rows, taken round by round in turn; recall is over 1,000 stored vectors against exact search.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from operators.core import columns, schema
from operators.core.encoder_spec import Kind
from operators.core.fingerprint import digest_file
from operators.core.index_records import Recall, TrainedIndex
from operators.core.stored_file import StoredFile
from operators.index.arrays import dense_matrix
from operators.index.backend import open_searcher
from operators.index.choice import SAMPLE_A_LIST, dense_backend, inverted_lists
from operators.index.dense import build_dense, dense_settings
from operators.index.searcher import DEPTH, Found, Searcher, best_first
from operators.index.spec import IndexSpec
from operators.index.trained import Training, train
from operators.index.truth import GroundTruth, ground_truth
from operators.index.tune import Rung, ladder, tune
from operators.index.vectors import Vectors
from operators.index.verify import measure_recall

OURS = ("flat", "hnsw", "ivf-sq8", "ivf-rabitq")
QUERIES, K, ROUNDS = 1_000, 10, 3
_PART_ROWS = 30_000


@dataclass(frozen=True)
class Side:
    """An index that was built and tuned."""

    name: str
    seconds: float
    bytes: int
    settings: str
    searcher: Searcher


@dataclass(frozen=True)
class Plain:
    """An index of FAISS, asked as it is."""

    index: Any
    rows: int

    def search(self, queries: pa.Table, k: int) -> Found:
        """The best rows for a table of `schema.dense(dimensions)`."""
        faiss.omp_set_num_threads(1)
        return best_first(*self.index.search(dense_matrix(queries, self.index.d), k))


def main() -> None:
    """Print a line an index."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("vectors", type=Path, nargs="+", help=".npy of float32, or Parquet files with a column vector")
    parser.add_argument("--recall", type=float, default=0.95)
    parser.add_argument("--threads", type=int, default=2, help="of building")
    parser.add_argument("--autofaiss", type=Path, help="a Python that has autofaiss")
    parser.add_argument(
        "--limit", type=float, default=1800, help="seconds after which a build of autofaiss is given up"
    )
    parser.add_argument("--only", nargs="+", choices=OURS, default=list(OURS), help="these of ours alone")
    parser.add_argument("--candidates", type=int, nargs="+", default=[], help="also graphs built with so many each")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    asked = parser.parse_args()
    matrix = _read(asked.vectors)
    rows, dimensions = matrix.shape
    table = _table(matrix)
    parts = [table.slice(start, _PART_ROWS) for start in range(0, rows, _PART_ROWS)]
    vectors = Vectors(Kind.DENSE, dimensions, rows, lambda: iter(parts))
    truth = ground_truth(vectors, QUERIES, DEPTH)
    print(f"{rows:,} vectors of {dimensions} dimensions, tuned to recall@{K} {asked.recall}")
    with tempfile.TemporaryDirectory() as folder:
        specs = {name: {"dense": name} for name in asked.only}
        sides = [_ours(name, spec, vectors, matrix, truth, asked, Path(folder)) for name, spec in specs.items()]
        if asked.autofaiss:
            np.save(Path(folder) / "vectors.npy", matrix)
            theirs = [_autofaiss(side, truth, asked, Path(folder)) for side in sides if side.name != "flat"]
            sides += [side for side in theirs if side]
        for count in asked.candidates:
            spec = {"dense": "hnsw", "hnsw_ef_construction": count}
            sides.append(_ours(f"hnsw, {count} candidates", spec, vectors, matrix, truth, asked, Path(folder)))
        figures = _print(sides, truth)
    if asked.json:
        asked.json.write_text(json.dumps({"rows": rows, "sides": figures}, indent=2), encoding="utf-8")


def _ours(
    name: str,
    given: dict[str, Any],
    vectors: Vectors,
    matrix: NDArray[np.float32],
    truth: GroundTruth,
    asked: argparse.Namespace,
    parent: Path,
) -> Side:
    folder = parent / name
    folder.mkdir()
    spec = IndexSpec.model_validate(given)
    backend = dense_backend(spec, vectors.rows, vectors.dimensions)
    start = time.perf_counter()
    training = None
    if backend.is_trained:
        lists = inverted_lists(vectors.rows, vectors.rows)
        wanted = min(vectors.rows, lists * SAMPLE_A_LIST)
        sample = np.random.default_rng(0).choice(vectors.rows, wanted, replace=False)
        path = folder / "trained.faiss"
        train(matrix[sample], backend, lists, asked.threads, path)
        file = StoredFile(key="indexes/trained", bytes=path.stat().st_size, sha256=digest_file(path))
        training = Training(path, TrainedIndex(backend=backend, recipe="", lists=lists, rows=wanted, file=file))
    files = build_dense(vectors, backend, spec, training, asked.threads, folder)
    seconds = time.perf_counter() - start
    settings = dense_settings(vectors, backend, spec, training)

    def open_with(rung: Rung) -> Searcher:
        return open_searcher(backend, files, {**settings, **rung}, vectors.rows, threads=1)

    rung = tune(open_with, ladder(backend, spec, settings, vectors.rows), truth, K, asked.recall)
    shown = {key: settings[key] for key in ("lists", "m") if key in settings} | dict(rung)
    index_bytes = files["dense.faiss"].stat().st_size
    return Side(name, seconds, index_bytes, _shown(shown), open_with(rung))


def _autofaiss(like: Side, truth: GroundTruth, asked: argparse.Namespace, folder: Path) -> Side | None:
    """Its own choice for the memory that one of ours takes; None where it took too long."""
    path = folder / f"autofaiss-{like.name}"
    request: dict[str, Any] = {"vectors": str(folder / "vectors.npy"), "index": str(path)}
    request |= {"memory": like.bytes, "threads": asked.threads}
    name = f"autofaiss, {like.name}'s memory"
    command = [asked.autofaiss, Path(__file__).with_name("side_autofaiss.py")]
    said = json.dumps(request)
    try:
        done = subprocess.run(command, input=said, stdout=subprocess.PIPE, check=True, text=True, timeout=asked.limit)
    except subprocess.TimeoutExpired:
        print(f"{name}: not built within {asked.limit:,.0f} s")
        return None
    answer = json.loads(done.stdout.splitlines()[-1])
    rungs = list(_rungs(faiss.read_index(str(path))))

    def open_with(rung: Rung) -> Searcher:
        index = faiss.read_index(str(path))
        space = faiss.ParameterSpace()
        for name, value in rung.items():
            space.set_index_parameter(index, name, value)
        return Plain(index, index.ntotal)

    rung = tune(open_with, rungs, truth, K, asked.recall)
    return Side(name, answer["seconds"], path.stat().st_size, f"{answer['key']} {_shown(rung)}", open_with(rung))


def _rungs(index: Any) -> Iterator[Rung]:
    """How far an index of FAISS can search, cheapest first."""
    inner = faiss.downcast_index(index.index) if hasattr(index, "index") else index
    if hasattr(inner, "hnsw"):
        yield from ({"efSearch": ef} for ef in (100, 128, 192, 256, 384, 512, 768, 1024, 2048))
    elif hasattr(inner, "nlist"):
        powers = (1 << power for power in range(inner.nlist.bit_length()))
        yield from ({"nprobe": nprobe} for nprobe in powers if nprobe <= inner.nlist)
    else:
        yield {}


def _print(sides: Sequence[Side], truth: GroundTruth) -> dict[str, dict[str, float]]:
    found = {}
    measured: dict[str, list[Recall]] = {side.name: [] for side in sides}
    for _ in range(ROUNDS):
        for side in sides:
            measured[side.name].append(measure_recall(side.searcher, truth, K))
    header = f"recall@{K}  @{DEPTH}"
    print(f"{'index':30}  build s  B/vector  {header}  p50 ms  p99 ms  settings")
    for side in sides:
        taken = measured[side.name]
        figures = [each.figures for each in taken if each.figures]
        p50, p99 = (min(getattr(each, name) for each in figures) for name in ("p50_ms", "p99_ms"))
        line = f"{side.name:30}  {side.seconds:7.1f}  {side.bytes / side.searcher.rows:8.0f}  {taken[0].recall:9.4f}"
        print(f"{line}  {figures[0].recall:.3f}  {p50:6.3f}  {p99:6.3f}  {side.settings}")
        found[side.name] = {"seconds": side.seconds, "bytes": side.bytes, "recall": taken[0].recall, "p50_ms": p50}
    return found


def _shown(settings: Rung) -> str:
    return " ".join(f"{name}={value}" for name, value in settings.items())


def _read(paths: Sequence[Path]) -> NDArray[np.float32]:
    found = []
    for path in paths:
        if path.suffix == ".npy":
            found.append(np.load(path, allow_pickle=False))
        else:
            column: Any = pq.read_table(path, columns=[columns.VECTOR])[columns.VECTOR].combine_chunks()
            found.append(column.flatten().to_numpy().reshape(len(column), -1))
    return np.ascontiguousarray(np.vstack(found), np.float32)


def _table(matrix: NDArray[np.float32]) -> pa.Table:
    lists = pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])
    return schema.conform(pa.table({columns.VECTOR: lists}), schema.dense(matrix.shape[1]))


if __name__ == "__main__":
    main()
