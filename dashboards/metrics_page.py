"""docs/metrics.md: the list of metrics for people."""

from collections.abc import Iterator

from operators.core.metric import Kind, Metric, Origin
from operators.core.metrics import METRICS

_HEAD = """\
# Metrics

*Written by `make dashboards` from `operators/core/metrics.py`; the dashboards and alerts that use them are in
[`dashboards/`](../dashboards) and [`deploy/prometheus/`](../deploy/prometheus), what to do when one fires in
[`deploy/runbooks.md`](../deploy/runbooks.md).*

Every metric begins with `millrace_` and has the label `collection`. No document, part, worker, key or message is ever a
label; a run's name is one of `run_info` and `snapshot_info` alone. So the number of series depends on encoders, reasons
and stages, not on documents or workers: a collection of two encoders and three segments has less than 500, with every
reason and outcome there is.

## How far to trust one

- **Exact** metrics of a run are counted from receipts, which a part leaves when it is stored: each once, whatever was
  killed and tried again. A run that goes on counts its earlier attempts too, so that a counter's value is what the run
  did, and its growth begins where the attempt before was. They change when a part is done, not while it is worked on.
- **Live** metrics are told by workers every two seconds while they work. They are best effort: the last seconds of a
  killed worker are missing, and a head that is lost begins at 0.
- **Snapshot** metrics are read from the newest manifest by the exporter, once a minute. They are as exact as the
  manifest, and there between the runs; while the store is away the last ones stay, and `exporter_up` is 0.

## How to scrape

A run serves its metrics at `http://127.0.0.1:9464/metrics` on the cluster's head while it goes, as text or OpenMetrics.
If it was scraped, it waits at its end up to 30 s for one more time, so that its last figures are seen: scrape every
15 s. In the recipe:

```yaml
metrics: {host: 0.0.0.0, port: 9464, targets_file: /etc/prometheus/targets/millrace.json}   # or enabled: false
```

`targets_file` is where Prometheus' `file_sd_configs` look: the file names the run's address while it goes.
`drain_seconds` waits longer for the last scrape, or not at all (0). A port that is taken is replaced by a free one.

The exporter always runs, for the time between the nights:

    millrace exporter s3://search/indexes/wiki-ko s3://search/indexes/wiki-en --host 0.0.0.0     # port 9465

Neither asks who reads: keep both ports inside your network. `prometheus.yaml` in
[`deploy/prometheus/`](../deploy/prometheus) scrapes both; on Kubernetes [`deploy/k8s/`](../deploy/k8s) does.
"""
_PARTS = {
    Origin.LEDGER: "A run, exact",
    Origin.LIVE: "A run, live",
    Origin.SNAPSHOT: "The newest snapshot",
}


def metrics_page() -> str:
    """The page as Markdown."""
    return "\n".join((_HEAD, *(_part(origin, title) for origin, title in _PARTS.items())))


def _part(origin: Origin, title: str) -> str:
    rows = (_row(metric) for metric in METRICS if metric.origin is origin)
    return "\n".join(
        (f"## {title}", "", "| metric | type | labels | meaning |", "| --- | --- | --- | --- |", *rows, "")
    )


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels[1:])
    return f"| `{metric.full_name}` | {metric.kind} | {labels} | {' '.join(_meaning(metric))} |"


def _meaning(metric: Metric) -> Iterator[str]:
    yield metric.help
    if metric.kind is Kind.HISTOGRAM:
        yield f"Buckets up to {', '.join(f'{bound:g}' for bound in metric.buckets)}."
