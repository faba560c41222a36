"""The workstation's services: images by digest, ports on this machine alone, no secret in the environment, no root."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.deploy.checks.secrets import SECRET_NAME, leaks

#: The value is asked for and the start refused without: `setup` writes it with a digest.
_REQUIRED = re.compile(r"\$\{(\w+):\?[^}]+\}")


def compose(project: dict[str, Any], folder: Path) -> list[str]:
    problems = []
    for name, service in project["services"].items():
        rules = (_image, _ports, _environment, _locked)
        problems += [f"{name}: {each}" for rule in rules for each in rule(service)]
        problems += [f"{name}: {each}" for each in _mounts(service, project, folder)]
    return problems


def _image(service: dict[str, Any]) -> Iterator[str]:
    if not _REQUIRED.fullmatch(service["image"]) and not re.search(r"@sha256:[0-9a-f]{64}$", service["image"]):
        yield f"image {service['image']} is neither by digest nor asked for"


def _ports(service: dict[str, Any]) -> Iterator[str]:
    yield from (
        f"port {each} is open to the network" for each in service.get("ports", []) if not each.startswith("127.0.0.1:")
    )
    if service.get("network_mode") == "host":
        yield "is on the host's network"


def _environment(service: dict[str, Any]) -> Iterator[str]:
    for name, value in service.get("environment", {}).items():
        if SECRET_NAME.search(name) and not str(value).startswith("/run/secrets/"):
            yield f"{name} is not a file of /run/secrets"
    yield from (f"command {each}" for word in service.get("command", []) for each in leaks(str(word)))
    settings = service.get("environment", {})
    if "GF_SECURITY_ADMIN_PASSWORD__FILE" in settings:
        for setting in ("GF_AUTH_ANONYMOUS_ENABLED", "GF_SECURITY_ALLOW_EMBEDDING", "GF_USERS_ALLOW_SIGN_UP"):
            if settings.get(setting) != "false":
                yield f"{setting} is not false"
    if service.get("command", [])[:2] == ["ray", "start"] and settings.get("RAY_AUTH_MODE") != "token":
        yield "Ray without a token: RAY_AUTH_MODE"


def _locked(service: dict[str, Any]) -> Iterator[str]:
    checks = {
        "writes to its image: read_only": service.get("read_only") is True,
        "keeps capabilities: cap_drop": service.get("cap_drop") == ["ALL"],
        "may gain privileges: no-new-privileges": "no-new-privileges:true" in service.get("security_opt", []),
        "privileged": not service.get("privileged"),
        "runs as root": str(service.get("user", "1000")).split(":")[0] not in {"0", "root"},
    }
    yield from (problem for problem, holds in checks.items() if not holds)


def _mounts(service: dict[str, Any], project: dict[str, Any], folder: Path) -> Iterator[str]:
    for name in service.get("secrets", []):
        if name not in project["secrets"]:
            yield f"there is no secret {name}"
    for mount in service.get("volumes", []):
        source = mount.replace("${MILLRACE_WORK:-./work}", "work").split(":")[0]
        if source.startswith(".") and not (folder / source).exists():
            yield f"mounts {source}, which is not there"
        if not source.startswith((".", "work")) and source not in project["volumes"]:
            yield f"there is no volume {source}"
        if "docker.sock" in mount:
            yield "holds the door to the machine: docker.sock"
