"""How a run shows itself on stderr: a table that is drawn again, lines, JSON lines, or nothing."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

#: Seconds between two drawings of the table, and between two log lines of a stage.
_REDRAW, _LOG = 0.5, 10.0


class LogFormat(StrEnum):
    """What is written where nobody looks at a terminal."""

    TEXT = "text"
    JSON = "json"


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

    @property
    def left(self) -> float | None:
        """Seconds to the end at that rate; None where that is not known."""
        return (self.total - self.documents) / self.rate if self.total and self.rate else None


Stages = Mapping[str, StageCount]


class Display(ABC):
    """Somebody who is told about a run; `every` is how many seconds to leave between two updates."""

    every: float = _LOG

    @abstractmethod
    def note(self, message: str) -> None:
        """Say one thing."""

    @abstractmethod
    def update(self, stages: Stages) -> None:
        """Show what the stages have done so far."""

    def shown(self) -> AbstractContextManager[None]:
        """Updates come until the block ends."""
        return nullcontext()


class TableDisplay(Display):
    """A table in a terminal, drawn over itself."""

    every = _REDRAW

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(Table(box=None), console=console, auto_refresh=False)

    def note(self, message: str) -> None:
        """Above the table."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)

    def update(self, stages: Stages) -> None:
        """Draw it anew."""
        self._live.update(_table(stages), refresh=True)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """The last drawing stays."""
        with self._live:
            yield


class LineDisplay(Display):
    """A line for each stage that has moved."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, message: str) -> None:
        """A line of its own."""
        self._console.print(message, highlight=False, markup=False, soft_wrap=True)

    def update(self, stages: Stages) -> None:
        """One line a stage."""
        for name, count in _moved(stages):
            self._console.print(_line(name, count), highlight=False, markup=False, soft_wrap=True)


class JsonDisplay(Display):
    """The same as objects, a line each, for log collectors."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def note(self, message: str) -> None:
        """As `message`."""
        self._write(message=message)

    def update(self, stages: Stages) -> None:
        """One object a stage."""
        for name, count in _moved(stages):
            self._write(
                stage=name,
                documents=count.documents,
                total=count.total,
                documents_per_second=round(count.rate, 3),
                seconds_left=None if count.left is None else round(count.left, 1),
                rejected=count.rejected,
            )

    def _write(self, **values: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._console.file.write(json.dumps({"at": at, **values}, ensure_ascii=False) + "\n")
        self._console.file.flush()


class NoDisplay(Display):
    """Nothing but errors, which are not told here."""

    def note(self, message: str) -> None:
        """Nothing."""

    def update(self, stages: Stages) -> None:
        """Nothing."""


def display_on(console: Console, log_format: LogFormat = LogFormat.TEXT) -> Display:
    """What fits the console: JSON where asked for, else a table in a terminal and lines elsewhere."""
    if log_format is LogFormat.JSON:
        return JsonDisplay(console)
    return TableDisplay(console) if console.is_terminal else LineDisplay(console)


def _moved(stages: Stages) -> Iterator[tuple[str, StageCount]]:
    for name, count in stages.items():
        if count.documents > count.logged:
            count.logged = count.documents
            yield name, count


def _table(stages: Stages) -> Table:
    table = Table("stage", "documents", "documents/s", "rejects", "", "left", box=None, header_style="dim")
    for column in (*table.columns[1:4], table.columns[5]):
        column.justify = "right"
    for name, count in stages.items():
        figures = f"{count.documents:,}", f"{count.rate:,.0f}", f"{count.rejected:,}"
        table.add_row(name, *figures, _bar(count), _left(count))
    return table


def _line(name: str, count: StageCount) -> str:
    of = f" of {count.total:,}" if count.total else ""
    left = f", {_left(count)} left" if _left(count) else ""
    return f"{name}: {count.documents:,}{of} documents, {count.rate:,.0f}/s, {count.rejected:,} rejected{left}"


def _left(count: StageCount) -> str:
    """As 2:05:09 or 5:09; nothing once the stage is done."""
    if not count.left or count.left < 0:
        return ""
    minutes, seconds = divmod(round(count.left), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _bar(count: StageCount) -> str:
    if not count.total:
        return ""
    share = min(1.0, count.documents / count.total)
    return "█" * round(share * 20) + "░" * (20 - round(share * 20)) + f" {share:4.0%}"
