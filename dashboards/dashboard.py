"""A dashboard as a value: named rows of panels, the variables that choose, and links to its siblings."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.panel import SOURCE, Panel
from operators.core import metrics

#: The newest that Grafana 11.6 writes; later ones bring it up to date when they load it.
_SCHEMA = 41
_COLUMNS = 24
TAG = "millrace"


@dataclass(frozen=True)
class Choice:
    """A variable: values of a label of a metric, one or several or all."""

    label: str
    series: str

    def to_json(self) -> dict[str, Any]:
        """As Grafana reads it; asked for anew when the shown time changes (refresh 2)."""
        query = f"label_values({self.series}, {self.label})"
        return {
            "type": "query",
            "name": self.label,
            "label": self.label.capitalize(),
            "datasource": SOURCE,
            "query": {"query": query, "refId": self.label},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".+",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        }


@dataclass(frozen=True)
class Row:
    """Panels under one title, from left to right; those that do not fit go on below."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Dashboard:
    """One dashboard; `uid` is its address and never changes, `since` is how much time it shows."""

    uid: str
    title: str
    about: str
    since: str
    rows: Sequence[Row]

    def to_json(self) -> dict[str, Any]:
        """As Grafana reads it."""
        return {
            "uid": self.uid,
            "title": self.title,
            "description": self.about,
            "tags": [TAG],
            "editable": False,
            "graphTooltip": 1,
            "schemaVersion": _SCHEMA,
            "time": {"from": f"now-{self.since}", "to": "now"},
            "timezone": "browser",
            "refresh": "30s",
            "links": [_SIBLINGS],
            "annotations": {"list": []},
            "templating": {"list": [_DATASOURCE, *(choice.to_json() for choice in _CHOICES)]},
            "panels": list(_placed(self.rows)),
        }


#: The same on every dashboard, so that a link keeps them. A run has no snapshot on its first night, and between the
#: nights there is no run: either knows the collection.
_CHOICES = (
    Choice("collection", f'{{__name__=~"{metrics.RUN_STATE.full_name}|{metrics.UP.full_name}"}}'),
    Choice(
        "encoder",
        f'{{__name__=~"{metrics.TOKENS.full_name}|{metrics.DIMENSIONS.full_name}", collection=~"$collection"}}',
    ),
)
_DATASOURCE = {
    "type": "datasource",
    "name": "datasource",
    "label": "Data source",
    "query": "prometheus",
    "refresh": 1,
    "regex": "",
    "current": {"selected": False, "text": "default", "value": "default"},
}
_SIBLINGS = {
    "type": "dashboards",
    "title": "Millrace",
    "icon": "external link",
    "tooltip": "",
    "tags": [TAG],
    "asDropdown": False,
    "targetBlank": False,
    "includeVars": True,
    "keepTime": True,
}


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    number, y = 1, 0
    for row in rows:
        place = {"x": 0, "y": y, "w": _COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        number, x, y, height = number + 1, 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > _COLUMNS:
                x, y, height = 0, y + height, 0
            yield panel.to_json(number, x, y)
            number, x, height = number + 1, x + panel.width, max(height, panel.height)
        y += height
