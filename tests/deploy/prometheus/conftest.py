"""The rules as they are committed, their tests, and what they may name."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.promql import FOREIGN, Known, listed

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
FOLDER = DEPLOY / "prometheus"
TESTS = ("tests.yaml", "tests-nights.yaml")


def committed(name: str) -> Any:
    """A committed YAML file of the folder, read anew."""
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def unit_tests() -> dict[str, Any]:
    """All tests of the rules, together."""
    return {"tests": [group for name in TESTS for group in committed(name)["tests"]]}


def all_rules(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The rules of all groups, in their order."""
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.fixture(scope="session")
def known() -> Known:
    return {**listed(), **FOREIGN}


@pytest.fixture(scope="session")
def runbooks() -> set[str]:
    text = (DEPLOY / "runbooks.md").read_text(encoding="utf-8")
    return set(re.findall(r"^## (\w+)$", text, re.MULTILINE))
