"""How sparse an encoder's vectors are: what it costs to search them, and whether the model is still what it was."""

from dashboards.charts import heatmap, lines, near_one, shares, steps
from dashboards.figures import bars
from dashboards.limits import EMPTY, rising
from dashboards.panel import Panel, Query
from dashboards.promql import growth, last, now, quantile, rate, ratio, total
from dashboards.words import runbook
from operators.core import metrics

_EACH = "{{collection}} {{encoder}}"
_ROLE = "{{collection}} {{encoder}} {{role}}"


def of_the_run() -> tuple[Panel, ...]:
    """Of the vectors that were made."""
    dims = metrics.ACTIVE_DIMS
    empty = f"{total(last(metrics.EMPTY_VECTORS), 'encoder')} / {total(last(dims, '_count'), 'encoder')}"
    return (
        heatmap(
            "Active dimensions",
            dims.help + " Choose one encoder.",
            Query(f"sum by (le) ({growth(dims, '_bucket')})", "{{le}}"),
        ),
        lines(
            "Active dimensions: mean and 95th percentile",
            dims.help + runbook("MillraceSparsityDrift"),
            Query(ratio(rate(dims, "_sum"), rate(dims, "_count"), "encoder"), f"{_EACH} mean"),
            Query(quantile(0.95, rate(dims, "_bucket"), "encoder"), f"{_EACH} 95th percentile"),
            unit="short",
            width=12,
        ),
        bars(
            "Active dimensions of the run: mean and 95th percentile",
            dims.help,
            Query(ratio(last(dims, "_sum"), last(dims, "_count"), "encoder"), f"{_EACH} mean"),
            Query(quantile(0.95, last(dims, "_bucket"), "encoder"), f"{_EACH} 95th percentile"),
            unit="short",
        ),
        bars(
            "Vectors without a term",
            metrics.EMPTY_VECTORS.help + runbook("MillraceEmptyVectors"),
            Query(empty, _EACH),
            unit="percentunit",
            limits=rising(EMPTY),
            full=10 * EMPTY,
        ),
        bars(
            "Terms that the model added",
            metrics.TERMS.help,
            Query(ratio(last(metrics.TERMS, origin="expansion"), last(metrics.TERMS), "encoder"), _EACH),
            unit="percentunit",
        ),
    )


def of_the_snapshot() -> tuple[Panel, ...]:
    """Of all that is published; of queries, where the recipe has canaries."""
    return (
        steps(
            "Active dimensions",
            metrics.MEAN_ACTIVE_DIMS.help + runbook("MillraceSparsityDrift"),
            Query(now(metrics.MEAN_ACTIVE_DIMS), _ROLE),
            unit="short",
        ),
        near_one("Sparsity", metrics.SPARSITY.help, Query(now(metrics.SPARSITY), _ROLE)),
        steps("FLOPS", metrics.FLOPS.help, Query(now(metrics.FLOPS), _ROLE), unit="short"),
        shares(
            "Longest posting list",
            metrics.TOP_DIMENSION.help + " A term that most rows have costs every query and tells little.",
            Query(now(metrics.TOP_DIMENSION), _EACH),
        ),
        shares(
            "Dead dimensions",
            metrics.DEAD_DIMENSIONS.help + " As a share of all dimensions.",
            Query(f"{now(metrics.DEAD_DIMENSIONS)} / {now(metrics.DIMENSIONS)}", _EACH),
        ),
        shares("Terms that the model added", metrics.EXPANSION.help, Query(now(metrics.EXPANSION), _EACH)),
    )
