"""The dashboards keep the rules, and every rule sees its mistake."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.dashboards.conftest import NAMES, committed
from tests.dashboards.lint import problems
from tests.promql import Known

Panel = dict[str, Any]


def panel(dashboard: dict[str, Any], title: str) -> Panel:
    [found] = [each for each in dashboard["panels"] if each["title"] == title]
    return found


def query(title: str, old: str, new: str) -> Callable[[dict[str, Any]], None]:
    """Another text in a panel's first query."""

    def change(dashboard: dict[str, Any]) -> None:
        target = panel(dashboard, title)["targets"][0]
        assert old in target["expr"]
        target["expr"] = target["expr"].replace(old, new)

    return change


def on(title: str, change: Callable[[Panel], Any]) -> Callable[[dict[str, Any]], None]:
    return lambda dashboard: change(panel(dashboard, title)) and None


SPEED = "Documents a second by stage"
MISTAKES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "editable": (lambda d: d.update(editable=True), "uneditable-dashboard"),
    "random_uid": (lambda d: d.update(uid="deadbeef"), "uid"),
    "fixed_data_source": (lambda d: d["templating"]["list"].pop(0), "template-datasource-rule"),
    "variable_that_is_not_there": (lambda d: d["templating"]["list"].pop(2), r"variables: \$encoder is not one of"),
    "variable_read_once": (lambda d: d["templating"]["list"][1].update(refresh=1), "template-on-time-change"),
    "variable_of_one": (lambda d: d["templating"]["list"][1].update(multi=False), "not one, several or all"),
    "variable_of_no_metric": (
        lambda d: d["templating"]["list"][1]["query"].update(query="label_values(millrace_runs, collection)"),
        "template-label-promql-rule: no such metric",
    ),
    "variable_of_no_label": (
        lambda d: d["templating"]["list"][1]["query"].update(query="label_values(millrace_run_state, store)"),
        "template-label-promql-rule: .* has no label store",
    ),
    "two_ids": (lambda d: d["panels"][2].update(id=2), "ids"),
    "overlap": (lambda d: d["panels"][2]["gridPos"].update(x=1), "overlap"),
    "too_wide": (lambda d: d["panels"][6]["gridPos"].update(w=5), "does not fit"),
    "legacy_type": (on(SPEED, lambda p: p.update(type="graph") or True), "type: graph"),
    "no_description": (on(SPEED, lambda p: p.update(description="") or True), "panel-title-description-rule"),
    "no_query": (on(SPEED, lambda p: p.update(targets=[]) or True), "panel-no-targets-rule"),
    "other_data_source": (
        on(SPEED, lambda p: p["targets"][0].update(datasource={"type": "prometheus", "uid": "abc"}) or True),
        "panel-datasource-rule",
    ),
    "unknown_unit": (
        on(SPEED, lambda p: p["fieldConfig"]["defaults"].update(unit="documents/s") or True),
        "panel-units-rule",
    ),
    "unknown_unit_of_column": (
        on("Runs", lambda p: p["fieldConfig"]["overrides"][0]["properties"][0].update(value="runs") or True),
        "panel-units-rule",
    ),
    "legend_without_label": (
        on(SPEED, lambda p: p["targets"][0].update(legendFormat="{{encoder}}") or True),
        "legend: no label encoder",
    ),
    "column_without_label": (
        on("Runs", lambda p: p["transformations"][1]["options"]["renameByName"].update(store="store") or True),
        "column: no label store",
    ),
    "column_that_is_gone": (
        on("Runs", lambda p: p["fieldConfig"]["overrides"][0]["matcher"].update(options="gone") or True),
        "column: nothing is called gone",
    ),
    "runbook_that_is_gone": (
        on(SPEED, lambda p: p.update(description="Runbook: deploy/runbooks.md#nowhere") or True),
        "the runbooks have no nowhere",
    ),
    "dashboard_that_is_gone": (
        on(SPEED, lambda p: p.update(links=[{"title": "x", "url": "/d/millrace-gone?a=b"}]) or True),
        "there is no dashboard millrace-gone",
    ),
    "no_promql": (query(SPEED, "rate(", "rate(("), "target-promql-rule: not PromQL"),
    "misspelt_metric": (query(SPEED, "stage_documents_total", "stage_document_total"), "no such metric"),
    "misspelt_label": (query(SPEED, "by (collection, stage)", "by (collection, step)"), r"no label \['step'\]"),
    "misspelt_matcher": (query(SPEED, "collection=~", "collections=~"), "has no label collections"),
    "value_that_never_is": (query("Time left of --max-duration", 'state=~"start', 'state=~"begin'), "state is never"),
    "sides_that_never_match": (
        query("Mean wait before a stage", "/ sum by (collection, stage)", "/ sum by (collection)"),
        "no series match",
    ),
    "counter_without_rate": (query(SPEED, "rate(", "max_over_time("), "target-counter-agg-rule"),
    "rate_over_a_fixed_time": (query(SPEED, "[$__rate_interval]", "[1m]"), "target-rate-interval-rule"),
    "collection_not_chosen": (query(SPEED, 'collection=~"$collection"', ""), "is not asked for by"),
}


@pytest.mark.parametrize("name", NAMES)
def test_dashboard_keeps_the_rules(name: str, known: Known, uids: set[str], runbooks: set[str]) -> None:
    assert problems(committed(name), known, uids, runbooks) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_lint_names_a_mistake(mistake: str, known: Known, uids: set[str], runbooks: set[str]) -> None:
    make, expected = MISTAKES[mistake]
    dashboard = committed("run")
    make(dashboard)
    found = problems(dashboard, known, uids, runbooks)
    assert [each for each in found if re.search(expected, each)], found
