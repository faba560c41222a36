"""Every port that is named somewhere is one that a pod declares: a monitor of a missing port scrapes nothing, in silence."""

from collections.abc import Iterator, Sequence

from tests.deploy.checks.pods import Manifest, Pod, name_of, of_kind, pods, selects

_MOST = 15


def ports(manifests: Sequence[Manifest]) -> list[str]:
    there = pods(manifests)
    problems = [
        f"{pod.owner}: port name {name} has more than {_MOST} characters"
        for pod in there
        for name in pod.ports
        if len(name) > _MOST
    ]
    for who, selector, name in [*_monitored(manifests), *_policed(manifests)]:
        selected = [pod for pod in there if selects(selector, pod.labels)]
        if not selected:
            problems.append(f"{who}: selects no pod")
        elif not any(name in pod.ports for pod in selected):
            problems.append(f"{who}: no selected pod has a port {name}")
    return [*problems, *_services(manifests, there), *_probes(there)]


def _monitored(manifests: Sequence[Manifest]) -> Iterator[tuple[str, dict[str, object], str]]:
    for monitor in of_kind(manifests, "PodMonitor"):
        for endpoint in monitor["spec"]["podMetricsEndpoints"]:
            yield name_of(monitor), monitor["spec"]["selector"], endpoint["port"]


def _policed(manifests: Sequence[Manifest]) -> Iterator[tuple[str, dict[str, object], str]]:
    for policy in of_kind(manifests, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            for port in rule.get("ports", []):
                if isinstance(port["port"], str):
                    yield name_of(policy), policy["spec"]["podSelector"], port["port"]


def _services(manifests: Sequence[Manifest], there: Sequence[Pod]) -> Iterator[str]:
    services = of_kind(manifests, "Service")
    for service in services:
        selector = {"matchLabels": service["spec"]["selector"]}
        selected = [pod for pod in there if selects(selector, pod.labels)]
        for port in service["spec"]["ports"]:
            target = port.get("targetPort", port["port"])
            if not any(target in {*pod.ports, *pod.ports.values()} for pod in selected):
                yield f"{name_of(service)}: no selected pod has a port {target}"
    for monitor in of_kind(manifests, "ServiceMonitor"):
        matching = [each for each in services if selects(monitor["spec"]["selector"], each["metadata"]["labels"])]
        names = {port["name"] for service in matching for port in service["spec"]["ports"]}
        for endpoint in monitor["spec"]["endpoints"]:
            if endpoint["port"] not in names:
                yield f"{name_of(monitor)}: no selected Service has a port {endpoint['port']}"


def _probes(there: Sequence[Pod]) -> Iterator[str]:
    for pod in there:
        for container in pod.containers:
            for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
                for action in ("httpGet", "tcpSocket"):
                    port = container.get(kind, {}).get(action, {}).get("port")
                    if port is not None and port not in {*pod.ports, *pod.ports.values()}:
                        yield f"{pod.owner}: {kind} asks a port {port} that is not declared"
