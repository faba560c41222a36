"""The dashboards against Grafana's own types, and whether those see mistakes."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.dashboards.conftest import NAMES, committed
from tests.dashboards.model import problems

Mistake = Callable[[dict[str, Any]], Any]
MISTAKES: dict[str, tuple[Mistake, str]] = {
    "misspelt_title": (lambda d: d["panels"][1].update(tittle="x"), r"\.panels\[1\]\.tittle: Grafana has no such key"),
    "width_as_text": (lambda d: d["panels"][1]["gridPos"].update(w="6"), r"grid_pos\.w: expected .*int.*, got '6'"),
    "unknown_option": (lambda d: d["panels"][1]["options"].update(colorMod="value"), "colorMod: Grafana has no such"),
    "value_of_no_option": (lambda d: d["panels"][1]["options"].update(textMode="big"), "text_mode: expected .*'big'"),
    "unknown_key_of_query": (lambda d: d["panels"][1]["targets"][0].update(instand=True), "instand: Grafana has no"),
    "unknown_default": (lambda d: d["panels"][1]["fieldConfig"]["defaults"].update(units="s"), "units: Grafana has no"),
    "unknown_key_of_variable": (lambda d: d["templating"]["list"][1].update(multiple=True), "multiple: Grafana has no"),
    "unknown_key_of_transformation": (
        lambda d: next(p for p in d["panels"] if p["type"] == "table")["transformations"].append(
            {"id": "merge", "option": {}}
        ),
        "transformations: expected",
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_dashboard_is_what_grafana_expects(name: str) -> None:
    assert problems(committed(name)) == []


@pytest.mark.parametrize("mistake", MISTAKES)
def test_model_names_a_mistake(mistake: str) -> None:
    make, expected = MISTAKES[mistake]
    dashboard = committed("overview")
    make(dashboard)
    found = problems(dashboard)
    assert len(found) == 1
    assert re.search(expected, found[0])
