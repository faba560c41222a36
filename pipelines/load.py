"""A recipe file and `--set` overrides to a `Recipe`; mistakes are named by dotted path and the nearest valid key."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from operators.core.encoder_spec import EncoderSpec
from operators.core.errors import MillraceError, UsageError
from pipelines.recipe import Recipe


class _Strict(yaml.SafeLoader):
    """YAML's safe loader that refuses a key given twice, where the plain one keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002
        """The mapping of a node; raises `ConstructorError` for a repeated key."""
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
        if repeated:
            raise yaml.constructor.ConstructorError(None, None, f"key {repeated[0]} is given twice", node.start_mark)
        return super().construct_mapping(node, deep)


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file with `path.to.key=value` overrides; raises `UsageError` for any mistake in it."""
    values = _read(path)
    for override in overrides:
        _override(values, override)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise UsageError("\n".join([f"{path} is not a valid recipe:", *_problems(error)])) from error
    except MillraceError as error:
        raise UsageError(f"{path}: {error}") from error


def encoder_spec(**values: object) -> EncoderSpec:
    """An encoder named on the command line; raises `UsageError` naming the option that is wrong."""
    try:
        return EncoderSpec.model_validate(values)
    except ValidationError as error:
        raise UsageError("\n".join(["the encoder's options do not fit:", *_problems(error)])) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Strict)  # noqa: S506  (a SafeLoader)
    except FileNotFoundError:
        raise UsageError(f"recipe {path} does not exist; `millrace schema` prints what a recipe holds") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"recipe {path} is not YAML: {error}") from error
    if values is None:
        raise UsageError(f"recipe {path} is empty; `millrace schema` prints what a recipe holds")
    if not isinstance(values, dict):
        raise UsageError(f"recipe {path}: expected keys and values at the top level, got {type(values).__name__}")
    return values


def _override(values: dict[str, Any], override: str) -> None:
    path, equals, text = override.partition("=")
    *parents, key = path.split(".")
    if not equals or not key:
        raise UsageError(f"--set {override}: expected path.to.key=value, such as publish.max_reject_ratio=0.05")
    for parent in parents:
        below = values.setdefault(parent, {})
        if not isinstance(below, dict):
            raise UsageError(f"--set {override}: {parent} holds a value, not keys")
        values = below
    values[key] = yaml.safe_load(text)


def _problems(error: ValidationError) -> Iterable[str]:
    for problem in error.errors(include_url=False):
        path = ".".join(str(step) for step in problem["loc"])
        if problem["type"] == "extra_forbidden":
            yield f"  {path}: unknown key; {_nearest(problem['loc'])}"
        elif problem["type"] == "missing":
            yield f"  {path}: missing, it is required"
        else:
            came = f", got {problem['input']!r}" if not isinstance(problem["input"], dict) else ""
            yield f"  {path or 'recipe'}: {problem['msg'].removeprefix('Value error, ')}{came}"


def _nearest(location: tuple[int | str, ...]) -> str:
    keys = _keys_beside(location)
    close = difflib.get_close_matches(str(location[-1]), keys, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"expected one of {', '.join(keys)}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """The valid keys at the place of an unknown one; names of encoders are free and are passed over."""
    model: type[BaseModel] = Recipe
    for step in location[:-1]:
        found = model.model_fields.get(str(step))
        model = _model_in(found.annotation) or model if found else model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)
