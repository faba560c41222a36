"""No pod sets what lets Ray Data run code out of a data file."""

from collections.abc import Sequence

from pipelines.ray_safety import UNSAFE
from tests.deploy.checks.pods import Manifest, pods


def safe_ray(manifests: Sequence[Manifest]) -> list[str]:
    return [
        f"{pod.owner}: {variable['name']} lets Ray Data run code out of a data file"
        for pod in pods(manifests)
        for container in pod.containers
        for variable in container.get("env", [])
        if variable["name"] in UNSAFE
    ]
