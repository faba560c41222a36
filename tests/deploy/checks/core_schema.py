"""Kubernetes' own kinds against its schemas, unknown keys refused."""

from collections.abc import Sequence
from functools import cache

import kubernetes_validate
from kubernetes_validate import utils

from tests.deploy.checks.pods import Manifest, name_of

#: The oldest Kubernetes whose fields we use: podFailurePolicy, timeZone and job-name labels are stable there.
VERSION = "1.32"
# It reads all definitions again for every object, which would be most of these tests' time.
utils.schema_contents = cache(utils.schema_contents)
_OWN = ("v1", "apps/v1", "batch/v1", "rbac.authorization.k8s.io/v1", "networking.k8s.io/v1")


def core_schema(manifests: Sequence[Manifest]) -> list[str]:
    problems = []
    for manifest in manifests:
        if manifest["apiVersion"] in _OWN:
            try:
                kubernetes_validate.validate(manifest, VERSION, strict=True)
            except kubernetes_validate.ValidationError as error:
                problems.append(f"{name_of(manifest)}: {'.'.join(map(str, error.path))}: {error.message}")
    return problems
