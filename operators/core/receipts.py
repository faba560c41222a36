"""What each stage leaves behind when one of its items is done: frozen records that name objects and count."""

from operators.core.manifest import SegmentIndex, StoredFile
from operators.core.spec import Spec


class ScanReceipt(Spec):
    """A part was read once: how many documents it holds, their keys, and what was rejected."""

    part: str
    documents: int
    rejected_by_reason: dict[str, int]
    keys: StoredFile
    rejects: StoredFile | None
    seconds: float


class DiffReceipt(Spec):
    """One range of keys was compared: what changed since the parent snapshot, and which rows repeat an earlier id."""

    bucket: str
    added: int
    updated: int
    deleted: int
    unchanged: int
    duplicates: dict[str, tuple[int, ...]]


class DuplicatesReceipt(Spec):
    """The repeated ids of one part were written down as rejects."""

    part: str
    rejected: int
    rejects: StoredFile


class EncoderTotals(Spec):
    """What one encoder did in one part; `splits` are batches halved because memory ran out."""

    dimensions: int
    tokens: int
    active_dims: int
    splits: int = 0
    quality: dict[str, float] = {}


class PartReceipt(Spec):
    """A part was encoded and written: its files, its counts, and the seconds each stage took."""

    part: str
    rows: int
    documents: int
    truncated: int
    files: dict[str, StoredFile]
    document_file: StoredFile
    totals: dict[str, EncoderTotals]
    rejected_by_reason: dict[str, int]
    rejects: StoredFile | None
    seconds: dict[str, float]


class FitReceipt(Spec):
    """One encoder was fitted on the corpus: the files its queries need, and what they were fitted on."""

    encoder: str
    dimensions: int
    rows: int
    files: dict[str, StoredFile]


class IndexReceipt(Spec):
    """One encoder's index of one segment was built, measured and stored."""

    encoder: str
    index: SegmentIndex
    seconds: float
