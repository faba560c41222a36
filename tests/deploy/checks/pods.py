"""The pods in manifests, wherever a kind keeps its templates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod template: which manifest it is in, its labels and its spec."""

    owner: str
    labels: dict[str, str]
    annotations: dict[str, str]
    spec: dict[str, Any]

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for each in self.containers for port in each.get("ports", [])}


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{manifest['metadata']['name']}"


def of_kind(manifests: Sequence[Manifest], *kinds: str) -> list[Manifest]:
    return [manifest for manifest in manifests if manifest["kind"] in kinds]


def ray_job_specs(manifests: Sequence[Manifest]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The specs of RayJobs, those inside RayCronJobs included."""
    for manifest in manifests:
        if manifest["kind"] == "RayJob":
            yield name_of(manifest), manifest["spec"]
        elif manifest["kind"] == "RayCronJob":
            yield name_of(manifest), manifest["spec"]["jobTemplate"]


def pods(manifests: Sequence[Manifest]) -> list[Pod]:
    jobs = ((each, each["spec"]["jobTemplate"]["spec"]) for each in of_kind(manifests, "CronJob"))
    others = ((each, each["spec"]) for each in of_kind(manifests, "Deployment", "Job", "StatefulSet"))
    found = [_pod(name_of(each), spec["template"]) for each, spec in [*others, *jobs]]
    for name, spec in ray_job_specs(manifests):
        cluster = spec["rayClusterSpec"]
        found.append(_pod(f"{name} submitter", spec["submitterPodTemplate"]))
        found.append(_pod(f"{name} head", cluster["headGroupSpec"]["template"]))
        found += [_pod(f"{name} {group['groupName']}", group["template"]) for group in cluster["workerGroupSpecs"]]
    return found


def _pod(owner: str, template: dict[str, Any]) -> Pod:
    metadata = template.get("metadata", {})
    return Pod(owner, metadata.get("labels", {}), metadata.get("annotations", {}), template["spec"])


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a label selector holds for labels; an empty one does for all."""
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    return all(_holds(each, labels) for each in selector.get("matchExpressions", []))


def _holds(expression: dict[str, Any], labels: dict[str, str]) -> bool:
    value, operator = labels.get(expression["key"]), expression["operator"]
    if operator == "In":
        return value in expression["values"]
    if operator == "NotIn":
        return value not in expression["values"]
    return (value is not None) == (operator == "Exists")
