"""The stages every encoding flow shares: tokenizers, then one pool of actors for each encoder."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import pyarrow as pa

from operators.core.encoder_spec import Kind
from operators.core.progress import Report
from operators.core.spec import Spec
from operators.encode.actor import EncodeDense, EncodeSparse
from operators.encode.isolate import Isolation
from operators.tokenize.actor import Tokenize
from pipelines.job import PlannedEncoder
from pipelines.recipe import ResourceSpec
from pipelines.resources import encoder_pool, light_pool
from pipelines.stages import Stage
from pipelines.workers import Cluster

_ACTORS = {Kind.DENSE: EncodeDense, Kind.SPARSE: EncodeSparse}

R = TypeVar("R", bound=Spec)


def encoder_stages(
    encoders: Mapping[str, PlannedEncoder], resources: ResourceSpec, cluster: Cluster, report: Report
) -> list[Stage]:
    """Tokenize for all encoders, then encode by each."""
    specs = {name: encoder.spec for name, encoder in encoders.items()}
    journal = cluster.journal()
    stages = [Stage(Tokenize, light_pool(resources, cluster), (specs, report))]
    for name, encoder in encoders.items():
        pool = encoder_pool(encoder.spec, specs, resources, cluster)
        isolation = Isolation(journal, pool.window_tokens, resources.hang_seconds)
        arguments = (name, encoder.spec, encoder.fingerprint, pool.threads, report, isolation, cluster.tell)
        stages.append(Stage(_ACTORS[encoder.spec.kind], pool, arguments))
    return stages


def receipts(cluster: Cluster, rows: pa.Table, stages: Sequence[Stage], kind: type[R]) -> Iterator[R]:
    """The receipts that the last of the stages gives, as they come."""
    for batch in cluster.stream(rows, stages):
        for text in batch["receipt"].to_pylist():
            yield kind.model_validate_json(str(text))
