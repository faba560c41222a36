"""What a run's receipts count: exact, as every receipt is counted once, those of earlier attempts of the run too.

Counters therefore go on where a killed attempt's were, and Prometheus sees no more and no less than was done.
"""

import threading
import time
from collections.abc import Iterable
from functools import singledispatch

from operators.core import metrics
from operators.core.encoder_records import EncoderTotals
from operators.core.live import Delta
from operators.core.receipts import (
    DiffReceipt,
    DuplicatesReceipt,
    IndexReceipt,
    PartReceipt,
    ScanReceipt,
    Shape,
    VectorsReceipt,
)
from operators.core.span import Span, waits
from operators.core.spec import Spec
from operators.core.stored_file import StoredFile
from operators.observe.series import Series

#: Rejects of the ids that came before in the source.
_DUPLICATE = "duplicate_id"


class Ledger:
    """A run's exact series, kept by the driver and read by the thread that tells the hub."""

    def __init__(self) -> None:
        self._series = Series()
        self._lock = threading.Lock()

    def begin(self, run: str, millrace: str, deadline: float | None) -> None:
        """A run begins; `deadline` in seconds since 1970."""
        with self._lock:
            self._series.set(metrics.RUN_INFO, 1, run, millrace)
            self._series.set(metrics.RUN_STARTED, time.time())
            if deadline is not None:
                self._series.set(metrics.RUN_DEADLINE, deadline)

    def state(self, now: str) -> None:
        """The run is at a step of `metrics.STATES`."""
        with self._lock:
            for state in metrics.STATES:
                self._series.set(metrics.RUN_STATE, float(state == now), state)

    def plan(self, documents: int, parts: int) -> None:
        """So much is to be encoded or copied."""
        with self._lock:
            self._series.set(metrics.RUN_PLANNED, documents)
            self._series.set(metrics.RUN_PARTS, parts, "planned")

    def count(self, receipt: Spec) -> None:
        """Count a receipt, once; kinds that no metric is about count nothing."""
        with self._lock:
            _count(receipt, self._series)

    def rows(self) -> list[Delta]:
        """Every series now."""
        with self._lock:
            return self._series.rows()


@singledispatch
def _count(_receipt: Spec, _series: Series) -> None:
    pass


@_count.register
def _(receipt: ScanReceipt, series: Series) -> None:
    series.add(metrics.READ, receipt.documents)
    _add_rejects(receipt.rejected_by_reason, series)
    _add_spans((receipt.span,), series)


@_count.register
def _(receipt: DiffReceipt, series: Series) -> None:
    for operation in ("added", "updated", "deleted", "unchanged"):
        series.add(metrics.CHANGES, getattr(receipt, operation), operation)


@_count.register
def _(receipt: DuplicatesReceipt, series: Series) -> None:
    series.add(metrics.REJECTED, receipt.rejected, _DUPLICATE)


@_count.register
def _(receipt: PartReceipt, series: Series) -> None:
    # Only what went through an encoder has the shape of what it gave.
    operation = "encoded" if receipt.shapes else "reused"
    series.add(metrics.DOCUMENTS, receipt.documents, operation)
    series.add(metrics.ROWS, receipt.rows)
    series.add(metrics.TRUNCATED, receipt.truncated)
    done = series.value(metrics.RUN_COMMITTED) + receipt.documents
    series.set(metrics.RUN_COMMITTED, done)
    series.set(metrics.RUN_PARTS, series.value(metrics.RUN_PARTS, "committed") + 1, "committed")
    _add_rejects(receipt.rejected_by_reason, series)
    _add_spans(receipt.spans, series)
    _add_bytes("documents", (receipt.document_file,), series)
    _add_vectors(receipt, series)


@_count.register
def _(receipt: VectorsReceipt, series: Series) -> None:
    _add_spans(receipt.spans, series)
    _add_vectors(receipt, series)


@_count.register
def _(receipt: IndexReceipt, series: Series) -> None:
    series.add(metrics.INDEXED_ROWS, receipt.index.rows, receipt.encoder)
    series.add(metrics.INDEX_SECONDS, receipt.span.seconds, receipt.encoder)
    _add_bytes("indexes", receipt.index.files.values(), series)


def _add_vectors(receipt: PartReceipt | VectorsReceipt, series: Series) -> None:
    _add_bytes("vectors", receipt.files.values(), series)
    for encoder, shape in receipt.shapes.items():
        _add_shape(encoder, receipt.totals[encoder], shape, series)


def _add_shape(encoder: str, totals: EncoderTotals, shape: Shape, series: Series) -> None:
    series.add(metrics.TOKENS, totals.tokens, encoder)
    series.add(metrics.SPLITS, totals.splits, encoder)
    series.merge(Delta(metrics.ROW_TOKENS.name, (encoder,), totals.tokens, shape.tokens))
    if shape.active_dims:
        series.merge(Delta(metrics.ACTIVE_DIMS.name, (encoder,), totals.active_dims, shape.active_dims))
        series.add(metrics.EMPTY_VECTORS, shape.empty, encoder)
        series.add(metrics.TERMS, totals.terms - totals.expansions, encoder, "input")
        series.add(metrics.TERMS, totals.expansions, encoder, "expansion")


def _add_rejects(by_reason: dict[str, int], series: Series) -> None:
    for reason, documents in by_reason.items():
        series.add(metrics.REJECTED, documents, reason)


def _add_spans(spans: tuple[Span, ...], series: Series) -> None:
    for span in spans:
        series.add(metrics.STAGE_SECONDS, span.seconds, span.stage)
    for stage, seconds in waits(spans):
        series.observe(metrics.QUEUE_SECONDS, [seconds], stage)


def _add_bytes(artifact: str, files: Iterable[StoredFile], series: Series) -> None:
    series.add(metrics.OUTPUT_BYTES, sum(file.bytes for file in files), artifact)
