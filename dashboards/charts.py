"""Panels that show time: lines, steps, stacks, states and heatmaps."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dashboards.limits import NONE, Limits
from dashboards.panel import Panel, Query

_TOOLTIP = {"mode": "multi", "sort": "desc"}
_LEGEND = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}


def lines(title: str, about: str, *queries: Query, unit: str, limits: Limits = NONE, width: int = 8) -> Panel:
    """A line for each series; limits are drawn as dashed lines."""
    custom = {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 8,
        "showPoints": "auto",
        "spanNulls": False,
        "thresholdsStyle": {"mode": "dashed" if limits.steps else "off"},
    }
    defaults = {
        "unit": unit,
        "min": 0,
        "color": {"mode": "palette-classic"},
        "thresholds": limits.to_json(),
        "custom": custom,
    }
    return Panel(
        kind="timeseries",
        title=title,
        about=about,
        queries=queries,
        answers="range",
        width=width,
        height=8,
        defaults=defaults,
        options={"tooltip": _TOOLTIP, "legend": _LEGEND},
    )


def stacks(title: str, about: str, *queries: Query, unit: str, width: int = 8) -> Panel:
    """Areas one upon another."""
    return _drawn(
        lines(title, about, *queries, unit=unit, width=width),
        {"fillOpacity": 40, "stacking": {"mode": "normal", "group": "A"}},
    )


def shares(title: str, about: str, *queries: Query, limits: Limits = NONE, width: int = 8) -> Panel:
    """Lines of ratios, from 0 to 100 %."""
    panel = lines(title, about, *queries, unit="percentunit", limits=limits, width=width)
    return replace(panel, defaults={**panel.defaults, "max": 1})


def near_one(title: str, about: str, query: Query, limits: Limits = NONE) -> Panel:
    """Lines of ratios that should all but reach 100 %: the axis begins at 90 %, unless a line is lower."""
    panel = _drawn(shares(title, about, query, limits=limits), {"axisSoftMin": 0.9})
    return replace(panel, defaults={name: value for name, value in panel.defaults.items() if name != "min"})


def shares_of_one(title: str, about: str, *queries: Query, width: int = 8) -> Panel:
    """Areas one upon another that fill 100 %."""
    panel = stacks(title, about, *queries, unit="percentunit", width=width)
    return replace(panel, defaults={**panel.defaults, "max": 1})


def steps(title: str, about: str, *queries: Query, unit: str, limits: Limits = NONE, width: int = 8) -> Panel:
    """Lines of what changes only from snapshot to snapshot."""
    return _drawn(
        lines(title, about, *queries, unit=unit, limits=limits, width=width), {"lineInterpolation": "stepAfter"}
    )


def states(title: str, about: str, query: Query, words: Mapping[str, str], width: int = 24) -> Panel:
    """A band for each series; a value is the place of its word, counted from 0, and drawn in the word's colour."""
    mapping = {
        str(place): {"text": word, "color": color, "index": place} for place, (word, color) in enumerate(words.items())
    }
    defaults = {
        "unit": "none",
        "mappings": [{"type": "value", "options": mapping}],
        "thresholds": NONE.to_json(),
        "color": {"mode": "thresholds"},
        "custom": {"fillOpacity": 80, "lineWidth": 0},
    }
    options = {
        "showValue": "auto",
        "rowHeight": 0.8,
        "mergeValues": True,
        "alignValue": "left",
        "legend": {**_LEGEND, "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(
        kind="state-timeline",
        title=title,
        about=about,
        queries=(query,),
        answers="range",
        width=width,
        height=5,
        defaults=defaults,
        options=options,
    )


def heatmap(title: str, about: str, query: Query, width: int = 12) -> Panel:
    """Counts by a histogram's buckets over time."""
    options: dict[str, Any] = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64, "fill": "dark-orange", "exponent": 0.5},
        "yAxis": {"axisPlacement": "left", "unit": "short", "reverse": False},
        "rowsFrame": {"layout": "auto"},
        "filterValues": {"le": 1e-9},
        "tooltip": {"mode": "single", "yHistogram": True, "showColorScale": True},
        "legend": {"show": True},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
        "showValue": "never",
    }
    return Panel(
        kind="heatmap",
        title=title,
        about=about,
        queries=(query,),
        answers="heatmap",
        width=width,
        height=8,
        options=options,
    )


def _drawn(panel: Panel, custom: Mapping[str, Any]) -> Panel:
    return replace(panel, defaults={**panel.defaults, "custom": {**panel.defaults["custom"], **custom}})
