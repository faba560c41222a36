"""A recipe held to the lock of models that lies beside it, before anything of a model is opened."""

from pathlib import Path

from operators.core.encoder_spec import HASHING
from operators.core.errors import UsageError
from operators.core.model_lock import ModelLock, lock_path, read_lock
from operators.core.model_locking import changes, hold_to
from pipelines.recipe import Recipe


def locked_recipe(recipe: Recipe, path: Path) -> Recipe:
    """The recipe of a file as its lock pins it; the recipe itself where there is none.

    Raises `UsageError` naming every file that changed, is missing or came to it. What is pinned is in each encoder's
    spec, so that workers and searches are held to it, too.
    """
    lock = read_lock(lock_path(path))
    return recipe if lock is None else held(recipe, lock, lock_path(path))


def pinned(recipe: Recipe, lock: ModelLock) -> Recipe:
    """The recipe with the commits and sha256 that encoders were locked with; no file is looked at."""
    return recipe.model_copy(update={"encoders": {name: hold_to(lock, name, s) for name, s in recipe.encoders.items()}})


def held(recipe: Recipe, lock: ModelLock, place: Path) -> Recipe:
    """`locked_recipe` by a lock that was read from `place`."""
    found = pinned(recipe, lock)
    with_files = {name: spec for name, spec in found.encoders.items() if spec.model != HASHING}
    problems = [problem for name, spec in with_files.items() for problem in changes(name, spec, lock.encoders[name])]
    if problems:
        raise UsageError(
            "\n".join(
                [
                    f"models are not those of {place}; nothing of them was opened:",
                    *(f"  {problem}" for problem in problems),
                    "Restore the files. Where the change is meant, run `millrace lock` and review the difference",
                ]
            )
        )
    return found
