"""The hub, scraped over HTTP and read by Prometheus' own parsers."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from operators.core import metrics
from operators.core.live import Delta, grown, observed
from operators.observe.hub import Hub
from operators.observe.spec import MetricsSpec


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub()
    yield found
    found.close(MetricsSpec())


def scrape(address: str, accept: str = "text/plain") -> str:
    with urlopen(Request(f"http://{address}/metrics", headers={"Accept": accept})) as answer:
        return answer.read().decode()


def samples(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    """Values by sample name and label values, in the labels' order."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in parse_text(text)
        for sample in family.samples
    }


def test_hub_serves_what_workers_and_driver_told_with_the_collection(hub: Hub) -> None:
    hub.tell("w", 0, [grown(metrics.BATCHES, 3, "dense"), observed(metrics.BATCH_FILL, [0.5, 0.95, 1.0], "dense")])
    hub.replace([Delta(metrics.TOKENS.name, ("dense",), 7.0)])
    found = samples(scrape(hub.serve("wiki", MetricsSpec(port=0))))
    assert found["millrace_tokens_total", ("wiki", "dense")] == 7
    assert found["millrace_batches_total", ("wiki", "dense")] == 3
    assert found["millrace_batch_fill_ratio_bucket", ("wiki", "dense", "0.5")] == 1
    assert found["millrace_batch_fill_ratio_bucket", ("wiki", "dense", "0.95")] == 2
    assert found["millrace_batch_fill_ratio_bucket", ("wiki", "dense", "+Inf")] == 3
    assert found["millrace_batch_fill_ratio_sum", ("wiki", "dense")] == pytest.approx(2.45)


def test_hub_speaks_openmetrics_where_asked(hub: Hub) -> None:
    hub.replace([Delta(metrics.TOKENS.name, ("dense",), 7.0), Delta(metrics.RUN_PLANNED.name, (), 1.0)])
    text = scrape(hub.serve("wiki", MetricsSpec(port=0)), "application/openmetrics-text")
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in parse_openmetrics(text)}
    assert families["millrace_tokens"].samples[0].value == 7
    assert families["millrace_tokens"].documentation == metrics.TOKENS.help


def test_hub_message_that_comes_again_is_refused_and_counted(hub: Hub) -> None:
    told = [grown(metrics.BATCHES, 2, "dense")]
    for worker, number in (("a", 0), ("a", 0), ("b", 0), ("a", 1), ("a", 0)):
        hub.tell(worker, number, told)
    found = samples(scrape(hub.serve("wiki", MetricsSpec(port=0))))
    assert found["millrace_batches_total", ("wiki", "dense")] == 6
    assert found["millrace_metrics_updates_total", ("wiki", "taken")] == 3
    assert found["millrace_metrics_updates_total", ("wiki", "refused")] == 2


def test_hub_driver_state_replaces_the_one_before(hub: Hub) -> None:
    hub.replace([Delta(metrics.TOKENS.name, ("dense",), 7.0), Delta(metrics.ROWS.name, (), 1.0)])
    hub.replace([Delta(metrics.TOKENS.name, ("dense",), 9.0)])
    found = samples(scrape(hub.serve("wiki", MetricsSpec(port=0))))
    assert found["millrace_tokens_total", ("wiki", "dense")] == 9
    assert ("millrace_rows_total", ("wiki",)) not in found


def test_hub_pull_gives_each_document_once(hub: Hub) -> None:
    hub.tell("w", 0, [grown(metrics.STAGE_DOCUMENTS, 5, "read"), grown(metrics.STAGE_REJECTED, 1, "read")])
    assert hub.pull() == [("read", 5, 1)]
    assert hub.pull() == []
    hub.tell("w", 1, [grown(metrics.STAGE_DOCUMENTS, 2, "read"), grown(metrics.STAGE_DOCUMENTS, 3, "write")])
    assert hub.pull() == [("read", 2, 0), ("write", 3, 0)]


def test_hub_taken_port_is_replaced_by_a_free_one(hub: Hub) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        address = hub.serve("wiki", MetricsSpec(port=port))
        assert address != f"127.0.0.1:{port}"
        hub.replace([Delta(metrics.ROWS.name, (), 1.0)])
        assert samples(scrape(address))["millrace_rows_total", ("wiki",)] == 1


def test_hub_names_itself_in_the_targets_file_while_it_serves(hub: Hub, tmp_path: Path) -> None:
    spec = MetricsSpec(port=0, targets_file=str(tmp_path / "targets" / "millrace.json"))
    address = hub.serve("wiki", spec)
    target = tmp_path / "targets" / "millrace.json"
    assert json.loads(target.read_text()) == [{"targets": [address], "labels": {"job": "millrace"}}]
    hub.close(spec)
    assert json.loads(target.read_text()) == []
    assert [path.name for path in target.parent.iterdir()] == ["millrace.json"]


def test_hub_counts_scrapes_and_serving_twice_keeps_the_address(hub: Hub) -> None:
    spec = MetricsSpec(port=0)
    address = hub.serve("wiki", spec)
    assert hub.scrapes() == 0
    scrape(address)
    assert hub.serve("wiki", spec) == address
    assert hub.scrapes() == 1
