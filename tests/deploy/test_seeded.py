"""Mistakes that somebody will make: the very checks that pass the manifests see each of them."""

from functools import partial
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

from tests.deploy.checks.commands import commands
from tests.deploy.checks.core_schema import core_schema
from tests.deploy.checks.crd_schema import crd_schema
from tests.deploy.checks.cron import cron
from tests.deploy.checks.images import images
from tests.deploy.checks.network import network
from tests.deploy.checks.pod_security import pod_security
from tests.deploy.checks.ports import ports
from tests.deploy.checks.ray_job import ray_job
from tests.deploy.checks.rbac import rbac
from tests.deploy.checks.references import references
from tests.deploy.checks.safe_ray import safe_ray
from tests.deploy.checks.secrets import secrets
from tests.deploy.checks.spot import spot
from tests.deploy.kustomize import FOLDER, build
from tests.deploy.seeded import Mistake, drop, put

CLUSTER = "spec/rayClusterSpec"
HEAD = f"{CLUSTER}/headGroupSpec/template"
HEAD_BOX = f"{HEAD}/spec/containers/0"
CPU = f"{CLUSTER}/workerGroupSpecs/0"
GPU = f"{CLUSTER}/workerGroupSpecs/1"
EXPORTER = "spec/template/spec/containers/0"
JOB = "spec/jobTemplate/spec"
ZEROS = "0" * 64
RAY = version("ray")
INGRESS = {"ports": [{"port": 8265, "protocol": "TCP"}]}
TO_ALL = {"ipBlock": {"cidr": "0.0.0.0/0"}}


@pytest.mark.parametrize(
    ("mistake", "check", "message"),
    [
        # --- images
        (put("RayJob", f"{HEAD_BOX}/image", f"r.example/millrace:latest@sha256:{ZEROS}"), images, "is called latest"),
        (put("RayJob", f"{HEAD_BOX}/image", f"r.example/millrace:1-ray{RAY}"), images, "has no digest"),
        (put("RayJob", f"{HEAD_BOX}/image", f"r.example/millrace@sha256:{ZEROS}"), images, "no tag"),
        (put("RayJob", f"{HEAD_BOX}/image", f"m:1-ray2.55.0@sha256:{ZEROS}"), images, f"does not say ray{RAY}"),
        (put("RayJob", f"{CLUSTER}/rayVersion", "2.61.0"), images, f"is not the Ray {RAY}"),
        # --- pods
        (drop("RayJob", f"{GPU}/template/spec/securityContext"), pod_security, "RayJob/millrace gpu: runs as root"),
        (put("RayJob", f"{HEAD}/spec/securityContext/runAsUser", 0), pod_security, "no numeric user"),
        (drop("Deployment", "spec/template/spec/securityContext/seccompProfile"), pod_security, "seccompProfile"),
        (put("Deployment", f"{EXPORTER}/securityContext/privileged", True), pod_security, "privileged"),
        (put("Deployment", f"{EXPORTER}/securityContext/capabilities", {"add": ["SYS_PTRACE"]}), pod_security, "keeps"),
        (drop("RayJob", f"{CLUSTER}/autoscalerOptions/securityContext"), pod_security, "autoscaler: may gain"),
        (drop("CronJob", f"{JOB}/template/spec/containers/0/resources/limits/memory"), pod_security, "memory limit"),
        (put("RayJob", f"{CPU}/template/spec/automountServiceAccountToken", True), pod_security, "is not False"),
        (put("RayJob", f"{CPU}/template/spec/hostNetwork", True), pod_security, "shares the host's network"),
        (put("RayJob", f"{CPU}/template/spec/volumes/+", {"name": "x", "hostPath": {"path": "/"}}), pod_security, "of the host"),
        # --- secrets
        (put("RayJob", f"{HEAD_BOX}/env/+", {"name": "HF_TOKEN", "value": "x"}), secrets, "HF_TOKEN is not from a secretKeyRef"),
        (put("RayJob", "spec/entrypoint", "millrace index r.yaml --set source.uri=postgres://me:secret@db/x"), secrets, "entrypoint holds a secret"),
        (put("RayJob", "spec/entrypoint", "millrace index r.yaml --set x=$DATABASE_URL"), secrets, "expands the secret DATABASE_URL"),
        (put("RayJob", "spec/runtimeEnvYAML", "env_vars: {A: b}"), secrets, "runtimeEnvYAML"),
        (put("Deployment", f"{EXPORTER}/args/+", "$(AWS_SECRET_ACCESS_KEY)"), secrets, "argument expands the secret"),
        (put("RayJob", f"{HEAD_BOX}/env/+", {"name": "RAY_DATA_AUTOLOAD_PYEXTENSIONTYPE", "value": "1"}), safe_ray, "head: RAY_DATA_AUTOLOAD_PYEXTENSIONTYPE lets"),
        # --- what pods name
        (put("RayJob", f"{HEAD}/spec/serviceAccountName", "millrace-haed"), references, "no ServiceAccount millrace-haed"),
        (drop("ConfigMap", name="millrace-recipe"), references, "no ConfigMap millrace-recipe"),
        (drop("ConfigMap", "data/COLLECTION_URI", "millrace-settings"), references, "has no key COLLECTION_URI"),
        (put("CronJob", f"{JOB}/template/spec/volumes", []), references, "volume nightly is mounted but not there"),
        (put("RayJob", f"{HEAD_BOX}/env/3/valueFrom/secretKeyRef/optional", False), references, "would stop the pod"),
        # --- the network
        (drop("NetworkPolicy", name="millrace-deny"), network, "no NetworkPolicy denies"),
        (put("NetworkPolicy", "spec/policyTypes", ["Ingress"], "millrace-deny"), network, "no NetworkPolicy denies"),
        (put("NetworkPolicy", "spec/ingress/+", INGRESS, "millrace-jobs"), network, "lets everybody in"),
        (put("NetworkPolicy", "spec/ingress/+", {"from": [TO_ALL], **INGRESS}, "millrace-jobs"), network, "lets the world in"),
        (put("NetworkPolicy", "spec/ingress/0/ports/+", {"port": 6379}, "millrace-jobs"), network, "opens 6379 of the head"),
        (put("NetworkPolicy", "spec/ingress/0/ports/+", {"port": 8265}, "millrace-metrics"), network, "opens 8265 of the head"),
        (drop("NetworkPolicy", "spec/egress/0/to/0/ipBlock/except", "millrace-store"), network, "reaches instance metadata"),
        (drop("NetworkPolicy", "spec/egress/0/ports", "millrace-store"), network, "names no port"),
        (drop("NetworkPolicy", name="millrace-api-server"), network, "RayJob/millrace head: no policy lets it reach the API server"),
        (drop("NetworkPolicy", name="millrace-dns"), network, "no policy lets it resolve names"),
        (put("Service", "spec/type", "LoadBalancer"), network, "open to outside the cluster"),
        # --- what KubeRay's controller refuses
        (put("RayJob", "metadata/name", "m" * 48), ray_job, "at most 47 characters"),
        (put("RayJob", "spec/shutdownAfterJobFinishes", False), ray_job, "suspend needs shutdownAfterJobFinishes"),
        (put("RayJob", "spec/deletionStrategy", {"deletionRules": [{"policy": "DeleteCluster", "condition": {"jobStatus": "FAILED"}}]}), ray_job, "exclude each other"),
        (put("RayJob", "spec/deletionStrategy", {}), ray_job, "deletionStrategy needs deletionRules"),
        (put("RayJob", "spec/ttlSecondsAfterFinished", 30), ray_job, "below 120"),
        (drop("RayJob", "spec/preRunningDeadlineSeconds"), ray_job, "may wait for ever"),
        (drop("RayJob", f"{CLUSTER}/authOptions"), ray_job, "authOptions.mode token"),
        (put("RayJob", f"{CLUSTER}/rayVersion", "2.51.0"), ray_job, "2.52 or newer"),
        (put("RayJob", f"{HEAD}/spec/restartPolicy", "Always"), ray_job, "autoscaler v2"),
        (put("RayJob", f"{GPU}/replicas", 9), ray_job, "not between minReplicas and maxReplicas"),
        # --- spot nodes
        (drop("RayJob", f"{HEAD}/spec/affinity"), spot, "the head, which has the driver, may run on spot nodes"),
        (put("RayJob", f"{HEAD}/spec/tolerations", [{"key": "cloud.google.com/gke-spot"}]), spot, "tolerates spot nodes"),
        (put("RayJob", f"{CLUSTER}/headGroupSpec/rayStartParams", {}), spot, "work may run on the head"),
        (drop("RayJob", f"{GPU}/template/spec/containers/0/lifecycle"), spot, "group gpu is not drained"),
        (drop("RayJob", f"{GPU}/template/spec/terminationGracePeriodSeconds"), spot, "killed while it drains"),
        (drop("RayJob", f"{GPU}/template/spec/tolerations/0"), spot, "toleration nvidia.com/gpu"),
        (put("RayJob", f"{GPU}/minReplicas", 1), spot, "GPUs while nobody asks"),
        # --- the schedule
        (put("CronJob", "spec/schedule", "30 25 * * *"), cron, "does not parse"),
        (put("CronJob", "spec/schedule", "* 1 * * *"), cron, "more than once an hour"),
        (put("CronJob", "spec/schedule", "TZ=UTC 30 1 * * *"), cron, "stands in timeZone"),
        (put("CronJob", "spec/timeZone", "Asia/Soul"), cron, "timeZone Asia/Soul is none"),
        (put("CronJob", "spec/concurrencyPolicy", "Allow"), cron, "may overlap"),
        (drop("CronJob", "spec/startingDeadlineSeconds"), cron, "no startingDeadlineSeconds"),
        (put("CronJob", f"{JOB}/activeDeadlineSeconds", 21600), cron, "ends before the RayJob may"),
        (drop("CronJob", f"{JOB}/podFailurePolicy"), cron, "watched again"),
        (drop("CronJob", f"{JOB}/ttlSecondsAfterFinished"), cron, "alerted for days"),
        # --- rights
        (put("Role", "rules/0/verbs/+", "delete"), rbac, "more than make and read RayJobs"),
        (put("Role", "rules/0/resources", ["*"]), rbac, "more than make and read RayJobs"),
        (put("RoleBinding", "subjects/0/name", "default"), rbac, "no ServiceAccount default"),
        (put("Role", "kind", "ClusterRole"), rbac, "reaches beyond the namespace"),
        # --- commands
        (put("RayJob", "spec/entrypoint", "millrace indx /etc/millrace/recipe.yaml"), commands, "no command of Millrace: millrace indx"),
        (put("RayJob", "spec/entrypoint", "millrace index r.yaml --max-duratoin 5h"), commands, "--max-duratoin"),
        (put("RayJob", "spec/entrypoint", "millrace index r.yaml --set metrics.hots=0.0.0.0"), commands, "did you mean host?"),
        (put("RayJob", "spec/entrypoint", "millrace index r.yaml --max-duration 5h"), commands, "could not reach the run's metrics"),
        (put("RayJob", "spec/activeDeadlineSeconds", 3600), commands, "killed by activeDeadlineSeconds"),
        (put("Deployment", f"{EXPORTER}/args/2", "--prot"), commands, "--prot"),
        (put("ConfigMap", "data/recipe.yaml", "collection: a\nstoer: s3://b", "millrace-recipe"), commands, "stoer: unknown key"),
        # --- Kubernetes' schemas
        (put("Deployment", "spec/replica", 1), core_schema, "'replica' was unexpected"),
        (put("NetworkPolicy", "spec/ingres", [], "millrace-jobs"), core_schema, "'ingres' was unexpected"),
        (put("CronJob", "spec/concurrencyPolicy", 1), core_schema, "is not of type"),
    ],
)  # fmt: skip
def test_check_seeded_mistake_is_named(mistake: Mistake, check: object, message: str) -> None:
    manifests = build("example")
    asked = partial(images, ray=RAY) if check is images else check
    assert callable(asked)
    assert not any(message in problem for problem in asked(manifests))
    mistake(manifests)
    assert any(message in problem for problem in asked(manifests)), asked(manifests)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (put("RayJob", "spec/activeDeadlineSecond", 1), "'activeDeadlineSecond' was unexpected"),
        (put("RayJob", f"{GPU}/template/spec/toleration", []), "'toleration' was unexpected"),
        (put("RayJob", f"{GPU}/maxReplicas", "many"), "is not of type 'integer'"),
        (put("RayJob", f"{CLUSTER}/authOptions/mode", "tokens"), "is not one of"),
        (drop("RayJob", f"{HEAD_BOX}/name"), "'name' is a required property"),
        (drop("RayJob", f"{CPU}/groupName"), "'groupName' is a required property"),
    ],
)
def test_crd_schema_seeded_mistake_is_named(mistake: Mistake, message: str, crds: Path) -> None:
    manifests = build("example")
    mistake(manifests)
    assert any(message in problem for problem in crd_schema(manifests, crds))


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (put("PodMonitor", "spec/podMetricsEndpoints/0/port", "app-metrisc", "millrace-run"), "no selected pod has a port app-metrisc"),
        (put("PodMonitor", "spec/selector", {"matchLabels": {"app": "x"}}, "millrace-run"), "PodMonitor/millrace-run: selects no pod"),
        (put("ServiceMonitor", "spec/endpoints/0/port", "9465"), "no selected Service has a port 9465"),
        (put("Service", "spec/ports/0/targetPort", "exportr"), "no selected pod has a port exportr"),
        (put("NetworkPolicy", "spec/ingress/0/ports/0/port", "metrix", "millrace-metrics"), "no selected pod has a port metrix"),
        (put("Deployment", f"{EXPORTER}/livenessProbe/httpGet/port", "http"), "livenessProbe asks a port http"),
        (put("RayJob", f"{HEAD_BOX}/ports/+", {"name": "a-name-too-long-x", "containerPort": 1}), "more than 15 characters"),
    ],
)  # fmt: skip
def test_ports_seeded_mistake_is_named(mistake: Mistake, message: str) -> None:
    files = (FOLDER / "monitoring" / name for name in ("podmonitors.yaml", "servicemonitor.yaml"))
    manifests = [*build("example"), *(each for file in files for each in yaml.safe_load_all(file.read_text()))]
    assert ports(manifests) == []
    mistake(manifests)
    assert any(message in problem for problem in ports(manifests)), ports(manifests)
