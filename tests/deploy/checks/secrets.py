"""Secrets come from Secrets: none in the environment as text, in arguments, in an entrypoint or in a runtime_env."""

import re
from collections.abc import Sequence

from tests.deploy.checks.pods import Manifest, pods, ray_job_specs

SECRET_NAME = re.compile(r"TOKEN|PASSWORD|PASSWD|SECRET|ACCESS_KEY|CREDENTIAL|DATABASE_URL|API_KEY", re.IGNORECASE)
#: user:password@host, an AWS key id, a Hugging Face token.
_SECRET_TEXT = re.compile(r"://[^/\s:@]+:[^/\s@]+@|\bAKIA[0-9A-Z]{16}\b|\bhf_[A-Za-z0-9]{20,}")


def secrets(manifests: Sequence[Manifest]) -> list[str]:
    problems = []
    for pod in pods(manifests):
        for container in pod.containers:
            named = [each for each in container.get("env", []) if SECRET_NAME.search(each["name"])]
            plain = [each["name"] for each in named if "secretKeyRef" not in each.get("valueFrom", {})]
            problems += [f"{pod.owner}: {name} is not from a secretKeyRef" for name in plain]
            for text in [*container.get("command", []), *container.get("args", [])]:
                problems += [f"{pod.owner}: argument {each}" for each in leaks(text)]
    for name, spec in ray_job_specs(manifests):
        problems += [f"{name}: entrypoint {each}" for each in leaks(spec["entrypoint"])]
        if spec.get("runtimeEnvYAML"):
            problems.append(f"{name}: runtimeEnvYAML, which the job API shows and which may install packages, is set")
    return problems


def leaks(text: str) -> list[str]:
    variables = [name for name in re.findall(r"\$[({]?(\w+)", text) if SECRET_NAME.search(name)]
    return [
        *(f"expands the secret {name}" for name in variables),
        *("holds a secret" for _ in _SECRET_TEXT.findall(text)),
    ]
