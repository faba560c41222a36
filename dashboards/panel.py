"""A panel as a value: what it asks Prometheus, and how Grafana draws the answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Every panel and query asks the data source that the dashboard's first variable names.
SOURCE = {"type": "prometheus", "uid": "$datasource"}


@dataclass(frozen=True)
class Query:
    """PromQL, and the name of each series of its answer."""

    expr: str
    legend: str = "{{collection}}"


@dataclass(frozen=True)
class Panel:
    """One panel; `width` of 24 columns, `height` in rows of 30 pixels.

    `answers` is what is asked for: `range` for a line, `instant` for the newest value, `table` for its labels too,
    `heatmap` for buckets.
    """

    kind: str
    title: str
    about: str
    queries: Sequence[Query]
    answers: str
    width: int
    height: int
    defaults: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    overrides: Sequence[Mapping[str, Any]] = ()
    transformations: Sequence[Mapping[str, Any]] = ()

    def to_json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """As Grafana reads it, at its place on the dashboard."""
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.about,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "targets": [_target(self.answers, place, query) for place, query in enumerate(self.queries)],
            "fieldConfig": {"defaults": dict(self.defaults), "overrides": [dict(each) for each in self.overrides]},
            "options": dict(self.options),
            "transformations": [dict(each) for each in self.transformations],
        }


def letter(place: int) -> str:
    """What Grafana calls a panel's query: A, B, C and so on."""
    return chr(ord("A") + place)


def _target(answers: str, place: int, query: Query) -> dict[str, Any]:
    once = answers in {"instant", "table"}
    return {
        "refId": letter(place),
        "datasource": SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend,
        "format": {"table": "table", "heatmap": "heatmap"}.get(answers, "time_series"),
        "instant": once,
        "range": not once,
    }
