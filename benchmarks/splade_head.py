"""The SPLADE head alone: decoder, activation and maximum over each document's tokens, four ways in turn.

    python benchmarks/splade_head.py [--tokens T ...] [--vocabulary V ...] [--width D ...] [--lengths mixed] [--tune]

naive is sentence-transformers' SpladePooling over all logits (padded on a CPU, packed on a GPU), two-stage and kernel
are Millrace's, gemm is the decoder's product alone into [tokens, vocabulary], and tiles the same into one buffer of
Millrace's chunks, with nothing done to them. Ratios are gemm's or naive's median over the side's: above 1 is faster.
With --threads 1 seconds are CPU seconds, which neighbours on a shared machine disturb least.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from processes import peak_memory
from sentence_transformers.sparse_encoder.modules import SpladePooling
from torch import Tensor
from torch.nn import functional

from operators.encode.segment_max import activate, fold_bias, segment_max
from operators.encode.segment_max_chunked import CPU_COLUMNS, max_in_chunks

_MIB = 1 << 20
Side = Callable[[], Any]


@dataclass(frozen=True)
class Shape:
    """One batch: packed tokens, decoder [vocabulary, width], number format, how long documents are."""

    tokens: int
    vocabulary: int
    width: int
    precision: str
    lengths: str
    device: str

    def documents(self) -> list[int]:
        """Lengths, longest first: all 512, or log-normal around 200 and at most 512."""
        if self.lengths == "equal":
            return [512] * (self.tokens // 512) + [self.tokens % 512] * (self.tokens % 512 > 0)
        drawn = np.random.default_rng(0).lognormal(5.3, 0.8, self.tokens).clip(2, 512).astype(int)
        inside = drawn[np.cumsum(drawn) < self.tokens].tolist()
        return sorted([*inside, self.tokens - sum(inside)], reverse=True)


class Batch:
    """Random hidden states and a random decoder of a shape, and each way to compute the head over them."""

    def __init__(self, shape: Shape) -> None:
        torch.manual_seed(0)
        kind = {"dtype": getattr(torch, shape.precision), "device": shape.device}
        self.lengths = shape.documents()
        self.starts = torch.tensor([0, *np.cumsum(self.lengths)], dtype=torch.int32, device=shape.device)
        self.hidden = torch.randn(shape.tokens, shape.width, **kind)
        self.weight = torch.randn(shape.vocabulary, shape.width, **kind) / shape.width**0.5
        self.bias = torch.randn(shape.vocabulary, **kind) - 3
        self.folded = fold_bias(self.weight, self.bias)

    def sides(self) -> dict[str, Side]:
        """What runs in turn; the kernel where there is a GPU."""
        gpu = self.hidden.is_cuda
        sides: dict[str, Side] = {"gemm": lambda: torch.mm(self.hidden, self.weight.T)}
        sides |= {"naive": self.packed if gpu else self.padded, "two-stage": self.two_stage}
        return sides | ({"kernel": self.kernel} if gpu else {"tiles": self.tiles})

    def padded(self) -> Tensor:
        """As sentence-transformers without FlashAttention: all logits of a padded batch, times a mask."""
        hidden = torch.nn.utils.rnn.pad_sequence(list(torch.split(self.hidden, self.lengths)), batch_first=True)
        mask = torch.arange(hidden.shape[1])[None] < torch.tensor(self.lengths)[:, None]
        logits = functional.linear(hidden, self.weight, self.bias)
        return self._pooled({"token_embeddings": logits, "attention_mask": mask.long()})

    def packed(self) -> Tensor:
        """As sentence-transformers with FlashAttention: all logits of a packed batch."""
        logits = functional.linear(self.hidden, self.weight, self.bias)[None]
        return self._pooled({"token_embeddings": logits, "cu_seq_lens_q": self.starts})

    def two_stage(self) -> Tensor:
        """Millrace's on a CPU, and on a GPU where the kernel does not run."""
        return activate(max_in_chunks(self.hidden, self.starts, self.lengths, *self.folded), "relu")

    def kernel(self) -> Tensor:
        """Millrace's on a GPU; in its first call compared with two stages."""
        return activate(segment_max(self.hidden, self.starts, self.lengths, self.weight, self.bias), "relu")

    def tiles(self) -> None:
        """The product alone, in the chunks of `two_stage`."""
        out = self.hidden.new_empty(len(self.hidden), CPU_COLUMNS)
        for start in range(0, len(self.weight) - CPU_COLUMNS + 1, CPU_COLUMNS):
            torch.mm(self.hidden, self.weight[start : start + CPU_COLUMNS].T, out=out)

    @staticmethod
    def _pooled(features: dict[str, Tensor]) -> Tensor:
        pooled: Tensor = SpladePooling().eval()(features)["sentence_embedding"]
        return pooled


def main() -> None:
    """Measure the grid and print."""
    asked = _arguments()
    torch.set_num_threads(asked.threads or torch.get_num_threads())
    if asked.memory:
        print(_peak(Shape(**json.loads(asked.memory[0])), asked.memory[1]))
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(_machine(device))
    for tokens, vocabulary, width in product(asked.tokens, asked.vocabulary, asked.width):
        shape = Shape(tokens, vocabulary, width, asked.precision, asked.lengths, device)
        if asked.tune:
            _tune(shape, asked.rounds)
        else:
            _print(shape, _seconds(Batch(shape).sides(), asked.rounds), asked.no_memory)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, nargs="+", default=[1024, 4096])
    parser.add_argument("--vocabulary", type=int, nargs="+", default=[30522, 50000])
    parser.add_argument("--width", type=int, nargs="+", default=[384, 768])
    parser.add_argument("--lengths", choices=["equal", "mixed"], default="equal")
    parser.add_argument("--precision", choices=["bfloat16", "float16", "float32"], default="bfloat16")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="by default torch's")
    parser.add_argument("--no-memory", action="store_true", help="skip the peaks: each is a process of its own")
    parser.add_argument("--tune", action="store_true", help="on a GPU: the kernel under other tilings, fastest first")
    parser.add_argument("--memory", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


@torch.inference_mode()
def _seconds(sides: dict[str, Side], rounds: int) -> dict[str, float]:
    """Median seconds of each side over alternating rounds, after one that does not count."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, side in sides.items():
            _wait()
            start = clock()
            side()
            _wait()
            taken[name].append(clock() - start)
    return {name: statistics.median(each[1:]) for name, each in taken.items()}


@torch.inference_mode()
def _peak(shape: Shape, name: str) -> float:
    """MiB that a side takes at its peak over its inputs: on the GPU, else of this fresh process."""
    side = Batch(shape).sides()[name]
    if shape.device == "cuda":
        side()  # the kernel's first batch is also computed in two stages
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        side()
        return (torch.cuda.max_memory_allocated() - before) / _MIB
    before = peak_memory()
    side()
    return (peak_memory() - before) / _MIB


def _peak_of_process(shape: Shape, name: str) -> float:
    command = [sys.executable, __file__, "--memory", json.dumps(asdict(shape)), name]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _tune(shape: Shape, rounds: int) -> None:
    from operators.encode.segment_max_triton import Tiling, fused_segment_max

    batch = Batch(shape)
    cuts = product((64, 128, 256), (64, 128, 256), (32, 64), (8, 16, 32), (4, 8), (3, 4))
    tilings = [Tiling(*cut) for cut in cuts if 128 * 64 <= cut[0] * cut[1] <= 128 * 256]
    taken: dict[Tiling, float] = {}
    for tiling in tilings:
        side = partial(fused_segment_max, batch.hidden, batch.lengths, batch.weight, batch.bias, tiling)
        try:
            taken[tiling] = _seconds({"kernel": side}, rounds)["kernel"]
        except Exception as error:  # noqa: BLE001 - too much shared memory, or whatever Triton's compiler raises
            print(f"  {tiling}: {type(error).__name__}")
    for tiling in sorted(taken, key=lambda each: taken[each])[:10]:
        print(f"  {1e3 * taken[tiling]:8.3f} ms  {tiling}")


def _print(shape: Shape, seconds: dict[str, float], no_memory: bool) -> None:  # noqa: FBT001 - an option passed on
    head = f"{shape.tokens} tokens x {shape.vocabulary} x {shape.width}"
    print(f"{head}, {shape.precision}, {shape.lengths} lengths, {torch.get_num_threads()} threads")
    for name, each in seconds.items():
        peak = "" if no_memory else f"  peak {_peak_of_process(shape, name):8,.1f} MiB"
        ratios = f"of gemm {seconds['gemm'] / each:5.2f}x  of naive {seconds['naive'] / each:5.2f}x"
        print(f"  {name:10}{1e3 * each:10.2f} ms  {ratios}{peak}", flush=True)


def _machine(device: str) -> str:
    names = ("torch", "sentence-transformers")
    where = torch.cuda.get_device_name() if device == "cuda" else f"{platform.machine()}, {_flags()}"
    return f"{where}, Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names)


def _flags() -> str:
    flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="ignore").split()
    return " ".join(flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
