"""Every metric, once: code counts by it, dashboards, rules and documentation are made from it and checked against it.

Labels are bounded: no document, part, worker, key or message is ever one. Of a run's and a snapshot's name there is one
series each, on an info metric.
"""

from functools import partial

from operators.core.metric import Kind, Metric, Origin

#: Upper bounds of active dimensions and of tokens a row; the same everywhere, so that counts can be added.
ACTIVE_DIMS_BUCKETS = (8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)
TOKENS_BUCKETS = (8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, 4096, 8192)
_WAIT_BUCKETS = (0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800)
_FILL_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1)

#: Steps of a run, as `run_state` names them, in their order.
STATES = ("start", "scan", "compare", "encode", "copy", "index", "publish", "done", "stopped", "failed")

_counter = partial(Metric, kind=Kind.COUNTER)
_gauge = partial(Metric, kind=Kind.GAUGE)
_histogram = partial(Metric, kind=Kind.HISTOGRAM)


def _run(
    metric: "partial[Metric]", name: str, unit: str, help_: str, *labels: str, **more: tuple[float, ...]
) -> Metric:
    return metric(name, origin=Origin.LEDGER, unit=unit, labels=("collection", *labels), help=help_, **more)


def _live(
    metric: "partial[Metric]", name: str, unit: str, help_: str, *labels: str, **more: tuple[float, ...]
) -> Metric:
    return metric(name, origin=Origin.LIVE, unit=unit, labels=("collection", *labels), help=help_, **more)


def _snapshot(name: str, unit: str, help_: str, *labels: str) -> Metric:
    return _gauge(name, origin=Origin.SNAPSHOT, unit=unit, labels=("collection", *labels), help=help_)


# --- a run, from its receipts -----------------------------------------------------------------------------------------
RUN_INFO = _run(_gauge, "run_info", "1", "The run at work, always 1.", "run", "millrace")
RUN_STATE = _run(_gauge, "run_state", "1", "1 for the step that the run is at, 0 for all others.", "state")
RUN_STARTED = _run(_gauge, "run_start_timestamp_seconds", "seconds", "When this attempt of the run began.")
RUN_DEADLINE = _run(_gauge, "run_deadline_timestamp_seconds", "seconds", "When --max-duration stops the run.")
RUN_PLANNED = _run(_gauge, "run_planned_documents", "documents", "Documents that this run encodes or copies.")
RUN_COMMITTED = _run(_gauge, "run_committed_documents", "documents", "Documents of this run with a receipt.")
RUN_PARTS = _run(_gauge, "run_parts", "parts", "Parts of this run, all and those with a receipt.", "state")
DOCUMENTS = _run(
    _counter, "documents_total", "documents", "Documents committed: encoded, or copied by equal text.", "operation"
)
ROWS = _run(_counter, "rows_total", "rows", "Rows (documents or their chunks) committed.")
CHANGES = _run(
    _counter, "changes_total", "documents", "What the source changed: added, updated, deleted, unchanged.", "operation"
)
READ = _run(_counter, "read_documents_total", "documents", "Documents that the reading pass found.")
REJECTED = _run(_counter, "rejected_documents_total", "documents", "Documents not taken.", "reason")
TRUNCATED = _run(_counter, "truncated_documents_total", "documents", "Documents cut at an encoder's length.")
TOKENS = _run(_counter, "tokens_total", "tokens", "Tokens encoded, without padding.", "encoder")
ROW_TOKENS = _run(
    _histogram, "row_tokens", "tokens", "Tokens of a row, without padding.", "encoder", buckets=TOKENS_BUCKETS
)
ACTIVE_DIMS = _run(
    _histogram,
    "active_dims",
    "dimensions",
    "Dimensions of a sparse vector that are not zero.",
    "encoder",
    buckets=ACTIVE_DIMS_BUCKETS,
)
TERMS = _run(
    _counter,
    "sampled_terms_total",
    "terms",
    "Terms of a sample of sparse vectors: of the text itself (input), or added by the model (expansion).",
    "encoder",
    "origin",
)
EMPTY_VECTORS = _run(_counter, "empty_vectors_total", "rows", "Sparse vectors without a term.", "encoder")
SPLITS = _run(
    _counter, "out_of_memory_splits_total", "batches", "Batches halved because a device's memory ran out.", "encoder"
)
STAGE_SECONDS = _run(
    _counter, "stage_seconds_total", "seconds", "Seconds that workers spent on committed parts.", "stage"
)
QUEUE_SECONDS = _run(
    _histogram,
    "queue_seconds",
    "seconds",
    "Seconds a committed part waited for a stage after the stage before it.",
    "stage",
    buckets=_WAIT_BUCKETS,
)
OUTPUT_BYTES = _run(_counter, "output_bytes_total", "bytes", "Bytes of committed files.", "artifact")
INDEXED_ROWS = _run(_counter, "indexed_rows_total", "rows", "Rows of indexes built.", "encoder")
INDEX_SECONDS = _run(
    _counter, "index_seconds_total", "seconds", "Seconds spent on building and measuring indexes.", "encoder"
)

# --- a run, as its workers tell it ------------------------------------------------------------------------------------
STAGE_DOCUMENTS = _live(_counter, "stage_documents_total", "documents", "Documents that left a stage.", "stage")
STAGE_REJECTED = _live(
    _counter, "stage_rejected_documents_total", "documents", "Documents that a stage rejected.", "stage"
)
ENCODER_SECONDS = _live(
    _counter,
    "encoder_seconds_total",
    "seconds",
    "Seconds of an encoder's workers: loading, busy, or waiting for a part.",
    "encoder",
    "state",
)
BATCHES = _live(_counter, "batches_total", "batches", "Batches an encoder ran.", "encoder")
BATCH_FILL = _live(
    _histogram, "batch_fill_ratio", "ratio", "A batch's tokens over the budget.", "encoder", buckets=_FILL_BUCKETS
)
BATCH_TOKENS = _live(
    _counter, "batch_tokens_total", "tokens", "Places of batches: filled by content, or by padding.", "encoder", "kind"
)
STORE_REQUESTS = _live(
    _counter,
    "store_requests_total",
    "requests",
    "Requests to the object store: ok, missing, taken, throttled, denied, failed.",
    "operation",
    "outcome",
)
UPDATES = _live(
    _counter, "metrics_updates_total", "updates", "What workers told: taken, or refused as told before.", "outcome"
)
UPDATED = _live(_gauge, "metrics_last_update_timestamp_seconds", "seconds", "When the run last told its metrics.")

# --- the newest snapshot, read from the store by the exporter ---------------------------------------------------------
UP = _snapshot("exporter_up", "1", "1 where the store answered the exporter's last look, else 0.")
LOOKED = _snapshot("exporter_last_look_timestamp_seconds", "seconds", "When the store last answered the exporter.")
SNAPSHOT_INFO = _snapshot("snapshot_info", "1", "The newest snapshot, always 1.", "run", "millrace")
SNAPSHOT_NUMBER = _snapshot("snapshot_number", "1", "Number of the newest snapshot.")
SNAPSHOT_PUBLISHED = _snapshot(
    "snapshot_published_timestamp_seconds", "seconds", "When the newest snapshot was published."
)
SNAPSHOT_DOCUMENTS = _snapshot("snapshot_documents", "documents", "Documents of the newest snapshot.")
SNAPSHOT_ROWS = _snapshot("snapshot_rows", "rows", "Rows of the newest snapshot: live and dead.", "state")
SEGMENT_ROWS = _snapshot(
    "segment_rows", "rows", "Rows of a segment, by its place in the snapshot: live and dead.", "segment", "state"
)
SNAPSHOT_BYTES = _snapshot("snapshot_bytes", "bytes", "Bytes that the newest snapshot names.", "artifact")
SNAPSHOT_CHANGES = _snapshot(
    "snapshot_changed_documents", "documents", "What the newest snapshot changed.", "operation"
)
SNAPSHOT_REJECTED = _snapshot("snapshot_rejected_documents", "documents", "Documents its run did not take.", "reason")
RECALL = _snapshot(
    "snapshot_recall_ratio", "ratio", "Recall of an encoder's indexes against exact search.", "encoder", "k"
)
SEARCH_SECONDS = _snapshot(
    "snapshot_search_seconds",
    "seconds",
    "Seconds of one query, as measured before publication: the median (50) and the 99th percentile.",
    "encoder",
    "percentile",
)
CANARIES = _snapshot("snapshot_canary_ratio", "ratio", "Share of the canaries' expected documents that were found.")
DIMENSIONS = _snapshot("snapshot_dimensions", "dimensions", "Length of an encoder's vectors.", "encoder")
MEAN_ACTIVE_DIMS = _snapshot(
    "snapshot_active_dims", "dimensions", "Mean dimensions of a sparse vector that are not zero.", "encoder", "role"
)
SPARSITY = _snapshot("snapshot_sparsity_ratio", "ratio", "Mean share of zeros in a sparse vector.", "encoder", "role")
FLOPS = _snapshot(
    "snapshot_flops",
    "multiplications",
    "Expected multiplications of a pair: document with document, or query (canaries) with document.",
    "encoder",
    "role",
)
DEAD_DIMENSIONS = _snapshot("snapshot_dead_dimensions", "dimensions", "Dimensions that no row uses.", "encoder")
TOP_DIMENSION = _snapshot(
    "snapshot_top_dimension_ratio", "ratio", "Share of rows in the longest posting list.", "encoder"
)
EXPANSION = _snapshot("snapshot_expansion_ratio", "ratio", "Share of terms that the model added.", "encoder")
LAST_RUN = _snapshot("last_run_timestamp_seconds", "seconds", "When a run last ended so.", "outcome")
LAST_RUN_SECONDS = _snapshot("last_run_duration_seconds", "seconds", "How long the last run took.")

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
BY_NAME = {metric.name: metric for metric in METRICS}
