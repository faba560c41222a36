"""Encoders: whether their devices are kept busy, and whether what they give is still what it was."""

from dashboards import sparsity
from dashboards.charts import heatmap, lines, shares, shares_of_one
from dashboards.dashboard import Dashboard, Row
from dashboards.figures import bars
from dashboards.limits import PADDING, WAITING, rising
from dashboards.panel import Panel, Query
from dashboards.promql import growth, last, quantile, rate, ratio, total
from dashboards.words import runbook
from operators.core import metrics

_EACH = "{{collection}} {{encoder}}"
_GPU = "{{pod}} GPU {{gpu}}"


def encoders() -> Dashboard:
    """The encoders of the chosen collections."""
    return Dashboard(
        uid="millrace-encoders",
        title="Millrace / Encoders",
        about="How encoders spend their time while a run goes, what they make of a row, and how sparse it is.",
        since="12h",
        rows=(
            Row("Are they kept busy", (*_busy(), *_batches())),
            Row("What a row is to them", _rows()),
            Row("How sparse vectors are, in the run", sparsity.of_the_run()),
            Row("How sparse vectors are, in the newest snapshot", sparsity.of_the_snapshot()),
            Row("GPUs, where NVIDIA's DCGM exporter runs; all that it shows, whoever uses them", _gpus()),
        ),
    )


def _busy() -> tuple[Panel, ...]:
    seconds = rate(metrics.ENCODER_SECONDS)
    waiting = ratio(rate(metrics.ENCODER_SECONDS, state="waiting"), seconds, "encoder")
    return (
        lines(
            "Tokens a second",
            "Tokens without padding: as batches are run, and as parts are committed.",
            Query(total(rate(metrics.BATCH_TOKENS, kind="content"), "encoder"), f"{_EACH} run"),
            Query(total(rate(metrics.TOKENS), "encoder"), f"{_EACH} committed"),
            unit="short",
        ),
        shares_of_one(
            "Time of all chosen encoders' workers",
            metrics.ENCODER_SECONDS.help,
            Query(f"sum by (state) ({seconds}) / on () group_left () sum({seconds})", "{{state}}"),
        ),
        shares(
            "Waiting for work",
            "Share of the time of an encoder's workers. What feeds them is too slow: see `Mean wait before a stage`."
            + runbook("MillraceEncoderStarved"),
            Query(waiting, _EACH),
            limits=rising(WAITING),
        ),
    )


def _batches() -> tuple[Panel, ...]:
    tokens = metrics.BATCH_TOKENS
    padding = ratio(rate(tokens, kind="padding"), rate(tokens), "encoder")
    fill = rate(metrics.BATCH_FILL, "_bucket")
    return (
        shares(
            "Padding",
            "Share of batches' places that are padding." + runbook("MillracePaddingHigh"),
            Query(padding, _EACH),
            limits=rising(PADDING),
        ),
        shares(
            "Fill of batches",
            metrics.BATCH_FILL.help + " Low at the end of a part.",
            Query(quantile(0.5, fill, "encoder"), f"{_EACH} median"),
            Query(quantile(0.1, fill, "encoder"), f"{_EACH} 10th percentile"),
        ),
        lines(
            "Batches a second",
            metrics.BATCHES.help,
            Query(total(rate(metrics.BATCHES), "encoder"), _EACH),
            unit="short",
        ),
        bars(
            "Out-of-memory splits",
            metrics.SPLITS.help + runbook("MillraceOutOfMemorySplits"),
            Query(total(last(metrics.SPLITS), "encoder"), _EACH),
            unit="short",
            limits=rising(10),
            full=20,
        ),
        bars(
            "Rows indexed a second of building",
            "Rows of indexes over the seconds spent on building and measuring them.",
            Query(ratio(last(metrics.INDEXED_ROWS), last(metrics.INDEX_SECONDS), "encoder"), _EACH),
            unit="short",
        ),
        bars(
            "Tokens of the run",
            metrics.TOKENS.help,
            Query(total(last(metrics.TOKENS), "encoder"), _EACH),
            unit="short",
        ),
    )


def _rows() -> tuple[Panel, ...]:
    tokens = metrics.ROW_TOKENS
    return (
        heatmap(
            "Tokens of a row",
            tokens.help + " Choose one encoder.",
            Query(f"sum by (le) ({growth(tokens, '_bucket')})", "{{le}}"),
        ),
        bars(
            "Tokens of a row: mean and 95th percentile",
            tokens.help,
            Query(ratio(last(tokens, "_sum"), last(tokens, "_count"), "encoder"), f"{_EACH} mean"),
            Query(quantile(0.95, last(tokens, "_bucket"), "encoder"), f"{_EACH} 95th percentile"),
            unit="short",
            width=12,
        ),
    )


def _gpus() -> tuple[Panel, ...]:
    return (
        shares(
            "Tensor cores active",
            "Share of time; the truest sign of a busy GPU. Missing where DCGM's profiling module is not loaded.",
            Query("avg by (pod, gpu) (DCGM_FI_PROF_PIPE_TENSOR_ACTIVE)", _GPU),
        ),
        shares(
            "GPU active",
            "Share of time in which any kernel ran, however small.",
            Query("avg by (pod, gpu) (DCGM_FI_DEV_GPU_UTIL) / 100", _GPU),
        ),
        lines(
            "GPU memory used",
            "Memory in use.",
            Query("max by (pod, gpu) (DCGM_FI_DEV_FB_USED) * 1024 * 1024", _GPU),
            unit="bytes",
        ),
        lines(
            "Power", "Power drawn.", Query("sum by (pod, gpu) (DCGM_FI_DEV_POWER_USAGE)", _GPU), unit="watt", width=12
        ),
        lines(
            "Last XID",
            "Number of the last error that the driver reported; 0 for none." + runbook("MillraceGpuXid"),
            Query("max by (pod, gpu) (DCGM_FI_DEV_XID_ERRORS)", _GPU),
            unit="none",
            width=12,
        ),
    )
