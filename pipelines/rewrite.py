"""Compaction: the live rows of some segments, written as new parts from what is stored. No encoder is asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from operators.core import schema
from operators.core.encoder_records import EncoderTotals
from operators.core.manifest import Part, Segment
from operators.core.receipts import RewriteReceipt
from operators.core.stored_file import StoredFile
from operators.index.compact import group_parts
from operators.index.segments import LocatedPart
from operators.write.part import active_dims
from operators.write.receipt import commit, load
from operators.write.stored import read_columns
from operators.write.tables import WriteSpec, write_tables
from pipelines.encode import write_spec
from pipelines.job import Job
from pipelines.place import Place
from pipelines.progress import Progress
from pipelines.segments import live_rows
from pipelines.workers import Cluster

STAGE = "compact"


@dataclass(frozen=True)
class _Work:
    """Old parts that become a new one."""

    part: str
    sources: tuple[LocatedPart, ...]


def rewrite(
    job: Job, segments: Sequence[Segment], parts: Sequence[Part], cluster: Cluster, progress: Progress
) -> tuple[RewriteReceipt, ...]:
    """A receipt for every new part that holds the live rows of the segments."""
    if not segments:
        return ()
    groups = group_parts(segments, {part.part: part for part in parts})
    works = [_Work(f"{job.part_prefix}-m-{number:06d}", tuple(group)) for number, group in enumerate(groups)]
    done = dict(load(job.store, job.run, STAGE, RewriteReceipt))
    spec = write_spec(job, job.identity.encoders)
    progress.expect(STAGE, sum(segment.live for segment in segments))
    todo = [work for work in works if work.part not in done]
    for receipt in cluster.run(partial(_rewrite, Place(job.store, job.run), spec), todo):
        done[receipt.part] = receipt
        progress(STAGE, receipt.rows, 0)
    return tuple(done[work.part] for work in works)


def _rewrite(place: Place, spec: WriteSpec, work: _Work) -> RewriteReceipt:
    masks = [live_rows(place, source) for source in work.sources]
    old = [source.part for source in work.sources]
    documents = _joined(place, [part.documents for part in old], masks)
    vectors = {}
    for name, kind in spec.kinds.items():
        stored = _joined(place, [part.vectors[name] for part in old], masks)
        vectors[name] = schema.conform(stored, schema.vectors(kind, old[0].totals[name].dimensions))
    written = write_tables(place.store, work.part, documents, vectors, spec)
    receipt = RewriteReceipt(
        part=work.part,
        rows=documents.num_rows,
        document_file=written.documents,
        files=written.vectors,
        totals={name: _totals(old, name, table) for name, table in vectors.items()},
        placed=written.placed,
    )
    return commit(place.store, place.run, STAGE, work.part, receipt)


def _joined(place: Place, files: Sequence[StoredFile], masks: Sequence["pa.Array[pa.BooleanScalar]"]) -> pa.Table:
    tables = (read_columns(place.store, file) for file in files)
    return pa.concat_tables(
        table.replace_schema_metadata(None).filter(mask) for table, mask in zip(tables, masks, strict=True)
    )


def _totals(old: Sequence[Part], name: str, vectors: pa.Table) -> EncoderTotals:
    """Tokens and splits are what the old parts cost; nothing was encoded now."""
    before = [part.totals[name] for part in old]
    dimensions = before[0].dimensions
    return EncoderTotals(
        dimensions=dimensions,
        tokens=sum(each.tokens for each in before),
        active_dims=active_dims(vectors, dimensions),
        splits=sum(each.splits for each in before),
        quality=before[0].quality,
    )
