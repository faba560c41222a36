"""Where the CRDs are that manifests are checked against; they are not Millrace's and lie outside the repository."""

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def crds() -> Path:
    """The folder of CRDs of KubeRay 1.7 and the Prometheus operator; skips where there is none."""
    folder = Path(os.environ.get("CRD_DIR", _ROOT.parent / "shared" / "crds"))
    if not (folder / "ray.io_rayjobs.yaml").is_file():
        pytest.skip(f"no CRDs in {folder}: set CRD_DIR to KubeRay's ray-operator/config/crd/bases and the like")
    return folder
