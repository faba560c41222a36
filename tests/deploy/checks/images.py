"""Images: by digest, never `latest`, and with the Ray that the cluster says and the code is pinned to."""

import re
from collections.abc import Sequence

from tests.deploy.checks.pods import Manifest, pods, ray_job_specs

PINNED = re.compile(r"[\w.\-/:]+?:(?P<tag>[\w.\-]+)@sha256:[0-9a-f]{64}")


def images(manifests: Sequence[Manifest], ray: str) -> list[str]:
    """Problems where `ray` is the version that pyproject.toml and constraints.txt pin."""
    problems = []
    for name, spec in ray_job_specs(manifests):
        if (version := spec["rayClusterSpec"].get("rayVersion")) != ray:
            problems.append(f"{name}: rayVersion {version} is not the Ray {ray} that the code is pinned to")
    for pod in pods(manifests):
        for container in pod.containers:
            image = container["image"]
            pinned = PINNED.fullmatch(image)
            if pinned is None:
                problems.append(f"{pod.owner}: image {image} has no digest or no tag: name:tag@sha256:…")
            elif pinned["tag"] == "latest":
                problems.append(f"{pod.owner}: image {image} is called latest")
            elif f"ray{ray}" not in pinned["tag"].split("-"):
                problems.append(f"{pod.owner}: the tag of {image} does not say ray{ray}")
    return problems
