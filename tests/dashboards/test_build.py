"""The committed dashboards are those that the list of metrics makes."""

import json
from pathlib import Path

import pytest

from dashboards.build import generated
from tests.dashboards.conftest import NAMES, ROOT, committed


@pytest.mark.parametrize("path", sorted(generated()))
def test_generated_file_committed_is_up_to_date(path: str) -> None:
    found = (ROOT / path).read_text(encoding="utf-8")
    assert found == generated()[path], f"{path} is not what the list of metrics makes: run make dashboards"


def test_generated_dashboards_are_all_that_are_committed() -> None:
    assert {path.stem for path in (ROOT / "dashboards").glob("*.json")} == set(NAMES)
    assert {Path(path).stem for path in generated() if path.endswith(".json")} == set(NAMES)


def test_dashboards_fit_in_a_configmap_each_and_have_addresses_of_their_own() -> None:
    """Kubernetes refuses a ConfigMap of more than one megabyte."""
    assert all(len(json.dumps(committed(name))) < 200_000 for name in NAMES)
    assert {committed(name)["uid"] for name in NAMES} == {f"millrace-{name}" for name in NAMES}
