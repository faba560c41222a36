"""The dashboards as they are committed, and what they may name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.promql import FOREIGN, Known, listed

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("encoders", "overview", "run", "store")


def committed(name: str) -> dict[str, Any]:
    """A committed dashboard, read anew."""
    found: dict[str, Any] = json.loads((ROOT / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def known() -> Known:
    return {**listed(), **FOREIGN}


@pytest.fixture(scope="session")
def uids() -> set[str]:
    return {committed(name)["uid"] for name in NAMES}


@pytest.fixture(scope="session")
def runbooks() -> set[str]:
    """Anchors, as GitHub makes them of headings."""
    text = (ROOT / "deploy" / "runbooks.md").read_text(encoding="utf-8")
    return {heading.lower() for heading in re.findall(r"^## (\w+)$", text, re.MULTILINE)}
