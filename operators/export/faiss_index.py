"""FAISS: one index an encoder, its lists on disk, and a table of which document each row is.

Segments whose indexes are inverted lists of one training are merged as they are; the vectors of others are added to
that training, or where no segment has one go into a single list, which is exact.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from operators.core.errors import IntegrityError, UsageError
from operators.core.index_records import SegmentIndex
from operators.export.layout import DENSE_ONLY, Layout, Written
from operators.export.live import LiveRows
from operators.export.row_ids import RowIds
from operators.index.dense import FILE
from operators.index.ivf_merge import Template, merge_shards, shard_of_lists, shard_of_vectors
from operators.index.trained import Training
from operators.write.stored import read_verified

_LOOK = 'import faiss; print(faiss.read_index("{}.faiss", faiss.IO_FLAG_ONDISK_SAME_DIR).ntotal)'


def _write(rows: LiveRows, folder: Path) -> Written:
    """`<encoder>.faiss` and `<encoder>.ivfdata` for each encoder, and `rows.parquet`."""
    notes = [_write_encoder(rows, name, folder) for name in rows.names]
    with RowIds(folder, rows.manifest) as ids:
        for batch in replace(rows, names=()).batches():
            ids.write(batch.documents)
    return Written(commands=tuple(f"python -c '{_LOOK.format(name)}'" for name in rows.names), notes=tuple(notes))


def _write_encoder(rows: LiveRows, name: str, folder: Path) -> str:
    """Write one encoder's index; what a reader must know of it."""
    indexes = {index.segment: index for index in rows.manifest.indexes[name]}
    with tempfile.TemporaryDirectory(dir=folder) as beside:
        template = _template(rows, name, tuple(indexes.values()), Path(beside) / "trained.faiss")
        shards, first = [], 0
        for segment in rows.manifest.segments:
            live, index = rows.live(segment), indexes[segment.segment]
            shard = Path(beside) / segment.segment
            if trained := index.settings.get("trained"):
                shard.write_bytes(read_verified(rows.store, index.files[FILE]))
                shard_of_lists(template, shard, trained, live, first)
            else:
                shard_of_vectors(template, rows.dense_parts(name, segment), first, shard)
            shards.append(shard)
            first += int(live.sum())
        nprobe = max((int(index.settings.get("nprobe", 1)) for index in indexes.values()), default=1)
        merge_shards(template, shards, folder / f"{name}.faiss", nprobe)
    if template.training is None:
        return f"{name}: one list of the vectors as they are, searched exactly"
    lists = template.training.record.lists
    return f"{name}: {lists:,} lists of codes, of which nprobe says to search {nprobe:,}; scores are those of the codes"


def _template(rows: LiveRows, name: str, indexes: Sequence[SegmentIndex], path: Path) -> Template:
    """What all segments' lists began as; raises `UsageError` where they began differently."""
    dimensions = rows.manifest.encoders[name].dimensions
    began = {index.settings["trained"] for index in indexes if "trained" in index.settings}
    if not began:
        return Template(dimensions, None)
    if len(began) > 1:
        kinds = sorted({index.backend for index in indexes})
        raise UsageError(
            f"encoder {name}: expected indexes that began with one training, got {len(began)} ({', '.join(kinds)}): "
            f"FAISS would merge them, and find other rows. Set index.dense to ivf-sq8 or ivf-rabitq in the recipe, "
            f"and index again"
        )
    records = [each for each in rows.manifest.trained.get(name, ()) if each.file.sha256 in began]
    if not records:
        raise IntegrityError(f"encoder {name}: the manifest lacks training {began.pop()} of its indexes. Index again")
    path.write_bytes(read_verified(rows.store, records[0].file))
    return Template(dimensions, Training(path, records[0]))


FAISS = Layout(DENSE_ONLY, _write)
