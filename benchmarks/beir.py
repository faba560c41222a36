"""Texts of a collection in BEIR layout (corpus.jsonl, plain or .gz or .zst), as the encoders read them."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from operators.core import columns
from operators.read.discover import list_inputs
from operators.read.part import read_part
from operators.read.plan import plan_parts
from operators.read.spec import SourceSpec


def read_texts(corpus: Path, documents: int) -> list[str]:
    """The first documents, title and text joined."""
    return list(islice(_texts(corpus), documents))


def read_documents(corpus: Path) -> dict[str, str]:
    """Texts, title and text joined, by the documents' ids."""
    return dict(_documents(corpus))


def _texts(corpus: Path) -> Iterator[str]:
    return (text for _, text in _documents(corpus))


def _documents(corpus: Path) -> Iterator[tuple[str, str]]:
    source = SourceSpec(format="jsonl", uri=str(corpus / "corpus.jsonl*"), text=("title", "text"))
    for part in plan_parts(list_inputs(source).inputs, source):
        table = read_part(part, source)[0]
        yield from zip(
            map(str, table[columns.DOC_ID].to_pylist()), map(str, table[columns.TEXT].to_pylist()), strict=True
        )
