"""A snapshot as a value: its objects, their checksums, and what was measured before it was published."""

from typing import Any

from pydantic import BaseModel, Field, ValidationError

from operators.core.encoder_records import EncoderRecord, EncoderTotals
from operators.core.errors import IntegrityError
from operators.core.fingerprint import canonical
from operators.core.index_records import IndexTotals, SegmentIndex, TrainedIndex
from operators.core.spec import Spec
from operators.core.stored_file import StoredFile

FORMAT = 2


class Part(Spec):
    """Documents that were read and encoded together; `vectors` maps an encoder's name to its file, row for row."""

    part: str
    rows: int
    totals: dict[str, EncoderTotals]
    documents: StoredFile
    vectors: dict[str, StoredFile]


class DeadRows(Spec):
    """Rows of a segment that no longer belong to a document: a roaring bitmap of `rows` row numbers."""

    rows: int
    file: StoredFile


class Segment(Spec):
    """Consecutive parts that share one index; a row's number counts through the parts in this order.

    A segment never changes. What dies in it later is named by `dead`, which every snapshot sets anew.
    """

    segment: str
    rows: int
    parts: tuple[str, ...]
    dead: DeadRows | None = None

    @property
    def live(self) -> int:
        """Rows that belong to a document."""
        return self.rows - (self.dead.rows if self.dead else 0)


class LedgerFile(Spec):
    """Rows of one range of hashes: the `bucket`-th of 2^`bits` equal ones. Later files of a range replace earlier."""

    bits: int = Field(ge=0, le=16)
    bucket: int = Field(ge=0)
    rows: int
    file: StoredFile


class Counts(Spec):
    """What happened to the documents of the source in this run; `documents` and `rows` count what the snapshot holds.

    `encoded` went through the encoders, `reused` got the vectors of an equal text.
    """

    documents: int
    rows: int
    encoded: int
    reused: int
    added: int
    updated: int
    deleted: int
    unchanged: int
    truncated: int
    rejected: int
    rejected_by_reason: dict[str, int] = {}


class SourceState(Spec):
    """The source as it was read: `token` names the versions of all its inputs, `inputs` is the table of them.

    `problems` says what could not be listed; where there is any, nothing was deleted. Of a table, `table` is what the
    next night is told, and `staged` are the copies of its rows that inputs are.
    """

    token: str
    inputs: StoredFile
    problems: tuple[str, ...] = ()
    table: dict[str, Any] | None = None
    staged: tuple[StoredFile, ...] = ()


class CanaryResult(Spec):
    """A canary's answer before the snapshot was published: the rank of each expected document by id, from 1.

    The rank is None where the document was not among the first `k`; `needed` of them had to be.
    """

    query: str
    mode: str
    k: int
    needed: int
    ranks: dict[str, int | None]

    @property
    def found(self) -> int:
        """Expected documents among the first `k`."""
        return sum(rank is not None for rank in self.ranks.values())

    @property
    def share(self) -> float:
        """Found over expected."""
        return self.found / len(self.ranks)


class Parent(Spec):
    """The snapshot this one follows, by number and the sha256 of its manifest."""

    snapshot: int
    sha256: str


class Manifest(Spec):
    """One published snapshot of a collection.

    `identity` is the fingerprint of all that its content depends on. `keys` is the ledger of documents, `texts` that of
    vectors by text (operators/ledger). `restores` is the snapshot that a rollback repeated. `trained` and `measured`
    are by encoder.
    """

    format: int = FORMAT
    collection: str
    snapshot: int
    run: str
    parent: Parent | None
    created_at: str
    millrace: str
    identity: str
    restores: int | None = None
    recipe: dict[str, Any]
    documents_fingerprint: str
    chunking_fingerprint: str
    source: SourceState
    counts: Counts
    encoders: dict[str, EncoderRecord]
    segments: tuple[Segment, ...]
    parts: tuple[Part, ...]
    indexes: dict[str, tuple[SegmentIndex, ...]]
    keys: tuple[LedgerFile, ...]
    texts: tuple[LedgerFile, ...]
    rejects: tuple[StoredFile, ...]
    canaries: tuple[CanaryResult, ...] = ()
    trained: dict[str, tuple[TrainedIndex, ...]] = {}
    measured: dict[str, IndexTotals] = {}

    def files(self) -> list[StoredFile]:
        """Every object the snapshot names."""
        found = [
            self.source.inputs,
            *self.source.staged,
            *self.rejects,
            *(each.file for each in (*self.keys, *self.texts)),
        ]
        found += [segment.dead.file for segment in self.segments if segment.dead]
        for part in self.parts:
            found += [part.documents, *part.vectors.values()]
        for indexes in self.indexes.values():
            found += [file for index in indexes for file in index.files.values()]
        found += [each.file for trained in self.trained.values() for each in trained]
        for encoder in self.encoders.values():
            found += encoder.files.values()
        return found


def to_json(manifest: Manifest) -> bytes:
    """Canonical JSON: equal manifests are equal bytes."""
    return canonical(manifest)


def from_json(data: bytes, name: str) -> Manifest:
    """Parse an untrusted manifest; raises `IntegrityError` naming it where it is not one this version reads."""
    try:
        version = _Versioned.model_validate_json(data).format
        if version != FORMAT:
            remedy = "use a newer Millrace" if version > FORMAT else "index into another store or collection"
            raise IntegrityError(f"{name} has format {version}, this Millrace reads {FORMAT}: {remedy}")
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(step) for step in problem["loc"]) or "its start"
        raise IntegrityError(
            f"{name} is not a Millrace manifest: at {where}: {problem['msg']}. Restore it from a copy; until then "
            f"earlier snapshots can be searched by their number"
        ) from error


class _Versioned(BaseModel):
    """The one field that every format has, read before anything else so that a newer one is named as such."""

    format: int
