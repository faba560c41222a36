"""Source files on any fsspec file system: open, stat, read in order; every failure names operation and file."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec

from operators.core.errors import MillraceError, SourceChangedError, StoreError, UsageError
from operators.core.storage import redact, version_token
from operators.read.listing import ONCE
from operators.read.slices import PlannedPart, Slice

#: One request to an object store. At 4 MiB the 20 to 50 ms before the first byte are under half of the time.
_BLOCK = 4 << 20


class UnreadableError(Exception):
    """The bytes arrived, and are not what the format promises: a fault of the file, which becomes a reject."""


_URL = re.compile(r"[\w+.-]+://[^\s'\"<>()]+")


def shown(path: str) -> str:
    """A path for messages and tables: URLs without user, password and query."""
    return redact(path) if "://" in path else path


def shown_part(part: PlannedPart) -> PlannedPart:
    """A part as it may be kept: its slices' addresses without user, password and query."""
    slices = (piece.model_copy(update={"path": shown(piece.path)}) for piece in part.slices)
    return part.model_copy(update={"slices": tuple(slices)})


def told(error: BaseException) -> str:
    """What a library says of a failure, for messages: its URLs without user, password and query (signatures)."""
    return f"{type(error).__name__}: {redact_urls(str(error))}"


def redact_urls(text: str) -> str:
    """The text with its URLs as `redact` leaves them."""
    return _URL.sub(lambda url: redact(url[0]), text)


@contextmanager
def naming(operation: str, path: str) -> Iterator[None]:
    """Raises `UsageError` where the source is not there and `StoreError` for any other failure of the file system."""
    try:
        yield
    except (MillraceError, UnreadableError):
        raise
    except FileNotFoundError as error:
        raise UsageError(f"{operation} {shown(path)}: not found. Correct source.uri, or put the files there") from error
    except Exception as error:
        # botocore, aiohttp and fsspec share no base class; whatever they raise is a failure of this operation.
        raise StoreError(
            f"{operation} {shown(path)}: {told(error)}. "
            f"Check that the source is reachable, and the credentials and permissions to read it"
        ) from error


def filesystem(uri: str) -> tuple[Any, str]:
    """The file system of a URI and the path on it; listings are never cached, so that changes are seen."""
    with naming("open", uri):
        opened, path = fsspec.core.url_to_fs(uri, use_listings_cache=False)
    return opened, str(path)


def pinned(entry: dict[str, Any], path: str) -> tuple[int, str]:
    """Size in bytes and version token of an fsspec entry; raises `StoreError` where the server tells no size."""
    if entry.get("size") is None:
        raise StoreError(f"stat {shown(path)}: the server tells no size, so that no change could be noticed: copy it")
    return int(entry["size"]), version_token(entry)


def check_unchanged(piece: Slice) -> None:
    """Raises `SourceChangedError` where a file is no longer the version that was planned."""
    opened, path = filesystem(piece.path)
    try:
        with naming("stat", piece.path):
            found = pinned(opened.info(path), piece.path)
    except UsageError as error:
        raise _changed(piece.path, f"{piece.bytes:,} bytes", "no file") from error
    same = found[0] == piece.bytes and (piece.token.startswith(ONCE) or found[1] == piece.token)
    if not same:
        planned = f"{piece.bytes:,} bytes, version {piece.token}"
        raise _changed(piece.path, planned, f"{found[0]:,} bytes, version {found[1]}")


def _changed(path: str, planned: str, found: str) -> SourceChangedError:
    return SourceChangedError(
        f"{shown(path)} changed between planning and reading: planned {planned}; found {found}. Run again to plan anew"
    )


class SourceFile(io.RawIOBase):
    """A source file for readers that seek (Arrow); a failing read raises `StoreError`, so it is no corrupt file."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        # Held as long as the file: an archive closes itself with its last file system object.
        self._filesystem, inner = filesystem(path)
        with naming("open", path):
            # cache_type none: each read is one request of exactly the bytes asked for.
            self._file = self._filesystem.open(inner, "rb", cache_type="none")

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes from the current position."""
        with naming("read", self._path):
            return bytes(self._file.read(size))

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, as `io.IOBase.seek` does."""
        return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        """The current position."""
        return int(self._file.tell())

    def seekable(self) -> bool:
        """Arrow asks."""
        return True

    def readable(self) -> bool:
        """Arrow asks."""
        return True

    def close(self) -> None:
        """Release the connection."""
        if not self.closed:
            self._file.close()
        super().close()


def raw_blocks(path: str, start: int, stop: int) -> Iterator[bytes]:
    """The bytes [start, stop) in order, 4 MiB at a time; raises `SourceChangedError` where the file ends before."""
    with SourceFile(path) as file:
        if start:
            file.seek(start)
        while start < stop:
            block = file.read(min(_BLOCK, stop - start))
            if not block:
                raise _changed(path, f"at least {stop:,} bytes", f"{start:,} bytes")
            yield block
            start += len(block)
