"""What each stage leaves behind when one of its items is done: frozen records that name objects and count."""

from operators.core.encoder_records import EncoderTotals
from operators.core.index_records import SegmentIndex, TrainedIndex
from operators.core.manifest import DeadRows, LedgerFile
from operators.core.span import Span
from operators.core.spec import Spec
from operators.core.stored_file import StoredFile


class InputCount(Spec):
    """What one part found in one input; not `complete` where the input could not be read to its end."""

    documents: int = 0
    rejected: int = 0
    complete: bool = True


class Shape(Spec):
    """How long a part's rows are under one encoder: rows by the buckets of core/metrics.py, those beyond them last.

    `active_dims` are those of sparse vectors, of which `empty` have no term.
    """

    tokens: tuple[int, ...]
    active_dims: tuple[int, ...] = ()
    empty: int = 0


class ScanReceipt(Spec):
    """A part was read once: its documents' keys (`schema.KEYS`), what was rejected, and both by input."""

    part: str
    documents: int
    rejected_by_reason: dict[str, int]
    inputs: dict[int, InputCount]
    keys: StoredFile
    rejects: StoredFile | None
    span: Span


class DiffReceipt(Spec):
    """One range of keys was compared with the ledger.

    `wanted` (`schema.WANTED`) come into the snapshot, `gone` (`schema.PLACES`) leave it, `repeated`
    (`schema.ADDRESSES`) are documents whose id comes earlier; both also as numbers of rows by part. `unread` are
    inputs that were not read and now must be.
    """

    bucket: int
    added: int
    updated: int
    deleted: int
    unchanged: int
    wanted: StoredFile
    gone: StoredFile
    gone_by_part: dict[str, int]
    repeated: StoredFile
    repeated_by_part: dict[str, int]
    unread: tuple[int, ...]


class DuplicatesReceipt(Spec):
    """The repeated ids of one part were written down as rejects."""

    part: str
    rejected: int
    rejects: StoredFile


class MatchReceipt(Spec):
    """One range of texts was looked up: `tasks` (`schema.TASKS`), and documents by planned part."""

    bucket: int
    tasks: StoredFile
    encode: dict[str, int]
    copied: dict[str, int]


class DeadReceipt(Spec):
    """The rows of one segment that no longer live."""

    segment: str
    dead: DeadRows


class LedgerReceipt(Spec):
    """One range of a ledger as the next snapshot names it, and for the ledger of keys the texts placed anew."""

    bucket: int
    files: tuple[LedgerFile, ...]
    texts: StoredFile | None = None


class RewriteReceipt(Spec):
    """The live rows of some parts were written as a new one."""

    part: str
    rows: int
    document_file: StoredFile
    files: dict[str, StoredFile]
    totals: dict[str, EncoderTotals]
    placed: StoredFile


class VectorsReceipt(Spec):
    """A stored part was encoded by other encoders than before: their files, by name."""

    part: str
    files: dict[str, StoredFile]
    totals: dict[str, EncoderTotals]
    shapes: dict[str, Shape]
    spans: tuple[Span, ...]


class PartReceipt(Spec):
    """A part was encoded or copied, and written: its files, its counts, and when each stage worked on it.

    `placed` (`schema.PLACED`) says where its documents lie.
    """

    part: str
    rows: int
    documents: int
    truncated: int
    files: dict[str, StoredFile]
    document_file: StoredFile
    totals: dict[str, EncoderTotals]
    shapes: dict[str, Shape] = {}
    placed: StoredFile
    rejected_by_reason: dict[str, int]
    rejects: StoredFile | None
    spans: tuple[Span, ...]


class FitReceipt(Spec):
    """One encoder was fitted on the corpus: the files its queries need, and what they were fitted on."""

    encoder: str
    dimensions: int
    rows: int
    files: dict[str, StoredFile]


class TrainReceipt(Spec):
    """One encoder's index without rows was trained on a sample."""

    encoder: str
    trained: TrainedIndex


class IndexReceipt(Spec):
    """One encoder's index of one segment was built, measured and stored."""

    encoder: str
    index: SegmentIndex
    span: Span
