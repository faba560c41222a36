"""A snapshot as a value: its objects, their checksums, and what was measured before it was published."""

from typing import Any

from pydantic import BaseModel, Field, ValidationError

from operators.core.errors import IntegrityError
from operators.core.fingerprint import canonical
from operators.core.spec import Spec

FORMAT = 1


class StoredFile(Spec):
    """One immutable object, verified by size and sha256 before it is opened."""

    key: str = Field(pattern=r"^[a-z][A-Za-z0-9._/-]*$")
    bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Part(Spec):
    """Documents that were read and encoded together; `vectors` maps an encoder's name to its file, row for row."""

    part: str
    rows: int
    documents: StoredFile
    vectors: dict[str, StoredFile]


class Segment(Spec):
    """Consecutive parts that share one index; a row's number counts through the parts in this order."""

    segment: str
    rows: int
    parts: tuple[str, ...]


class Recall(Spec):
    """Share of the exact top `k` that the index found, over `queries` stored vectors asked as queries."""

    k: int
    queries: int
    recall: float


class SegmentIndex(Spec):
    """One encoder's index of a segment: `backend` opens `files` (by file name), `settings` are how they were built."""

    segment: str
    backend: str
    rows: int
    settings: dict[str, Any]
    files: dict[str, StoredFile]
    measured: Recall


class EncoderRecord(Spec):
    """An encoder as used: `spec` rebuilds it, `fingerprint` proves it the same, `files` were fitted on the corpus."""

    kind: str
    fingerprint: str
    spec: dict[str, Any]
    dimensions: int
    files: dict[str, StoredFile] = {}
    statistics: dict[str, float] = {}


class Counts(Spec):
    """What happened to the documents of the source in this run. `documents` counts those the snapshot holds."""

    documents: int
    rows: int
    encoded: int
    added: int
    updated: int
    deleted: int
    unchanged: int
    truncated: int
    rejected: int
    rejected_by_reason: dict[str, int] = {}


class Parent(Spec):
    """The snapshot this one follows, by number and the sha256 of its manifest."""

    snapshot: int
    sha256: str


class Manifest(Spec):
    """One published snapshot of a collection.

    `identity` is the fingerprint of all that its content depends on, `vectors_identity` of all but the index settings.
    """

    format: int = FORMAT
    collection: str
    snapshot: int
    run: str
    parent: Parent | None
    created_at: str
    millrace: str
    identity: str
    vectors_identity: str
    recipe: dict[str, Any]
    documents_fingerprint: str
    counts: Counts
    encoders: dict[str, EncoderRecord]
    segments: tuple[Segment, ...]
    parts: tuple[Part, ...]
    indexes: dict[str, tuple[SegmentIndex, ...]]
    keys: tuple[StoredFile, ...]
    rejects: tuple[StoredFile, ...]

    def files(self) -> list[StoredFile]:
        """Every object the snapshot names."""
        found = [*self.keys, *self.rejects]
        for part in self.parts:
            found += [part.documents, *part.vectors.values()]
        for indexes in self.indexes.values():
            found += [file for index in indexes for file in index.files.values()]
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
            raise IntegrityError(f"{name} has format {version}, this Millrace reads {FORMAT}: use a newer Millrace")
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
