"""Prometheus and promtool where they are installed, and a running Prometheus."""

import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_ports

_STARTS_WITHIN = 30
_SCRAPING = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: millrace
    file_sd_configs: [{{files: ["{targets}"], refresh_interval: 1s}}]
"""


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`; skips the test where it is missing, or fails it where CI asks for it."""
    if found := shutil.which(name):
        return found
    reason = f"no {name}: run tests/install-prometheus"
    if os.environ.get("MILLRACE_REQUIRE_PROMETHEUS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def promtool(*arguments: str, folder: Path, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run promtool in a folder, with text on its stdin; its output says what is wrong."""
    command = [program("promtool"), *arguments]
    return subprocess.run(command, cwd=folder, input=given, capture_output=True, text=True, check=False, timeout=120)


class Prometheus:
    """A running Prometheus, asked over HTTP."""

    def __init__(self, address: str) -> None:
        self._address = address

    def ask(self, path: str, **parameters: Any) -> Any:
        """What the API answers to a question; raises `ValueError` with its message where it refuses."""
        query = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self._address}/api/v1/{path}?{query}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from error

    def last_values(self, series: str) -> dict[tuple[str, ...], float]:
        """The last value that was scraped of each series, by the values of its labels but job and instance."""
        found = self.ask("query", query=f"last_over_time({series}[10m])")["result"]
        return {
            tuple(
                label for name, label in each["metric"].items() if name not in {"__name__", "job", "instance"}
            ): float(each["value"][1])
            for each in found
        }


@contextmanager
def running(config: Path, folder: Path) -> Iterator[Prometheus]:
    """A Prometheus with this configuration, its data in a folder, until the block ends."""
    [port] = free_ports(1)
    address = f"127.0.0.1:{port}"
    command = [
        program("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder}",
        f"--web.listen-address={address}",
        "--log.level=warn",
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _wait(process, f"http://{address}/-/ready", folder / "log")
            yield Prometheus(f"http://{address}")
        finally:
            process.terminate()


@contextmanager
def scraping(targets: Path, folder: Path) -> Iterator[Prometheus]:
    """`running`, with its files in a new folder, of what a run's `metrics.targets_file` names, every second."""
    folder.mkdir()
    config = folder / "prometheus.yaml"
    config.write_text(_SCRAPING.format(targets=targets))
    with running(config, folder) as prometheus:
        yield prometheus


def _wait(process: "subprocess.Popen[bytes]", ready: str, log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(ready, timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail(f"Prometheus did not start: {log.read_text(encoding='utf-8')}")
