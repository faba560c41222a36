"""The file by which a Prometheus without Kubernetes finds a run: its file_sd format."""

import json
import os
from pathlib import Path


def write_targets(path: str, address: str) -> None:
    """Name the address as a target, whole or not at all: Prometheus reads the file whenever it changes."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps([{"targets": [address], "labels": {"job": "millrace"}}]), encoding="utf-8")
    partial.replace(target)


def remove_targets(path: str) -> None:
    """No target any more; an empty list, as Prometheus keeps the targets of a file that is gone."""
    target = Path(path)
    if target.exists():
        target.write_text("[]", encoding="utf-8")
