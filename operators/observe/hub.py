"""Where a run's metrics meet: workers tell what they do, the driver what its receipts say, Prometheus reads both."""

import threading
import time
from collections.abc import Callable, Sequence

from operators.core import metrics
from operators.core.errors import UsageError
from operators.core.live import Delta
from operators.observe.families import Rows
from operators.observe.series import Series
from operators.observe.server import Endpoint, serve
from operators.observe.spec import MetricsSpec
from operators.observe.targets import remove_targets, write_targets

#: What progress is drawn from: documents that left a stage, and those it rejected.
_SHOWN = (metrics.STAGE_DOCUMENTS, metrics.STAGE_REJECTED)


class Hub:
    """One run's metrics; every method may be called from any thread, and none keeps its caller waiting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._live, self._ledger = Series(), Series()
        self._told: dict[str, int] = {}
        self._pulled: dict[str, tuple[float, float]] = {}
        self._collection = ""
        self._endpoint: Endpoint | None = None

    def tell(self, worker: str, number: int, deltas: Sequence[Delta]) -> None:
        """Add what a worker told; its tellings are numbered upwards, and one that comes again is not added again."""
        with self._lock:
            again = number <= self._told.get(worker, -1)
            self._live.add(metrics.UPDATES, 1, "refused" if again else "taken")
            if again:
                return
            self._told[worker] = number
            for delta in deltas:
                self._live.merge(delta)

    def replace(self, ledger: Sequence[Delta]) -> None:
        """Take over the driver's series, all of them: a hub that was lost and started again is told all it missed."""
        with self._lock:
            self._ledger = Series(ledger)
            self._live.set(metrics.UPDATED, time.time())

    def pull(self) -> list[tuple[str, int, int]]:
        """Documents and rejects of each stage since the last pull."""
        with self._lock:
            stages = {row.labels[0] for row in self._live.rows() if row.metric == metrics.STAGE_DOCUMENTS.name}
            now = {stage: tuple(self._live.value(metric, stage) for metric in _SHOWN) for stage in sorted(stages)}
            before, self._pulled = self._pulled, {stage: (a, b) for stage, (a, b) in now.items()}
        nothing = (0.0, 0.0)
        grown = ((stage, (a, b), before.get(stage, nothing)) for stage, (a, b) in self._pulled.items())
        return [(stage, int(a - c), int(b - d)) for stage, (a, b), (c, d) in grown if (a, b) != (c, d)]

    def serve(self, collection: str, spec: MetricsSpec) -> str:
        """Let Prometheus read from now on, unless it does; returns the address. For a taken port a free one is used."""
        self._collection = collection
        if self._endpoint is None:
            self._endpoint = _serve(self._rows, spec)
            if spec.targets_file:
                write_targets(spec.targets_file, _address(self._endpoint))
        return _address(self._endpoint)

    def scrapes(self) -> int:
        """How often Prometheus has read."""
        return self._endpoint.collector.scrapes if self._endpoint else 0

    def close(self, spec: MetricsSpec) -> None:
        """Let nobody read any more."""
        if spec.targets_file:
            remove_targets(spec.targets_file)
        if self._endpoint:
            self._endpoint.close()
            self._endpoint = None

    def _rows(self) -> Rows:
        with self._lock:
            return {self._collection: [*self._ledger.rows(), *self._live.rows()]}


def _serve(read: Callable[[], Rows], spec: MetricsSpec) -> Endpoint:
    try:
        return serve(read, spec.host, spec.port)
    except UsageError:
        # Another run on this machine has it, most likely.
        return serve(read, spec.host, 0)


def _address(endpoint: Endpoint) -> str:
    return f"{endpoint.host}:{endpoint.port}"
