"""The lock of a recipe's models: a file for people to review, that says what each encoder loads to the last byte."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError, field_validator, model_validator

from operators.core.errors import UsageError
from operators.core.model_files import check_file_name, name_of
from operators.core.spec import Spec

_Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
_Commit = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


class LockedModel(Spec):
    """One model: as the recipe (or an adapter) names it, its commit where it is the hub's, and sha256 of its files.

    `sha256` is that over names and contents of all files, which names the model wherever it lies.
    """

    model: str = Field(min_length=1)
    revision: _Commit | None
    sha256: _Sha256
    files: dict[str, _Sha256] = Field(min_length=1)

    @field_validator("files")
    @classmethod
    def _safe_names(cls, files: dict[str, str]) -> dict[str, str]:
        return {check_file_name(name): sha256 for name, sha256 in files.items()}

    @model_validator(mode="after")
    def _named_by_its_files(self) -> "LockedModel":
        if (found := name_of(self.files)) != self.sha256:
            raise ValueError(f"sha256 {self.sha256} is not that of the files it lists, which is {found}")
        return self


class LockedEncoder(Spec):
    """The model of one encoder, and the base that it is an adapter on or works on top of."""

    model: LockedModel
    base: LockedModel | None = None

    def models(self) -> tuple[LockedModel, ...]:
        """Both, or the one there is."""
        return (self.model, *([self.base] if self.base else []))


class ModelLock(Spec):
    """What a recipe's encoders load, by their names. Encoders without files (`hashing`) are not in it."""

    version: Literal[1] = 1
    encoders: dict[str, LockedEncoder]


def lock_path(recipe: Path) -> Path:
    """Where the lock of a recipe lies: beside it."""
    return recipe.with_name(f"{recipe.name}.lock")


def to_text(lock: ModelLock) -> str:
    """JSON, a line a file, everything in the order of its name: the same models give the same text."""
    ordered = lock.model_copy(update={"encoders": dict(sorted(lock.encoders.items()))})
    return ordered.model_dump_json(indent=2) + "\n"


def read_lock(path: Path) -> ModelLock | None:
    """The lock in a file; None where there is none. Raises `UsageError` where it is not one."""
    try:
        return ModelLock.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in problem["loc"]) or "its start"
        raise UsageError(
            f"{path} is not a lock of models: at {where}: {problem['msg'].removeprefix('Value error, ')}. Restore it, "
            f"or write it anew with `millrace lock`"
        ) from error


def differences(locked: LockedModel, folder: Path, found: Mapping[str, str]) -> list[str]:
    """Each file that is not as it was locked: changed, missing or additional; `found` are those in the folder."""
    problems = []
    for name in sorted({*locked.files, *found}):
        expected, got = locked.files.get(name), found.get(name)
        if expected == got:
            continue
        if got is None:
            problems.append(f"{folder / name} is missing: expected sha256 {expected}")
        elif expected is None:
            problems.append(f"{folder / name} is not in the lock: got sha256 {got}")
        else:
            problems.append(f"{folder / name} changed: expected sha256 {expected}, got {got}")
    return problems
