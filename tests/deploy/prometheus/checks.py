"""What rules must keep: queries that can match, words an engineer needs, a runbook, and tests of both answers."""

import re
from collections.abc import Iterator
from typing import Any

from tests.deploy.prometheus.conftest import all_rules
from tests.promql import Known, QueryError, labels_of, names_of, selectors

_SEVERITIES = {"critical", "warning", "info"}


def problems(rules: dict[str, Any], tests: dict[str, Any], known: Known, runbooks: set[str]) -> list[str]:
    """What is wrong with rules and with their tests."""
    alerts = [rule for rule in all_rules(rules) if "alert" in rule]
    found, everything = [], dict(known)
    for rule in all_rules(rules):
        name = rule.get("alert") or rule["record"]
        try:
            labels = labels_of(rule["expr"], everything)
        except QueryError as error:
            found.append(f"{name}: {error}")
            continue
        about = _about_alert(rule, labels, runbooks) if "alert" in rule else _about_record(name, labels)
        found += [f"{name}: {problem}" for problem in about]
        everything[name] = dict.fromkeys(labels)
    names = [rule["alert"] for rule in alerts]
    return [*found, *_about_all(names, runbooks), *_about_tests(names, tests), *_about_use(all_rules(rules))]


def _about_record(name: str, labels: frozenset[str]) -> Iterator[str]:
    level, _, rest = name.partition(":")
    if not re.fullmatch(r"millrace_\w+:\w+", rest):
        yield "a record is called level:metric:operation"
    if set(level.split("_")) != labels:
        yield f"its level says {level}, its labels are {sorted(labels)}"


def _about_alert(rule: dict[str, Any], labels: frozenset[str], runbooks: set[str]) -> Iterator[str]:
    if rule.get("labels", {}).get("severity") not in _SEVERITIES:
        yield f"severity: one of {sorted(_SEVERITIES)}"
    annotations = rule.get("annotations", {})
    for name in ("summary", "description"):
        if not annotations.get(name):
            yield f"{name}: missing"
    if annotations.get("runbook_url") != f"deploy/runbooks.md#{rule['alert'].lower()}":
        yield f"runbook_url: {annotations.get('runbook_url')}"
    if rule["alert"] not in runbooks:
        yield "runbook: it has none"
    for label in re.findall(r"\$labels\.(\w+)", str(annotations)):
        if label not in labels:
            yield f"annotations: no label {label} among {sorted(labels)}"


def _about_all(alerts: list[str], runbooks: set[str]) -> Iterator[str]:
    for name in runbooks - set(alerts):
        yield f"runbook {name}: there is no such alert"
    for name in alerts:
        if not re.fullmatch(r"Millrace[A-Z]\w+", name):
            yield f"{name}: an alert is called Millrace and what is wrong"


def _about_tests(alerts: list[str], tests: dict[str, Any]) -> Iterator[str]:
    cases = [case for group in tests["tests"] for case in group["alert_rule_test"]]
    for name in alerts:
        answers = {bool(case["exp_alerts"]) for case in cases if case["alertname"] == name}
        if answers != {True, False}:
            yield f"{name}: needs a test that fires and one that does not"


def _about_use(rules: list[dict[str, Any]]) -> Iterator[str]:
    used = {name for rule in rules for selector, _ in _selectors(rule["expr"]) for name in names_of(selector)}
    for rule in rules:
        if rule.get("record") and rule["record"] not in used:
            yield f"{rule['record']}: no rule uses it"


def _selectors(query: str) -> list[Any]:
    try:
        return list(selectors(query))
    except QueryError:
        return []
