"""What KubeRay's controller and the CRD's CEL rules refuse, which its schema cannot say (KubeRay 1.7 validation.go)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.deploy.checks.pods import Manifest, name_of, of_kind, ray_job_specs

#: utils/constant.go: Kubernetes' names of what KubeRay makes of them end at 63.
_LONGEST = {"RayJob": 47, "RayCronJob": 36, "CronJob": 36}
_DNS_1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_TOKENS_SINCE = (2, 52)


def ray_job(manifests: Sequence[Manifest]) -> list[str]:
    problems = []
    for manifest in of_kind(manifests, *_LONGEST):
        name, longest = manifest["metadata"]["name"], _LONGEST[manifest["kind"]]
        if len(name) > longest or not _DNS_1035.fullmatch(name):
            problems.append(f"{name_of(manifest)}: expected a DNS label of at most {longest} characters")
    for name, spec in ray_job_specs(manifests):
        rules = (_ends, _deletion, _authentication, _autoscaling)
        problems += [f"{name}: {problem}" for rule in rules for problem in rule(spec)]
    return problems


def _ends(spec: dict[str, Any]) -> Iterator[str]:
    if spec.get("suspend") and not spec.get("shutdownAfterJobFinishes"):
        yield "suspend needs shutdownAfterJobFinishes"
    if spec.get("ttlSecondsAfterFinished") and not spec.get("shutdownAfterJobFinishes"):
        yield "ttlSecondsAfterFinished needs shutdownAfterJobFinishes"
    if spec.get("shutdownAfterJobFinishes") and spec.get("ttlSecondsAfterFinished", 0) < 120:
        yield "the cluster is gone before its last metrics are scraped: ttlSecondsAfterFinished below 120"
    for deadline in ("activeDeadlineSeconds", "preRunningDeadlineSeconds"):
        if spec.get(deadline, 0) <= 0:
            yield f"may wait for ever: no {deadline}"
    if spec.get("submissionMode") == "SidecarMode" and "submitterPodTemplate" in spec:
        yield "submissionMode SidecarMode knows no submitterPodTemplate"


def _deletion(spec: dict[str, Any]) -> Iterator[str]:
    strategy = spec.get("deletionStrategy")
    if strategy is None:
        if not spec.get("shutdownAfterJobFinishes"):
            yield "nothing deletes its cluster: neither shutdownAfterJobFinishes nor deletionStrategy"
        return
    rules, older = strategy.get("deletionRules"), {"onSuccess", "onFailure"} & set(strategy)
    if rules and spec.get("shutdownAfterJobFinishes"):
        yield "deletionStrategy.deletionRules and shutdownAfterJobFinishes exclude each other"
    if rules and older:
        yield "deletionStrategy: onSuccess and onFailure exclude deletionRules"
    if not rules and len(older) < 2:
        yield "deletionStrategy needs deletionRules, or both onSuccess and onFailure"
    for rule in rules or []:
        if len({"jobStatus", "jobDeploymentStatus"} & set(rule["condition"])) != 1:
            yield "a deletion rule's condition is one of jobStatus and jobDeploymentStatus"
        if rule["policy"] == "DeleteWorkers" and spec["rayClusterSpec"].get("enableInTreeAutoscaling"):
            yield "DeleteWorkers does not go with autoscaling"


def _authentication(spec: dict[str, Any]) -> Iterator[str]:
    cluster = spec["rayClusterSpec"]
    options = cluster.get("authOptions", {})
    if options.get("mode") != "token":
        yield "Ray without a token runs anybody's code: authOptions.mode token"
    if options.get("enableK8sTokenAuth"):
        yield "enableK8sTokenAuth is refused in a RayJob"
    version = tuple(int(part) for part in str(cluster.get("rayVersion", "0.0")).split(".")[:2])
    if version < _TOKENS_SINCE:
        yield "token authentication needs rayVersion 2.52 or newer"


def _autoscaling(spec: dict[str, Any]) -> Iterator[str]:
    cluster = spec["rayClusterSpec"]
    if not cluster.get("enableInTreeAutoscaling"):
        return
    groups = [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]
    if cluster.get("autoscalerOptions", {}).get("version") == "v2" and any(
        group["template"]["spec"].get("restartPolicy", "Never") != "Never" for group in groups
    ):
        yield "autoscaler v2 needs restartPolicy Never or none"
    for group in cluster["workerGroupSpecs"]:
        if not group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]:
            yield f"group {group['groupName']}: replicas are not between minReplicas and maxReplicas"
