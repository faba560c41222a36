"""Objects against the openAPIV3 schemas of their CRDs, as strict as `kubectl apply --validate=strict`: typos count."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from tests.deploy.checks.pods import Manifest, name_of

FILES = {
    "RayJob": "ray.io_rayjobs.yaml",
    "RayCronJob": "ray.io_raycronjobs.yaml",
    "PodMonitor": "monitoring.coreos.com_podmonitors.yaml",
    "ServiceMonitor": "monitoring.coreos.com_servicemonitors.yaml",
    "PrometheusRule": "monitoring.coreos.com_prometheusrules.yaml",
}


def crd_schema(manifests: Sequence[Manifest], folder: Path) -> list[str]:
    problems = []
    for manifest in manifests:
        if manifest["kind"] in FILES:
            validator = _validator(folder / FILES[manifest["kind"]], manifest["apiVersion"].rpartition("/")[2])
            found = {key: value for key, value in manifest.items() if key not in {"apiVersion", "kind", "metadata"}}
            errors = validator.iter_errors(found)
            problems += [f"{name_of(manifest)}: {'.'.join(map(str, each.path))}: {each.message}" for each in errors]
    return problems


@cache
def _validator(file: Path, version: str) -> Draft202012Validator:
    with file.open("rb") as opened:
        crd = yaml.load(opened, yaml.CSafeLoader)
    schema = next(each["schema"]["openAPIV3Schema"] for each in crd["spec"]["versions"] if each["name"] == version)
    return Draft202012Validator(_strict(schema))


def _strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """JSON Schema of a structural schema, in which an unknown key is an error and what has a default is optional."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    kept = {
        key: schema[key]
        for key in ("type", "enum", "pattern", "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength")
        if key in schema
    }
    if schema.get("nullable") and "type" in kept:
        kept["type"] = [kept["type"], "null"]
    if "items" in schema:
        kept["items"] = _strict(schema["items"])
    if "properties" in schema:
        properties = schema["properties"]
        kept["properties"] = {key: _strict(value) for key, value in properties.items()}
        kept["required"] = [key for key in schema.get("required", []) if "default" not in properties.get(key, {})]
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            kept["additionalProperties"] = False
    if isinstance(schema.get("additionalProperties"), Mapping):
        kept["additionalProperties"] = _strict(schema["additionalProperties"])
    return kept
