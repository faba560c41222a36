"""Where this machine keeps what it downloaded or reckoned: a folder that is its user's alone."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: Environment variable that names the folder.
VARIABLE = "MILLRACE_CACHE"
_PRIVATE = 0o700
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def default_root() -> Path:
    """`$MILLRACE_CACHE`, else `~/.cache/millrace`."""
    return Path(os.environ.get(VARIABLE) or "~/.cache/millrace").expanduser()


def private(folder: Path) -> Path:
    """The folder, made if it is not there."""
    folder.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    return folder


def is_private(folder: Path) -> bool:
    """Whether a folder that is there is this user's, and nobody else may write into it."""
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & _OTHERS_WRITE


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold a lock file that the system lets go of when this process ends, however it ends."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
