"""Queries over the listed metrics: a label that a metric does not have is an error when dashboards are built."""

from operators.core.metric import Kind, Metric

#: Labels that every dashboard chooses by; a variable of Grafana is a regular expression in a query.
_CHOSEN = ("collection", "encoder")
_PARTS = {"_bucket": ("le",), "_sum": (), "_count": ()}


def of(metric: Metric, part: str = "", **labels: str | tuple[str, ...]) -> str:
    """The metric's series of the chosen collections and encoders, narrowed by labels; several values are alternatives.

    `part` is `_bucket`, `_sum` or `_count` of a histogram. Raises `ValueError` for a label or part that it lacks.
    """
    if (metric.kind is Kind.HISTOGRAM) != (part in _PARTS):
        raise ValueError(f"metric {metric.name} is a {metric.kind}: it has no part {part!r}")
    if unknown := set(labels) - set(metric.labels):
        raise ValueError(f"metric {metric.name} has the labels {metric.labels}, not {sorted(unknown)}")
    chosen = [f'{label}=~"${label}"' for label in _CHOSEN if label in metric.labels]
    narrowed = [_matcher(label, values) for label, values in labels.items()]
    return f"{metric.full_name}{part}{{{', '.join(chosen + narrowed)}}}"


def rate(metric: Metric, part: str = "", **labels: str | tuple[str, ...]) -> str:
    """Growth a second, over a time that Grafana fits to the scrapes."""
    return f"rate({of(metric, part, **labels)}[$__rate_interval])"


def growth(metric: Metric, part: str = "", **labels: str | tuple[str, ...]) -> str:
    """Growth within that time."""
    return f"increase({of(metric, part, **labels)}[$__rate_interval])"


def now(metric: Metric, part: str = "", **labels: str | tuple[str, ...]) -> str:
    """Each series once: an exporter or a head that was replaced answers beside its successor for some minutes."""
    return f"max by ({_all_labels(metric, part)}) ({of(metric, part, **labels)})"


def last(metric: Metric, part: str = "", **labels: str | tuple[str, ...]) -> str:
    """What a run told last in the shown time, the run at work or one that is over.

    Counters begin with their run and count its earlier attempts too, so that their value, not their growth, is what
    the run did; of two runs in that time it is the larger one.
    """
    return f"max by ({_all_labels(metric, part)}) (last_over_time({of(metric, part, **labels)}[$__range]))"


def total(values: str, *by: str) -> str:
    """The sum by collection, and by more labels."""
    return f"sum by ({', '.join(('collection', *by))}) ({values})"


def quantile(share: float, buckets: str, *by: str) -> str:
    """A histogram's quantile, as Prometheus estimates it from buckets."""
    return f"histogram_quantile({share}, {total(buckets, *by, 'le')})"


def ratio(part: str, whole: str, *by: str) -> str:
    """One sum over another."""
    return f"{total(part, *by)} / {total(whole, *by)}"


def share(part: str, whole: str, *by: str) -> str:
    """One sum over another that holds it, 0 where the part has no series: what never happened has none."""
    every = total(whole, *by)
    return f"({total(part, *by)} or 0 * {every}) / {every}"


def _all_labels(metric: Metric, part: str) -> str:
    return ", ".join((*metric.labels, *_PARTS.get(part, ())))


def _matcher(label: str, values: str | tuple[str, ...]) -> str:
    return f'{label}="{values}"' if isinstance(values, str) else f'{label}=~"{"|".join(values)}"'
