"""What two segments with dead rows cost a search, beside one clean index of the same documents.

    python benchmarks/segments.py [--documents N] [--queries N]

Six tenths of N documents are indexed in a first night; in a second one a tenth of those change and the rest comes: two
segments, the first with 10 % dead rows. From scratch the same documents are one segment. Both are asked the same
queries in turn, one at a time, k=10, from memory maps. Encoders are the hashing ones, dense with 384 dimensions: a
search does not know where vectors are from.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np

from operators.search.cache import FileCache
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot
from pipelines.display import NoDisplay
from pipelines.inline import InlineCluster
from pipelines.job import plan_job
from pipelines.load import load_recipe
from pipelines.progress import Progress
from pipelines.run import run_on

_FIRST, _CHANGED = 0.6, 0.1
_WORDS, _LENGTH = 20_000, 40
_K, _ROUNDS = 10, 3
_ENCODERS = {
    "dense": {"kind": "dense", "model": "hashing", "dimensions": 384},
    "sparse": {"kind": "sparse", "model": "hashing", "dimensions": 30_000},
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    asked = parser.parse_args()
    texts = list(_texts(asked.documents, 1))
    first, changed = int(_FIRST * len(texts)), int(_FIRST * _CHANGED * len(texts))
    before = [*_texts(changed, 2), *texts[changed:first]]
    with tempfile.TemporaryDirectory() as folder:
        worn = [_index(Path(folder) / "worn", night) for night in (before, texts)][-1]
        clean = _index(Path(folder) / "clean", texts)
        segments = [f"{each.rows:,} rows, {each.rows - each.live:,} dead" for each in worn.manifest.segments]
        print(f"{len(texts):,} documents in {'; '.join(segments)}; {platform.machine()}")
        queries = list(_texts(asked.queries, 3))
        figures = {mode.value: _compare(worn, clean, mode, queries) for mode in (Mode.DENSE, Mode.SPARSE)}
    if asked.json:
        asked.json.write_text(json.dumps({"documents": len(texts), **figures}, indent=2), encoding="utf-8")


def _texts(count: int, seed: int) -> Iterator[str]:
    """Words that are as frequent as those of a language (Zipf's law)."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield " ".join(f"w{word % _WORDS}" for word in rng.zipf(1.3, _LENGTH))


def _index(folder: Path, texts: Sequence[str]) -> Snapshot:
    corpus = folder / "corpus" / "corpus.jsonl"
    corpus.parent.mkdir(parents=True, exist_ok=True)
    rows = (json.dumps({"_id": str(number), "text": text}) + "\n" for number, text in enumerate(texts))
    corpus.write_text("".join(rows), encoding="utf-8")
    recipe = {
        "collection": "sample",
        "store": str(folder / "store"),
        "source": {"format": "jsonl", "uri": str(corpus)},
        "encoders": _ENCODERS,
        "metrics": {"enabled": False},
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    job = plan_job(load_recipe(path))
    summary = run_on(lambda: nullcontext(InlineCluster(2.0, 0.0, 1)), job, Progress(NoDisplay()))
    return Snapshot.open(summary.uri, cache=FileCache(folder / "cache"))


def _compare(worn: Snapshot, clean: Snapshot, mode: Mode, queries: Sequence[str]) -> dict[str, float]:
    sides = {"two segments, dead rows": worn, "one clean index": clean}
    seconds = {name: np.full(len(queries), np.inf) for name in sides}
    scores: dict[str, list[list[float]]] = {}
    for _ in range(_ROUNDS + 1):  # the first brings the files into memory
        for name, snapshot in sides.items():
            scores[name] = []
            for number, query in enumerate(queries):
                start = time.perf_counter()
                hits = snapshot.search(query, _K, mode)
                seconds[name][number] = min(seconds[name][number], time.perf_counter() - start)
                scores[name].append([hit.score for hit in hits])
    same = np.mean([a == b for a, b in zip(*scores.values(), strict=True)])
    worn_ms, clean_ms = (float(np.median(each)) * 1e3 for each in seconds.values())
    figures = f"{worn_ms:.2f} ms and {clean_ms:.2f} ms a query (median)"
    print(f"  {mode.value:6}  {figures}, ratio {worn_ms / clean_ms:.2f}; {same:.1%} of answers have the same scores")
    return {"ratio": worn_ms / clean_ms, "same": float(same)}


if __name__ == "__main__":
    main()
