"""What one URI of a source names: a file, a folder or the matches of a glob, on any fsspec file system."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from operators.read.source import filesystem

_WILDCARD = re.compile(r"[*?\[]")
_LOCAL = ("file", "local")


@dataclass(frozen=True)
class Location:
    """The entries a URI names, and `root`, the folder that file names are relative to, on its file system."""

    uri: str
    filesystem: Any
    root: str
    root_uri: str
    entries: tuple[dict[str, Any], ...]

    def below(self, path: str) -> str:
        """A path of the file system relative to the root."""
        return path.removeprefix(self.root).lstrip("/")

    def address(self, below: str) -> str:
        """The URI that opens a file below the root; a chained URL (`zip://*.csv::s3://b/a.zip`) keeps its chain."""
        return _in_chain(self.root_uri, lambda root: f"{root.removesuffix('/')}/{below}")

    def walk(self, folder: str, guard: Callable[[str], AbstractContextManager[None]]) -> Iterator[dict[str, Any]]:
        """All entries at any depth that are neither folders nor hidden; each request is made within `guard(place)`."""
        for entry in self._files(folder, guard):
            if not is_hidden(entry["name"].removeprefix(folder)):
                yield entry

    def follow(self, entry: dict[str, Any]) -> dict[str, Any]:
        """A link as what it leads to, whose size and time a reader will see; anything else as it is."""
        return dict(self.filesystem.info(entry["name"])) if entry.get("islink") else entry

    def _files(self, folder: str, guard: Callable[[str], AbstractContextManager[None]]) -> Iterator[dict[str, Any]]:
        """Files at any depth; an unreadable folder fails, where fsspec's own walk would leave it out without a word."""
        found: list[dict[str, Any]] = []
        flat = getattr(self.filesystem, "async_impl", False)
        with guard(self.address(self.below(folder))):
            listed = self.filesystem.find(folder, detail=True).values() if flat else self.filesystem.ls(folder, True)
            found = list(listed)
        for entry in found:
            if entry["type"] == "directory":
                yield from self._files(entry["name"], guard)
            else:
                yield entry


def locate(uri: str) -> Location:
    """What the URI names now; raises `FileNotFoundError` where that is nothing and the folder of a glob is missing."""
    opened, path = filesystem(uri)
    text = path if _is_local(opened) else uri
    try:
        entry = opened.info(path)
    except FileNotFoundError:
        if not _WILDCARD.search(path):
            raise
        return _glob(uri, opened, path, text)
    if entry["type"] == "directory":
        return Location(uri, opened, path.rstrip("/"), text, (entry,))
    return Location(uri, opened, _parent(path), _in_chain(text, _parent), (entry,))


def _glob(uri: str, opened: Any, path: str, text: str) -> Location:
    root = _above_wildcard(path)
    opened.info(root or "/")
    matches = opened.glob(path, detail=True).values()
    seen = (entry for entry in matches if not is_hidden(entry["name"].removeprefix(root)))
    location = Location(uri, opened, root, _in_chain(text, _above_wildcard), ())
    return replace(location, entries=tuple(location.follow(entry) for entry in seen))


def is_hidden(below: str) -> bool:
    """Dot files and what engines leave beside data: `_SUCCESS`, `_temporary/`, `_delta_log/`."""
    *folders, name = below.strip("/").split("/")
    if any(folder.startswith((".", "_")) for folder in folders):
        return True
    return name.startswith(".") or (name.startswith("_") and "." not in name)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _above_wildcard(path: str) -> str:
    return _parent(_WILDCARD.split(path, maxsplit=1)[0])


def _in_chain(uri: str, change: Callable[[str], str]) -> str:
    links = uri.split("::")
    place = _place(links)
    return "::".join([*links[:place], change(links[place]), *links[place + 1 :]])


def _place(links: list[str]) -> int:
    """Which link of a chained URL names files: the first that is more than a protocol."""
    return next((number for number, link in enumerate(links) if "/" in link), 0)


def _is_local(opened: Any) -> bool:
    protocol = opened.protocol
    return any(name in _LOCAL for name in ([protocol] if isinstance(protocol, str) else protocol))
