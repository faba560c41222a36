"""A published snapshot as series: everything an on-call engineer asks of it is in its manifest."""

from collections.abc import Sequence
from datetime import datetime

from operators.core import metrics
from operators.core.encoder_records import EncoderRecord
from operators.core.index_records import IndexTotals
from operators.core.manifest import Manifest, Segment
from operators.core.stored_file import StoredFile
from operators.observe.series import Series

#: Segments with series of their own; those beyond are one together. A billion rows are 100 to 500 segments.
_SEGMENTS = 100
_REST = "rest"


def add_snapshot(manifest: Manifest, series: Series) -> None:
    """Set every gauge of the newest snapshot."""
    series.set(metrics.SNAPSHOT_INFO, 1, manifest.run, manifest.millrace)
    series.set(metrics.SNAPSHOT_NUMBER, manifest.snapshot)
    series.set(metrics.SNAPSHOT_PUBLISHED, datetime.fromisoformat(manifest.created_at).timestamp())
    _add_counts(manifest, series)
    _add_bytes(manifest, series)
    _add_segments(manifest.segments, series)
    for name, record in manifest.encoders.items():
        _add_encoder(name, record, series)
    for name, totals in manifest.measured.items():
        _add_index(name, totals, series)


def _add_counts(manifest: Manifest, series: Series) -> None:
    counts = manifest.counts
    series.set(metrics.SNAPSHOT_DOCUMENTS, counts.documents)
    for operation in ("added", "updated", "deleted", "unchanged"):
        series.set(metrics.SNAPSHOT_CHANGES, getattr(counts, operation), operation)
    for reason, documents in counts.rejected_by_reason.items():
        series.set(metrics.SNAPSHOT_REJECTED, documents, reason)
    expected = sum(len(canary.ranks) for canary in manifest.canaries)
    if expected:
        series.set(metrics.CANARIES, sum(canary.found for canary in manifest.canaries) / expected)


def _add_bytes(manifest: Manifest, series: Series) -> None:
    def total(artifact: str, files: Sequence[StoredFile]) -> int:
        size = sum(file.bytes for file in files)
        series.set(metrics.SNAPSHOT_BYTES, size, artifact)
        return size

    named = total("documents", [part.documents for part in manifest.parts])
    named += total("vectors", [file for part in manifest.parts for file in part.vectors.values()])
    indexes = (index for found in manifest.indexes.values() for index in found)
    named += total("indexes", [file for index in indexes for file in index.files.values()])
    named += total("ledger", [each.file for each in (*manifest.keys, *manifest.texts)])
    series.set(metrics.SNAPSHOT_BYTES, sum(file.bytes for file in manifest.files()) - named, "other")


def _add_segments(segments: Sequence[Segment], series: Series) -> None:
    live = [segment.live for segment in segments]
    dead = [segment.rows - segment.live for segment in segments]
    for state, rows in (("live", live), ("dead", dead)):
        series.set(metrics.SNAPSHOT_ROWS, sum(rows), state)
        for place, count in enumerate(rows[:_SEGMENTS]):
            series.set(metrics.SEGMENT_ROWS, count, str(place), state)
        if rest := rows[_SEGMENTS:]:
            series.set(metrics.SEGMENT_ROWS, sum(rest), _REST, state)


def _add_encoder(name: str, record: EncoderRecord, series: Series) -> None:
    series.set(metrics.DIMENSIONS, record.dimensions, name)
    for metric, statistic in ((metrics.MEAN_ACTIVE_DIMS, "active_dims"), (metrics.SPARSITY, "sparsity_ratio")):
        if statistic in record.statistics:
            series.set(metric, record.statistics[statistic], name, "document")
    if "expansion_ratio" in record.statistics:
        series.set(metrics.EXPANSION, record.statistics["expansion_ratio"], name)
    if record.spread:
        series.set(metrics.FLOPS, record.spread.flops, name, "document")
        series.set(metrics.DEAD_DIMENSIONS, record.spread.dead_dimensions, name)
        longest = record.spread.top[0][1] if record.spread.top else 0
        series.set(metrics.TOP_DIMENSION, longest / max(1, record.spread.rows), name)
    if record.asked:
        series.set(metrics.MEAN_ACTIVE_DIMS, record.asked.active_dims, name, "query")
        series.set(metrics.SPARSITY, 1 - record.asked.active_dims / record.dimensions, name, "query")
        series.set(metrics.FLOPS, record.asked.flops, name, "query")


def _add_index(name: str, totals: IndexTotals, series: Series) -> None:
    measured = totals.measured
    series.set(metrics.RECALL, measured.recall, name, str(measured.k))
    if measured.figures is None:
        return
    series.set(metrics.RECALL, measured.figures.recall, name, str(measured.figures.depth))
    series.set(metrics.SEARCH_SECONDS, measured.figures.p50_ms / 1000, name, "50")
    series.set(metrics.SEARCH_SECONDS, measured.figures.p99_ms / 1000, name, "99")
