"""Every listed metric is on a dashboard or in a rule: one that nobody looks at costs and tells nothing."""

import re

from operators.core.metric import Kind
from operators.core.metrics import METRICS
from tests.dashboards.conftest import NAMES, ROOT, committed
from tests.dashboards.lint import plain, targets
from tests.deploy.prometheus.conftest import all_rules
from tests.deploy.prometheus.conftest import committed as rules_file
from tests.exposition import COLLECTIONS, filled
from tests.promql import names_of, selectors

#: Metrics by name, with the reason why nothing shows them.
NOT_SHOWN: dict[str, str] = {}


def _asked_for() -> set[str]:
    queries = [plain(target["expr"]) for name in NAMES for target in targets(committed(name))]
    queries += [rule["expr"] for rule in all_rules(rules_file("rules.yaml"))]
    return {name for query in queries for selector, _ in selectors(query) for name in names_of(selector)}


def test_every_metric_is_looked_at() -> None:
    asked = _asked_for()
    unseen = {
        metric.name
        for metric in METRICS
        if metric.full_name not in asked
        and not (metric.kind is Kind.HISTOGRAM and f"{metric.full_name}_bucket" in asked)
    }
    assert unseen == set(NOT_SHOWN)


def test_every_metric_is_explained_for_people() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    explained = re.findall(r"^\| `(millrace_\w+)` \| (\w+) \|", page, re.MULTILINE)
    assert sorted(explained) == sorted((metric.full_name, metric.kind.value) for metric in METRICS)


def test_series_of_a_collection_are_few_whatever_its_size() -> None:
    """Prometheus pays by the series: all of two encoders, with every reason, stage and outcome there is."""
    rows = filled(0.0)[COLLECTIONS[0]]
    assert sum(len(row.counts) + 2 if row.counts else 1 for row in rows) < 500
