"""AWS policies: parliament's findings, and what it does not see: rights that are too wide, conditions that are misspelt."""

import json
import re
import sys
from collections.abc import Iterator
from importlib.resources import files
from types import ModuleType
from typing import Any

#: All that may be deleted but by the pruner: who is at work, a probe of the store, and notes on copies of tables.
DELETABLE = re.compile(r"/(leases/\*|probes/\*|staged/\*\.json)$")
_CREDENTIALS = re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|aws_secret_access_key", re.IGNORECASE)


def iam(name: str, text: str) -> list[str]:
    """Problems of the policy in a file called `name`."""
    statements = json.loads(text)["Statement"]
    problems = [*_findings(name, text), *(f"holds a credential: {each}" for each in _CREDENTIALS.findall(text))]
    for statement in statements:
        rules = (_conditions, _wide) if statement["Effect"] == "Allow" else (_conditions,)
        problems += [f"{statement['Sid']}: {each}" for rule in rules for each in rule(name, statement)]
    return problems


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _parliament() -> ModuleType:
    """parliament, whose one use of setuptools' pkg_resources, which is no more, is answered here."""
    stand_in = ModuleType("pkg_resources")
    stand_in.resource_filename = lambda package, name: str(files(package) / name)  # type: ignore[attr-defined]
    sys.modules.setdefault("pkg_resources", stand_in)
    import parliament

    return parliament


def _findings(name: str, text: str) -> Iterator[str]:
    for finding in _parliament().analyze_policy_string(text).findings:
        # A trust policy names no resource; AWS has RunInstances' resources in several statements, which parliament
        # wants in one.
        if name.startswith("trust-") and (finding.issue, str(finding.detail)[:32]) in {
            ("MALFORMED", "Statement contains neither Resou"),
            ("UNKNOWN_FEDERATION_SOURCE", str(finding.detail)[:32]),
        }:
            continue
        if finding.issue == "RESOURCE_MISMATCH" and all(
            each["action"] == "ec2:RunInstances" for each in finding.detail
        ):
            continue
        yield f"{finding.issue} {finding.detail}"


def _conditions(name: str, statement: dict[str, Any]) -> Iterator[str]:
    known = {each["condition"] for service in _parliament().iam_definition for each in service["conditions"]}
    for values in statement.get("Condition", {}).values():
        for key in values:
            if re.match(r"(s3|ec2|kms):", key) and key not in known:
                yield f"there is no condition {key}"


def _wide(name: str, statement: dict[str, Any]) -> Iterator[str]:
    for action in listed(statement["Action"]):
        if "*" in action:
            yield f"allows {action}"
        if action.startswith("kms:") and "kms:ViaService" not in json.dumps(statement.get("Condition", {})):
            yield f"{action} without kms:ViaService"
        if action == "s3:ListBucket" and "s3:prefix" not in json.dumps(statement.get("Condition", {})):
            yield "lists the whole bucket: s3:prefix"
        for resource in listed(statement.get("Resource", [])):
            if resource == "*" and not action.startswith("ec2:Describe"):
                yield f"{action} on everything"
            if action.startswith("s3:Delete") and name != "pruner" and not DELETABLE.search(resource):
                yield f"deletes {resource}"
