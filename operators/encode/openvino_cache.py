"""Folders that took long to make, kept for the user's other processes: whole or not there, and verified when read."""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from operators.core.fingerprint import digest_file

_SUMS = "sha256.json"
_PRIVATE = 0o700


def cached(key: str, make: Callable[[Path], None]) -> Path:
    """The folder that `make` filled, here or in another process of this user, below `$MILLRACE_CACHE`/openvino.

    The second worker of a machine waits for the first one; a folder that is not what was written is made again.
    """
    root = Path(os.environ.get("MILLRACE_CACHE") or "~/.cache/millrace").expanduser() / "openvino"
    root.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    folder = root / key
    with _alone(root / f"{key}.lock"):
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
    if not (folder / _SUMS).is_file():
        return False
    sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
    found = {file.name: digest_file(file) for file in folder.iterdir() if file.name != _SUMS}
    return bool(found == sums)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock that the system lets go of when this process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
