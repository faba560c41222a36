"""`ray up` clusters: Ray's own schema, a token, no door to the world, credentials one hop away, one pinned image."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jsonschema import Draft7Validator

from tests.deploy.checks.images import PINNED


def vms(cluster: dict[str, Any], ray: str) -> list[str]:
    schema = json.loads((files("ray") / "autoscaler" / "ray-schema.json").read_text())
    problems = [
        f"{'.'.join(map(str, each.path))}: {each.message}" for each in Draft7Validator(schema).iter_errors(cluster)
    ]
    return [*problems, *_image(cluster, ray), *_token(cluster), *_doors(cluster["provider"]), *_nodes(cluster)]


def _image(cluster: dict[str, Any], ray: str) -> Iterator[str]:
    image = cluster["docker"]["image"]
    pinned = PINNED.fullmatch(image)
    if pinned is None or f"ray{ray}" not in pinned["tag"].split("-"):
        yield f"image {image} has no digest or no tag that says ray{ray}"


def _token(cluster: dict[str, Any]) -> Iterator[str]:
    for where in ("head_start_ray_commands", "worker_start_ray_commands"):
        if not any("RAY_AUTH_MODE=token ray start" in command for command in cluster[where]):
            yield f"{where}: Ray without a token: RAY_AUTH_MODE=token"
        if any("RAY_AUTH_TOKEN=" in command for command in cluster[where]):
            yield f"{where}: the token is in a command"
    token = next((target for target in cluster["file_mounts"] if target.endswith("/.ray/auth_token")), None)
    if token is None or f"chmod 600 {token}" not in cluster["setup_commands"]:
        yield "the token's file is not there or others may read it"
    if any("dashboard-host=0.0.0.0" in command for command in cluster["head_start_ray_commands"]):
        yield "the job API listens on every address of the head"


def _doors(provider: dict[str, Any]) -> Iterator[str]:
    if provider.get("use_internal_ips") is not True:
        yield "nodes have public addresses: use_internal_ips"
    permissions = provider.get("security_group", {}).get("IpPermissions")
    if not permissions:
        yield "Ray's launcher opens SSH to the world: security_group.IpPermissions"
    for each in permissions or []:
        for block in each["IpRanges"]:
            if block["CidrIp"].endswith("/0"):
                yield f"port {each['FromPort']} is open to the world"


def _nodes(cluster: dict[str, Any]) -> Iterator[str]:
    for name, kind in cluster["available_node_types"].items():
        node = kind["node_config"]
        if node.get("MetadataOptions") != {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}:
            yield f"{name}: the role's credentials are there for the asking: MetadataOptions"
        if not all(each["Ebs"].get("Encrypted") for each in node.get("BlockDeviceMappings", [])):
            yield f"{name}: disks are not encrypted"
        if "IamInstanceProfile" not in node:
            yield f"{name}: no role: IamInstanceProfile"
    head = cluster["available_node_types"][cluster["head_node_type"]]
    if "InstanceMarketOptions" in head["node_config"]:
        yield "the head, which has the driver, is a spot instance"
    if head["resources"].get("CPU") != 0:
        yield "work may run on the head: resources CPU 0"
