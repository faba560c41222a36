"""Training text that every machine has: sentences that introduce docstrings and packages, and what they introduce."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path
from sysconfig import get_path
from typing import Any

from operators.read.docstrings import documents_below

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_SHORTEST_QUERY, _SHORTEST_REST = 15, 80
_PACKAGE_CHARACTERS = 2_000


@dataclass(frozen=True)
class Pair:
    """A sentence as a query, and the document it introduces, without it."""

    query: str
    document: str


def find_pairs() -> list[Pair]:
    """Every pair of the standard library and the installed packages, each document once, in the same order always."""
    library, site = Path(get_path("stdlib")), Path(get_path("purelib"))
    pairs = [*_docstrings(library, library), *_docstrings(site, site), *_packages()]
    return list({pair.document: pair for pair in pairs}.values())


def _docstrings(folder: Path, root: Path) -> Iterator[Pair]:
    for document in documents_below(folder, root):
        yield from _introduced(document["text"], document["title"].rpartition(" ")[0].replace("_", " "))


def _packages() -> Iterator[Pair]:
    for distribution in sorted(distributions(), key=lambda found: found.metadata["Name"]):
        metadata: Any = distribution.metadata
        summary, body = metadata["Summary"] or "", metadata.get_payload() or ""
        for start in range(0, len(body), _PACKAGE_CHARACTERS):
            yield from _introduced(body[start : start + _PACKAGE_CHARACTERS], metadata["Name"])
        if len(summary) >= _SHORTEST_QUERY and len(body) >= _SHORTEST_REST:
            yield Pair(summary, body[:_PACKAGE_CHARACTERS])


def _introduced(text: str, title: str) -> Iterator[Pair]:
    first, *others = _SENTENCE.split(text, maxsplit=1)
    rest = others[0].strip() if others else ""
    if len(first) >= _SHORTEST_QUERY and len(rest) >= _SHORTEST_REST:
        yield Pair(" ".join(first.split()), f"{title} {rest}")
