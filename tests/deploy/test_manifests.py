"""What is in deploy/k8s, as kustomize builds it, passes every check. test_seeded.py shows that the checks see mistakes."""

import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.deploy.checks.commands import commands
from tests.deploy.checks.core_schema import core_schema
from tests.deploy.checks.crd_schema import FILES, crd_schema
from tests.deploy.checks.cron import cron
from tests.deploy.checks.images import images
from tests.deploy.checks.network import network
from tests.deploy.checks.pod_security import pod_security
from tests.deploy.checks.pods import Manifest, pods
from tests.deploy.checks.ports import ports
from tests.deploy.checks.ray_job import ray_job
from tests.deploy.checks.rbac import rbac
from tests.deploy.checks.references import references
from tests.deploy.checks.safe_ray import safe_ray
from tests.deploy.checks.secrets import secrets
from tests.deploy.checks.spot import spot
from tests.deploy.kustomize import FOLDER, ROOT, build, only

WHOLE = ("overlays/cronjob", "overlays/raycronjob", "example")
Check = Callable[[list[Manifest]], list[str]]
CHECKS: tuple[Check, ...] = (
    core_schema, pod_security, secrets, references, network, ray_job, spot, cron, rbac, commands, safe_ray,
)  # fmt: skip


@pytest.mark.parametrize("folder", WHOLE)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_manifests_built_pass(folder: str, check: Check) -> None:
    assert check(build(folder)) == []


@pytest.mark.parametrize("folder", WHOLE)
def test_manifests_built_are_what_the_operators_take(folder: str, crds: Path) -> None:
    manifests = build(folder)
    assert {each["kind"] for each in manifests} & {"RayJob", "RayCronJob"}
    assert crd_schema(manifests, crds) == []


def test_example_images_are_pinned_and_have_the_ray_of_the_code() -> None:
    """The overlays name images without a registry, for a site to fill in: the example shows how."""
    assert images(build("example"), version("ray")) == []
    unfilled = {problem.rpartition(": image ")[2] for problem in images(build("overlays/cronjob"), version("ray"))}
    assert {problem.split()[0] for problem in unfilled} == {"millrace-cpu", "millrace-gpu"}


def test_ray_that_manifests_name_is_the_one_that_the_code_asks_for() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (ray,) = (each for each in dependencies if each.startswith("ray["))
    assert ray == "ray[data]>=2.60,<2.61"
    assert f"ray=={version('ray')}" in (ROOT / "constraints.txt").read_text().splitlines()
    assert version("ray").startswith("2.60.")


@pytest.mark.parametrize("folder", WHOLE)
def test_monitors_find_their_ports(folder: str) -> None:
    assert ports([*build(folder), *_monitors()]) == []


def test_pods_are_all_seen() -> None:
    """The checks look at pods: one that they overlook is checked by none."""
    assert {pod.owner for pod in pods(build("overlays/cronjob"))} == {
        "Deployment/millrace-exporter", "CronJob/millrace-nightly", "RayJob/millrace submitter", "RayJob/millrace head",
        "RayJob/millrace cpu", "RayJob/millrace gpu",
    }  # fmt: skip
    kinds = {each["kind"] for each in build("overlays/cronjob")} | {
        each["kind"] for each in build("overlays/raycronjob")
    }
    assert kinds == {
        "Namespace", "ServiceAccount", "Role", "RoleBinding", "ConfigMap", "NetworkPolicy", "Service", "Deployment",
        "CronJob", "RayJob", "RayCronJob",
    }  # fmt: skip


def test_raycronjob_runs_what_the_cronjob_runs() -> None:
    template = only(build("overlays/cronjob"), "RayJob")["spec"]
    assert template.pop("suspend") is True
    assert only(build("overlays/raycronjob"), "RayCronJob")["spec"]["jobTemplate"] == template


def test_monitoring_built_is_what_the_operators_take(crds: Path) -> None:
    if not (FOLDER / "monitoring" / "prometheusrule.yaml").is_file():
        pytest.skip("deploy/prometheus/rules.yaml is not there, of which `make manifests` makes the PrometheusRule")
    manifests = build("monitoring")
    assert {each["kind"] for each in manifests} >= {"PodMonitor", "ServiceMonitor", "PrometheusRule", "ConfigMap"}
    assert crd_schema(manifests, crds) == []


def test_monitors_are_what_the_operator_takes(crds: Path) -> None:
    monitors = _monitors()
    assert {each["kind"] for each in monitors} <= set(FILES)
    assert crd_schema(monitors, crds) == []


def _monitors() -> list[Manifest]:
    import yaml

    files = (FOLDER / "monitoring" / name for name in ("podmonitors.yaml", "servicemonitor.yaml"))
    return [each for file in files for each in yaml.safe_load_all(file.read_text())]
