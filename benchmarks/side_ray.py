"""The side of Millrace through Ray: a whole `millrace index` of the texts, of which the encoding pass counts.

Its time is from when all models are loaded until the last part is written: where the clock of the engine alone starts,
all is imported and loaded, too. What was read and tokenized meanwhile is not counted, though the engine alone tokenizes
within its time: of 30,000 short texts that were all of them, 2 of its 61 s.
"""

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from operators.core.encoder_spec import EncoderSpec
from operators.core.span import LOADING
from operators.encode.precision import resolve_precision
from pipelines.command import index_recipe
from pipelines.display import NoDisplay
from pipelines.load import load_recipe
from pipelines.summary import Summary

#: The recipe's name for the one encoder.
_NAME = "encoder"


def main() -> None:
    """Index into a new store, and answer with the seconds of the encoding pass less those of loading the models."""
    request = json.load(sys.stdin)
    folder = Path(request["folder"])
    started = time.perf_counter()
    summary = index_recipe(load_recipe(_recipe(request, folder)), None, NoDisplay())
    spans = list(_spans(folder, summary))
    loads = [span for span in spans if span["stage"] == f"{LOADING}{_NAME}"]
    ready = max(span["ended"] for span in loads)
    answer: dict[str, Any] = {
        "seconds": max(span["ended"] for span in spans) - ready,
        "load": max(span["ended"] - span["began"] for span in loads),
        "busy": summary.busy,
        "stages": summary.stages,
        "whole": time.perf_counter() - started,
    }
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _recipe(request: dict[str, Any], folder: Path) -> Path:
    texts = json.loads(Path(request["texts"]).read_text(encoding="utf-8"))
    corpus = folder / "corpus"
    corpus.mkdir()
    with (corpus / "corpus.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"_id": str(row), "text": text}) + "\n" for row, text in enumerate(texts))
    spec = resolve_precision(EncoderSpec.model_validate(request["spec"]))
    recipe = {
        "collection": "sample",
        "store": str(folder / "store"),
        "source": {"format": "jsonl", "uri": str(corpus)},
        "encoders": {_NAME: spec.model_dump(mode="json", exclude_none=True)},
        "publish": {"min_recall": 0.0},
        "resources": {"threads_per_actor": request.get("threads")},
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe), encoding="utf-8")
    return path


def _spans(folder: Path, summary: Summary) -> Iterator[dict[str, Any]]:
    """Every stage's work on every part, and the loading of every worker's model."""
    receipts = (folder / "store" / "sample" / "runs" / summary.run / "receipts" / "encode").glob("*.json")
    for receipt in receipts:
        yield from json.loads(receipt.read_text(encoding="utf-8"))["spans"]


if __name__ == "__main__":
    main()
