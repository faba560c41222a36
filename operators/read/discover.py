"""List the inputs of a source once, pinned by size and version: nothing that appears later belongs to the run."""

from collections.abc import Iterator
from typing import Any

from operators.core.fingerprint import fingerprint
from operators.core.spec import Spec
from operators.read.datasets import data_files
from operators.read.location import Location, locate
from operators.read.open import COMPRESSED
from operators.read.source import naming, pinned
from operators.read.spec import Format, SourceSpec

#: What is read of a folder; a file named by the recipe, or matched by its glob, is read whatever its suffix.
_SUFFIXES: dict[Format, tuple[str, ...]] = {
    "jsonl": (".jsonl", ".ndjson"),
    "parquet": (".parquet", ".pq"),
    "csv": (".csv",),
    "tsv": (".tsv", ".tab"),
    "text": (".txt", ".text", ".md", ".rst"),
    "lines": (".txt", ".text", ".lines"),
}
_Entry = dict[str, Any]


class InputFile(Spec):
    """One listed file: `path` opens it, `name` is its path below the listed root, `token` is the store's version."""

    path: str
    name: str
    bytes: int
    token: str


def discover(spec: SourceSpec) -> tuple[InputFile, ...]:
    """All inputs, each once, sorted by path; none where folders or globs hold nothing that fits the format.

    Raises `UsageError` where a named file or folder is missing and `StoreError` where listing fails.
    """
    found = {file.path: file for uri in spec.uri for file in _listed(uri, spec.format)}
    return tuple(found[path] for path in sorted(found))


def source_fingerprint(inputs: tuple[InputFile, ...]) -> str:
    """Name of the versions of all inputs: it changes when a file comes, goes or changes."""
    return fingerprint([list(file.model_dump().values()) for file in inputs])


def _listed(uri: str, format_: Format) -> Iterator[InputFile]:
    with naming("list", uri):
        location = locate(uri)
        for named in location.entries:
            for entry in _files_of(named, location, format_):
                size, token = pinned(entry, uri)
                below = location.below(entry["name"])
                yield InputFile(path=location.address(below), name=below, bytes=size, token=token)


def _files_of(named: _Entry, location: Location, format_: Format) -> Iterator[_Entry]:
    if named["type"] != "directory":
        yield named
    elif format_ == "datasets":
        files = data_files(location.filesystem, named["name"], location.uri)
        yield from map(location.filesystem.info, files)
    else:
        for entry in location.walk(named["name"]):
            if fits(entry["name"], format_):
                yield location.follow(entry)


def fits(name: str, format_: Format) -> bool:
    """Whether a file found in a folder belongs to a source of this format, by its suffix."""
    for suffix in () if format_ == "parquet" else COMPRESSED:
        name = name.removesuffix(suffix)
    return name.endswith(_SUFFIXES[format_])
