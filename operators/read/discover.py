"""List the inputs of a source once, pinned by size and version: nothing that appears later belongs to the run."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import Any

from operators.core.errors import MillraceError, StoreError, UsageError
from operators.read.datasets import data_files
from operators.read.listing import InputFile, Listing
from operators.read.location import Location, locate
from operators.read.open import COMPRESSED
from operators.read.source import naming, pinned
from operators.read.spec import PARQUET, Format, SourceSpec

#: What is read of a folder; a file named by the recipe, or matched by its glob, is read whatever its suffix.
_SUFFIXES: dict[Format, tuple[str, ...]] = {
    "jsonl": (".jsonl", ".ndjson"),
    **dict.fromkeys(PARQUET, (".parquet", ".pq")),
    "csv": (".csv",),
    "tsv": (".tsv", ".tab"),
    "text": (".txt", ".text", ".md", ".rst"),
    "lines": (".txt", ".text", ".lines"),
}
_Entry = dict[str, Any]


#: Called with the place that is about to be listed; decides what its failure means.
_Guard = Callable[[str], AbstractContextManager[None]]


def list_inputs(spec: SourceSpec) -> Listing:
    """All inputs, each once, sorted by path; none where folders or globs hold nothing that fits the format.

    What cannot be listed becomes a problem, and the rest is listed all the same. Raises `UsageError` where a named file
    or folder is missing, and `StoreError` where problems leave no input at all.
    """
    if spec.is_table:
        # A folder of a table holds files that are no longer part of it, and rows that were deleted since.
        raise ValueError(f"format {spec.format} is listed by list_table")
    problems: list[str] = []
    found: list[InputFile] = []
    for uri in spec.uri:
        with _noting(problems, StoreError):
            found += _listed(_located(uri), spec.format, partial(_guarded, problems))
    if problems and not found:
        raise StoreError("; ".join(problems))
    return Listing(_sorted(found), tuple(problems))


def _sorted(files: Iterable[InputFile]) -> tuple[InputFile, ...]:
    found = {file.path: file for file in files}
    return tuple(found[path] for path in sorted(found))


@contextmanager
def _noting(problems: list[str], *caught: type[MillraceError]) -> Iterator[None]:
    try:
        yield
    except caught as error:
        problems.append(str(error))


@contextmanager
def _guarded(problems: list[str], place: str) -> Iterator[None]:
    # What is missing below a folder that is there has gone since, or is a link that leads nowhere.
    with _noting(problems, StoreError, UsageError), naming("list", place):
        yield


def _located(uri: str) -> Location:
    with naming("list", uri):
        return locate(uri)


def _listed(location: Location, format_: Format, guard: _Guard) -> Iterator[InputFile]:
    for named in location.entries:
        for entry in _files_of(named, location, format_, guard):
            below = location.below(entry["name"])
            address = location.address(below)
            with guard(address):
                size, token = pinned(location.follow(entry), address)
                yield InputFile(path=address, name=_name(below, location), bytes=size, token=token)


def _name(below: str, location: Location) -> str:
    """What is kept of a file, and makes ids: of a web address all but its query, which may be a signature."""
    protocols = location.filesystem.protocol
    is_web = "http" in ([protocols] if isinstance(protocols, str) else protocols)
    return below.partition("?")[0] if is_web else below


def _files_of(named: _Entry, location: Location, format_: Format, guard: _Guard) -> Iterator[_Entry]:
    if named["type"] != "directory":
        yield named
    elif format_ == "datasets":
        with naming("list", location.uri):
            files = data_files(location.filesystem, named["name"], location.uri)
            yield from map(location.filesystem.info, files)
    else:
        for entry in location.walk(named["name"], guard):
            if fits(entry["name"], format_):
                yield entry


def fits(name: str, format_: Format) -> bool:
    """Whether a file found in a folder belongs to a source of this format, by its suffix."""
    for suffix in () if format_ in PARQUET else COMPRESSED:
        name = name.removesuffix(suffix)
    return name.endswith(_SUFFIXES[format_])
