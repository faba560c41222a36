"""Is memory flat after warm-up? `millrace index` of many documents, with each worker's memory by tenths of the run.

    python benchmarks/memory.py CORPUS [CORPUS ...] [--documents N] [--json FILE]

N documents are taken of each CORPUS, a folder in BEIR layout, and indexed together with the demo's two encoders. The
table has the proportional set size (shared pages divided among their users) of each kind of worker, summed, as medians
of tenths of the encoding pass; the last line compares the last tenth with the fifth: an encoder's memory grows until it
has met its largest batch, and the second encoder starts when the first has done a part.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from beir import read_texts
from processes import tree_memory

_WORKERS = ("ReadPart", "Tokenize", "EncodeDense", "EncodeSparse", "WritePart", "driver")
_MIB = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path, nargs="+")
    parser.add_argument("--documents", type=int, default=25_000, help="first documents of each corpus to take")
    parser.add_argument("--json", type=Path, help="also write every sample to this file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        count = _write(asked.corpora, asked.documents, Path(folder) / "corpus")
        samples = list(_run(Path(folder)))
    if asked.json:
        asked.json.write_text(json.dumps(samples), encoding="utf-8")
    names = ", ".join(corpus.name for corpus in asked.corpora)
    print(f"{names}, {count:,} documents, {os.cpu_count()} cores, {samples[-1]['seconds']:.0f} s\n")
    _print(samples)


def _write(corpora: list[Path], documents: int, target: Path) -> int:
    target.mkdir()
    total = 0
    for corpus in corpora:
        texts = read_texts(corpus, documents)
        total += len(texts)
        rows = (json.dumps({"_id": f"{corpus.name}/{row}", "text": text}) for row, text in enumerate(texts))
        (target / f"{corpus.name}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return total


def _run(folder: Path) -> Iterator[dict[str, float]]:
    """One sample a second, in bytes by kind of worker, while the index is built."""
    recipe = {
        "collection": "sample",
        "store": str(folder / "store"),
        "source": {"format": "jsonl", "uri": str(folder / "corpus")},
        "encoders": {
            "dense": {"kind": "dense", "model": "all-MiniLM-L6-v2"},
            "sparse": {"kind": "sparse", "model": "minilm-sparse"},
        },
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "millrace"), "index", str(folder / "recipe.yaml"), "--json"]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as driver:
        while driver.poll() is None:
            yield {"seconds": time.monotonic() - started, **_memory(driver.pid)}
            time.sleep(1)
    if driver.returncode:
        raise SystemExit(f"the run ended with {driver.returncode}: {' '.join(command)}")


def _memory(driver: int) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for title, size in tree_memory(driver).items():
        if name := next((name for name in _WORKERS if name in title), None):
            found[name] += size
    return found


def _print(samples: list[dict[str, float]]) -> None:
    encoding = [sample for sample in samples if "EncodeDense" in sample]
    tenths = [encoding[len(encoding) * n // 10 : len(encoding) * (n + 1) // 10] for n in range(10)]
    names = [name for name in _WORKERS if any(name in sample for sample in encoding)]
    print("| tenth |", " | ".join(names), "|\n|", "--- |" * (len(names) + 1), sep="")
    medians = [{name: statistics.median(s.get(name, 0.0) for s in tenth) / _MIB for name in names} for tenth in tenths]
    for number, row in enumerate(medians, 1):
        print(f"| {number} |", " | ".join(f"{row[name]:,.0f} MiB" for name in names), "|")
    growth = ", ".join(f"{name} {medians[-1][name] / medians[4][name]:.2f}x" for name in names if medians[4][name])
    print(f"\nlast tenth over fifth: {growth}")


if __name__ == "__main__":
    main()
