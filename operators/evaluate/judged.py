"""A judged set in BEIR layout: queries.jsonl, and one file of judgments a split below qrels/."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from operators.core.errors import UsageError
from operators.read.discover import list_inputs
from operators.read.listing import InputFile
from operators.read.open import COMPRESSED
from operators.read.record import Bad, Record
from operators.read.records import read_slice
from operators.read.slices import OPEN_END, Kind, Slice
from operators.read.source import shown
from operators.read.spec import SourceSpec

_QUERY, _DOCUMENT, _SCORE = "query-id", "corpus-id", "score"
#: The split that is read where a set has several: the one that published figures are of.
_DEFAULT_SPLIT = "test"


@dataclass(frozen=True)
class JudgedQuery:
    """A query and the ids of the documents that answer it, at least one."""

    text: str
    relevant: frozenset[str]


@dataclass(frozen=True)
class JudgedSet:
    """The queries of a split in the order of queries.jsonl; `unjudged` more have no relevant document there."""

    name: str
    split: str
    queries: tuple[JudgedQuery, ...]
    unjudged: int

    @property
    def texts(self) -> list[str]:
        """The queries as they are asked."""
        return [query.text for query in self.queries]

    @property
    def relevant(self) -> frozenset[str]:
        """The ids of all documents that answer some query."""
        return frozenset().union(*(query.relevant for query in self.queries))


def read_judged_set(folder: str, split: str | None = None) -> JudgedSet:
    """The judged queries of a folder, local or at any fsspec URL; files may be plain, .gz or .zst.

    A document is relevant where its score is above 0. Raises `UsageError` where the folder is no such set, has several
    splits of which none was named, or judges no query.
    """
    folder = folder.rstrip("/")
    asked = _texts(_files(folder, "queries.jsonl*"))
    name, judgments = _choose_split(folder, _files(folder, "qrels/*.tsv*"), split)
    relevant = _relevant(judgments)
    queries = tuple(JudgedQuery(text, frozenset(relevant[key])) for key, text in asked.items() if key in relevant)
    if not queries:
        raise UsageError(
            f"{shown(judgments.path)} judges none of the {len(asked):,} queries of {shown(folder)}: expected rows "
            f"with the _id of a query and a score above 0, found {len(relevant):,} other queries. Name another --split"
        )
    blank = next((key for key in relevant if key in asked and not asked[key].strip()), None)
    if blank is not None:
        raise UsageError(f"{shown(folder)}: query {blank!r} has no text. Remove it from qrels, or give it one")
    return JudgedSet(PurePosixPath(folder).name or folder, name, queries, len(asked) - len(queries))


def _files(folder: str, pattern: str) -> tuple[InputFile, ...]:
    try:
        files = list_inputs(SourceSpec(format="lines", uri=f"{folder}/{pattern}")).inputs
    except UsageError:
        files = ()
    if not files:
        raise UsageError(
            f"{shown(folder)} has no {pattern.removesuffix('*')}: expected a folder in BEIR layout, with queries.jsonl "
            f"and qrels/<split>.tsv (plain, .gz or .zst). Correct --data"
        )
    return files


def _choose_split(folder: str, files: tuple[InputFile, ...], split: str | None) -> tuple[str, InputFile]:
    by_name = {_stem(file.name): file for file in files}
    wanted = split or (_DEFAULT_SPLIT if len(by_name) > 1 else next(iter(by_name)))
    if wanted not in by_name:
        raise UsageError(
            f"{shown(folder)} has no split {wanted!r}: expected one of {', '.join(sorted(by_name))}. Name it by --split"
        )
    return wanted, by_name[wanted]


def _stem(name: str) -> str:
    for suffix in COMPRESSED:
        name = name.removesuffix(suffix)
    return PurePosixPath(name).stem


def _texts(files: tuple[InputFile, ...]) -> dict[str, str]:
    texts: dict[str, str] = {}
    for file in files:
        for place, value in _records(file, SourceSpec(format="jsonl", uri=file.path)):
            if not isinstance(value.get("_id"), str) or not isinstance(value.get("text"), str):
                raise UsageError(f"{place}: expected strings _id and text, got the fields {', '.join(value)}")
            texts[value["_id"]] = value["text"]
    return texts


def _relevant(file: InputFile) -> dict[str, set[str]]:
    spec = SourceSpec(format="tsv", uri=file.path, id=_QUERY, text=(_DOCUMENT, _SCORE))
    relevant: defaultdict[str, set[str]] = defaultdict(set)
    for place, value in _records(file, spec):
        if _score(place, value[_SCORE]) > 0:
            relevant[value[_QUERY]].add(value[_DOCUMENT])
    return relevant


def _score(place: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{place}: expected a number as score, got {text!r}. Correct the file") from None


def _records(file: InputFile, spec: SourceSpec) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every record with its place; a set without its bad lines would give figures of another set, so one ends it."""
    for record in _read(file, spec):
        place = f"{shown(file.path)} line {record.line}"
        if isinstance(record.value, Bad):
            raise UsageError(f"{place}: {record.value.reason}: {record.value.detail}. Correct the file")
        yield place, record.value


def _read(file: InputFile, spec: SourceSpec) -> list[Record]:
    piece = Slice(**file.model_dump(), kind=Kind.WHOLE, start=0, stop=OPEN_END)
    try:
        return list(read_slice(piece, spec))
    except UsageError as error:
        header = ", ".join(spec.fields())
        raise UsageError(f"{shown(file.path)}: expected the columns {header} of BEIR's layout ({error})") from error
