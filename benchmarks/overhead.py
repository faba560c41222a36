"""What the pipeline costs over its encoders: the same documents through `millrace index` and through a plain loop.

    python benchmarks/overhead.py CORPUS [--documents N] [--rounds R]

CORPUS is a BEIR-layout folder (corpus.jsonl, plain or .gz or .zst). Both sides run in turn on this machine with the two
default encoders; rates are documents a second, and the ratio is wall time of the run's encoding pass over the loop's.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import pyarrow as pa

from operators.core import columns
from operators.core.encoder_spec import EncoderSpec, Kind, Precision, Role
from operators.core.model_folder import resolve_model
from operators.encode.encoder import Encoder, open_encoder
from operators.encode.precision import resolve_precision
from operators.read.discover import list_inputs
from operators.read.part import read_part
from operators.read.plan import plan_parts
from operators.read.spec import SourceSpec
from operators.tokenize.tokenizer import Tokenizer
from pipelines.command import index_recipe
from pipelines.display import NoDisplay
from pipelines.load import load_recipe
from pipelines.summary import Summary

ENCODERS = {
    "dense": EncoderSpec(kind=Kind.DENSE, model="all-MiniLM-L6-v2", precision=Precision.AUTO),
    "sparse": EncoderSpec(kind=Kind.SPARSE, model="idf"),
}


@dataclass(frozen=True)
class Round:
    """Seconds of both sides: each encoder in the loop; the run's steps, and the busy seconds of its stages."""

    loop: dict[str, float]
    run: Summary
    busy: dict[str, float]

    @property
    def ratio(self) -> float:
        """Wall time of the encoding pass, the start of its actors included, over the loop's."""
        return self.run.stages["encode"] / sum(self.loop.values())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--documents", type=int, default=5000, help="first documents of the corpus to take")
    parser.add_argument("--rounds", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        texts = _sample(asked.corpus, asked.documents, Path(folder) / "corpus" / "sample.jsonl")
        rounds = [Round(_loop(texts), *_pipeline(Path(folder), number)) for number in range(asked.rounds)]
    _print(asked.corpus.name, len(texts), rounds)


def _sample(corpus: Path, documents: int, target: Path) -> list[str]:
    """The first documents, as texts for the loop and as a file for the pipeline."""
    source = SourceSpec(format="jsonl", uri=str(corpus / "corpus.jsonl*"), text=("title", "text"))
    parts = plan_parts(list_inputs(source).inputs, source)
    table = pa.concat_tables(read_part(part, source)[0] for part in parts).slice(0, documents)
    rows = table.select([columns.DOC_ID, columns.TEXT]).to_pylist()
    target.parent.mkdir()
    with target.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"_id": row[columns.DOC_ID], "text": row[columns.TEXT]}) + "\n" for row in rows)
    return [str(row[columns.TEXT]) for row in rows]


def _loop(texts: list[str]) -> dict[str, float]:
    """Seconds of each encoder alone: tokenize and encode everything in this process, models loaded before."""
    seconds = {}
    for name, asked in ENCODERS.items():
        spec = resolve_precision(asked)
        folder = resolve_model(spec)
        tokenizer = Tokenizer(folder.tokenizer(spec, Role.DOCUMENT))
        encoder: Encoder = open_encoder(spec, folder)
        encoder.encode(tokenizer.tokenize(texts[:32])[0], Role.DOCUMENT)
        start = time.perf_counter()
        encoder.encode(tokenizer.tokenize(texts)[0], Role.DOCUMENT)
        seconds[name] = time.perf_counter() - start
    return seconds


def _pipeline(folder: Path, number: int) -> tuple[Summary, dict[str, float]]:
    """A whole run into a store of its own, and the busy seconds of each stage by the parts' receipts."""
    recipe = {
        "collection": "sample",
        "store": str(folder / f"store-{number}"),
        "source": {"format": "jsonl", "uri": str(folder / "corpus")},
        "encoders": {name: spec.model_dump(mode="json", exclude_none=True) for name, spec in ENCODERS.items()},
    }
    path = folder / "recipe.yaml"
    path.write_text(json.dumps(recipe))
    summary = index_recipe(load_recipe(path), None, NoDisplay())
    busy: dict[str, float] = {}
    for receipt in Path(summary.uri).glob(f"runs/{summary.run}/receipts/encode/*.json"):
        for span in json.loads(receipt.read_text())["spans"]:
            busy[span["stage"]] = busy.get(span["stage"], 0.0) + span["ended"] - span["began"]
    return summary, busy


def _print(corpus: str, documents: int, rounds: list[Round]) -> None:
    print(f"{corpus}, {documents:,} documents, {platform.machine()}, {_versions()}")
    for each in rounds:
        alone = sum(each.loop.values())
        steps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in each.run.stages.items())
        print(f"  loop      {_rates(each.loop, documents)}  together {documents / alone:,.1f}/s in {alone:.1f} s")
        print(f"  pipeline  {_rates(each.busy, documents)}")
        print(f"  run       {each.run.seconds:.1f} s ({steps})")
        print(f"  ratio     {each.ratio:.3f}")
    print(f"median ratio {statistics.median(each.ratio for each in rounds):.3f} of {len(rounds)}")


def _rates(seconds: dict[str, float], documents: int) -> str:
    return "  ".join(f"{name} {documents / max(value, 1e-9):,.0f}/s" for name, value in seconds.items())


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("ray", "torch", "transformers", "sentence-transformers"))


if __name__ == "__main__":
    main()
