"""Folders that took long to make, kept for the user's other processes: whole or not there, and verified when read."""

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from operators.core.cache_root import alone, default_root, private
from operators.core.fingerprint import digest_file

_SUMS = "sha256.json"


def cached(kind: str, key: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled, here or in another process of this user, below `$MILLRACE_CACHE`/kind.

    The second worker of a machine waits for the first one; a folder that is not what was written is made again.
    """
    root = private(default_root() / kind)
    folder = root / key
    with alone(root / f"{key}.lock"):
        if not _is_whole(folder):
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, make)
    return folder


def _make(folder: Path, make: Callable[[Path], None]) -> None:
    partial = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.tmp")
    partial.mkdir()
    try:
        make(partial)
        sums = {file.name: digest_file(file) for file in partial.iterdir()}
        (partial / _SUMS).write_text(json.dumps(sums), encoding="utf-8")
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _is_whole(folder: Path) -> bool:
    try:
        sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):  # not there, or lost its content with the machine's power
        return False
    found = {file.name: digest_file(file) for file in folder.iterdir() if file.name != _SUMS}
    return bool(found == sums)
