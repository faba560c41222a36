"""Panels that show what is now: figures, gauges, bars and tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards.limits import NONE, Limits
from dashboards.panel import Panel, Query, letter

_NEWEST = {"calcs": ["lastNotNull"], "fields": "", "values": False}


def figure(title: str, about: str, *queries: Query, unit: str, limits: Limits = NONE, none: str = "no data") -> Panel:
    """One large number for each series; `none` is said where there is none."""
    options = {
        "reduceOptions": _NEWEST,
        "orientation": "auto",
        "textMode": "auto",
        "colorMode": "value",
        "graphMode": "none",
        "justifyMode": "auto",
    }
    return Panel(
        kind="stat",
        title=title,
        about=about,
        queries=queries,
        answers="instant",
        width=4,
        height=4,
        defaults=_defaults(unit, limits) | {"noValue": none},
        options=options,
    )


def gauge(title: str, about: str, query: Query, none: str) -> Panel:
    """A share of one, as the part of a circle."""
    options = {
        "reduceOptions": _NEWEST,
        "orientation": "auto",
        "showThresholdLabels": False,
        "showThresholdMarkers": False,
    }
    return Panel(
        kind="gauge",
        title=title,
        about=about,
        queries=(query,),
        answers="instant",
        width=4,
        height=4,
        defaults=_defaults("percentunit", NONE) | {"min": 0, "max": 1, "noValue": none},
        options=options,
    )


def bars(
    title: str, about: str, *queries: Query, unit: str, limits: Limits = NONE, full: float | None = None, width: int = 8
) -> Panel:
    """A bar for each series; the largest, or `full`, takes all of the width."""
    longest = {} if full is None else {"max": full}
    options = {
        "reduceOptions": _NEWEST,
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "left",
        "showUnfilled": True,
    }
    return Panel(
        kind="bargauge",
        title=title,
        about=about,
        queries=queries,
        answers="instant",
        width=width,
        height=8,
        defaults=_defaults(unit, limits) | {"min": 0, "noValue": "no data"} | longest,
        options=options,
    )


@dataclass(frozen=True)
class Column:
    """A column of a table: a query's value by `name`, or where it has none, only the query's labels.

    `words` colours values that are words, `link` is opened by a click on one.
    """

    query: str = ""
    name: str = ""
    unit: str = "none"
    limits: Limits | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    link: str = ""


def table(
    title: str, about: str, columns: Sequence[Column], *, none: str = "no data", width: int = 24, height: int = 8
) -> Panel:
    """A row for each set of labels; columns without a query say how one of the labels is shown."""
    asked = [column for column in columns if column.query]
    fields = {f"Value #{letter(asked.index(each))}" if each.query else each.name: each for each in columns}
    if len(asked) == 1:
        fields = {"Value" if each.query else each.name: each for each in columns}
    arranged = {
        "excludeByName": {"Time": True} | {name: True for name, each in fields.items() if not each.name},
        "renameByName": {name: each.name for name, each in fields.items() if each.name},
        "indexByName": {name: place for place, name in enumerate(fields)},
    }
    return Panel(
        kind="table",
        title=title,
        about=about,
        queries=[Query(column.query, "") for column in asked],
        answers="table",
        width=width,
        height=height,
        defaults=_defaults("none", NONE) | {"noValue": none, "custom": {"align": "auto", "filterable": False}},
        options={"showHeader": True, "cellHeight": "sm"},
        overrides=[_override(column) for column in columns if column.name],
        transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": arranged}],
    )


def _override(column: Column) -> dict[str, Any]:
    properties: list[dict[str, Any]] = [{"id": "unit", "value": column.unit}]
    if column.limits:
        properties.append({"id": "thresholds", "value": column.limits.to_json()})
    if column.words:
        options = {
            word: {"color": color, "index": place, "text": word}
            for place, (word, color) in enumerate(column.words.items())
        }
        properties.append({"id": "mappings", "value": [{"type": "value", "options": options}]})
    if column.limits or column.words:
        properties.append({"id": "custom.cellOptions", "value": {"type": "color-text"}})
    if column.link:
        properties.append({"id": "links", "value": [{"title": "Open", "url": column.link, "targetBlank": False}]})
    return {"matcher": {"id": "byName", "options": column.name}, "properties": properties}


def _defaults(unit: str, limits: Limits) -> dict[str, Any]:
    return {"unit": unit, "thresholds": limits.to_json(), "color": {"mode": "thresholds"}}
