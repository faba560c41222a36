"""The labels that dashboards and rules are tested with are those of a run: a value that never comes is an empty panel."""

from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from pathlib import Path

import pytest

from operators.core import metrics, traffic
from operators.core.live import Delta, Tell
from operators.core.metrics import BY_NAME
from operators.encode import speaker
from operators.observe.exporter import Exporter
from pipelines.display import NoDisplay
from pipelines.inline import InlineCluster
from pipelines.job import plan_job
from pipelines.load import load_recipe
from pipelines.progress import Progress
from pipelines.run import run_on
from tests.exposition import values
from tests.pipelines.conftest import document, recipe_text, write_corpus
from tests.pipelines.inline import ENCODERS


class Listening(InlineCluster):
    """Keeps what workers tell."""

    heard: Sequence[Delta] = ()

    @property
    def tell(self) -> Tell:
        def keep(deltas: Sequence[Delta]) -> None:
            self.heard = [*self.heard, *deltas]

        return keep


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Delta]:
    """Every series of a run and of what it published."""
    monkeypatch.setattr(speaker, "_EVERY", 0.0)
    traffic.take()
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(30)] + [{"_id": "empty", "text": ""}])
    (tmp_path / "recipe.yaml").write_text(recipe_text(tmp_path, encoders=ENCODERS), encoding="utf-8")
    job = plan_job(load_recipe(tmp_path / "recipe.yaml", ["publish.max_reject_ratio=0.5"]))
    cluster, progress = Listening(2.0, 0.0, 1), Progress(NoDisplay())
    run_on(lambda: nullcontext(cluster), job, progress)
    exporter = Exporter([str(tmp_path / "store" / "mill")])
    exporter.look()
    requests = [Delta(metrics.STORE_REQUESTS.name, key, count) for key, count in traffic.take().items()]
    return [*progress.ledger.rows(), *cluster.heard, *requests, *exporter.rows()["mill"]]


def _unexpected(rows: Iterable[Delta]) -> set[tuple[str, str, str]]:
    found = set()
    for row in rows:
        metric = BY_NAME[row.metric]
        for label, value in zip(metric.labels[1:], row.labels, strict=True):
            allowed = values(metric, label)
            if allowed is not None and value not in allowed:
                found.add((metric.name, label, value))
    return found


def test_labels_of_a_run_are_those_that_dashboards_are_tested_with(told: list[Delta]) -> None:
    assert {row.metric for row in told} >= {metrics.DOCUMENTS.name, metrics.ENCODER_SECONDS.name, metrics.RECALL.name}
    assert _unexpected(told) == set()
