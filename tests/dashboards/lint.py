"""Rules for a dashboard: those of Grafana's dashboard-linter, and that all it names is there."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import promql_parser as promql
from grafana_foundation_sdk.models import units

from operators.core.metrics import METRICS
from tests.promql import Known, QueryError, labels_of, names_of, selectors

_PANELS = {"row", "stat", "gauge", "bargauge", "timeseries", "state-timeline", "heatmap", "table"}
_UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
_OF_A_COUNTER = {"rate", "irate", "increase", "last_over_time"}
#: A time that nobody would write.
_RATE_INTERVAL = "4m7s"
_PLAIN = {"$__rate_interval": _RATE_INTERVAL, "$__range": "1d", "$collection": ".+", "$encoder": ".+"}
_COUNTERS = {metric.full_name for metric in METRICS if metric.full_name.endswith("_total")}
_CHOSEN = ("collection", "encoder")


def plain(query: str) -> str:
    """The query with everything chosen that Grafana's variables stand for."""
    for variable, value in _PLAIN.items():
        query = query.replace(variable, value)
    return query


def problems(dashboard: dict[str, Any], known: Known, dashboards: set[str], runbooks: set[str]) -> list[str]:
    """What is wrong, by panel; `dashboards` are the uids that links may lead to, `runbooks` the anchors."""
    found = [*_about_all(dashboard), *_about_variables(dashboard, known), *_about_places(dashboard["panels"])]
    for panel in dashboard["panels"]:
        rules = (_about_panel(panel), _about_links(panel, dashboards, runbooks), _about_queries(panel, known))
        found += [f"{panel.get('title')}: {problem}" for rule in rules for problem in rule]
    return found


def targets(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Every query of a dashboard."""
    return [target for panel in dashboard["panels"] for target in panel.get("targets", ())]


def _about_all(dashboard: dict[str, Any]) -> Iterator[str]:
    if dashboard.get("editable") is not False:
        yield "uneditable-dashboard: changes in Grafana would be lost"
    if not re.fullmatch(r"millrace-[a-z]+", dashboard.get("uid", "")):
        yield f"uid: {dashboard.get('uid')!r} is no stable address"


def _about_variables(dashboard: dict[str, Any], known: Known) -> Iterator[str]:
    source, *choices = dashboard["templating"]["list"]
    declared = {variable["name"] for variable in dashboard["templating"]["list"]}
    for used in sorted(set(re.findall(r"\$(?!__)(\w+)", json.dumps(dashboard)))):
        if used not in declared:
            yield f"variables: ${used} is not one of {sorted(declared)}"
    if (source["type"], source["name"], source["label"], source["query"]) != (
        "datasource",
        "datasource",
        "Data source",
        "prometheus",
    ):
        yield "template-datasource-rule: the first variable is not the data source"
    for choice in choices:
        if choice["refresh"] != 2:
            yield f"template-on-time-change-reload-rule: {choice['name']} is not asked for anew"
        if not choice["multi"] or choice["allValue"] != ".+" or choice["datasource"]["uid"] != "$datasource":
            yield f"variable {choice['name']}: not one, several or all of the data source's"
        yield from _about_choice(choice, known)


def _about_choice(choice: dict[str, Any], known: Known) -> Iterator[str]:
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", choice["query"]["query"])
    if not asked:
        yield f"template-label-promql-rule: {choice['query']['query']}"
        return
    try:
        if asked[2] not in labels_of(plain(asked[1]), known):
            yield f"template-label-promql-rule: {asked[1]} has no label {asked[2]}"
    except QueryError as error:
        yield f"template-label-promql-rule: {error}"


def _about_places(panels: list[dict[str, Any]]) -> Iterator[str]:
    if len({panel["id"] for panel in panels}) != len(panels):
        yield "ids: two panels have the same"
    for one, other in combinations(panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        if not apart and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]:
            yield f"places: {one['title']} and {other['title']} overlap"
    for panel in panels:
        if panel["gridPos"]["x"] + panel["gridPos"]["w"] > 24:
            yield f"places: {panel['title']} does not fit"


def _about_panel(panel: dict[str, Any]) -> Iterator[str]:
    if panel["type"] not in _PANELS:
        yield f"type: {panel['type']} is not one of today's"
    if panel["type"] == "row":
        return
    if not panel.get("title") or not panel.get("description"):
        yield "panel-title-description-rule: one of them is missing"
    if not panel.get("targets"):
        yield "panel-no-targets-rule: it asks nothing"
    for asking in (panel, *panel.get("targets", ())):
        if asking.get("datasource", {}).get("uid") != "$datasource":
            yield "panel-datasource-rule: it does not ask the chosen data source"
    for unit in _units(panel):
        if unit not in _UNITS:
            yield f"panel-units-rule: Grafana has no unit {unit!r}"


def _units(panel: dict[str, Any]) -> Iterator[str | None]:
    if panel["type"] == "heatmap":
        yield panel["options"]["yAxis"].get("unit")
        return
    yield panel["fieldConfig"]["defaults"].get("unit")
    for override in panel["fieldConfig"]["overrides"]:
        yield from (each["value"] for each in override["properties"] if each["id"] == "unit")


def _about_links(panel: dict[str, Any], dashboards: set[str], runbooks: set[str]) -> Iterator[str]:
    for uid in re.findall(r'"/d/([\w-]+)', str(panel).replace("'", '"')):
        if uid not in dashboards:
            yield f"link: there is no dashboard {uid}"
    for anchor in re.findall(r"runbooks\.md#(\w+)", panel.get("description", "")):
        if anchor not in runbooks:
            yield f"link: the runbooks have no {anchor}"


def _about_queries(panel: dict[str, Any], known: Known) -> Iterator[str]:
    shown: set[str] = set()
    for target in panel.get("targets", ()):
        try:
            labels = labels_of(plain(target["expr"]), known)
        except QueryError as error:
            yield f"target-promql-rule: {error}"
            continue
        shown |= labels
        for name in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            if name not in labels:
                yield f"legend: no label {name} among {sorted(labels)}"
        for selector, parents in selectors(plain(target["expr"])):
            yield from _about_selector(selector, parents, known)
    if panel["type"] == "table":
        yield from _about_columns(panel, shown)


def _about_selector(selector: promql.VectorSelector, parents: tuple[promql.Expr, ...], known: Known) -> Iterator[str]:
    chosen = {matcher.name for matcher in selector.matchers.matchers}
    call = parents[-2] if len(parents) > 1 and isinstance(parents[-1], promql.MatrixSelector) else None
    function = call.func.name if isinstance(call, promql.Call) else ""
    for name in names_of(selector):
        if name in _COUNTERS and function not in _OF_A_COUNTER:
            yield f"target-counter-agg-rule: {name} is only a count since some time"
        if name.startswith("millrace_") and (missing := {*_CHOSEN} & {*known[name]} - chosen):
            yield f"variables: {name} is not asked for by {sorted(missing)}"
    # The rule of the linter: rates over a fixed time miss scrapes or hide what happened.
    if function in {"rate", "irate", "increase"} and promql.display_duration(parents[-1].range) != _RATE_INTERVAL:
        yield "target-rate-interval-rule: not over $__rate_interval"


def _about_columns(panel: dict[str, Any], labels: set[str]) -> Iterator[str]:
    renamed = panel["transformations"][1]["options"]["renameByName"]
    values = {f"Value #{target['refId']}" for target in panel["targets"]} | {"Value"}
    for name in renamed:
        if name not in labels | values:
            yield f"column: no label {name} among {sorted(labels)}"
    shown = set(renamed.values()) | labels
    for override in panel["fieldConfig"]["overrides"]:
        if override["matcher"]["options"] not in shown:
            yield f"column: nothing is called {override['matcher']['options']}"
