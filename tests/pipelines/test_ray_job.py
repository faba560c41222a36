"""`ray job submit` on a cluster of three nodes behind a token: stopped, submitted again, refused where it should be."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from operators.core.storage import Store, open_store
from tests.pipelines import ray_head
from tests.pipelines.conftest import document, recipe_text, write_corpus
from tests.pipelines.faults.drivers import until
from tests.pipelines.ray_head import RayHead
from tests.ports import free_ports
from tests.prometheus_server import scraping
from tests.s3_server import S3Server

pytestmark = [pytest.mark.ray, pytest.mark.s3, pytest.mark.timeout(300)]

DOCUMENTS = 2400


@pytest.fixture
def head(s3: S3Server) -> Iterator[RayHead]:
    with ray_head.running() as found:
        yield found


def test_ray_job_stopped_and_submitted_again_goes_on_and_only_with_the_token(
    tmp_path: Path, head: RayHead, s3: S3Server
) -> None:
    bucket = s3.new_bucket()
    folder = tmp_path / "job"
    for number in range(6):
        some = [document(n) for n in range(number * 400, number * 400 + 400)]
        write_corpus(tmp_path / "corpus" / f"{number}.jsonl", some)
    folder.mkdir()
    source = {"format": "jsonl", "uri": f"{tmp_path}/corpus/*.jsonl", "text": ["title", "text"]}
    [port] = free_ports(1)
    targets = tmp_path / "targets.json"
    metrics = {"port": port, "targets_file": str(targets), "drain_seconds": 60}
    (folder / "recipe.yaml").write_text(recipe_text(tmp_path, store=bucket, source=source, metrics=metrics))
    command = ("millrace", "index", "recipe.yaml", "--json", "--log-format", "json")

    refused = head.submit("wrong-token", folder, *command, RAY_AUTH_TOKEN="0" * 64)
    assert refused.returncode != 0
    assert "Invalid authentication token" in refused.stdout

    head.start("mill-1", folder, *command)
    store = open_store(f"{bucket}/mill")
    with head.telling("mill-1"):
        until(lambda: bool(receipts(store, "scan")), "the run is at work")
    assert head.ray("stop", "mill-1").returncode == 0
    assert "Job 'mill-1' was stopped" in head.ray("status", "mill-1").stdout
    assert not store.list("manifests/")
    kept = receipts(store, "scan")

    again = head.submit("mill-1", folder, *command)
    assert again.returncode != 0
    assert "submission_id mill-1 already exists" in again.stdout

    with scraping(targets, tmp_path / "prometheus") as prometheus:
        done = head.submit("mill-2", folder, *command)
        assert done.returncode == 0, done.stdout
        assert prometheus.last_values("millrace_documents_total") == {("mill", "encoded"): DOCUMENTS}
        assert prometheus.last_values("millrace_run_state")["mill", "done"] == 1
    summary = json.loads(next(line for line in done.stdout.splitlines() if line.startswith('{"documents"')))
    assert summary["documents"] == DOCUMENTS
    assert any('"stage": "write"' in line for line in done.stdout.splitlines())
    assert kept.items() <= receipts(store, "scan").items()
    assert len(store.list("manifests/")) == 1


def receipts(store: Store, stage: str) -> dict[str, bytes]:
    """The receipts of a stage, by key."""
    keys = [info.key for info in store.list("runs/") if f"/receipts/{stage}/" in info.key]
    return {key: store.get(key) for key in keys}
