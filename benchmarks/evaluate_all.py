"""How good search is with a recipe's encoders, on every judged collection of a folder: index each, evaluate, print.

    python benchmarks/evaluate_all.py DATA [--recipe FILE] [--store FOLDER] [--only NAME ...] [--skip NAME ...]

DATA holds one folder a collection in BEIR layout; those without corpus, queries or judgments are passed over. Encoders
are those of the recipe, by default the demo's, and all else is the same for all: title and text joined by a space. A
store that is kept is brought up to date, so that a changed encoder costs itself alone.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_COMMAND = str(Path(sys.executable).parent / "millrace")
_RECIPE = Path(__file__).resolve().parents[1] / "pipelines" / "recipes" / "demo.yaml"
_METRICS = ("ndcg@10", "recall@100")
_SPARSITY = ("query_active_dims", "corpus_active_dims", "avg_flops")
_BEIR = ("corpus.jsonl*", "queries.jsonl*", "qrels/*.tsv*")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--recipe", type=Path, default=_RECIPE, help="whose encoders are used")
    parser.add_argument("--store", type=Path, help="keep the collections here; by default a folder that goes")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these collections alone")
    parser.add_argument("--skip", nargs="+", metavar="NAME", default=[], help="all but these")
    parser.add_argument("--json", type=Path, help="also write what `millrace evaluate --json` says to this file")
    asked = parser.parse_args()
    folders = [
        each for each in judged(asked.data) if each.name in (asked.only or [each.name]) and each.name not in asked.skip
    ]
    with tempfile.TemporaryDirectory() as folder:
        collections = [_index(each, asked.recipe, asked.store or Path(folder)) for each in folders]
        found = _evaluate(collections, folders)
    print("\n".join(table(found)))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2), encoding="utf-8")


def judged(data: Path) -> list[Path]:
    """The folders that hold all three parts of a judged set, by name."""
    return [each for each in sorted(data.iterdir()) if all(any(each.glob(pattern)) for pattern in _BEIR)]


def _index(data: Path, recipe: Path, store: Path) -> str:
    values = {
        "collection": data.name,
        "store": str(store.resolve()),
        "source": {"format": "jsonl", "uri": str(data.resolve() / "corpus.jsonl*"), "text": ["title", "text"]},
    }
    overrides = [word for key, value in values.items() for word in ("--set", f"{key}={json.dumps(value)}")]
    uri: str = json.loads(_run("index", str(recipe), *overrides, "--json"))["uri"]
    return uri


def _evaluate(collections: Sequence[str], folders: Sequence[Path]) -> dict[str, Any]:
    data = [word for each in folders for word in ("--data", str(each))]
    found: dict[str, Any] = json.loads(_run("evaluate", *collections, *data, "--json"))
    return found


def _run(*arguments: str) -> str:
    return subprocess.run([_COMMAND, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def table(found: Mapping[str, Any]) -> Iterator[str]:
    """Markdown lines, one a collection and one of the mean where there are several."""
    collections = found["collections"]
    modes = list(collections[0]["modes"])
    figures = [f"{metric} {mode}" for metric in _METRICS for mode in modes]
    header = ["collection", "documents", "queries", *figures, *(name.replace("_", " ") for name in _SPARSITY)]
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for each in collections:
        counts = [f"{each['documents']:,}", f"{each['queries']:,}"]
        yield f"| {' | '.join([each['data'], *counts, *_cells(each['modes'], modes)])} |"
    if found["mean"]:
        yield f"| {' | '.join(['**mean**', '', '', *_cells(found['mean'], modes)])} |"


def _cells(figures: Mapping[str, Mapping[str, float]], modes: Sequence[str]) -> Iterator[str]:
    for metric in _METRICS:
        yield from (f"{figures[mode][metric]:.4f}" for mode in modes)
    sparse = figures.get("sparse", {})
    for ending in _SPARSITY:
        yield ", ".join(f"{figure:.1f}" for name, figure in sparse.items() if name.endswith(ending)) or "-"


if __name__ == "__main__":
    main()
