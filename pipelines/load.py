"""A recipe file and `--set` overrides to a `Recipe`; mistakes are named by dotted path and the nearest valid key."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from operators.core.encoder_spec import EncoderSpec
from operators.core.errors import MillraceError, UsageError
from operators.read.source import redact_urls
from pipelines.recipe import Recipe
from pipelines.secret_keys import refuse_secrets
from pipelines.strict_yaml import parse

_MOST_BYTES = 1 << 20
#: Problems named, and characters shown of a wrong value.
_MOST_PROBLEMS, _LONGEST = 20, 200


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """The recipe in a YAML file with `path.to.key=value` overrides; raises `UsageError` for any mistake in it."""
    values = _read(path)
    for override in overrides:
        _override(values, override)
    refuse_secrets(values, path)
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
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"recipe {path} is larger than {_MOST_BYTES:,} bytes: is it one?")
        values = parse(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"recipe {path} does not exist; `millrace schema` prints what a recipe holds") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"recipe {path} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"recipe {path} is not YAML: {redact_urls(str(error))}") from error
    if values is None:
        raise UsageError(f"recipe {path} is empty; `millrace schema` prints what a recipe holds")
    if not isinstance(values, dict):
        raise UsageError(f"recipe {path}: expected keys and values at the top level, got {type(values).__name__}")
    return values


def _override(values: dict[str, Any], override: str) -> None:
    path, equals, text = override.partition("=")
    *parents, key = path.split(".")
    path = redact_urls(path)
    if not equals or not key:
        raise UsageError(f"--set {path}: expected path.to.key=value, such as publish.max_reject_ratio=0.05")
    for parent in parents:
        below = values.setdefault(parent, {})
        if not isinstance(below, dict):
            raise UsageError(f"--set {path}: {parent} holds a value, not keys")
        values = below
    try:
        values[key] = parse(text)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {path}: the value is not YAML: {redact_urls(str(error))}") from error


def _problems(error: ValidationError) -> Iterable[str]:
    """A line each; an address in them is shown without its user, password and query."""
    found = error.errors(include_url=False)
    yield from map(redact_urls, _told(found[:_MOST_PROBLEMS]))
    if len(found) > _MOST_PROBLEMS:
        yield f"  and {len(found) - _MOST_PROBLEMS} more"


def _told(problems: Iterable[ErrorDetails]) -> Iterable[str]:
    for problem in problems:
        path = ".".join(str(step) for step in problem["loc"])
        if problem["type"] == "extra_forbidden":
            yield f"  {path}: unknown key; {_nearest(problem['loc'])}"
        elif problem["type"] == "missing":
            yield f"  {path}: missing, it is required"
        else:
            came = f", got {_cut(repr(problem['input']))}" if not isinstance(problem["input"], dict) else ""
            yield f"  {path or 'recipe'}: {problem['msg'].removeprefix('Value error, ')}{came}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


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
