"""Is there a lock of the recipe's models, and are they still what it says? Nothing is fetched to find out."""

from collections.abc import Iterator
from pathlib import Path

from operators.core.encoder_spec import FITTED, HASHING, MINILM, EncoderSpec
from operators.core.model_fetch import is_fetched
from operators.core.model_folder import is_model_at_hand, own_model
from operators.core.model_lock import ModelLock, lock_path
from operators.core.model_locking import unproven
from pipelines.doctor.finding import Finding, ok, warning
from pipelines.locked import held, pinned
from pipelines.recipe import Recipe

_CHECK = "model lock"


def check_lock(recipe: Recipe, path: Path, lock: ModelLock | None) -> Iterator[Finding]:
    """The lock beside the recipe's file; raises `UsageError` naming every file that is not as it was locked."""
    place = lock_path(path)
    if lock is None:
        if all(_comes_along(spec) for spec in recipe.encoders.values()):
            yield ok(_CHECK, "none, and none needed: models come with installed packages")
        else:
            yield warning(_CHECK, f"{place} does not exist: a model could change unseen", f"millrace lock {path}")
        return
    found = pinned(recipe, lock).encoders
    here = {name: recipe.encoders[name] for name, spec in found.items() if _is_here(spec)}
    if here:
        held(recipe.model_copy(update={"encoders": here}), lock, place)
    missing = sorted(set(found) - set(here))
    beside = f"; not here, so not compared: {', '.join(missing)}" if missing else ""
    yield ok(_CHECK, f"{', '.join(here) or 'nothing'} compared with {place}: as it says{beside}")


def _is_here(spec: EncoderSpec) -> bool:
    """On this machine by itself, or as it was fetched from its mirror."""
    names = [name for name in (spec.sha256, spec.base_sha256) if name]
    return is_model_at_hand(unproven(spec)) or bool(spec.mirror and names and all(map(is_fetched, names)))


def _comes_along(spec: EncoderSpec) -> bool:
    return spec.model in {HASHING, *FITTED, MINILM} and own_model(spec) in {HASHING, *FITTED, MINILM}
