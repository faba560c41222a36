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
from operators.export.layout import SPARSE_ONLY, Layout, Written
from operators.export.live import LiveRows
from operators.export.weights import quantize, refuse_negative
from operators.index.sparse import build_sparse
from operators.index.sparse_file import DOCS, INDPTR, WEIGHTS

_LARGEST = 255.0
#: Documents are numbered by int32.
_MAX_ROWS = (1 << 31) - 1
#: Weights looked at together: 32 MB.
_CHUNK = 1 << 23


def _write(rows: LiveRows, folder: Path) -> Written:
    """`<encoder>.ciff` for each encoder; besides its own size it needs 8 bytes of disk a posting while it is made."""
    if rows.rows > _MAX_ROWS:
        raise UsageError(f"the snapshot has {rows.rows} rows: CIFF numbers {_MAX_ROWS}. Export to csr instead")
    scales = {name: _write_encoder(rows, name, folder) for name in rows.names}
    return Written(
        commands=tuple(f"ciff2pisa --ciff-file {name}.ciff --output {name}" for name in rows.names), scales=scales
    )


def _write_encoder(rows: LiveRows, name: str, folder: Path) -> float:
    work = folder / f"{name}.postings"
    work.mkdir()
    postings = _Postings(build_sparse(rows.vectors(name), work))
    scale = _scale(postings.weights, name)
    lists, terms = _write_lists(postings, scale, work / "lists")
    described = Header(lists, rows.rows, terms, f"Millrace, {rows.manifest.collection}, weights x {scale:g}")
    with (folder / f"{name}.ciff").open("wb") as file, (work / "lists").open("rb") as written:
        file.write(header(described))
        shutil.copyfileobj(written, file)
        file.writelines(_doc_records(rows, name, scale))
    shutil.rmtree(work)
    return scale


class _Postings:
    """The inverted vectors, mapped from their files."""

    def __init__(self, files: dict[str, Path]) -> None:
        self.starts: NDArray[np.uint64] = np.load(files[INDPTR])
        self.docs: NDArray[np.uint32] = np.load(files[DOCS], mmap_mode="r")
        self.weights: NDArray[np.float32] = np.load(files[WEIGHTS], mmap_mode="r")

    def of_term(self, term: int) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
        """The rows that hold a term, ascending, and its weights."""
        place = slice(int(self.starts[term]), int(self.starts[term + 1]))
        return self.docs[place], self.weights[place]


def _scale(weights: NDArray[np.float32], name: str) -> float:
    largest = 0.0
    for start in range(0, weights.size, _CHUNK):
        chunk = weights[start : start + _CHUNK]
        refuse_negative(chunk, name)
        largest = max(largest, float(chunk.max()))
    return _LARGEST / largest if largest else 1.0


def _write_lists(postings: _Postings, scale: float, path: Path) -> tuple[int, int]:
    """Write the postings lists in the order of their terms as strings; return how many, and the sum of all impacts."""
    lists = total = 0
    with path.open("wb") as file:
        for term in sorted(np.flatnonzero(np.diff(postings.starts)).tolist(), key=str):
            docs, weights = postings.of_term(term)
            impacts = quantize(weights, scale)
            kept = impacts > 0
            if kept.any():
                file.write(postings_list(str(term), docs[kept], impacts[kept]))
                lists += 1
                total += int(impacts.sum(dtype=np.int64))
    return lists, total


def _doc_records(rows: LiveRows, name: str, scale: float) -> Iterator[bytes]:
    number = 0
    for batch in rows.batches():
        sparse = batch.sparse[name]
        sums = np.concatenate([[0], np.cumsum(quantize(sparse.weights, scale), dtype=np.int64)])
        lengths = np.diff(sums[sparse.starts])
        for row_id, length in zip(row_ids(batch.documents, rows.manifest), lengths.tolist(), strict=True):
            yield doc_record(number, row_id, length)
            number += 1


CIFF = Layout(SPARSE_ONLY, _write)
