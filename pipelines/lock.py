"""`millrace lock`: write what a recipe's models are, or only look whether they still are that."""

import os
from dataclasses import dataclass
from pathlib import Path

from operators.core.encoder_spec import HASHING
from operators.core.errors import UsageError
from operators.core.model_lock import ModelLock, lock_path, read_lock, to_text
from operators.core.model_locking import lock_encoder
from pipelines.locked import held
from pipelines.recipe import Recipe


@dataclass(frozen=True)
class Locked:
    """A lock, where it lies, and the encoders whose entry was written now for the first time or with a change."""

    lock: ModelLock
    path: Path
    changed: tuple[str, ...]


def write_lock(recipe: Recipe, path: Path) -> Locked:
    """Find every model, hash its files, and keep that beside the recipe; the file is left alone where all is as it was.

    An earlier lock that is no lock is written over: it is what this mends.
    """
    found = {name: lock_encoder(spec) for name, spec in recipe.encoders.items()}
    lock = ModelLock(encoders={name: locked for name, locked in found.items() if locked})
    place = lock_path(path)
    before = _earlier(place)
    if before is None or to_text(before) != to_text(lock):
        _replace(place, to_text(lock))
    known = before.encoders if before else {}
    changed = tuple(name for name, locked in lock.encoders.items() if known.get(name) != locked)
    return Locked(lock, place, changed)


def check_lock(recipe: Recipe, path: Path) -> Locked:
    """Compare models with the lock; raises `UsageError` where anything differs, and where there is no lock."""
    place = lock_path(path)
    lock = read_lock(place)
    if lock is None:
        raise UsageError(f"{place} does not exist: `millrace lock {path}` writes it")
    held(recipe, lock, place)
    used = {name for name, spec in recipe.encoders.items() if spec.model != HASHING}
    if unused := sorted(set(lock.encoders) - used):
        raise UsageError(
            f"{place} locks {', '.join(unused)}, which the recipe does not use: run `millrace lock` and review the "
            f"difference"
        )
    return Locked(lock, place, ())


def _earlier(place: Path) -> ModelLock | None:
    try:
        return read_lock(place)
    except UsageError:
        return None


def _replace(place: Path, text: str) -> None:
    temporary = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(place)
    except OSError as error:
        raise UsageError(f"{place} cannot be written: {error}") from error
    finally:
        temporary.unlink(missing_ok=True)
