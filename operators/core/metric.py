"""What a metric is: a name, a type, the labels it may carry, and what it means."""

from dataclasses import dataclass
from enum import StrEnum

PREFIX = "millrace_"


class Kind(StrEnum):
    """Prometheus' types."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Origin(StrEnum):
    """Where a metric's values come from, and so how far they can be trusted.

    A ledger metric is counted from receipts: exact, whatever was killed and tried again. A live one is told by workers
    while they work: the last seconds of a killed worker are missing. A snapshot's is read from manifests by the
    exporter, which runs between the nights.
    """

    LEDGER = "ledger"
    LIVE = "live"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True)
class Metric:
    """One metric; `buckets` are the upper bounds of a histogram's, ascending, without infinity."""

    name: str
    kind: Kind
    origin: Origin
    unit: str
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """The name as Prometheus shows it."""
        return PREFIX + self.name
