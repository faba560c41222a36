"""The rules keep what they must, and every check sees its mistake."""

import re
from collections.abc import Callable
from math import prod
from typing import Any

import pytest

from dashboards import limits
from tests.deploy.prometheus.checks import problems
from tests.deploy.prometheus.conftest import all_rules, committed, unit_tests
from tests.promql import Known

Rules = dict[str, Any]


def rule(rules: Rules, name: str) -> dict[str, Any]:
    [found] = [each for each in all_rules(rules) if name in {each.get("alert"), each.get("record")}]
    return found


def query(name: str, old: str, new: str) -> Callable[[Rules], None]:
    """Another text in a rule's query."""

    def change(rules: Rules) -> None:
        assert old in rule(rules, name)["expr"]
        rule(rules, name)["expr"] = rule(rules, name)["expr"].replace(old, new)

    return change


RECALL = "MillraceRecallLow"
PADDING = "collection_encoder:millrace_padding:ratio15m"
MISTAKES: dict[str, tuple[Callable[[Rules], Any], str]] = {
    "no_promql": (query(RECALL, "< 0.95", "<"), "not PromQL"),
    "misspelt_metric": (query(RECALL, "recall_ratio", "recal_ratio"), "no such metric"),
    "misspelt_record": (query("MillracePaddingHigh", "ratio15m", "ratio5m"), "no such metric"),
    "misspelt_label": (query(RECALL, "collection, encoder", "collection, encoders"), r"no label \['encoders'\]"),
    "value_that_never_is": (query("MillraceRunStalled", "scan|encode", "scan|encoding"), "state is never"),
    "sides_that_never_match": (
        query("MillraceRunStalled", "and time() - max by (collection)", "and max"),
        "on its right|no series",
    ),
    "record_of_another_level": (query(PADDING, "(collection, encoder)", "(collection)"), "its level says"),
    "unused_record": (
        lambda r: rule(r, PADDING).update(record="collection_encoder:millrace_padding:x"),
        "no rule uses",
    ),
    "no_severity": (lambda r: rule(r, RECALL).update(labels={}), "severity"),
    "no_description": (lambda r: rule(r, RECALL)["annotations"].pop("description"), "description: missing"),
    "other_runbook": (
        lambda r: rule(r, RECALL)["annotations"].update(runbook_url="deploy/runbooks.md#x"),
        "runbook_url",
    ),
    "label_that_is_not_there": (
        lambda r: rule(r, RECALL)["annotations"].update(summary="{{ $labels.index }}"),
        "annotations: no label index",
    ),
    "no_runbook_no_test": (
        lambda r: rule(r, RECALL).update(alert="MillraceNew"),
        "MillraceNew: (runbook|needs a test)",
    ),
    "odd_name": (lambda r: rule(r, RECALL).update(alert="RecallLow"), "is called Millrace"),
}


def test_rules_keep_what_they_must(known: Known, runbooks: set[str]) -> None:
    assert problems(committed("rules.yaml"), unit_tests(), known, runbooks) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_checks_name_a_mistake(mistake: str, known: Known, runbooks: set[str]) -> None:
    make, expected = MISTAKES[mistake]
    rules = committed("rules.yaml")
    make(rules)
    found = problems(rules, unit_tests(), known, runbooks)
    assert [each for each in found if re.search(expected, each)], found


def test_checks_name_an_alert_that_is_only_seen_firing(known: Known, runbooks: set[str]) -> None:
    tests = unit_tests()
    for group in tests["tests"]:
        group["alert_rule_test"] = [case for case in group["alert_rule_test"] if case["exp_alerts"]]
    found = problems(committed("rules.yaml"), tests, known, runbooks)
    assert len(found) == len([each for each in all_rules(committed("rules.yaml")) if "alert" in each])


def test_alerts_fire_where_panels_change_their_colour() -> None:
    """A panel that is still green while its alert fires, or the other way round, costs trust."""

    def limit(name: str) -> float:
        found = re.search(r"[<>] ([\d.* ]+)$", rule(committed("rules.yaml"), name)["expr"])
        assert found
        return prod(float(factor) for factor in found[1].split("*"))

    assert (limit("MillraceSnapshotOld"), limit("MillraceSnapshotVeryOld")) == limits.AGE_SECONDS
    assert limit("MillraceRejectsHigh") == limits.REJECTS[0]
    assert limit("MillraceRecallLow") == limits.RECALL
    assert limit("MillracePaddingHigh") == limits.PADDING
    assert limit("MillraceEmptyVectors") == limits.EMPTY
    starved = rule(committed("rules.yaml"), "MillraceEncoderStarved")["expr"]
    assert f"> {limits.WAITING}\n" in starved
