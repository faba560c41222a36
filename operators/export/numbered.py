"""Numbered files of a bounded size, for engines that take one request or one import task a file."""

from io import BufferedWriter
from pathlib import Path
from types import TracebackType
from typing import Self


class NumberedFiles:
    """Records in files `<stem>-00000<suffix>` of at most `limit` bytes, where a single record is not larger.

    Each file is `head`, its records with `separator` between them, and `tail`. Without a record there is no file.
    """

    def __init__(self, path: Path, limit: int, head: bytes = b"", separator: bytes = b"", tail: bytes = b"") -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._limit = limit
        self._head, self._separator, self._tail = head, separator, tail
        self._file: BufferedWriter | None = None
        self._size = self._count = 0

    def write(self, record: bytes) -> None:
        """Append a record to the file at hand, or to the next where it has no room."""
        if self._file and self._size + len(self._separator) + len(record) + len(self._tail) > self._limit:
            self._close()
        if self._file is None:
            self._file = self._next()
            self._put(self._file, self._head + record)
        else:
            self._put(self._file, self._separator + record)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _next(self) -> BufferedWriter:
        path = numbered(self._path, self._count)
        self._count += 1
        self._size = 0
        return path.open("wb")

    def _put(self, file: BufferedWriter, data: bytes) -> None:
        file.write(data)
        self._size += len(data)

    def _close(self) -> None:
        if self._file:
            self._file.write(self._tail)
            self._file.close()
            self._file = None


def numbered(path: Path, number: int) -> Path:
    """`rows.json` as `rows-00000.json`; names sort as numbers do."""
    return path.with_name(f"{path.stem}-{number:05d}{path.suffix}")
