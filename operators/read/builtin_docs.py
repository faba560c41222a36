"""Docstrings of what Python implements in C: built-in types and functions, and modules without Python source."""

import builtins
import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Iterator
from types import ModuleType
from typing import Any

Described = tuple[str, str, str]


def describe_builtins() -> Iterator[Described]:
    """(kind, dotted name, docstring) of every public built-in; `list.sort` rather than `builtins.list.sort`."""
    yield from _members(builtins, "")
    for name in sorted(sys.stdlib_module_names):
        if not name.startswith("_") and _is_compiled(name) and (module := _import(name)):
            yield "module", name, inspect.getdoc(module) or ""
            yield from _members(module, f"{name}.")


def _import(name: str) -> ModuleType | None:
    """A compiled module; None where this build of Python lacks a library it needs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module(name)
        except ImportError:
            return None


def _is_compiled(name: str) -> bool:
    """Whether a standard module has no Python source; only such are imported, and importing them runs nothing else."""
    spec = importlib.util.find_spec(name)
    origin = spec.origin if spec else None
    return origin == "built-in" or bool(origin and not origin.endswith((".py", ".pyc")) and origin != "frozen")


def _members(owner: ModuleType | type, prefix: str) -> Iterator[Described]:
    for name, value in sorted(vars(owner).items()):
        if name.startswith("_"):
            continue
        if inspect.isclass(value):
            yield "class", f"{prefix}{name}", inspect.getdoc(value) or ""
            if not issubclass(value, BaseException):
                yield from _members(value, f"{prefix}{name}.")
        elif _is_function(value):
            yield "function", f"{prefix}{name}", inspect.getdoc(value) or ""


def _is_function(value: Any) -> bool:
    return inspect.isbuiltin(value) or inspect.ismethoddescriptor(value)
