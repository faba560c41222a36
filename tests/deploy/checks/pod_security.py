"""Pods as Pod Security's level `restricted` wants them, and stricter: numeric user, read-only root, no idle API token."""

from collections.abc import Sequence
from typing import Any

from tests.deploy.checks.pods import Manifest, Pod, pods, ray_job_specs

#: Who talks to the Kubernetes API: the autoscaler beside the head, and the pod that makes RayJobs.
_API_USERS = ("ray-head", "nightly")


def pod_security(manifests: Sequence[Manifest]) -> list[str]:
    problems = []
    for pod in pods(manifests):
        problems += [f"{pod.owner}: {problem}" for problem in _pod(pod)]
        for container in pod.containers:
            problems += [f"{pod.owner}: container {container['name']}: {each}" for each in _container(container)]
    for name, spec in ray_job_specs(manifests):
        # KubeRay puts the autoscaler's container beside the head's; its init containers copy the worker's context.
        autoscaler = spec["rayClusterSpec"].get("autoscalerOptions", {})
        problems += [f"{name}: autoscaler: {each}" for each in _container(autoscaler)]
    return problems


def _pod(pod: Pod) -> list[str]:
    context = pod.spec.get("securityContext", {})
    mounts_token = pod.spec.get("automountServiceAccountToken")
    talks = pod.labels.get("app.kubernetes.io/component") in _API_USERS
    checks = {
        "runs as root: runAsNonRoot": context.get("runAsNonRoot") is True,
        "no numeric user: runAsUser": isinstance(context.get("runAsUser"), int) and context["runAsUser"] > 0,
        "no seccompProfile RuntimeDefault": context.get("seccompProfile") == {"type": "RuntimeDefault"},
        "shares the host's network, processes or IPC": not any(
            pod.spec.get(each) for each in ("hostNetwork", "hostPID", "hostIPC")
        ),
        "mounts a path of the host": not any("hostPath" in each for each in pod.spec.get("volumes", [])),
        f"automountServiceAccountToken is not {talks}": mounts_token is talks,
    }
    return [problem for problem, holds in checks.items() if not holds]


def _container(container: dict[str, Any]) -> list[str]:
    context = container.get("securityContext", {})
    checks = {
        "privileged": not context.get("privileged"),
        "may gain privileges: allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is False,
        "keeps capabilities: drop [ALL]": context.get("capabilities") == {"drop": ["ALL"]},
        "writes to its image: readOnlyRootFilesystem": context.get("readOnlyRootFilesystem") is True,
        "has no memory limit": "memory" in container.get("resources", {}).get("limits", {}),
    }
    return [problem for problem, holds in checks.items() if not holds]
