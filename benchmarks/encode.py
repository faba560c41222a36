"""Sentence-transformers against Millrace's engine on real text: rates, padding, MFU, memory and parity, side by side.

    python benchmarks/encode.py --corpus FOLDER --model FOLDER --kind sparse [--documents N] [--rounds R] [--ray] ...

FOLDER of --corpus is in BEIR layout. Every side runs in a process of its own, in turn; seconds are of encoding all
texts, tokenizing included, loading and warm-up not; figures are medians of the rounds and ratios are taken round by
round. The sides: `st` is sentence-transformers as a user gets it, `st bfloat16` the same in bfloat16, `st best` with
number format, attention and batch size tuned on a sample, then its other backends where they are installed, and
Millrace's engine in float32 and bfloat16. MFU is of real tokens (flops.py) over the rate of a large matrix product
measured here; of GPUs the vendor's rate is printed beside it. Parity is against sentence-transformers in float32.

sentence-transformers' OpenVINO backend wants an older transformers than ours, so it lives in an environment of its own
(its ONNX backend wants transformers 4, which sentence-transformers 6 does not run on; torchvision comes along, is not
needed, and breaks the CPU build of torch):

    python3.11 -m venv /tmp/optimum && /tmp/optimum/bin/pip install sentence-transformers==6.2.0 optimum-intel==2.2.0
    /tmp/optimum/bin/pip uninstall -y torchvision
    python benchmarks/encode.py ... --optimum /tmp/optimum/bin/python
"""

import argparse
import json
import platform
import sys
import tempfile
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import flops
import numpy as np
import report
import sides
from beir import read_texts
from numpy.typing import NDArray
from rounds import Bench, alternate
from tune import tuned

from operators.core.encoder_spec import EncoderSpec, Role
from operators.core.model_folder import resolve_model
from operators.core.model_location import locate
from operators.core.model_modules import read_modules
from operators.tokenize.tokenizer import Tokenizer

_SAMPLE = {"cpu": 64, "cuda": 2048}


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    texts = read_texts(asked.corpus, asked.documents)
    spec = EncoderSpec(kind=asked.kind, model=asked.model, document_prompt=asked.prompt, max_length=asked.max_length)
    lengths = _lengths(spec, texts)
    device = _device()
    print(
        f"{asked.corpus.name}, {len(texts):,} texts, {lengths.sum():,} tokens, mean {lengths.mean():.0f}; {asked.model}"
    )
    print(f"{_machine(device)}; {_versions()}; {asked.rounds} rounds\n")
    print(*report.histogram(lengths), "", sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        bench = _bench(Path(folder), asked, spec, texts)
        chosen = _sides(asked, bench, texts, device)
        peaks = {dtype: flops.measured_peak(dtype, device) for dtype in sorted({side.dtype for side in chosen} - {""})}
        reference = bench.run(sides.library("reference", "float32"), asked.parity) if asked.parity else None
        measured = alternate(bench, chosen, asked.rounds, asked.parity)
    facts = report.Facts(
        lengths, _shape(spec), peaks, asked.kind == "sparse", reference.vectors if reference is not None else None
    )
    rows = report.all_figures(measured, facts)
    _print(rows, peaks)
    print(*report.through_ray(measured), sep="\n")
    if asked.json:
        asked.json.write_text(json.dumps({"peaks": peaks, "sides": rows}, indent=1), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--documents", type=int, default=512, help="first documents of the corpus to take")
    parser.add_argument("--model", required=True, help="folder of a model; benchmarks/models.py builds some")
    parser.add_argument("--kind", choices=["dense", "sparse"], required=True)
    parser.add_argument("--prompt", help="put before every document, such as 'passage: '")
    parser.add_argument("--max-length", type=int, help="tokens kept of a text; the model's own by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parity", type=int, default=64, metavar="N", help="documents whose vectors are compared")
    parser.add_argument("--threads", type=int, help="of torch; its own choice by default")
    parser.add_argument("--only", nargs="*", metavar="WORD", help="run the sides that have one of these in their name")
    parser.add_argument("--no-tune", action="store_true", help="leave out sentence-transformers at its best")
    parser.add_argument("--tune", type=int, metavar="N", help="texts to tune on")
    parser.add_argument("--optimum", nargs="*", default=[], metavar="PYTHON", help="interpreters with other backends")
    parser.add_argument("--openvino", action="store_true", help="also Millrace's OpenVINO engine")
    parser.add_argument(
        "--ray",
        action="store_true",
        help="also a whole `millrace index` of the texts, and Ray Data with nothing but the engine",
    )
    parser.add_argument("--json", type=Path, help="also write all figures to this file")
    return parser.parse_args()


def _bench(folder: Path, asked: argparse.Namespace, spec: EncoderSpec, texts: list[str]) -> Bench:
    file = folder / "texts.json"
    file.write_text(json.dumps(texts), encoding="utf-8")
    common = {name: getattr(asked, name) for name in ("kind", "prompt", "max_length", "threads")}
    common["model"] = str(locate(asked.model, None).path)  # sentence-transformers does not know our packaged model
    return Bench(folder, file, {**common, "spec": spec.model_dump(mode="json", exclude_none=True)})


def _sides(asked: argparse.Namespace, bench: Bench, texts: list[str], device: str) -> list[sides.Side]:
    halves = ["bfloat16", "float16"] if device == "cuda" else ["bfloat16"]
    found = [sides.library(sides.DEFAULT), *(sides.library(f"st {dtype}", dtype) for dtype in halves)]
    found += sides.backends([sys.executable, *asked.optimum]) if device == "cpu" else []
    found += [sides.engine(precision) for precision in ("float32", *halves)]
    own = ["float32", "bfloat16", "int8"] if asked.openvino else []
    found += [sides.engine(precision, "openvino") for precision in own]
    found += [sides.bare_ray("bfloat16"), sides.ray("bfloat16")] if asked.ray else []
    found = [side for side in found if asked.only is None or any(word in side.name for word in asked.only)]
    if not asked.no_tune:
        found.append(_tuned(bench, texts, asked.tune or _SAMPLE[device], device))
    return found


def _tuned(bench: Bench, texts: list[str], count: int, device: str) -> sides.Side:
    """On texts from all over the sample, so that their lengths are those of the whole."""
    file = bench.folder / "tune.json"
    file.write_text(json.dumps(texts[:: max(1, len(texts) // count)][:count]), encoding="utf-8")
    return tuned(replace(bench, texts=file), device)


def _lengths(spec: EncoderSpec, texts: list[str]) -> NDArray[np.int64]:
    tokens: Any = Tokenizer(resolve_model(spec).tokenizer(spec, Role.DOCUMENT)).tokenize(texts)[0]
    return np.asarray(tokens.value_lengths().to_numpy(), np.int64)


def _shape(spec: EncoderSpec) -> flops.Shape:
    folder = resolve_model(spec)
    owner = folder.base.path if folder.base else read_modules(folder.path, Role.DOCUMENT)[0].folder
    config = json.loads((owner / "config.json").read_text(encoding="utf-8"))
    return flops.Shape.of(config, sparse=spec.kind == "sparse")


def _device() -> str:
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _machine(device: str) -> str:
    import os

    import torch

    if device == "cpu":
        return f"{platform.machine()}, {os.cpu_count()} cores, torch with {torch.get_num_threads()} threads"
    name = torch.cuda.get_device_name()
    stated = flops.stated_peak(name)
    return f"{name}, stated {stated / 1e12:.0f} TFLOP/s in bfloat16" if stated else name


def _versions() -> str:
    return ", ".join(f"{name} {version(name)}" for name in ("torch", "transformers", "sentence-transformers"))


def _print(rows: list[dict[str, Any]], peaks: dict[str, float]) -> None:
    print(*(f"{dtype} matrix product: {rate / 1e12:.2f} TFLOP/s measured" for dtype, rate in peaks.items()), sep="\n")
    print("", *report.table(rows), sep="\n")


if __name__ == "__main__":
    main()
