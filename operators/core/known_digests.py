"""sha256 of large files, taken once on a machine and remembered for as long as a file is left alone.

Left alone means what it means to git: the same inode on the same device, of the same size and with the same times of
its last change. No program can set the time of a file's last change of status (ctime); to write and hide it takes the
right to set the machine's clock. A file that was changed in the last seconds is not remembered: its next change could
leave the same time. Where nothing can be remembered, everything is hashed.
"""

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from operators.core.cache_root import default_root, is_private, private
from operators.core.fingerprint import digest, digest_file

#: Below it a file is hashed sooner than it is looked up: a millisecond.
_LARGE = 1 << 20
#: File systems tell times in steps of up to two seconds (FAT); kernels in steps of their tick.
_SETTLED_NS = 2_000_000_000


def known_digest(path: Path) -> str:
    """sha256 of a file in hex: read now, or when it was last read if it was not touched since."""
    before = _state(path)
    note = default_root() / "digests" / f"{digest(os.fsencode(path.resolve()))}.json"
    known = _remembered(note, before) if path.stat().st_size >= _LARGE else None
    if known:
        return known
    found = digest_file(path)
    changed = max(before[-2:])
    if path.stat().st_size >= _LARGE and _state(path) == before and time.time_ns() - changed > _SETTLED_NS:
        with suppress(OSError):
            _remember(note, before, found)
    return found


def _state(path: Path) -> list[int]:
    found = path.stat()
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns]


def _remembered(note: Path, state: list[int]) -> str | None:
    try:
        if not is_private(note.parent):
            return None
        kept = json.loads(note.read_bytes())
    except (OSError, ValueError):
        return None
    return str(kept["sha256"]) if isinstance(kept, dict) and kept.get("state") == state else None


def _remember(note: Path, state: list[int], sha256: str) -> None:
    private(note.parent)
    temporary = note.with_name(f".{note.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(json.dumps({"state": state, "sha256": sha256}), encoding="ascii")
        temporary.replace(note)
    finally:
        temporary.unlink(missing_ok=True)
