"""A dashboard against Grafana's own types (grafana-foundation-sdk): what Grafana does not know is named."""

import types
import typing
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, get_args, get_origin

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

_MODELS = "grafana_foundation_sdk.models"


def problems(document: dict[str, Any]) -> list[str]:
    """Keys that Grafana would not read, and values of another type than it expects."""
    register_default_plugins()
    model = Dashboard.from_json(document)
    kept = typing.cast("dict[str, Any]", _plain(model))
    return [*_lost(document, kept, ""), *_mistyped(model, "")]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, Enum) or not hasattr(value, "to_json"):
        return value.value if isinstance(value, Enum) else value
    return _plain(JSONEncoder().default(value))


def _lost(given: Any, kept: Any, where: str) -> Iterator[str]:
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key in kept:
                yield from _lost(value, kept[key], f"{where}.{key}")
            else:
                yield f"{where}.{key}: Grafana has no such key"
    elif isinstance(given, list) and isinstance(kept, list):
        for place, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from _lost(one, other, f"{where}[{place}]")
    elif given != kept:
        yield f"{where}: {given!r} is read as {kept!r}"


def _mistyped(value: Any, where: str) -> Iterator[str]:
    if isinstance(value, list):
        for place, each in enumerate(value):
            yield from _mistyped(each, f"{where}[{place}]")
    elif type(value).__module__.startswith(_MODELS) and not isinstance(value, Enum):
        for name, hint in _hints(type(value)).items():
            found = getattr(value, name)
            if not _fits(found, hint):
                yield f"{where}.{name}: expected {hint}, got {found!r}"
            yield from _mistyped(found, f"{where}.{name}")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    origin, of = get_origin(hint), get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return any(_fits(value, each) for each in of)
    if origin is list:
        return isinstance(value, list) and all(_fits(each, of[0]) for each in value)
    if origin is typing.Literal:
        return value in of
    return _is(value, origin or hint)


def _is(value: Any, kind: Any) -> bool:
    if kind in {Any, object}:
        return True
    if kind in {int, float}:
        return isinstance(value, (int, kind)) and not isinstance(value, bool)
    if isinstance(value, dict) and kind.__module__.startswith(_MODELS):
        # A transformation is kept as it is.
        return set(value) <= set(kind().to_json())
    # What was read of JSON is still plain, where its type is a list of words.
    return value in {each.value for each in kind} if issubclass(kind, Enum) else isinstance(value, kind)
