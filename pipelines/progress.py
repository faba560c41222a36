"""What a person sees while a run goes: one table in a terminal, log lines elsewhere, all on stderr."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from operators.observe.ledger import Ledger

#: Seconds between two looks at the workers' counts, and between two log lines of a stage.
_REFRESH = 0.5
_LOG_EVERY = 10.0


@dataclass
class StageCount:
    """What one stage has done: documents out (and last logged), rejects, when it began and moved (seconds)."""

    documents: int = 0
    rejected: int = 0
    logged: int = 0
    total: int | None = None
    began: float | None = None
    moved: float = 0.0

    @property
    def rate(self) -> float:
        """Documents a second since the stage began."""
        return self.documents / (self.moved - self.began) if self.began is not None and self.moved > self.began else 0.0


class Progress:
    """Counts per stage, kept by the driver; `Report`s of workers arrive through `pull`.

    `ledger` counts the run's receipts, beside what is shown.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self.ledger = Ledger()
        self._stages: dict[str, StageCount] = {}
        self._lock = threading.Lock()
        self._sources: list[Any] = []
        self._logged = 0.0

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
        """Say one thing, above the table."""
        self._console.print(message, highlight=False)

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
        """Draw until the block ends."""
        stop = threading.Event()
        live = Live(self._table(), console=self._console, auto_refresh=False) if self._console.is_terminal else None
        drawer = threading.Thread(target=self._draw, args=(stop, live), daemon=True)
        if live:
            live.start()
        drawer.start()
        try:
            yield
        finally:
            stop.set()
            drawer.join()
            if live:
                live.update(self._table(), refresh=True)
                live.stop()
            else:
                self._log()

    def _draw(self, stop: threading.Event, live: Live | None) -> None:
        while not stop.wait(_REFRESH):
            for source in list(self._sources):
                self._pull(source)
            if live:
                live.update(self._table(), refresh=True)
            elif time.monotonic() - self._logged > _LOG_EVERY:
                self._log()

    def _pull(self, source: Any) -> None:
        for stage, documents, rejected in source.pull():
            self(stage, documents, rejected)

    def _log(self) -> None:
        self._logged = time.monotonic()
        with self._lock:
            lines = [_line(name, count) for name, count in self._stages.items() if count.documents > count.logged]
            for count in self._stages.values():
                count.logged = count.documents
        for line in lines:
            self._console.print(line, highlight=False)

    def _table(self) -> Table:
        table = Table("stage", "documents", "documents/s", "rejects", "", box=None, header_style="dim")
        for column in table.columns[1:4]:
            column.justify = "right"
        with self._lock:
            for name, count in self._stages.items():
                table.add_row(name, f"{count.documents:,}", f"{count.rate:,.0f}", f"{count.rejected:,}", _bar(count))
        return table


def _line(name: str, count: StageCount) -> str:
    of = f" of {count.total:,}" if count.total else ""
    return f"{name}: {count.documents:,}{of} documents, {count.rate:,.0f}/s, {count.rejected:,} rejected"


def _bar(count: StageCount) -> str:
    if not count.total:
        return ""
    share = min(1.0, count.documents / count.total)
    return "█" * round(share * 20) + "░" * (20 - round(share * 20)) + f" {share:4.0%}"
