"""What Prometheus' own tool says of rules and configuration."""

from pathlib import Path

import pytest
import yaml

from tests.dashboards.conftest import ROOT
from tests.deploy.prometheus.conftest import FOLDER, TESTS, committed
from tests.prometheus_server import promtool


@pytest.mark.parametrize(
    "arguments",
    [("check", "rules", "--lint=all", "--lint-fatal", "rules.yaml"), ("check", "config", "prometheus.yaml")],
    ids=["rules", "config"],
)
def test_promtool_accepts(arguments: tuple[str, ...]) -> None:
    done = promtool(*arguments, folder=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_every_alert_fires_when_it_should_and_only_then() -> None:
    done = promtool("test", "rules", *TESTS, folder=FOLDER)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_tests_see_another_threshold(tmp_path: Path) -> None:
    text = (FOLDER / "rules.yaml").read_text(encoding="utf-8")
    assert '{k!="100"}) < 0.95' in text
    (tmp_path / "rules.yaml").write_text(text.replace('{k!="100"}) < 0.95', '{k!="100"}) < 0.85'), encoding="utf-8")
    tests = committed("tests.yaml")
    tests["tests"] = [group for group in tests["tests"] if "Recall" in group["name"]]
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(tests), encoding="utf-8")
    done = promtool("test", "rules", "tests.yaml", folder=tmp_path)
    assert done.returncode != 0
    assert "MillraceRecallLow" in done.stdout + done.stderr


def test_config_scrapes_as_often_as_grafana_and_a_run_that_ends_expect() -> None:
    config = committed("prometheus.yaml")
    sources = yaml.safe_load((ROOT / "dashboards" / "provisioning" / "datasources.yaml").read_text(encoding="utf-8"))
    [source] = sources["datasources"]
    interval = config["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval
    assert float(interval.removesuffix("s")) < 30
