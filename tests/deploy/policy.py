"""As much of IAM's logic as our policies use: which requests a role may make, and which a bucket refuses."""

from fnmatch import fnmatchcase
from typing import Any

from tests.deploy.checks.iam import listed

Policy = dict[str, Any]
BUCKET = "arn:aws:s3:::search"


def allows(policy: Policy, action: str, resource: str, **context: str) -> bool:
    """Whether a statement that allows matches; `context` holds the condition keys of the request, `:` and `-` as `_`."""
    return any(each["Effect"] == "Allow" and _matches(each, action, resource, context) for each in policy["Statement"])


def denies(policy: Policy, action: str, resource: str, **context: str) -> bool:
    return any(each["Effect"] == "Deny" and _matches(each, action, resource, context) for each in policy["Statement"])


def _matches(statement: dict[str, Any], action: str, resource: str, context: dict[str, str]) -> bool:
    return (
        any(fnmatchcase(action, each) for each in listed(statement["Action"]))
        and any(fnmatchcase(resource, each) for each in listed(statement["Resource"]))
        and all(
            _holds(operator, context.get(key.replace(":", "_").replace("-", "_")), listed(values))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def _holds(operator: str, value: str | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (value is None) == (wanted == ["true"])
    if value is None:
        return operator.endswith("IfExists")
    if operator == "ArnNotEquals":
        return value not in wanted
    return any(fnmatchcase(value, each) for each in wanted)
