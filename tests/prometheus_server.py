"""A real Prometheus for as long as a test needs one."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

_CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: millrace
    file_sd_configs: [{{files: ["{targets}"], refresh_interval: 1s}}]
"""


@dataclass(frozen=True)
class Prometheus:
    """Where it listens, and the file_sd file it finds its targets in."""

    port: int
    targets: Path

    def get(self, path: str, **query: Any) -> Any:
        """The `data` of an answer of its API; an error of the query raises."""
        with urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}?{urlencode(query)}") as answer:
            return json.load(answer)["data"]

    def last(self, series: str, minutes: int = 10) -> dict[tuple[str, ...], float]:
        """The last value that was ever scraped of each series, by its labels' values but job and instance."""
        found = self.get("query", query=f"last_over_time({series}[{minutes}m])")["result"]
        return {
            tuple(
                value for name, value in each["metric"].items() if name not in {"__name__", "job", "instance"}
            ): float(each["value"][1])
            for each in found
        }


@contextmanager
def running(folder: Path) -> Iterator[Prometheus]:
    """Start one with its files in `folder`, scraping every second, and stop it whatever happens."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no Prometheus: run tests/install-prometheus")
    folder.mkdir(parents=True)
    targets, config = folder / "targets.json", folder / "prometheus.yaml"
    config.write_text(_CONFIG.format(targets=targets))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [program, f"--config.file={config}", f"--storage.tsdb.path={folder}/data"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    try:
        _wait_until_ready(port, process)
        yield Prometheus(port, targets)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"http://127.0.0.1:{port}/-/ready") as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Prometheus did not start: see the log in its folder")
