"""Documents whose text has vectors already: read again, and put beside copies of those vectors. No encoder is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc

from operators.core import columns, schema
from operators.core.encoder_records import EncoderTotals
from operators.core.manifest import Part
from operators.core.parcel import count_documents
from operators.core.receipts import MatchReceipt, PartReceipt
from operators.core.span import begin
from operators.core.stored_file import StoredFile
from operators.read.actor import tasks_of
from operators.read.spec import SourceSpec
from operators.read.work import Work, read_work
from operators.write.copy import Places, copy_rejects, documents_with, find_places, gather
from operators.write.part import active_dims, documents_of
from operators.write.receipt import commit, load
from operators.write.rejects import count_reasons, write_rejects
from operators.write.stored import read_table
from operators.write.tables import WriteSpec, write_tables
from pipelines.encode import write_spec
from pipelines.job import Job
from pipelines.place import Place
from pipelines.progress import Progress
from pipelines.workers import Cluster

STAGE = "copy"
_SPANS = schema.of_fields(
    *(schema.IN_FLIGHT.field(name) for name in (columns.CHUNK, columns.SPAN_START, columns.SPAN_END))
)


@dataclass(frozen=True)
class _Copying:
    """What every copying task knows: the stored parts, and where documents lie that were encoded tonight."""

    place: Place
    source: SourceSpec
    tasks: tuple[StoredFile, ...]
    parts: Mapping[str, Part]
    placed: Mapping[str, StoredFile]
    spec: WriteSpec
    dimensions: Mapping[str, int]

    @property
    def schemas(self) -> dict[str, pa.Schema]:
        """What each encoder's vectors are stored as."""
        return {name: schema.vectors(kind, self.dimensions[name]) for name, kind in self.spec.kinds.items()}


def copy(
    job: Job,
    works: Sequence[Work],
    matched: Sequence[MatchReceipt],
    stored: Sequence[Part],
    placed: Mapping[str, StoredFile],
    cluster: Cluster,
    progress: Progress,
) -> tuple[PartReceipt, ...]:
    """A receipt for every part of copies. `placed` has tonight's places of documents by planned part."""
    if not works:
        return ()
    done = dict(load(job.store, job.run, STAGE, PartReceipt))
    for receipt in done.values():
        progress.ledger.count(receipt)
    parts = {part.part: part for part in stored}
    dimensions = {name: stored[0].totals[name].dimensions for name in job.encoders}
    spec, tasks = write_spec(job, job.identity.encoders), tuple(each.tasks for each in matched)
    copying = _Copying(Place(job.store, job.run), job.recipe.source, tasks, parts, placed, spec, dimensions)
    progress.expect(STAGE, sum(count for each in matched for count in each.copied.values()))
    for receipt in cluster.run(partial(_copy, copying), [w for w in works if w.part not in done]):
        done[receipt.part] = receipt
        progress.ledger.count(receipt)
        progress(STAGE, receipt.documents, sum(receipt.rejected_by_reason.values()))
    return tuple(done[work.part] for work in works)


def _copy(copying: _Copying, work: Work) -> PartReceipt:
    ended = begin(STAGE)
    place = copying.place
    found, tasks = read_work(work, copying.source, tasks_of(place.store, copying.tasks, work, copied=True))
    places = find_places(tasks, _placed_of(copying, tasks))
    there = pa.array(places.counts > 0)
    rejects = copy_rejects(found.filter(pc.invert(there)))
    documents, vectors = _assemble(copying, found, places)
    written = write_tables(
        place.store, work.part, documents_of(documents, keep_text=copying.spec.keep_text), vectors, copying.spec
    )
    receipt = PartReceipt(
        part=work.part,
        rows=documents.num_rows,
        documents=count_documents(documents),
        truncated=int(pc.sum(found.filter(there)[columns.TRUNCATED]).as_py() or 0),
        document_file=written.documents,
        files=written.vectors,
        totals={name: _totals(copying, name, table) for name, table in vectors.items()},
        placed=written.placed,
        rejected_by_reason=count_reasons(rejects),
        rejects=write_rejects(place.store, place.run, STAGE, work.part, rejects),
        spans=(ended(),),
    )
    return commit(place.store, place.run, STAGE, work.part, receipt)


def _assemble(copying: _Copying, found: pa.Table, places: Places) -> tuple[pa.Table, dict[str, pa.Table]]:
    """The documents cut as where their vectors lie, and each encoder's vectors row for row beside them."""
    document, parts, rows = places.flat()
    sources = {name: copying.parts[name] for name in dict.fromkeys(parts.tolist())}
    spans = gather({name: _spans(copying.place, part) for name, part in sources.items()}, parts, rows, _SPANS)
    vectors = {}
    for name, wanted in copying.schemas.items():
        tables = {part: _read(copying.place, each.vectors[name], wanted) for part, each in sources.items()}
        vectors[name] = gather(tables, parts, rows, wanted)
    return documents_with(found, document, spans), vectors


def _placed_of(copying: _Copying, tasks: pa.Table) -> dict[str, pa.Table]:
    tonight = tasks.filter(tasks[columns.REF_KEY].is_valid())
    parts = dict.fromkeys(str(part) for part in tonight[columns.REF_PART].to_pylist())
    return {part: _read(copying.place, copying.placed[part], schema.PLACED) for part in parts if part in copying.placed}


def _spans(place: Place, part: Part) -> pa.Table:
    return read_table(place.store, part.documents, _SPANS)


def _read(place: Place, file: StoredFile, wanted: pa.Schema) -> pa.Table:
    return read_table(place.store, file, wanted)


def _totals(copying: _Copying, encoder: str, vectors: pa.Table) -> EncoderTotals:
    dimensions = copying.dimensions[encoder]
    return EncoderTotals(dimensions=dimensions, tokens=0, active_dims=active_dims(vectors, dimensions))
