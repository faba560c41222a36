"""A judged collection or a sample of it: documents, queries, and which documents answer which query."""

import random
from dataclasses import dataclass
from pathlib import Path

from beir import read_documents

from operators.evaluate.judged import JudgedQuery, read_judged_set

_SEED = 5


@dataclass(frozen=True)
class Sample:
    """`texts` of documents in the order of `ids`, and the queries."""

    name: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    queries: tuple[JudgedQuery, ...]


def read_sample(folder: Path, documents: int, queries: int) -> Sample:
    """The first queries, all documents that answer them, and others at random until there are `documents`."""
    judged = read_judged_set(str(folder)).queries[:queries]
    relevant = frozenset().union(*(query.relevant for query in judged))
    found = read_documents(folder)
    others = [key for key in found if key not in relevant]
    random.Random(_SEED).shuffle(others)  # noqa: S311 - a sample, not a secret
    chosen = {*relevant, *others[: max(0, documents - len(relevant))]}
    ids = tuple(key for key in found if key in chosen)
    return Sample(folder.name, ids, tuple(found[key] for key in ids), judged)
