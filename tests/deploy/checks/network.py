"""The network is shut but for what is named: no port for everybody, none public, no way to the node's credentials."""

from collections.abc import Iterator, Sequence
from typing import Any

from tests.deploy.checks.pods import Manifest, Pod, name_of, of_kind, pods, ray_job_specs, selects

METADATA = "169.254.0.0/16"
_EVERYWHERE = ("0.0.0.0/0", "::/0")


def network(manifests: Sequence[Manifest]) -> list[str]:
    policies = of_kind(manifests, "NetworkPolicy")
    problems = [] if any(_denies_all(each) for each in policies) else ["no NetworkPolicy denies what no other allows"]
    for policy in policies:
        problems += [f"{name_of(policy)}: {each}" for each in _too_open(policy["spec"])]
    for service in of_kind(manifests, "Service"):
        if service["spec"].get("type", "ClusterIP") != "ClusterIP":
            problems.append(f"{name_of(service)}: is open to outside the cluster: type {service['spec']['type']}")
    problems += [f"{name_of(each)}: opens a port to the world" for each in of_kind(manifests, "Ingress", "HTTPRoute")]
    return [*problems, *_ray(manifests, policies), *_api_server(manifests, policies), *_resolvers(manifests, policies)]


def _denies_all(policy: Manifest) -> bool:
    spec = policy["spec"]
    both = set(spec.get("policyTypes", [])) == {"Ingress", "Egress"}
    return both and spec["podSelector"] == {} and not spec.get("ingress") and not spec.get("egress")


def _too_open(spec: dict[str, Any]) -> list[str]:
    return [*_lets_in(spec), *_lets_out(spec)]


def _lets_in(spec: dict[str, Any]) -> Iterator[str]:
    for rule in spec.get("ingress", []):
        if not rule.get("from") or {} in rule["from"]:
            yield "an ingress rule lets everybody in"
        for peer in rule.get("from", []):
            if peer.get("ipBlock", {}).get("cidr") in _EVERYWHERE:
                yield "an ingress rule lets the world in"
            if peer.get("namespaceSelector") == {}:
                yield "an ingress rule lets every namespace in"


def _lets_out(spec: dict[str, Any]) -> Iterator[str]:
    for rule in spec.get("egress", []):
        if not rule.get("to"):
            yield "an egress rule lets everything out"
        for peer in rule.get("to", []):
            block = peer.get("ipBlock", {})
            if block.get("cidr") in _EVERYWHERE and METADATA not in block.get("except", []):
                yield f"egress reaches instance metadata: except {METADATA}"
            if block.get("cidr") in _EVERYWHERE and not rule.get("ports"):
                yield "egress to everywhere names no port"


def _ray(manifests: Sequence[Manifest], policies: Sequence[Manifest]) -> Iterator[str]:
    """From other namespaces: metrics by Prometheus, and the job API (8265) by KubeRay's operator. Nothing else."""
    for head in (pod for pod in pods(manifests) if pod.owner.endswith(" head")):
        for policy in policies:
            if selects(policy["spec"]["podSelector"], head.labels):
                for rule in policy["spec"].get("ingress", []):
                    yield from (f"{name_of(policy)}: {each}" for each in _foreign(rule, head))


def _foreign(rule: dict[str, Any], head: Pod) -> Iterator[str]:
    metrics = {name for name in head.ports if name.endswith("metrics")} | {"exporter"}
    for peer in rule.get("from", []):
        if "namespaceSelector" not in peer:
            continue
        prometheus = peer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name") == "prometheus"
        allowed = metrics if prometheus else {head.ports["dashboard"]}
        opened = {port["port"] for port in rule.get("ports", [])} or {"every port"}
        if beyond := opened - allowed:
            yield f"opens {', '.join(map(str, beyond))} of the head to another namespace"


def _api_server(manifests: Sequence[Manifest], policies: Sequence[Manifest]) -> Iterator[str]:
    talkers = [pod for pod in pods(manifests) if pod.spec.get("automountServiceAccountToken")]
    scales = {name for name, spec in ray_job_specs(manifests) if spec["rayClusterSpec"].get("enableInTreeAutoscaling")}
    for pod in talkers:
        if pod.owner.endswith(" head") and pod.owner.removesuffix(" head") not in scales:
            continue
        if not any(6443 in _ports_out(each, pod) for each in policies):
            yield f"{pod.owner}: no policy lets it reach the API server (443 and 6443)"


def _resolvers(manifests: Sequence[Manifest], policies: Sequence[Manifest]) -> Iterator[str]:
    for pod in pods(manifests):
        if not any(53 in _ports_out(each, pod) for each in policies):
            yield f"{pod.owner}: no policy lets it resolve names"


def _ports_out(policy: Manifest, pod: Pod) -> set[int]:
    if not selects(policy["spec"]["podSelector"], pod.labels):
        return set()
    return {port["port"] for rule in policy["spec"].get("egress", []) for port in rule.get("ports", [])}
