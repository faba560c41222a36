"""Rights in Kubernetes: the nightly pod makes and reads RayJobs of its namespace; nobody else has any."""

from collections.abc import Sequence

from tests.deploy.checks.pods import Manifest, name_of, of_kind

_ALLOWED = {"apiGroups": ["ray.io"], "resources": ["rayjobs"], "verbs": ["create", "get"]}


def rbac(manifests: Sequence[Manifest]) -> list[str]:
    problems = [f"{name_of(each)}: reaches beyond the namespace" for each in of_kind(manifests, "ClusterRole")]
    problems += [f"{name_of(each)}: reaches beyond the namespace" for each in of_kind(manifests, "ClusterRoleBinding")]
    for role in of_kind(manifests, "Role"):
        problems += [f"{name_of(role)}: may do more than make and read RayJobs" for r in role["rules"] if r != _ALLOWED]
    roles = {each["metadata"]["name"] for each in of_kind(manifests, "Role")}
    accounts = {each["metadata"]["name"] for each in of_kind(manifests, "ServiceAccount")}
    for binding in of_kind(manifests, "RoleBinding"):
        if binding["roleRef"]["name"] not in roles:
            problems.append(f"{name_of(binding)}: there is no Role {binding['roleRef']['name']}")
        for subject in binding["subjects"]:
            if subject["kind"] != "ServiceAccount" or subject["name"] not in accounts:
                problems.append(f"{name_of(binding)}: there is no ServiceAccount {subject['name']}")
    return problems
