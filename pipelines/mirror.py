"""`millrace mirror`: copy a recipe's locked models to a store, from which machines without a hub fetch them."""

from dataclasses import dataclass
from pathlib import Path

from operators.core.errors import UsageError
from operators.core.model_location import Source, find
from operators.core.model_lock import LockedModel, lock_path, read_lock
from operators.core.model_mirror import put_model
from operators.core.storage import Store, open_store, redact
from pipelines.locked import held
from pipelines.recipe import Recipe


@dataclass(frozen=True)
class Mirrored:
    """A model in a mirror: where, and the bytes that were copied now."""

    model: LockedModel
    place: str
    copied: int


def mirror_models(recipe: Recipe, path: Path, uri: str) -> list[Mirrored]:
    """Copy every model of the recipe's lock that is not there yet, once models are seen to be what the lock says.

    Raises `UsageError` without a lock, and where models differ from it; `IntegrityError` where the mirror does.
    """
    if redact(uri) != uri:
        raise UsageError(
            f"{redact(uri)}: expected an address without user, password and query, as recipes name it: credentials "
            f"come from the environment or a role"
        )
    place = lock_path(path)
    lock = read_lock(place)
    if lock is None:
        raise UsageError(f"{place} does not exist, and a mirror has models by their sha256: run `millrace lock {path}`")
    held(recipe, lock, place)
    models = {
        model.sha256: (model, spec.mirror)
        for name, spec in recipe.encoders.items()
        for model in (lock.encoders[name].models() if name in lock.encoders else ())
    }
    mirror = open_store(uri)
    return [_mirror(mirror, model, earlier) for model, earlier in models.values()]


def _mirror(mirror: Store, model: LockedModel, earlier: str | None) -> Mirrored:
    """From a machine that has the model, or has it from another mirror."""
    folder = find(model.model, model.revision, Source(model.sha256, earlier)).path
    copied = put_model(mirror, model.files, folder)
    return Mirrored(model, mirror.child(model.sha256).locate("").rstrip("/"), copied)
