"""YAML as people read it, and no key twice: the last one would win in silence."""

import pytest
from yamllint import linter
from yamllint.config import YamlLintConfig

from tests.deploy.kustomize import ROOT


def problems(text: str, name: str) -> list[str]:
    config = YamlLintConfig(file=str(ROOT / ".yamllint"))
    return [f"{name}:{each.line}: {each.desc}" for each in linter.run(text, config, name)]


def test_yaml_files_are_clean() -> None:
    files = list((ROOT / "deploy").rglob("*.yaml"))
    assert len(files) > 15
    assert [each for file in files for each in problems(file.read_text(), str(file.relative_to(ROOT)))] == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("spec:\n  replicas: 1\n  replicas: 2\n", 'duplication of key "replicas"'),
        ("spec: {a: 1 \n", "syntax error"),
        ("spec:\n  enabled: yes\n", "truthy value"),
        (f"spec: {'x' * 120}\n", "line too long"),
    ],
)
def test_yaml_seeded_mistake_is_named(text: str, message: str) -> None:
    assert any(message in problem for problem in problems(text, "deploy/k8s/base/x.yaml"))
