"""A real Prometheus scrapes a real run in which a worker and the hub die: its totals are those of the manifest."""

import os
import signal
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from operators.core.encoder_spec import Kind
from operators.core.storage import open_store
from operators.encode.actor import EncodeDense
from operators.publish.chain import read_manifest
from pipelines import encoders
from tests.pipelines.conftest import Index, document, write_corpus
from tests.ports import free_ports
from tests.prometheus_server import scraping

pytestmark = pytest.mark.ray

#: Series of the run below, its histograms' buckets among them: a bound that new metrics have to be weighed against.
MOST_SERIES = 400


def dies_once(folder: Path, port: int) -> type[EncodeDense]:
    """`EncodeDense` of which the first worker with a part kills the hub at `port` and itself; it travels by value."""

    class Mortal(EncodeDense):
        def __call__(self, row: pa.Table) -> pa.Table:
            try:
                (folder / "died").touch(exist_ok=False)
            except FileExistsError:
                return super().__call__(row)
            # Found by its port: the hub of the test before may still be on its way out of the cluster they share.
            listening = [each for each in psutil.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
            [hub] = [each.pid for each in listening if each.laddr[1] == port]
            os.kill(hub, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
            return row

    return Mortal


@pytest.mark.timeout(180)
def test_totals_in_prometheus_equal_the_manifest_of_a_run_whose_worker_and_hub_were_killed(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    [port] = free_ports(1)
    monkeypatch.setitem(encoders._ACTORS, Kind.DENSE, dies_once(tmp_path, port))
    documents = [*(document(n) for n in range(40)), document(3), {"_id": "none", "text": " "}]
    for name, part in (("a", documents[:20]), ("b", documents[20:])):
        write_corpus(tmp_path / "corpus" / f"{name}.jsonl", part)
    targets = tmp_path / "targets.json"
    with scraping(targets, tmp_path / "prometheus") as prometheus:
        index(
            "publish.max_reject_ratio=0.5",
            metrics={"port": port, "targets_file": str(targets), "drain_seconds": 60},
        )
        last = {name: prometheus.last_values(f"millrace_{name}") for name in _TOTALS}

        series = prometheus.ask("series", **{"match[]": '{__name__=~"millrace_.*"}'})
    manifest = read_manifest(open_store(str(tmp_path / "store" / "mill")))
    counts = manifest.counts
    assert (tmp_path / "died").exists()
    assert last["documents_total"] == {("mill", "encoded"): counts.documents}
    assert last["rows_total"] == {("mill",): counts.rows}
    assert last["rejected_documents_total"] == {("mill", reason): n for reason, n in counts.rejected_by_reason.items()}
    assert last["changes_total"]["mill", "added"] == counts.added == 40
    assert last["run_committed_documents"] == {("mill",): counts.documents}
    for name, record in manifest.encoders.items():
        assert last["tokens_total"]["mill", name] == record.statistics["tokens"]
    assert last["active_dims_sum"]["mill", "sparse"] == sum(
        part.totals["sparse"].active_dims for part in manifest.parts
    )
    assert last["active_dims_count"]["mill", "sparse"] == counts.rows
    assert last["run_state"]["mill", "done"] == 1
    assert sum(last["run_state"].values()) == 1
    assert len(series) < MOST_SERIES


_TOTALS = (
    "documents_total",
    "rows_total",
    "rejected_documents_total",
    "changes_total",
    "run_committed_documents",
    "tokens_total",
    "active_dims_sum",
    "active_dims_count",
    "run_state",
)
