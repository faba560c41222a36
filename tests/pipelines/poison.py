"""Encoders for tests that kill or hang their worker on marked documents, and count in a folder what happened."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from operators.encode.actor import EncodeDense
from operators.encode.encoder import Encoder

#: A document of so many words is the mark: encoders see token ids alone.
KILLS, HANGS = 60, 70


def words(count: int, word: str = "grain") -> str:
    return " ".join([word] * count)


class Marked:
    """An encoder that notes every call in a folder and does not come back from one with a marked document."""

    def __init__(self, encoder: Encoder, folder: Path, workers: int) -> None:
        self.dimensions, self.splits, self.quality = encoder.dimensions, 0, {}
        self._encoder, self._folder, self._workers = encoder, folder, workers

    def encode(self, tokens: Any, role: Any) -> Any:
        lengths = set(tokens.value_lengths().to_pylist())
        for mark, what in ((KILLS, "killed"), (HANGS, "hung")):
            if mark in lengths:
                self._note(what)
                os._exit(70) if mark == KILLS else time.sleep(1000)
        self._note("encoded")
        self._meet()
        return self._encoder.encode(tokens, role)

    def _meet(self) -> None:
        """Hold this part until so many workers have one."""
        deadline = time.monotonic() + 60
        while count(self._folder, "encoded", process) < self._workers:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._workers} workers never worked at the same time")
            time.sleep(0.02)

    def _note(self, what: str) -> None:
        (self._folder / f"{what}-{os.getpid()}-{time.monotonic_ns()}").touch()


def stage(folder: Path, workers: int = 1) -> type[EncodeDense]:
    """`EncodeDense` whose encoder is `Marked`; made here, so that it travels to the workers by value."""
    folder.mkdir()
    open_marked = partial(Marked, folder=folder, workers=workers)

    class Poisoned(EncodeDense):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._encoder = open_marked(self._encoder)

    return Poisoned


def count(folder: Path, what: str, key: Callable[[str], object] = str) -> int:
    """How often it happened, or to how many different processes with `key=process`."""
    return len({key(path.name) for path in folder.glob(f"{what}-*")})


def process(name: str) -> str:
    return name.split("-")[1]
