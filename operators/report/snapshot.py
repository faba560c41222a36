"""The fields of a report that come from a snapshot and its indexes."""

from collections.abc import Mapping, Sequence
from typing import Any

from operators.core import metrics
from operators.core.index_records import SegmentIndex
from operators.core.manifest import Manifest
from operators.index.seismic_record import describe
from operators.observe.series import Series
from operators.observe.snapshot import add_snapshot
from operators.report.run_report import SegmentFigures
from operators.report.terms import top_terms

#: Indexes that are shown one by one: those with the lowest recall.
_SHOWN = 20


def of_snapshot(manifest: Manifest | None) -> dict[str, Any]:
    """What was published; nothing where nothing was."""
    if manifest is None:
        return {
            "snapshot": None, "created_at": None, "millrace": None, "problems": (), "bytes": 0, "bytes_by_kind": {},
            "top_terms": {}, "indexes": {}, "encoders": {}, "canaries": (), "fingerprints": {},
        }  # fmt: skip
    return {
        "snapshot": manifest.snapshot,
        "created_at": manifest.created_at,
        "millrace": manifest.millrace,
        "problems": manifest.source.problems,
        "bytes": sum(file.bytes for file in manifest.files()),
        "bytes_by_kind": _bytes_by_kind(manifest),
        "top_terms": top_terms(manifest.encoders),
        "indexes": manifest.measured,
        "encoders": manifest.encoders,
        "canaries": manifest.canaries,
        "fingerprints": {
            "snapshot": manifest.identity,
            "source": manifest.source.token,
            "documents": manifest.documents_fingerprint,
            "chunking": manifest.chunking_fingerprint,
            **{f"encoder {name}": record.fingerprint for name, record in manifest.encoders.items()},
        },
    }


def of_indexes(indexes: Mapping[str, Sequence[SegmentIndex]]) -> dict[str, Any]:
    """What was measured of the indexes, published or not."""
    found = [_figures(encoder, index) for encoder, each in indexes.items() for index in each]
    worst = sorted(found, key=lambda figures: (figures.recall, figures.encoder, figures.segment))[:_SHOWN]
    seismic = {encoder: describe([index.settings for index in each]) for encoder, each in indexes.items()}
    return {
        "recall": {encoder: min(index.measured.recall for index in each) for encoder, each in indexes.items()},
        "seismic": {encoder: line for encoder, line in seismic.items() if line},
        "segments": tuple(worst),
        "index_count": len(found),
    }


def _figures(encoder: str, index: SegmentIndex) -> SegmentFigures:
    measured = index.measured
    return SegmentFigures(
        encoder=encoder,
        segment=index.segment,
        backend=index.backend,
        rows=index.rows,
        bytes=sum(file.bytes for file in index.files.values()),
        k=measured.k,
        recall=measured.recall,
        p50_ms=measured.figures.p50_ms if measured.figures else None,
        p99_ms=measured.figures.p99_ms if measured.figures else None,
    )


def _bytes_by_kind(manifest: Manifest) -> dict[str, int]:
    series = Series()
    add_snapshot(manifest, series)
    sizes = (row for row in series.rows() if row.metric == metrics.SNAPSHOT_BYTES.name)
    return {row.labels[0]: int(row.value) for row in sizes}
