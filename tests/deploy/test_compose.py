"""The workstation's cluster: what compose.yaml says, and what `setup` makes for it."""

import copy
import json
import os
import stat
import subprocess
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.checks.commands import parse
from tests.deploy.checks.compose import compose
from tests.deploy.kustomize import ROOT

FOLDER = ROOT / "deploy" / "compose"
PROJECT = yaml.safe_load((FOLDER / "compose.yaml").read_text())
DIGEST = "sha256:" + "ab" * 32


def test_compose_passes() -> None:
    assert compose(PROJECT, FOLDER) == []
    assert set(PROJECT["services"]) == {"head", "exporter", "store", "prometheus", "grafana"}


def test_compose_commands_are_commands_of_millrace() -> None:
    command = [
        str(word).replace("${COLLECTION_URI:-", "").rstrip("}") for word in PROJECT["services"]["exporter"]["command"]
    ]
    assert parse(command) == []


def test_compose_targets_are_found_by_prometheus_and_are_services() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yaml").read_text())
    patterns = {
        job["job_name"]: pattern
        for job in config["scrape_configs"]
        for found in job["file_sd_configs"]
        for pattern in found["files"]
    }
    for job, name, target in (
        ("millrace", "millrace-head.json", "head:9464"),
        ("millrace-exporter", "exporter-compose.yaml", "exporter:9465"),
    ):
        assert fnmatch(f"targets/{name}", patterns[job])
        ((entry),) = yaml.safe_load((FOLDER / "targets" / name).read_text())
        assert entry["targets"] == [target]
        assert target.partition(":")[0] in PROJECT["services"]
    assert "9465" in PROJECT["services"]["exporter"]["command"]


@pytest.mark.parametrize(
    ("service", "change", "message"),
    [
        ("grafana", {"image": "grafana/grafana:12.3.3"}, "neither by digest nor asked for"),
        ("head", {"ports": ["8265:8265"]}, "port 8265:8265 is open to the network"),
        ("head", {"network_mode": "host"}, "on the host's network"),
        ("head", {"environment": {"RAY_AUTH_MODE": "disabled"}}, "Ray without a token"),
        ("store", {"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}, "AWS_SECRET_ACCESS_KEY is not a file"),
        ("exporter", {"command": ["millrace", "exporter", "s3://key:secret@store/x"]}, "command holds a secret"),
        ("grafana", {"environment": {"GF_SECURITY_ADMIN_PASSWORD__FILE": "/run/secrets/x", "GF_AUTH_ANONYMOUS_ENABLED": "true"}}, "GF_AUTH_ANONYMOUS_ENABLED is not false"),
        ("prometheus", {"read_only": False}, "writes to its image"),
        ("prometheus", {"cap_drop": []}, "keeps capabilities"),
        ("store", {"security_opt": []}, "may gain privileges"),
        ("store", {"user": "0:0"}, "runs as root"),
        ("head", {"secrets": ["ray-tokn"]}, "no secret ray-tokn"),
        ("prometheus", {"volumes": ["../prometeus:/etc/prometheus:ro"]}, "which is not there"),
        ("store", {"volumes": ["stroe:/data"]}, "no volume stroe"),
        ("grafana", {"volumes": ["/var/run/docker.sock:/var/run/docker.sock"]}, "docker.sock"),
    ],
)  # fmt: skip
def test_compose_seeded_mistake_is_named(service: str, change: dict[str, Any], message: str) -> None:
    project = copy.deepcopy(PROJECT)
    project["services"][service].update(change)
    assert any(f"{service}: " in problem and message in problem for problem in compose(project, FOLDER))


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """`setup` in a folder of its own, with a docker that knows one digest, or says what it is told to."""
    folder = tmp_path / "compose"
    folder.mkdir()
    (folder / "setup").write_bytes((FOLDER / "setup").read_bytes())
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()

    def run(answer: str = DIGEST, **environment: str) -> "subprocess.CompletedProcess[str]":
        docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\necho "{answer}"\n')
        docker.chmod(0o755)
        return subprocess.run(
            ["bash", str(folder / "setup")], capture_output=True, text=True, check=False,
            env={"PATH": f"{docker.parent}:{os.environ['PATH']}", **environment},
        )  # fmt: skip

    return run


def test_setup_makes_every_secret_that_compose_mounts_and_shows_it_to_nobody(tmp_path: Path, run: Any) -> None:
    result = run(MILLRACE_IMAGE="r.example/millrace:1")
    assert result.returncode == 0, result.stderr
    secrets = tmp_path / "compose" / "secrets"
    assert {each["file"].removeprefix("./secrets/") for each in PROJECT["secrets"].values()} == {
        each.name for each in secrets.iterdir()
    }
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert len((secrets / "ray-token").read_text()) == 64
    assert not any(each.read_text() in result.stdout + result.stderr for each in secrets.iterdir())
    (identity,) = json.loads((secrets / "store-accounts").read_text())["identities"]
    (account,) = identity["credentials"]
    assert f"aws_secret_access_key = {account['secretKey']}\n" in (secrets / "store-credentials").read_text()


def test_setup_names_every_image_that_compose_asks_for_by_digest(tmp_path: Path, run: Any) -> None:
    run(MILLRACE_IMAGE="r.example/millrace:1")
    named = dict(line.split("=", 1) for line in (tmp_path / "compose" / ".env").read_text().splitlines())
    asked = {service["image"].removeprefix("${").partition(":")[0] for service in PROJECT["services"].values()}
    assert set(named) == asked
    assert named["MILLRACE_IMAGE"] == f"r.example/millrace:1@{DIGEST}"
    assert all(image.endswith(f"@{DIGEST}") and ":latest" not in image for image in named.values())


def test_setup_again_keeps_what_is_there(tmp_path: Path, run: Any) -> None:
    run(MILLRACE_IMAGE="r.example/millrace:1")
    files = [each for each in (tmp_path / "compose").rglob("*") if each.is_file()]
    before = {each: each.read_bytes() for each in files}
    (tmp_path / "asked").unlink()
    assert run(MILLRACE_IMAGE="r.example/millrace:2").returncode == 0
    assert {each: each.read_bytes() for each in files} == before
    assert not (tmp_path / "asked").exists()


def test_setup_without_a_digest_writes_no_image(tmp_path: Path, run: Any) -> None:
    result = run(answer="<nil>", MILLRACE_IMAGE="r.example/millrace:1")
    assert result.returncode == 1
    assert "no digest of" in result.stderr
    assert not (tmp_path / "compose" / ".env").exists()


def test_setup_without_an_image_says_what_to_name(run: Any) -> None:
    result = run()
    assert result.returncode != 0
    assert "MILLRACE_IMAGE=NAME:TAG" in result.stderr
