"""Manifests that are made from other files are as those files say."""

import json

import pytest
import yaml

from tests.deploy.kustomize import FOLDER, ROOT, build
from tests.deploy.scripts import load

generate = load("k8s/generate.py")
RULES = "groups: [{name: g, rules: [{alert: A, expr: 'x > 1', for: 5m, annotations: {summary: 'ratio > 1 %'}}]}]"


def test_generated_manifests_are_fresh() -> None:
    stale = [str(path) for path, text in generate.generated().items() if not path.is_file() or path.read_text() != text]
    assert stale == [], "run `make manifests`"


def test_prometheus_rule_holds_the_groups_as_they_are() -> None:
    rule = yaml.safe_load(generate.prometheus_rule(RULES))
    assert rule["spec"] == yaml.safe_load(RULES)
    assert (rule["apiVersion"], rule["kind"]) == ("monitoring.coreos.com/v1", "PrometheusRule")


def test_dashboards_each_have_a_config_map_that_grafana_looks_for() -> None:
    files = sorted((ROOT / "dashboards").glob("*.json"))
    if not files or not (FOLDER / "monitoring" / "prometheusrule.yaml").is_file():
        pytest.skip("no dashboards/*.json or no deploy/prometheus/rules.yaml yet")
    maps = [each for each in build("monitoring") if each["kind"] == "ConfigMap"]
    held = {name: text for each in maps for name, text in each["data"].items()}
    assert {name: json.loads(text) for name, text in held.items()} == {
        file.name: json.loads(file.read_text()) for file in files
    }
    assert all(each["metadata"]["labels"]["grafana_dashboard"] == "1" for each in maps)
    # An object may have 1 MiB, and `kubectl apply` keeps a copy in an annotation of at most 256 KiB.
    assert max(len(text) for text in held.values()) < 256 << 10


def test_prometheus_rule_is_applied_with_every_alert() -> None:
    rules = ROOT / "deploy" / "prometheus" / "rules.yaml"
    if not rules.is_file():
        pytest.skip("no deploy/prometheus/rules.yaml yet")
    (rule,) = (each for each in build("monitoring") if each["kind"] == "PrometheusRule")
    assert rule["spec"]["groups"] == yaml.safe_load(rules.read_text())["groups"]
