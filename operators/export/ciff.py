"""CIFF, the Common Index File Format: postings lists by term, then document records, in one file.

Weights are whole numbers of 8 bits, as PISA and BMP take them: the largest is 255, and those below half of a step are
left out.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from operators.core.errors import UsageError
from operators.export.ciff_messages import Header, doc_record, header, postings_list
from operators.export.fields import row_ids
from operators.export.invert import Postings
from operators.export.layout import SPARSE_ONLY, Layout, Written
from operators.export.live import LiveRows
from operators.export.weights import quantize, refuse_negative

_LARGEST = 255.0
#: Documents are numbered by int32.
_MAX_ROWS = (1 << 31) - 1


def _write(rows: LiveRows, folder: Path) -> Written:
    """`<encoder>.ciff` for each encoder; while it is made, its postings lie beside it once more."""
    if rows.rows > _MAX_ROWS:
        raise UsageError(f"the snapshot has {rows.rows} rows: CIFF numbers {_MAX_ROWS}. Export to csr instead")
    scales = {name: _write_encoder(rows, name, folder) for name in rows.names}
    return Written(
        commands=tuple(f"ciff2pisa --ciff-file {name}.ciff --output {name}" for name in rows.names), scales=scales
    )


def _write_encoder(rows: LiveRows, name: str, folder: Path) -> float:
    work = folder / f"{name}.work"
    work.mkdir()
    counts, scale = _measure(rows, name)
    postings = Postings(counts, work)
    with (work / "records").open("wb") as file:
        file.writelines(_invert(rows, name, scale, postings))
    lists, total = _write_lists(postings, work / "lists")
    about = Header(lists, rows.rows, total, f"Millrace, {rows.manifest.collection}, weights x {scale:g}")
    with (folder / f"{name}.ciff").open("wb") as file:
        file.write(header(about))
        for part in ("lists", "records"):
            with (work / part).open("rb") as source:
                shutil.copyfileobj(source, file)
    shutil.rmtree(work)
    return scale


def _measure(rows: LiveRows, name: str) -> tuple[NDArray[np.int64], float]:
    """How many rows hold each term, and what makes the largest weight 255."""
    dimensions, largest = rows.manifest.encoders[name].dimensions, 0.0
    counts = np.zeros(dimensions, np.int64)
    for sparse in rows.sparse_parts(name):
        refuse_negative(sparse.weights, name)
        counts += np.bincount(sparse.terms, minlength=dimensions)
        largest = max(largest, float(sparse.weights.max(initial=0)))
    return counts, _LARGEST / largest if largest else 1.0


def _invert(rows: LiveRows, name: str, scale: float, postings: Postings) -> Iterator[bytes]:
    """Fill the postings, and give each row's document record."""
    first = 0
    for batch in rows.batches():
        sparse = batch.sparse[name]
        impacts = quantize(sparse.weights, scale)
        postings.add(first, sparse, impacts)
        sums = np.concatenate([[0], np.cumsum(impacts, dtype=np.int64)])
        lengths = np.diff(sums[sparse.starts]).tolist()
        for number, row_id in enumerate(row_ids(batch.documents, rows.manifest)):
            yield doc_record(first + number, row_id, lengths[number])
        first += len(lengths)


def _write_lists(postings: Postings, path: Path) -> tuple[int, int]:
    """Write the postings lists in the order of their terms as strings; return how many, and the sum of all impacts."""
    lists = total = 0
    with path.open("wb") as file:
        for term in sorted(postings.terms(), key=str):
            docs, impacts = postings.of_term(term)
            kept = impacts > 0
            if kept.any():
                file.write(postings_list(str(term), docs[kept], impacts[kept]))
                lists += 1
                total += int(impacts.sum(dtype=np.int64))
    return lists, total


CIFF = Layout(SPARSE_ONLY, _write)
