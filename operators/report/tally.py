"""What the receipts of a run add up to, read one after another: each is counted as metrics count it, and let go."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from operators.core import metrics
from operators.core.index_records import SegmentIndex
from operators.core.live import Delta
from operators.core.metric import Metric
from operators.core.receipts import (
    DiffReceipt,
    DuplicatesReceipt,
    IndexReceipt,
    PartReceipt,
    ScanReceipt,
    VectorsReceipt,
)
from operators.core.span import Span
from operators.core.spec import Spec
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.observe.ledger import Ledger
from operators.read.record import Reason
from operators.report.work import Work
from operators.write.receipt import stream

#: Files kept of each reason to reject: enough to show samples from.
_FILES = 5


@dataclass
class Tally:
    """Sums of a run's receipts; `work` is by stage, `indexes` by encoder, `rejects` by reason, `read` are inputs."""

    ledger: Ledger = field(default_factory=Ledger)
    work: dict[str, Work] = field(default_factory=lambda: defaultdict(Work))
    indexes: dict[str, list[SegmentIndex]] = field(default_factory=lambda: defaultdict(list))
    rejects: dict[str, list[StoredFile]] = field(default_factory=lambda: defaultdict(list))
    read: set[int] = field(default_factory=set)

    def by_label(self, metric: Metric) -> dict[str, Delta]:
        """The series of a metric with one label, by it."""
        return {row.labels[0]: row for row in self.ledger.rows() if row.metric == metric.name}

    def value(self, metric: Metric) -> float:
        """The sum of a metric's series."""
        return sum(row.value for row in self.ledger.rows() if row.metric == metric.name)

    @property
    def reasons(self) -> dict[str, int]:
        """Documents not taken, by reason."""
        found = {reason: int(row.value) for reason, row in self.by_label(metrics.REJECTED).items()}
        return {reason: found[reason] for reason in sorted(found) if found[reason]}

    @property
    def changes(self) -> dict[str, int]:
        """Documents added, updated, deleted and unchanged."""
        return {operation: int(row.value) for operation, row in self.by_label(metrics.CHANGES).items()}

    def at_work(self, spans: Iterable[Span], documents: int) -> None:
        """Count the time of each span."""
        for span in spans:
            self.work[span.stage].add(span, documents)

    def rejected(self, file: StoredFile | None, reasons: Iterable[str]) -> None:
        """Remember where some rejects of each reason lie."""
        for reason in reasons:
            if file and len(self.rejects[reason]) < _FILES:
                self.rejects[reason].append(file)


def add_up(store: Store, run: str) -> Tally:
    """The tally of all receipts of a run."""
    tally = Tally()
    for stage, (kind, count) in _STAGES.items():
        for _, receipt in stream(store, run, stage, kind):
            count(tally, receipt)
    return tally


def _scan(tally: Tally, receipt: ScanReceipt) -> None:
    tally.ledger.count(receipt)
    tally.at_work([receipt.span], receipt.documents)
    tally.rejected(receipt.rejects, receipt.rejected_by_reason)
    tally.read.update(receipt.inputs)


def _diff(tally: Tally, receipt: DiffReceipt) -> None:
    tally.ledger.count(receipt)


def _duplicates(tally: Tally, receipt: DuplicatesReceipt) -> None:
    tally.ledger.count(receipt)
    tally.rejected(receipt.rejects, [Reason.DUPLICATE_ID.value])


def _part(tally: Tally, receipt: PartReceipt) -> None:
    tally.ledger.count(receipt)
    tally.at_work(receipt.spans, receipt.documents)
    tally.rejected(receipt.rejects, receipt.rejected_by_reason)


def _vectors(tally: Tally, receipt: VectorsReceipt) -> None:
    tally.ledger.count(receipt)
    rows = max((sum(shape.tokens) for shape in receipt.shapes.values()), default=0)
    tally.at_work(receipt.spans, rows)


def _index(tally: Tally, receipt: IndexReceipt) -> None:
    tally.ledger.count(receipt)
    tally.at_work([receipt.span], receipt.index.rows)
    tally.indexes[receipt.encoder].append(receipt.index)


def _measured(tally: Tally, receipt: IndexReceipt) -> None:
    # Its index was built, and counted, by another run.
    tally.at_work([receipt.span], receipt.index.rows)


#: Folders of receipts that say when something was at work, or what became of documents: what is in them, and how it
#: counts. The others (match, dead, compact, fit, train, ledger-*) say where files lie.
_STAGES: Mapping[str, tuple[type[Spec], Callable[[Tally, Any], None]]] = {
    "scan": (ScanReceipt, _scan),
    "diff": (DiffReceipt, _diff),
    "duplicates": (DuplicatesReceipt, _duplicates),
    "encode": (PartReceipt, _part),
    "vectors": (VectorsReceipt, _vectors),
    "copy": (PartReceipt, _part),
    "index": (IndexReceipt, _index),
    "measure": (IndexReceipt, _measured),
}
