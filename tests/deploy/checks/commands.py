"""Commands in manifests are commands of this Millrace: options exist, recipes and `--set` keys are valid."""

import re
import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
import typer

from operators.core.errors import UsageError
from pipelines.cli import app
from pipelines.duration import parse_duration
from pipelines.load import load_recipe
from tests.deploy.checks.pods import Manifest, of_kind, pods, ray_job_specs


def commands(manifests: Sequence[Manifest]) -> list[str]:
    problems = []
    for name, spec in ray_job_specs(manifests):
        words = shlex.split(spec["entrypoint"])
        problems += [f"{name}: entrypoint: {each}" for each in [*parse(words), *_index(words, spec, manifests)]]
    for pod in pods(manifests):
        for container in pod.containers:
            if container.get("command") == ["millrace"]:
                problems += [f"{pod.owner}: {each}" for each in parse(["millrace", *_expanded(container, manifests)])]
    return problems


def parse(words: Sequence[str]) -> list[str]:
    """Problems of a `millrace` command line, which is parsed by the real command line and not run."""
    group = typer.main.get_command(app)
    assert isinstance(group, click.Group | typer.core.TyperGroup)
    if len(words) < 2 or words[0] != "millrace" or words[1] not in group.commands:
        return [f"no command of Millrace: {shlex.join(words[:2])}"]
    try:
        group.commands[words[1]].make_context(words[1], list(words[2:]))
    except Exception as error:  # noqa: BLE001 - typer brings click's exceptions with it under its own name
        return [str(getattr(error, "message", error))]
    return []


def _index(words: Sequence[str], spec: dict[str, Any], manifests: Sequence[Manifest]) -> list[str]:
    overrides = [value for option, value in pairwise(words) if option == "--set"]
    problems = [
        f"--set {key} is missing: Prometheus could not reach the run's metrics"
        for key in ("metrics.host=0.0.0.0", "metrics.port=9464")
        if key not in overrides
    ]
    if "--max-duration" in words:
        longest = parse_duration(words[words.index("--max-duration") + 1], "--max-duration")
        if longest >= spec["activeDeadlineSeconds"]:
            problems.append("is killed by activeDeadlineSeconds before --max-duration ends it")
    else:
        problems.append("no --max-duration: a long night would be killed, not ended")
    for held in (each["data"] for each in of_kind(manifests, "ConfigMap")):
        if "recipe.yaml" in held:
            problems += _recipe(held["recipe.yaml"], overrides)
    return problems


def _recipe(text: str, overrides: Sequence[str]) -> list[str]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "recipe.yaml")
        path.write_text(text, encoding="utf-8")
        try:
            load_recipe(path, overrides)
        except UsageError as error:
            return [str(error).replace(f"{path}", "recipe.yaml")]
    return []


def _expanded(container: dict[str, Any], manifests: Sequence[Manifest]) -> list[str]:
    """The arguments with $(NAME) replaced as the kubelet does, from ConfigMaps; an unknown name stays as it is."""
    maps = {each["metadata"]["name"]: each["data"] for each in of_kind(manifests, "ConfigMap")}
    values = {}
    for variable in container["env"]:
        if key := variable["valueFrom"].get("configMapKeyRef"):
            values[str(variable["name"])] = maps.get(key["name"], {}).get(key["key"])
    return [re.sub(r"\$\((\w+)\)", lambda m: values.get(m[1]) or m[0], str(each)) for each in container["args"]]
