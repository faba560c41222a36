"""Series of a run do not grow with its parts or its workers."""

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest

from operators.core import metrics
from operators.core.live import grown, observed
from operators.core.span import Span
from operators.observe.families import SeriesCollector
from operators.observe.hub import Hub
from operators.observe.ledger import Ledger
from tests.operators.observe.test_ledger import part

ENCODERS = ("dense", "sparse")
STAGES = ("read", "chunk", "tokenize", "encode dense", "encode sparse", "write")
#: The hub alone; Ray's own metrics are hundreds of series a node.
MOST_SERIES = 500


def series_of(parts: int, workers: int) -> int:
    """Samples of a scrape after a run of so many parts by so many workers of each stage."""
    hub, ledger = Hub(), Ledger()
    ledger.begin("run", "0.1", 1.0)
    ledger.plan(parts * 10, parts)
    for number in range(parts):
        spans = tuple(Span(stage=stage, began=place, ended=place + 1) for place, stage in enumerate(STAGES))
        found = part(part=f"p{number}", spans=spans)
        totals, shape = found.totals["e"], found.shapes["e"]
        ledger.count(
            found.model_copy(
                update={"totals": dict.fromkeys(ENCODERS, totals), "shapes": dict.fromkeys(ENCODERS, shape)}
            )
        )
    for state in metrics.STATES:
        ledger.state(state)
    for worker in range(workers):
        for number, encoder in enumerate(ENCODERS):
            told = [grown(metrics.ENCODER_SECONDS, 1, encoder, state) for state in ("busy", "waiting", "loading")]
            told += [grown(metrics.BATCH_TOKENS, 1, encoder, kind) for kind in ("content", "padding")]
            told += [observed(metrics.BATCH_FILL, np.ones(3), encoder), grown(metrics.BATCHES, 3, encoder)]
            told += [grown(metrics.STAGE_DOCUMENTS, 1, stage) for stage in STAGES]
            hub.tell(f"worker-{worker}", number, told)
    hub.replace(ledger.rows())
    registry = CollectorRegistry()
    registry.register(SeriesCollector(hub._rows))
    return sum(not line.startswith("#") for line in generate_latest(registry).decode().splitlines())


def test_series_of_a_thousand_parts_and_eight_workers_are_those_of_one_part_and_one_worker() -> None:
    assert series_of(1, 1) == series_of(1000, 8) < MOST_SERIES
