"""Write the manifests that are made from other files: the PrometheusRule and the ConfigMaps of dashboards.

`python deploy/k8s/generate.py`, or `make manifests`. kustomize cannot do it: it reads no rule files and knows no globs.
"""

from pathlib import Path
from typing import Any

import yaml

_ROOT = Path(__file__).parents[2]
_RULES = _ROOT / "deploy" / "prometheus" / "rules.yaml"
_DASHBOARDS = _ROOT / "dashboards"
_NOTE = "# Written by deploy/k8s/generate.py: `make manifests` writes it anew.\n"
#: What Grafana's sidecar looks for.
_LABELS = {"grafana_dashboard": "1"}


def prometheus_rule(rules: str) -> str:
    """The PrometheusRule that holds all groups of a Prometheus rule file, as they are."""
    manifest = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "millrace"},
        "spec": {"groups": yaml.safe_load(rules)["groups"]},
    }
    return _NOTE + _dump(manifest)


def dashboards(files: list[str]) -> str:
    """The kustomization that makes one ConfigMap a dashboard: all in one would near the limit of 1 MB some day."""
    maps = [{"name": f"millrace-dashboard-{Path(file).stem}", "files": [file]} for file in sorted(files)]
    options = {"disableNameSuffixHash": True, "labels": _LABELS}
    manifest = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "generatorOptions": options,
        "configMapGenerator": maps,
    }
    return _NOTE + _dump(manifest)


def generated() -> dict[Path, str]:
    """Every generated file with what it should hold; those whose source is missing are left out."""
    files: dict[Path, str] = {}
    if _RULES.is_file():
        rule = _ROOT / "deploy" / "k8s" / "monitoring" / "prometheusrule.yaml"
        files[rule] = prometheus_rule(_RULES.read_text(encoding="utf-8"))
    if names := [path.name for path in _DASHBOARDS.glob("*.json")]:
        files[_DASHBOARDS / "kustomization.yaml"] = dashboards(names)
    return files


def _dump(manifest: dict[str, Any]) -> str:
    return yaml.safe_dump(manifest, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    for path, text in generated().items():
        path.write_text(text, encoding="utf-8")
