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
    """A new file, the user's alone, that is there once something was written to it; until then `path` is None."""

    def __init__(self) -> None:
        self.path: Path | None = None
        self._lock = threading.Lock()

    def write(self, text: str) -> None:
        """Append; a full disk loses chatter and no run."""
        try:
            with self._lock, self._open() as file:
                file.write(text)
        except OSError:
            return

    def _open(self) -> TextIO:
        """A name that others could know, by the process's number, may be their link, or an earlier process's file."""
        if self.path is None:
            number, name = tempfile.mkstemp(prefix="millrace-ray-", suffix=".log")
            self.path = Path(name)
            return os.fdopen(number, "a", encoding="utf-8")
        return self.path.open("a", encoding="utf-8")


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
        if file.path:
            display.note(f"what Ray itself said: {file.path}")


@contextmanager
def chatter_kept(file: ChatterFile) -> Iterator[None]:
    """Send what Ray's threads of this process print to the file until the block ends."""
    with redirect_stdout(_ByThread(sys.stdout, file)), redirect_stderr(_ByThread(sys.stderr, file)):
        yield
