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


def _texts(corpus: Path) -> Iterator[str]:
    source = SourceSpec(format="jsonl", uri=str(corpus / "corpus.jsonl*"), text=("title", "text"))
    for part in plan_parts(list_inputs(source).inputs, source):
        yield from map(str, read_part(part, source)[0][columns.TEXT].to_pylist())
