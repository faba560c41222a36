"""From an encoder to its lock and back: take it, hold a recipe to it, and compare it with what lies on this machine."""

from operators.core.encoder_spec import HASHING, EncoderSpec
from operators.core.errors import UsageError
from operators.core.hub import newest_commit
from operators.core.model_files import name_of
from operators.core.model_folder import base_model, base_source, find_own, own_model, resolve_model
from operators.core.model_location import Location, find, is_unpinned
from operators.core.model_lock import LockedEncoder, LockedModel, ModelLock, differences


def lock_encoder(spec: EncoderSpec) -> LockedEncoder | None:
    """What the encoder loads now; None where it has no files.

    A hub model without a revision is locked at its newest commit. Raises `UsageError` for a model that cannot be used.
    """
    if spec.model == HASHING:
        return None
    pinned = _pinned(unproven(spec))
    folder = resolve_model(pinned)
    base = base_model(pinned)
    return LockedEncoder(
        model=_locked(own_model(spec), pinned.revision, folder.location),
        base=_locked(*base, folder.base) if base and folder.base else None,
    )


def _pinned(spec: EncoderSpec) -> EncoderSpec:
    model = own_model(spec)
    if is_unpinned(model, spec.revision):
        spec = spec.model_copy(update={"revision": newest_commit(model)})
    base = base_model(spec)
    if base and is_unpinned(*base):
        spec = spec.model_copy(update={"base_revision": newest_commit(*base)})
    return spec


def _locked(model: str, revision: str | None, location: Location) -> LockedModel:
    files = dict(location.contents())
    # Of a local folder a revision says nothing.
    commit = revision if location.commit else None
    return LockedModel(model=model, revision=commit, sha256=name_of(files), files=files)


def hold_to(lock: ModelLock, name: str, spec: EncoderSpec) -> EncoderSpec:
    """The encoder with the commits and sha256 it was locked with; raises `UsageError` where the lock is of another."""
    if spec.model == HASHING:
        return spec
    locked = lock.encoders.get(name)
    if locked is None:
        raise UsageError(f"encoder {name} is not in the lock of models: run `millrace lock` and review the difference")
    if (
        locked.model.model != own_model(spec)
        or _differ(spec.revision, locked.model)
        or (locked.base and _differ(spec.base_revision, locked.base))
    ):
        raise UsageError(
            f"encoder {name} was locked with {_at(locked.model.model, locked.model.revision)}, the recipe says "
            f"{_at(own_model(spec), spec.revision)}, or another base: run `millrace lock` and review the difference"
        )
    return EncoderSpec.model_validate(
        {
            **spec.model_dump(),
            "revision": spec.revision or locked.model.revision,
            "base_revision": spec.base_revision or (locked.base and locked.base.revision),
            "sha256": locked.model.sha256,
            "base_sha256": locked.base and locked.base.sha256,
        }
    )


def _differ(asked: str | None, locked: LockedModel) -> bool:
    """Of a local folder there is no commit, whatever the recipe says."""
    return bool(asked and locked.revision and asked != locked.revision)


def _at(model: str, revision: str | None) -> str:
    return f"{model} at {revision}" if revision else model


def unproven(spec: EncoderSpec) -> EncoderSpec:
    """The encoder with whatever files its model has."""
    return spec.model_copy(update={"sha256": None, "base_sha256": None})


def changes(name: str, spec: EncoderSpec, locked: LockedEncoder) -> list[str]:
    """The files of an encoder that are not as they were locked; `spec` is held to the lock. Opens none of them."""
    own = find_own(spec)
    problems = differences(locked.model, own.path, own.contents())
    if locked.base:
        base = find(locked.base.model, locked.base.revision, base_source(spec))
        problems += differences(locked.base, base.path, base.contents())
    return [f"encoder {name}: {problem}" for problem in problems]
