"""What pods name is there: accounts, ConfigMaps, volumes. Secrets are the operator's to make, so all are optional."""

from collections.abc import Sequence

from tests.deploy.checks.pods import Manifest, Pod, of_kind, pods


def references(manifests: Sequence[Manifest]) -> list[str]:
    accounts = {each["metadata"]["name"] for each in of_kind(manifests, "ServiceAccount")}
    maps = {each["metadata"]["name"]: set(each.get("data", {})) for each in of_kind(manifests, "ConfigMap")}
    problems = []
    for pod in pods(manifests):
        account = pod.spec.get("serviceAccountName")
        if account is not None and account not in accounts:
            problems.append(f"{pod.owner}: there is no ServiceAccount {account}")
        problems += [f"{pod.owner}: {each}" for each in [*_volumes(pod, maps), *_variables(pod, maps)]]
    return problems


def _volumes(pod: Pod, maps: dict[str, set[str]]) -> list[str]:
    volumes = {each["name"]: each for each in pod.spec.get("volumes", [])}
    mounted = {mount["name"] for each in pod.containers for mount in each.get("volumeMounts", [])}
    missing = [f"volume {name} is mounted but not there" for name in mounted - set(volumes)]
    named = [each["configMap"]["name"] for each in volumes.values() if "configMap" in each]
    return [*missing, *(f"there is no ConfigMap {name}" for name in named if name not in maps)]


def _variables(pod: Pod, maps: dict[str, set[str]]) -> list[str]:
    problems = []
    for variable in (each for container in pod.containers for each in container.get("env", [])):
        source = variable.get("valueFrom", {})
        key = source.get("configMapKeyRef", {"optional": True})
        if not key.get("optional") and key["key"] not in maps.get(key["name"], set()):
            problems.append(f"{variable['name']}: ConfigMap {key['name']} has no key {key['key']}")
        if (key := source.get("secretKeyRef")) and not key.get("optional"):
            problems.append(f"{variable['name']}: a missing Secret {key['name']} would stop the pod: optional")
    return problems
