"""Mistakes to put into manifests: set or drop what a dotted path names, in the one manifest of a kind and name."""

from collections.abc import Callable
from typing import Any

from tests.deploy.checks.pods import Manifest
from tests.deploy.kustomize import only

Mistake = Callable[[list[Manifest]], None]


def put(kind: str, path: str, value: Any, name: str | None = None) -> Mistake:
    """Set what the path names; a path that ends in + appends to a list."""

    def make(manifests: list[Manifest]) -> None:
        parent, key = _parent(only(manifests, kind, name), path)
        if key == "+":
            parent.append(value)
        else:
            parent[key] = value

    return make


def drop(kind: str, path: str | None = None, name: str | None = None) -> Mistake:
    """Remove what the path names, or the whole manifest."""

    def make(manifests: list[Manifest]) -> None:
        manifest = only(manifests, kind, name)
        if path is None:
            manifests.remove(manifest)
            return
        parent, key = _parent(manifest, path)
        del parent[key]

    return make


def _parent(node: Any, path: str) -> tuple[Any, Any]:
    # A slash between keys that hold dots: metadata/labels/app.kubernetes.io~1name.
    *steps, last = (int(step) if step.isdigit() else step.replace("~1", "/") for step in path.split("/"))
    for step in steps:
        node = node[step]
    return node, last
