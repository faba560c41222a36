"""What a snapshot has otherwise than the one before: its figures, and the recipe's settings."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from operators.core import metrics
from operators.core.manifest import Manifest
from operators.core.metrics import BY_NAME
from operators.observe.series import Series
from operators.observe.snapshot import add_snapshot
from operators.report.run_report import Figure, Setting

#: Metrics that name a snapshot, tell its changes once more, or of which there is one a segment.
_LEFT_OUT = {
    each.name
    for each in (
        metrics.SNAPSHOT_INFO,
        metrics.SNAPSHOT_NUMBER,
        metrics.SNAPSHOT_PUBLISHED,
        metrics.SNAPSHOT_CHANGES,
        metrics.SNAPSHOT_REJECTED,
        metrics.SEGMENT_ROWS,
    )
}


def compare_figures(now: Manifest, before: Manifest | None) -> tuple[Figure, ...]:
    """Every figure of a snapshot, and of the one before it."""
    then, here = (_figures(manifest) if manifest else {} for manifest in (before, now))
    return tuple(
        Figure(
            metric=name,
            labels=labels,
            unit=BY_NAME[name].unit,
            before=then.get((name, labels)),
            now=here.get((name, labels)),
        )
        for name, labels in dict.fromkeys((*here, *then))
    )


def compare_settings(now: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[Setting, ...]:
    """The values that two recipes have otherwise; none where there is no recipe before."""
    if before is None:
        return ()
    then, here = dict(_leaves(before)), dict(_leaves(now))
    return tuple(
        Setting(path=path, before=then.get(path), now=here.get(path))
        for path in dict.fromkeys((*here, *then))
        if then.get(path) != here.get(path)
    )


def _figures(manifest: Manifest) -> dict[tuple[str, tuple[str, ...]], float]:
    series = Series()
    add_snapshot(manifest, series)
    return {(row.metric, row.labels): row.value for row in series.rows() if row.metric not in _LEFT_OUT}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The values of a recipe by their dotted paths, as JSON; a list is one value."""
    if isinstance(value, Mapping) and value:
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    else:
        yield path, json.dumps(value, ensure_ascii=False)
