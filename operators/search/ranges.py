"""Large files of which a search needs parts: brought to this machine range by range, with holes where nobody asked yet.

Nothing is promised of what they hold: who reads a part proves it first (see index.sparse_file).
"""

import os
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from operators.core.errors import IntegrityError
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.search.cache import REMEDY, FileCache

#: Smaller files come whole: one request, and one checksum over all of it.
_WHOLE = 8 << 20
#: The start of a file, where an array says what it is.
_START = 4096
#: Ranges so near to each other are asked for together: a request costs what reading some 256 KiB does.
_GAP = 256 << 10
#: Requests on their way at the same time.
_REQUESTS = 8

Range = tuple[int, int]


@dataclass(frozen=True)
class RangeCache:
    """Files of a store on this machine, those over `whole` bytes by the ranges that were asked for."""

    store: Store
    cache: FileCache
    whole: int = _WHOLE

    def path(self, file: StoredFile) -> Path:
        """The file verified where it is small; else the object itself of a local store, or a file with holes.

        Raises `IntegrityError` where the object is not of the size that was published.
        """
        if file.bytes <= self.whole:
            return self.cache.path(self.store, file)
        size = self.cache.head(self.store, file).bytes
        if size != file.bytes:
            raise IntegrityError(
                f"{self.store.locate(file.key)} changed on the store: expected {file.bytes} bytes, got {size}. {REMEDY}"
            )
        if self.store.is_local:
            return Path(self.store.path(file.key))
        target = self.cache.target(file).with_suffix(".part")
        if not target.is_file() or target.stat().st_size != file.bytes:
            self._begin(target, file)
        return target

    def bring(self, file: StoredFile, ranges: Iterable[Range]) -> None:
        """Copy byte ranges of an object into its file; of a local store, and of small files, all is there already."""
        if self.store.is_local or file.bytes <= self.whole:
            return
        target = self.path(file)
        with ThreadPoolExecutor(_REQUESTS) as pool:
            list(pool.map(partial(self._copy, file, target), joined(ranges, _GAP)))

    def _begin(self, target: Path, file: StoredFile) -> None:
        self.cache.make_folder(target.parent)
        temporary = target.with_name(f"{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            temporary.write_bytes(self.store.get_range(file.key, 0, _START))
            os.truncate(temporary, file.bytes)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)

    def _copy(self, file: StoredFile, target: Path, wanted: Range) -> None:
        data = self.store.get_range(file.key, *wanted)
        with target.open("r+b") as opened:
            opened.seek(wanted[0])
            opened.write(data[: wanted[1] - wanted[0]])


def joined(ranges: Iterable[Range], gap: int) -> Iterator[Range]:
    """The ranges in ascending order, those with at most `gap` bytes between them as one."""
    last: Range | None = None
    for start, stop in sorted(each for each in ranges if each[0] < each[1]):
        if last and start - last[1] <= gap:
            last = last[0], max(last[1], stop)
            continue
        if last:
            yield last
        last = start, stop
    if last:
        yield last


def bringer(cache: RangeCache, files: Mapping[str, StoredFile]) -> Callable[[str, Iterable[Range]], None]:
    """`RangeCache.bring` of an index's files by their names in the index."""
    return lambda name, ranges: cache.bring(files[name], ranges)
