"""Spot nodes: workers may run there and are drained, the driver never does; GPUs are there only while they are used."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.deploy.checks.pods import Manifest, ray_job_specs

#: Labels of spot nodes: Karpenter, EKS node groups, GKE, AKS.
SPOT = {
    "karpenter.sh/capacity-type": "spot",
    "eks.amazonaws.com/capacityType": "SPOT",
    "cloud.google.com/gke-spot": "true",
    "kubernetes.azure.com/scalesetpriority": "spot",
}


def spot(manifests: Sequence[Manifest]) -> list[str]:
    return [
        f"{name}: {problem}"
        for name, spec in ray_job_specs(manifests)
        for problem in [*_head(spec["rayClusterSpec"]["headGroupSpec"]), *_workers(spec["rayClusterSpec"])]
    ]


def _head(head: dict[str, Any]) -> Iterator[str]:
    spec = head["template"]["spec"]
    affinity = (
        spec.get("affinity", {}).get("nodeAffinity", {}).get("requiredDuringSchedulingIgnoredDuringExecution", {})
    )
    terms = affinity.get("nodeSelectorTerms", [])
    for label, value in SPOT.items():
        refused = {"key": label, "operator": "NotIn", "values": [value]}
        if not terms or not all(refused in term.get("matchExpressions", []) for term in terms):
            yield f"the head, which has the driver, may run on spot nodes: {label}"
    if any(each.get("key") in SPOT for each in spec.get("tolerations", [])):
        yield "the head tolerates spot nodes"
    if head["rayStartParams"].get("num-cpus") != "0":
        yield "work may run on the head: num-cpus 0"


def _workers(cluster: dict[str, Any]) -> Iterator[str]:
    for group in cluster["workerGroupSpecs"]:
        name, spec = group["groupName"], group["template"]["spec"]
        tolerated = {each["key"] for each in spec.get("tolerations", [])}
        if "cloud.google.com/gke-spot" not in tolerated:
            yield f"group {name} is kept off spot nodes"
        container = spec["containers"][0]
        command = container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", [])
        if "ray drain-node" not in " ".join(command):
            yield f"group {name} is not drained: preStop"
        if spec.get("terminationGracePeriodSeconds", 30) < 60:
            yield f"group {name} is killed while it drains: terminationGracePeriodSeconds"
        if "nvidia.com/gpu" in container["resources"].get("limits", {}):
            if group["minReplicas"] or group["replicas"]:
                yield f"group {name} has GPUs while nobody asks for them: replicas and minReplicas 0"
            if "nvidia.com/gpu" not in tolerated:
                yield f"group {name} may not run on GPU nodes: toleration nvidia.com/gpu"
