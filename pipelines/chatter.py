"""What Ray says by itself goes to a file: a person reads our progress, and looks there when something is odd."""

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import TextIOBase
from pathlib import Path
from typing import TextIO

from pipelines.display import Display

#: Ray's threads in a driver, which print that workers died and nodes were lost.
_THREADS = "ray_"
_LOGGERS = ("ray", "ray.data", "ray.train", "ray.tune")


class ChatterFile:
    """A file of this process that is there once something was written to it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.gettempdir()) / f"millrace-ray-{os.getpid()}.log"
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Append; a full disk loses chatter and no run."""
        try:
            with self._lock, self.path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError:
            return


class _ByThread(TextIOBase):
    """A stream that sends what Ray's threads write to the file, and the rest where it went before."""

    def __init__(self, stream: TextIO, file: ChatterFile) -> None:
        self._stream, self._file = stream, file

    def write(self, text: str) -> int:
        if threading.current_thread().name.startswith(_THREADS):
            self._file.write(text)
            return len(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # rich asks for it
        return self._stream.encoding


class _ToFile(logging.Handler):
    """A logging handler that appends to the file."""

    def __init__(self, file: ChatterFile) -> None:
        super().__init__(logging.WARNING)
        self._file = file
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._file.write(self.format(record) + "\n")


@contextmanager
def chatter_told(display: Display) -> Iterator[None]:
    """`chatter_kept`, and say at the end where, if there was any."""
    file = ChatterFile()
    try:
        with chatter_kept(file):
            yield
    finally:
        if file.path.exists():
            display.note(f"what Ray itself said: {file.path}")


@contextmanager
def chatter_kept(file: ChatterFile) -> Iterator[None]:
    """Send Ray's messages of this process to the file until the block ends."""
    handler = _ToFile(file)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    before = [(logger, logger.level, logger.propagate, logger.handlers) for logger in loggers]
    for logger in loggers:
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(logging.WARNING)
    try:
        with redirect_stdout(_ByThread(sys.stdout, file)), redirect_stderr(_ByThread(sys.stderr, file)):
            yield
    finally:
        for logger, level, propagate, handlers in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
