"""Runs sides in child processes, in turn, and keeps what they answer."""

import json
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from child import ANSWER, VECTORS
from numpy.typing import NDArray
from sides import Side


@dataclass(frozen=True)
class Bench:
    """What all sides have in common: the texts' file, the model, and a folder to work in."""

    folder: Path
    texts: Path
    common: dict[str, Any]

    def run(self, side: Side, parity: int = 0) -> "Answer | None":
        """One run in a process of its own; None where it failed, and says so."""
        folder = self.folder / "child"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        spec = self.common["spec"] | side.request.get("spec", {})
        request = {**self.common, **side.request, "spec": spec}
        request |= {"texts": str(self.texts), "folder": str(folder), "parity": parity}
        done = subprocess.run(
            side.command, input=json.dumps(request), capture_output=True, text=True, check=False, encoding="utf-8"
        )
        if done.returncode:
            tail = "\n".join(done.stderr.strip().splitlines()[-3:])
            print(f"# {side.name} failed and is left out: {tail}", file=sys.stderr)
            return None
        facts = json.loads((folder / ANSWER).read_text(encoding="utf-8"))
        vectors = folder / VECTORS
        return Answer(facts, np.load(vectors, allow_pickle=False) if vectors.is_file() else None)


@dataclass(frozen=True)
class Answer:
    """What a child measured, and its vectors of the first documents where they were asked for."""

    facts: dict[str, Any]
    vectors: NDArray[np.float32] | None = None

    @property
    def seconds(self) -> float:
        """Of encoding all texts, tokenizing included, loading and warm-up not."""
        return float(self.facts["seconds"])


@dataclass
class Measured:
    """All rounds of a side."""

    side: Side
    answers: list[Answer] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Median of the rounds."""
        return statistics.median(answer.seconds for answer in self.answers)

    def peak(self, name: str) -> int:
        """The largest of a memory figure over the rounds, in bytes."""
        return max(int(answer.facts.get(name, 0)) for answer in self.answers)

    def speed_up(self, other: "Measured") -> float:
        """How many times as fast as another side: the median of the rounds' own ratios."""
        pairs = zip(self.answers, other.answers, strict=False)
        return statistics.median(theirs.seconds / ours.seconds for ours, theirs in pairs)


def alternate(bench: Bench, sides: Sequence[Side], rounds: int, parity: int) -> list[Measured]:
    """Every side once a round, forwards and backwards in turn, so that a drift of the machine favours none."""
    measured = {side.name: Measured(side) for side in sides}
    for number in range(rounds):
        for side in list(sides)[:: -1 if number % 2 else 1]:
            if side.name not in measured:
                continue
            print(f"# round {number + 1} of {rounds}: {side.name}", file=sys.stderr, flush=True)
            answer = bench.run(side, 0 if number else parity)
            if answer is None:
                del measured[side.name]
            else:
                measured[side.name].answers.append(answer)
    return list(measured.values())
