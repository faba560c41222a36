"""What a run has done so far, stage by stage: counted by the driver, shown while it goes."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from operators.observe.ledger import Ledger
from pipelines.clock import Clock
from pipelines.display import Display, StageCount
from pipelines.resources import Capacity

#: Seconds between two looks at the workers' counts.
_LOOK = 0.5


class Progress:
    """Counts per stage, kept by the driver; `Report`s of workers arrive through `pull`.

    `ledger` counts the run's receipts and `clock` keeps its steps, beside what is shown; `cluster` is what the run may
    use, once it was joined.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self.ledger = Ledger()
        self.clock = Clock(self.ledger)
        self.cluster: Capacity | None = None
        self._stages: dict[str, StageCount] = {}
        self._lock = threading.Lock()
        self._sources: list[Any] = []

    def expect(self, stage: str, documents: int | None) -> None:
        """Announce a stage, in the order in which stages are shown, and how many documents will pass it."""
        with self._lock:
            count = self._stages.setdefault(stage, StageCount())
            count.total = documents
            count.began = count.began or time.monotonic()

    def __call__(self, stage: str, documents: int, rejected: int) -> None:
        """Count documents that left a stage; a `Report`."""
        with self._lock:
            count = self._stages.setdefault(stage, StageCount())
            count.began = count.began or time.monotonic()
            count.documents += documents
            count.rejected += rejected
            count.moved = time.monotonic()

    def note(self, message: str) -> None:
        """Say one thing."""
        self._display.note(message)

    @contextmanager
    def following(self, source: Any) -> Iterator[None]:
        """Poll `source.pull()` for `(stage, documents, rejected)` until the block ends, then once more."""
        self._sources.append(source)
        try:
            yield
        finally:
            self._sources.remove(source)
            self._pull(source)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Show until the block ends, and the end."""
        stop = threading.Event()
        with self._display.shown():
            drawer = threading.Thread(target=self._draw, args=(stop,), daemon=True)
            drawer.start()
            try:
                yield
            finally:
                stop.set()
                drawer.join()
                self._update()

    def _draw(self, stop: threading.Event) -> None:
        drawn = time.monotonic()
        while not stop.wait(_LOOK):
            for source in list(self._sources):
                self._pull(source)
            if time.monotonic() - drawn >= self._display.every:
                drawn = time.monotonic()
                self._update()

    def _pull(self, source: Any) -> None:
        for stage, documents, rejected in source.pull():
            self(stage, documents, rejected)

    def _update(self) -> None:
        with self._lock:
            self._display.update(self._stages)
