"""A real Prometheus answers every panel, variable and rule: half an hour of a run at work and of its snapshot."""

import math
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest as text
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics

from operators.observe.families import SeriesCollector
from tests.dashboards.conftest import NAMES, committed
from tests.dashboards.lint import plain, targets
from tests.deploy.prometheus.conftest import all_rules
from tests.deploy.prometheus.conftest import committed as rules_file
from tests.exposition import filled
from tests.prometheus_server import Prometheus, promtool, running
from tests.promql import FOREIGN, selectors

MINUTES = 30
#: One series each, as DCGM's and KubeRay's exporters show them; ALERTS is Prometheus' own.
_FOREIGN = {
    **{name: f'{name}{{pod="worker",gpu="0"}}' for name in FOREIGN if name.startswith("DCGM")},
    "kuberay_job_deployment_status": (
        'kuberay_job_deployment_status{namespace="search",name="millrace",deployment_status="Failed"}'
    ),
}


def exposition(render: Any, now: float, minutes: int) -> str:
    """What production would answer a scrape."""
    registry = CollectorRegistry()
    registry.register(SeriesCollector(lambda: filled(now, minutes)))
    answer: bytes = render(registry)
    return answer.decode()


def history(until: float) -> Iterator[str]:
    """The same once a minute, with the time behind every value."""
    for minute in range(1, MINUTES + 1):
        now = until - 60 * (MINUTES - minute)
        samples = (line for line in exposition(openmetrics, now, minute).splitlines() if not line.startswith("#"))
        yield from (f"{sample} {now}" for sample in samples)
        yield from (f"{series} 1 {now}" for series in _FOREIGN.values())
    yield "# EOF\n"


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    folder = tmp_path_factory.mktemp("prometheus")
    (folder / "history").write_text("\n".join(history(time.time())), encoding="utf-8")
    made = promtool("tsdb", "create-blocks-from", "openmetrics", "history", "data", folder=folder)
    assert made.returncode == 0, made.stderr
    rules = rules_file("rules.yaml")
    for group in rules["groups"]:
        group["interval"] = "1s"
    (folder / "rules.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    (folder / "prometheus.yaml").write_text("rule_files: [rules.yaml]\n", encoding="utf-8")
    with running(folder / "prometheus.yaml", folder / "data") as server:
        yield server


def values(prometheus: Prometheus, query: str) -> list[float]:
    """Every value of an answer now."""
    return [float(found["value"][1]) for found in prometheus.ask("query", query=query)["result"]]


@pytest.fixture(scope="module")
def evaluated(prometheus: Prometheus) -> list[dict[str, Any]]:
    """All rules as Prometheus shows them, once it tells which alerts fire: it does so from the third evaluation on."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        if values(prometheus, 'ALERTS{alertstate="firing"}'):
            return [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        time.sleep(0.1)
    pytest.fail("Prometheus did not evaluate its rules")


@pytest.mark.parametrize("name", NAMES)
def test_dashboard_every_query_and_variable_has_an_answer(name: str, prometheus: Prometheus, evaluated: object) -> None:
    dashboard, silent = committed(name), []
    for target in targets(dashboard):
        found = values(prometheus, plain(target["expr"]))
        if not any(map(math.isfinite, found)):
            silent.append(target["expr"])
    for choice in dashboard["templating"]["list"][1:]:
        series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", choice["query"]["query"]).groups()
        if not prometheus.ask(f"label/{label}/values", **{"match[]": plain(series)}):
            silent.append(choice["query"]["query"])
    assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_dashboard_shares_are_between_none_and_all(name: str, prometheus: Prometheus) -> None:
    shares = [
        (panel["title"], found)
        for panel in committed(name)["panels"]
        if panel["type"] != "row" and panel["fieldConfig"]["defaults"].get("unit") == "percentunit"
        for target in panel["targets"]
        for found in values(prometheus, plain(target["expr"]))
    ]
    assert shares
    assert [share for share in shares if not 0 <= share[1] <= 1] == []


def test_shares_of_time_fill_the_whole(prometheus: Prometheus) -> None:
    [panel] = [each for each in committed("encoders")["panels"] if each["title"].startswith("Time of all")]
    assert sum(values(prometheus, plain(panel["targets"][0]["expr"]))) == pytest.approx(1)


def test_rules_are_evaluated_without_an_error(evaluated: list[dict[str, Any]]) -> None:
    assert len(evaluated) == len(all_rules(rules_file("rules.yaml")))
    assert [(rule["name"], rule.get("lastError")) for rule in evaluated if rule["health"] != "ok"] == []


def test_rules_every_series_they_ask_for_is_there(prometheus: Prometheus, evaluated: object) -> None:
    asked = {
        re.sub(r" offset \w+", "", selector.prettify()).strip()
        for rule in all_rules(rules_file("rules.yaml"))
        for selector, _ in selectors(rule["expr"])
    }
    assert [selector for selector in sorted(asked) if not values(prometheus, selector)] == []


def test_exposition_is_as_prometheus_wants_it(tmp_path: Path) -> None:
    checked = promtool("check", "metrics", folder=tmp_path, given=exposition(text, time.time(), 1))
    assert checked.returncode == 0, checked.stdout + checked.stderr
