"""All checks in the order that a run would meet what they look at."""

import os
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from operators.core.errors import MillraceError
from operators.core.manifest import Manifest
from operators.core.model_lock import ModelLock, lock_path, read_lock
from operators.encode.machine import Machine, look_at_machine
from operators.index.library import look_at_faiss
from operators.publish.chain import read_head
from pipelines.doctor.authentication import check_authentication
from pipelines.doctor.environment import check_environment
from pipelines.doctor.finding import Finding, fail, looked, ok
from pipelines.doctor.free import free_disk, free_memory
from pipelines.doctor.libraries import check_libraries, check_python, wanted_libraries
from pipelines.doctor.lock import check_lock
from pipelines.doctor.models import check_models
from pipelines.doctor.needs import needs_of
from pipelines.doctor.processors import check_cpu, check_faiss, check_gpu
from pipelines.doctor.room import check_room, check_room_elsewhere
from pipelines.doctor.store import check_store
from pipelines.job import collection_store
from pipelines.locked import pinned
from pipelines.recipe import Recipe
from pipelines.resources import Capacity

_OFFLINE = "HF_HUB_OFFLINE"
_NO = ("", "0", "false", "no", "off")


def examine(recipe: Recipe | None, path: Path | None, address: str | None) -> list[Finding]:
    """Look at this machine, and with a recipe (of a file) at its models, its store and its needs. Raises nothing.

    Writes one object of 5 bytes to the store and deletes it; joins the cluster at `address` and leaves it again.
    """
    findings = [
        *looked("python", lambda: [check_python(sys.version_info[:3])]),
        *looked("libraries", lambda: check_libraries(wanted_libraries())),
        *looked("ray authentication", lambda: [check_authentication(os.environ, Path.home(), joins=bool(address))]),
        *looked("ray environment", lambda: [check_environment(os.environ)]),
        *_processors(recipe, joins=bool(address)),
    ]
    if address:
        findings += looked("ray cluster", partial(_cluster, recipe, address))
    if recipe and path:
        findings += _of_recipe(recipe, path, joins=bool(address))
    return findings


def check_recipe(path: Path, error: MillraceError | None) -> Finding:
    """The recipe itself, which was or was not loaded."""
    return fail("recipe", str(error), "") if error else ok("recipe", str(path))


def _of_recipe(recipe: Recipe, path: Path, *, joins: bool) -> list[Finding]:
    try:
        lock = read_lock(lock_path(path))
        findings = looked("model lock", partial(check_lock, recipe, path, lock))
    except MillraceError as error:
        lock, findings = None, [fail("model lock", str(error), "")]
    asked = _pinned(recipe, lock)
    return [
        *findings,
        *looked("models", partial(check_models, asked.encoders, offline=_is_offline())),
        *looked("store", lambda: check_store(collection_store(recipe))),
        *looked("room", partial(_room, asked, joins=joins)),
    ]


def _pinned(recipe: Recipe, lock: ModelLock | None) -> Recipe:
    """Models are looked for at the commits they were locked at; a lock of other models has its own line."""
    try:
        return pinned(recipe, lock) if lock else recipe
    except MillraceError:
        return recipe


def _is_offline() -> bool:
    return os.environ.get(_OFFLINE, "").lower() not in _NO


def _processors(recipe: Recipe | None, *, joins: bool) -> list[Finding]:
    found: list[Machine] = []
    encoders = tuple(recipe.encoders.values()) if recipe else ()

    def look() -> Iterator[Finding]:
        found.append(look_at_machine())
        yield check_gpu(found[0], encoders, joins=joins)
        yield check_cpu(found[0], () if joins else encoders)

    findings = looked("torch", look)
    return [*findings, *looked("faiss", partial(_faiss, len(found[0].gpus) if found else 0))]


def _faiss(gpus: int) -> Iterator[Finding]:
    try:
        yield check_faiss(look_at_faiss(), gpus)
    except ImportError as error:
        yield fail("faiss", f"not usable: {error}", "pip install 'millrace[cpu]', or 'millrace[gpu]'")


def _cluster(recipe: Recipe | None, address: str) -> Iterator[Finding]:
    from pipelines.doctor.cluster import check_cluster, join  # ray takes 2 s to import

    yield check_cluster(address, join(address), tuple(recipe.encoders.values()) if recipe else ())


def _room(recipe: Recipe, *, joins: bool) -> Iterator[Finding]:
    here = Capacity(float(os.cpu_count() or 1), 0.0, 1)
    needs = needs_of(recipe, _parent(recipe), here)
    folder = Path(tempfile.gettempdir())
    yield from check_room_elsewhere(needs) if joins else check_room(needs, free_memory(), free_disk(folder), folder)


def _parent(recipe: Recipe) -> Manifest | None:
    """The newest snapshot; None where the store does not give one, which its own checks say."""
    try:
        return read_head(collection_store(recipe))
    except MillraceError:
        return None
