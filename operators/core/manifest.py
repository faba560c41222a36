"""A snapshot as a value: its objects, their checksums, and what was measured before it was published."""

from typing import Any

from pydantic import BaseModel, Field, ValidationError

from operators.core.errors import IntegrityError
from operators.core.fingerprint import canonical
from operators.core.spec import Spec

FORMAT = 2


class StoredFile(Spec):
    """One immutable object, verified by size and sha256 before it is opened; no step of its key leads out or up."""

    key: str = Field(pattern=r"^[a-z][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", max_length=1024)
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class EncoderTotals(Spec):
    """What one encoder did in one part; `splits` are batches halved because memory ran out.

    Of a sample of sparse vectors, `expansions` of `terms` are of word pieces that the text does not hold.
    """

    dimensions: int
    tokens: int
    active_dims: int
    splits: int = 0
    terms: int = 0
    expansions: int = 0
    quality: dict[str, float] = {}


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


class SearchFigures(Spec):
    """How an index answered its queries with `depth` rows each, while `live` rows lived.

    `recall` is that of the whole answer, `self_found` the share of queries that found their own row where exact search
    does. Score errors are shares of a query's best score. `p50_ms` and `p99_ms` are of `timed` queries asked alone.
    """

    depth: int
    recall: float
    self_found: float
    mean_score_error: float
    max_score_error: float
    timed: int
    p50_ms: float
    p99_ms: float
    live: int


class Recall(Spec):
    """Share of the exact top `k` that the index found, over `queries` stored vectors asked as queries.

    `figures` are None where no live row could be asked, and in snapshots of Millrace before it took them.
    """

    k: int
    queries: int
    recall: float
    figures: SearchFigures | None = None


class IndexTotals(Spec):
    """All indexes of one encoder together: their bytes, and what a query asked of every one of them finds and takes."""

    bytes: int
    measured: Recall


class TrainedIndex(Spec):
    """An index without rows, trained on `rows` vectors: all indexes of `backend` made by `recipe` begin as copies."""

    backend: str
    recipe: str
    lists: int
    rows: int
    file: StoredFile


class SegmentIndex(Spec):
    """One encoder's index of a segment: `backend` opens `files` (by file name), `settings` are how they were built.

    `recipe` is the fingerprint of the index settings asked for, so that a changed recipe builds it anew.
    """

    segment: str
    recipe: str
    backend: str
    rows: int
    settings: dict[str, Any]
    files: dict[str, StoredFile]
    measured: Recall


class Spread(Spec):
    """How a sparse encoder's terms spread over its dimensions, over all rows that are indexed, dead ones too.

    `flops` are the expected multiplications of two rows, the sum over dimensions of the squared share of rows that use
    it (Paria et al., 2020; SPLADE's regularizer). `top` has the longest posting lists: dimension and rows.
    """

    rows: int
    flops: float
    dead_dimensions: int
    top: tuple[tuple[int, int], ...]


class QueryActivity(Spec):
    """How many dimensions the canaries' queries use in the mean, and the expected multiplications of one and a row."""

    queries: int
    active_dims: float
    flops: float


class EncoderRecord(Spec):
    """An encoder as used: `spec` rebuilds it, `fingerprint` proves it the same, `files` were fitted on the corpus.

    `spread` and `asked` are of sparse encoders, `asked` where the recipe has canaries.
    """

    kind: str
    fingerprint: str
    spec: dict[str, Any]
    dimensions: int
    files: dict[str, StoredFile] = {}
    statistics: dict[str, float] = {}
    spread: Spread | None = None
    asked: QueryActivity | None = None


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
