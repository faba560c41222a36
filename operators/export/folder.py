"""A folder that appears whole or not at all."""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from operators.core.errors import StoreError, UsageError


def local_folder(name: str) -> Path:
    """The folder a user names; raises `UsageError` for an address on an object store."""
    if "://" in name:
        raise UsageError(f"{name} is not on this machine: expected a local folder. Export there, then copy it")
    return Path(name).expanduser()


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A new folder beside `target`, renamed to it at the end of the block and removed where the block fails.

    Raises `UsageError` where `target` is there and not an empty folder, `StoreError` where the disk refuses.
    """
    _refuse_taken(target)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        _refuse_taken(target)
        temporary.rename(target)
    except OSError as error:
        raise StoreError(
            f"write {target}: {error.strerror or error}. Free space there or check its permissions, then run the same "
            f"command again"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _refuse_taken(target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        raise UsageError(f"{target} is not empty: expected a new or empty folder. Name another one, or remove it")
