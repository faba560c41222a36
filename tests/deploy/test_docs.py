"""What deploy's pages tell somebody to type or to look at is there."""

import re
import shlex
import tomllib
from pathlib import Path

import pytest
import yaml
from ray.dashboard.modules.job.cli import submit
from ray.scripts.scripts import cli as ray_cli

from pipelines.recipe import Recipe
from tests.deploy.checks.commands import parse
from tests.deploy.checks.pods import of_kind, pods
from tests.deploy.kustomize import ROOT, build

PAGES = {name: (ROOT / "deploy" / name).read_text() for name in ("README.md", "release.md", "security.md")}
README = PAGES["README.md"]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def commands(text: str) -> list[list[str]]:
    """The lines of shell blocks, as words; continued lines are one."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line.replace("(", " ").replace(")", " "), comments=True) for line in lines if line.strip()]


def called(program: str, text: str = README) -> list[list[str]]:
    """Each command line of a program, from its name on; `-n millrace` is a namespace."""
    found = []
    for words in commands(text):
        starts = [n for n, word in enumerate(words) if word == program and words[n - 1 : n] != ["-n"]]
        found += [words[n:] for n in starts]
    return found


def test_readme_commands_of_millrace_parse() -> None:
    found = called("millrace")
    assert len(found) >= 2
    assert [(words, problem) for words in found for problem in parse(words)] == []
    assert parse(["millrace", "index", "r.yaml", "--adress", "x"]) != []


def test_readme_command_of_ray_job_submit_parses_and_its_entrypoint_too() -> None:
    (words,) = (each for each in called("ray") if each[1:3] == ["job", "submit"])
    context = submit.make_context("submit", words[3:])
    assert context.params["address"] == "http://127.0.0.1:8265"
    assert parse(list(context.params["entrypoint"])) == []


def test_readme_commands_of_ray_start_parse() -> None:
    found = [words for words in called("ray") if words[1] == "start"]
    assert len(found) == 2
    for words in found:
        ray_cli.commands["start"].make_context("start", words[2:])


def test_readme_names_what_kubectl_finds() -> None:
    manifests = build("example")
    there = {f"{each['kind'].lower()}/{each['metadata']['name']}" for each in manifests}
    named = re.findall(r"(?<=[ =])(cronjob|deployment)/([\w-]+)", README)
    assert named
    assert {f"{kind}/{name}" for kind, name in named} <= there
    secrets = set(re.findall(r"create secret generic ([\w-]+)(?: --from-file=[\w-]+)+", README))
    references = [
        variable["valueFrom"]["secretKeyRef"]
        for pod in pods(manifests)
        for container in pod.containers
        for variable in container.get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    ]
    assert secrets == {each["name"] for each in references}
    for name in secrets:
        (line,) = re.findall(rf"create secret generic {name} (.*)", README)
        keys = set(re.findall(r"--from-file=([\w-]+)", line))
        assert keys == {each["key"] for each in references if each["name"] == name}


def test_readme_ports_are_those_of_the_pods() -> None:
    table = re.findall(r"^\| ([\d, ]+) \| (.*?) \| (.*?) \|", README, re.MULTILINE)
    said = {
        name.strip("` "): int(port)
        for ports, names, _ in table
        for port, name in zip(ports.split(","), names.split(","), strict=True)
        if name.strip() != "-"
    }
    declared = {name: port for pod in pods(build("example")) for name, port in pod.ports.items()}
    assert said == declared


@pytest.mark.parametrize("page", PAGES)
def test_page_names_files_and_links_that_are_there(page: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", PAGES[page])
    paths = re.findall(r"`((?:deploy|tests|k8s|iam|docker|compose|ray|prometheus|overlays)/[\w./-]+)", PAGES[page])
    missing = [each for each in links if not (ROOT / "deploy" / each).exists()]
    roots = (ROOT, ROOT / "deploy", ROOT / "deploy" / "k8s")
    missing += [each for each in paths if not any((root / each).exists() for root in roots)]
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_page_names_keys_of_recipes_that_are_there(page: str) -> None:
    schema = Recipe.model_json_schema()
    named = set(re.findall(r"`((?:resources|publish|metrics|index|source)\.\w+)`", PAGES[page]))
    missing = [each for each in named if not _has(schema, each.split("."))]
    assert missing == []


def _has(schema: dict[str, object], path: list[str]) -> bool:
    definitions = schema["$defs"]
    node = schema
    for step in path:
        properties = node.get("properties")
        if not isinstance(properties, dict) or step not in properties:
            return False
        reference = properties[step].get("$ref", "")
        assert isinstance(definitions, dict)
        node = definitions.get(reference.rpartition("/")[2], {})
    return True


def test_readme_names_alerts_that_are_there() -> None:
    rules = (ROOT / "deploy" / "prometheus" / "rules.yaml").read_text()
    named = set(re.findall(r"`(Millrace[A-Z]\w+)`", README))
    assert named
    assert [each for each in named if f"alert: {each}\n" not in rules] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_names_targets_of_make_that_are_there(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"`make (\w+)`", PAGES[page]))
    assert [each for each in named if f"\n{each}:" not in makefile] == []


def test_versions_are_the_same_everywhere() -> None:
    files = ("k8s/example/kustomization.yaml", "ray/cluster.yaml", "README.md", "compose/setup", "docker/Dockerfile")
    for name in files:
        tags = set(re.findall(r"(\d+\.\d+\.\d+)-ray", (ROOT / "deploy" / name).read_text()))
        assert tags == {VERSION}, name
    assert f"\n## {VERSION}" in (ROOT / "CHANGELOG.md").read_text()


def test_readme_deadlines_are_those_of_the_manifests() -> None:
    (run,) = of_kind(build("example"), "RayJob")
    assert "--max-duration 5h30m" in run["spec"]["entrypoint"]
    assert "5 h 30 min" in README
    assert run["spec"]["preRunningDeadlineSeconds"] == 30 * 60
    assert "in 30 minutes" in README


def test_example_limits_of_gpus_agree() -> None:
    """README: max_actors is the group's maxReplicas. More would wait for nodes that never come."""
    (run,) = of_kind(build("example"), "RayJob")
    (gpu,) = (each for each in run["spec"]["rayClusterSpec"]["workerGroupSpecs"] if each["groupName"] == "gpu")
    recipe = yaml.safe_load((ROOT / "deploy" / "k8s" / "example" / "recipe.yaml").read_text())
    assert recipe["resources"]["max_actors"] == gpu["maxReplicas"]


def test_license_is_apache() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text.splitlines()[1]
    assert "END OF TERMS AND CONDITIONS" in text
    assert tomllib.loads(Path(ROOT / "pyproject.toml").read_text())["project"]["license"] == "Apache-2.0"
