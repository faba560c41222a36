"""Mirrored models on this machine, below `$MILLRACE_CACHE`/models: each brought here once, whole or not at all."""

import os
import shutil
from pathlib import Path

from operators.core.cache_root import alone, default_root, private
from operators.core.errors import IntegrityError, MillraceError
from operators.core.fingerprint import digest_file
from operators.core.model_files import contents_of, name_of
from operators.core.model_mirror import LISTING, file_key, listed_files
from operators.core.storage import Store, open_store


def fetch_model(mirror: str, sha256: str) -> Path:
    """The folder of a mirrored model: fetched by the first process of this machine that asks, others wait for it.

    Every file is verified before the folder has its name; those that were left alone since are not read again. Raises
    `UsageError` where the mirror has no such model, `IntegrityError` where what it has is another.
    """
    folder = _folder(sha256)
    if not _is_whole(folder, sha256):
        root = private(folder.parent)
        with alone(root / f"{sha256}.lock"):
            if not _is_whole(folder, sha256):
                _fetch(open_store(mirror).child(sha256), sha256, folder)
    return folder


def is_fetched(sha256: str) -> bool:
    """Whether a mirrored model lies on this machine."""
    return _folder(sha256).is_dir()


def _folder(sha256: str) -> Path:
    return default_root() / "models" / sha256


def _is_whole(folder: Path, sha256: str) -> bool:
    return folder.is_dir() and name_of(contents_of(folder)) == sha256


def _fetch(place: Store, sha256: str, folder: Path) -> None:
    contents = listed_files(place, sha256)
    partial = folder.with_name(f"{sha256}.partial")
    try:
        # Whoever was killed here left it, and held the lock that this process holds now.
        _remove(partial)
        for name, expected in contents.items():
            _fetch_file(place, name, partial, expected)
        _remove(folder)
        partial.rename(folder)
    except OSError as error:
        raise MillraceError(
            f"model {place.locate('')} could not be kept on this machine: {error}. Free space in {folder.parent}, or "
            f"let MILLRACE_CACHE name a larger disk"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _fetch_file(place: Store, name: str, partial: Path, expected: str) -> None:
    target = partial / name
    if not target.resolve().is_relative_to(partial.resolve()):
        raise IntegrityError(f"{place.locate(LISTING)} names {name!r}, which leads out of its folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    place.fetch(file_key(name), target)
    if (found := digest_file(target)) != expected:
        raise IntegrityError(
            f"{place.locate(file_key(name))} changed on the mirror: expected sha256 {expected}, got {found}. Nothing "
            f"of it was opened. Delete it, and run `millrace mirror` where the model is"
        )


def _remove(folder: Path) -> None:
    if os.path.lexists(folder):
        shutil.rmtree(folder)
