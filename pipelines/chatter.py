"""What Ray prints by itself, of workers that died and nodes that were lost, goes to a file beside our progress."""

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
    """Send what Ray's threads of this process print to the file until the block ends."""
    with redirect_stdout(_ByThread(sys.stdout, file)), redirect_stderr(_ByThread(sys.stderr, file)):
        yield
