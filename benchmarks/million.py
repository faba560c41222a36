"""A million synthetic documents through `millrace index` on Ray: seconds of every step, and the peak of memory.

    python benchmarks/million.py [--documents N] [--segment-rows N]

Documents are 40 words of a vocabulary of 20,000, as frequent as those of a language. Encoders are the hashing ones
(dense 128 dimensions, sparse 30,000), as it is the pipeline and the indexes that are looked at. Memory is the
proportional set size of all processes of the run, shared pages divided, looked at every second; Ray's object store is
among it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from processes import tree_memory

_WORDS, _LENGTH, _FILES = 20_000, 40, 20
_MIB = 1 << 20


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--segment-rows", type=int, default=200_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        size = _write(Path(folder) / "corpus", asked.documents)
        print(f"{asked.documents:,} documents, {size / _MIB:,.0f} MiB; {platform.machine()}, {os.cpu_count()} cores")
        summary, peak = _run(Path(folder), asked.segment_rows)
    steps = ", ".join(f"{name} {seconds:.0f}" for name, seconds in summary["stages"].items())
    print(f"{summary['seconds']:.0f} s ({steps}); {summary['bytes'] / _MIB:,.0f} MiB published")
    recall = ", ".join(f"{name} {value:.3f}" for name, value in summary["recall"].items())
    print(f"recall {recall}; peak of memory {sum(peak.values()) / _MIB:,.0f} MiB:")
    for title, found in sorted(peak.items(), key=lambda item: -item[1])[:8]:
        print(f"  {found / _MIB:8,.0f} MiB  {title}")


def _write(folder: Path, documents: int) -> int:
    folder.mkdir()
    rng = np.random.default_rng(0)
    per_file = -(-documents // _FILES)
    for number in range(_FILES):
        first, last = number * per_file, min(documents, (number + 1) * per_file)
        words = rng.zipf(1.3, (last - first, _LENGTH)) % _WORDS
        rows = (
            json.dumps({"_id": f"d{first + row}", "text": " ".join(f"w{word}" for word in each)}) + "\n"
            for row, each in enumerate(words)
        )
        (folder / f"{number:02}.jsonl").write_text("".join(rows), encoding="utf-8")
    return sum(path.stat().st_size for path in folder.iterdir())


def _run(folder: Path, segment_rows: int) -> tuple[dict[str, Any], dict[str, int]]:
    """The run's summary, and bytes by kind of process at the moment when all held most."""
    recipe = {
        "collection": "sample",
        "store": str(folder / "store"),
        "source": {"format": "jsonl", "uri": str(folder / "corpus")},
        "encoders": {
            "dense": {"kind": "dense", "model": "hashing", "dimensions": 128},
            "sparse": {"kind": "sparse", "model": "hashing", "dimensions": 30_000},
        },
        "index": {"segment_rows": segment_rows},
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "millrace"), "index", str(folder / "recipe.yaml"), "--json"]
    peak: dict[str, int] = {}
    with (folder / "summary.json").open("w+", encoding="utf-8") as out, subprocess.Popen(command, stdout=out) as driver:
        while driver.poll() is None:
            now = tree_memory(driver.pid)
            peak = max(peak, now, key=lambda each: sum(each.values()))
            time.sleep(1)
    if driver.returncode:
        raise SystemExit(f"the run ended with {driver.returncode}: {' '.join(command)}")
    return json.loads((folder / "summary.json").read_text(encoding="utf-8")), peak


if __name__ == "__main__":
    main()
