"""What a night costs: a full build, then a night of a few changes, of none, and of renamed files.

    python benchmarks/nightly.py CORPUS [--documents N] [--files F] [--json FILE]

Documents of CORPUS (BEIR layout) lie in F files; the night changes 1 % of them, deletes 0.5 % and adds 0.5 %, spread
over all files. Every run is `millrace index` as a process of its own with the two default encoders, from its start to
its end. The last line is of a corpus in which 30 % of the documents repeat the text of another.
"""

import argparse
import json
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from beir import read_texts

_CHANGED, _DELETED, _ADDED, _REPEATED = 0.01, 0.005, 0.005, 0.3
Texts = dict[str, str]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--documents", type=int, default=100_000, help="of the full build")
    parser.add_argument("--files", type=int, default=20)
    parser.add_argument("--json", type=Path, help="also write every run's summary to this file")
    asked = parser.parse_args()
    more = int(asked.documents * _ADDED)
    # Texts that repeat are told apart, or they would be encoded once: that is the last line's subject.
    texts = list(dict.fromkeys(read_texts(asked.corpus, 2 * asked.documents)))[: asked.documents + more]
    first = {f"d{row:07d}": text for row, text in enumerate(texts[: asked.documents])}
    night = _night(first, texts[asked.documents :])
    print(f"{asked.corpus.name}, {len(first):,} documents in {asked.files} files, {platform.machine()}, {_versions()}")
    print("\n| run | wall | of full build | encoded | reused | encoding work of full build | steps |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for run in _runs(Path(folder), asked.files, first, night):
            runs.append(run)
            print(_row(run, runs[0]), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(runs), encoding="utf-8")


def _night(first: Texts, added: list[str]) -> Texts:
    chance = random.Random(0)  # noqa: S311 - a sample, no secret
    names = chance.sample(sorted(first), int(len(first) * (_CHANGED + _DELETED)))
    changed, deleted = names[: int(len(first) * _CHANGED)], names[int(len(first) * _CHANGED) :]
    after = {name: text for name, text in first.items() if name not in set(deleted)}
    after |= {name: f"{after[name]} (changed)" for name in changed}
    return after | {f"n{row:07d}": text for row, text in enumerate(added)}


def _runs(folder: Path, files: int, first: Texts, night: Texts) -> Iterator[dict[str, Any]]:
    def index(name: str, texts: Texts | None, collection: str = "first", prefix: str = "part") -> dict[str, Any]:
        if texts is not None:
            _write(folder / "corpus", files, texts, prefix)
        return {"name": name, **_index(folder, collection)}

    names = list(first)
    repeated = {name: first[names[row % int(len(names) * (1 - _REPEATED))]] for row, name in enumerate(names)}
    yield index("full build", first)
    yield index("night of 2 % changes", night)
    yield index("night without a change", None)
    yield index("night of renamed files", night, prefix="renamed")
    yield index("30 % repeated texts, full build", repeated, "second")


def _write(corpus: Path, files: int, texts: Texts, prefix: str) -> None:
    corpus.mkdir(exist_ok=True)
    for old in corpus.iterdir():
        old.unlink()
    rows = sorted(texts.items())
    for number in range(files):
        lines = (json.dumps({"_id": name, "text": text}) for name, text in rows[number::files])
        (corpus / f"{prefix}-{number:03d}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _index(folder: Path, collection: str) -> dict[str, Any]:
    recipe = {
        "collection": collection,
        "store": str(folder / "store"),
        "source": {"format": "jsonl", "uri": str(folder / "corpus")},
        "encoders": {
            "dense": {"kind": "dense", "model": "all-MiniLM-L6-v2", "precision": "auto"},
            "sparse": {"kind": "sparse", "model": "idf"},
        },
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "millrace"), "index", str(folder / "recipe.yaml"), "--json"]
    started = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return {"wall": time.perf_counter() - started, **json.loads(done.stdout)}


def _row(run: dict[str, Any], full: dict[str, Any]) -> str:
    work = _encoding(run) / _encoding(full)
    steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in run["stages"].items())
    share = run["wall"] / full["wall"]
    cells = (f"{run['wall']:.1f} s", f"{share:.1%}", f"{run['encoded']:,}", f"{run['reused']:,}", f"{work:.1%}")
    return f"| {run['name']} | {' | '.join(cells)} | {steps} |"


def _encoding(run: dict[str, Any]) -> float:
    """Seconds that encoders were busy, loading apart."""
    busy: dict[str, float] = run["busy"]
    return sum(seconds for name, seconds in busy.items() if name.startswith("encode"))


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("ray", "torch", "transformers", "polars"))


if __name__ == "__main__":
    main()
