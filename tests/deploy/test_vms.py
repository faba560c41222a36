"""The cluster of VMs, as `ray up` reads it."""

import shlex
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
import yaml
from ray.scripts.scripts import start

from tests.deploy.checks.vms import vms
from tests.deploy.kustomize import ROOT

TEXT = (ROOT / "deploy" / "ray" / "cluster.yaml").read_text()
RAY = version("ray")


def cluster() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(TEXT)
    return found


def test_vms_pass() -> None:
    assert vms(cluster(), RAY) == []


def test_vms_commands_are_commands_of_ray() -> None:
    for where in ("head_start_ray_commands", "worker_start_ray_commands"):
        (command,) = (each for each in cluster()[where] if "ray start" in each)
        words = shlex.split(command)
        # click refuses an option that it does not know; nothing is started.
        start.make_context("start", words[words.index("start") + 1 :])


def test_vms_files_that_are_mounted_are_there() -> None:
    sources = [each for each in cluster()["file_mounts"].values() if not each.startswith("~")]
    assert sources
    assert all((ROOT / each).is_dir() for each in sources)


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda c: c.update(max_worker=3), "'max_worker' was unexpected"),
        (lambda c: c["docker"].update(image=f"millrace:0.1.0-ray{RAY}-gpu"), "has no digest"),
        (lambda c: c["docker"].update(image="m:1-ray2.55.0@sha256:" + "0" * 64), f"says ray{RAY}"),
        (lambda c: c["provider"].pop("security_group"), "opens SSH to the world"),
        (lambda c: c["provider"].update(use_internal_ips=False), "public addresses"),
        (lambda c: c["provider"]["security_group"]["IpPermissions"][0].update(IpRanges=[{"CidrIp": "0.0.0.0/0"}]), "port 22 is open to the world"),
        (lambda c: c["available_node_types"]["gpu"]["node_config"].pop("MetadataOptions"), "gpu: the role's credentials"),
        (lambda c: c["available_node_types"]["head"]["node_config"].update(InstanceMarketOptions={}), "is a spot instance"),
        (lambda c: c["available_node_types"]["head"].update(resources={}), "work may run on the head"),
        (lambda c: c.update(worker_start_ray_commands=["ray start --address=x"]), "worker_start_ray_commands: Ray without a token"),
        (lambda c: c.update(head_start_ray_commands=["RAY_AUTH_MODE=token ray start --head --dashboard-host=0.0.0.0"]), "listens on every address"),
        (lambda c: c.update(setup_commands=[]), "others may read it"),
    ],
)  # fmt: skip
def test_vms_seeded_mistake_is_named(mistake: Callable[[dict[str, Any]], None], message: str) -> None:
    changed = cluster()
    mistake(changed)
    assert any(message in problem for problem in vms(changed, RAY)), vms(changed, RAY)
