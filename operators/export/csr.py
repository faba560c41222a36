"""CSR files in the layout of big-ann-benchmarks' sparse track, and a table of which document each row is.

Little endian: int64 rows, columns and non-zeros; int64 [rows + 1] where each row starts; int32 term ids; float32
weights.
"""

import shutil
from pathlib import Path
from typing import BinaryIO

import numpy as np

from operators.export.layout import SPARSE_ONLY, Layout, Written
from operators.export.live import LiveRows
from operators.export.row_ids import RowIds
from operators.index.arrays import SparseRows

_COUNTS = 3


def _write(rows: LiveRows, folder: Path) -> Written:
    """`<encoder>.csr` for each encoder, and `rows.parquet`."""
    files = {name: _CsrFile(folder / f"{name}.csr", rows.rows) for name in rows.names}
    with RowIds(folder, rows.manifest) as ids:
        for batch in rows.batches():
            ids.write(batch.documents)
            for name, file in files.items():
                file.write(batch.sparse[name])
    for name, file in files.items():
        file.close(rows.manifest.encoders[name].dimensions)
    look = 'import numpy; print(numpy.fromfile("{}.csr", "<i8", 3))'
    return Written(commands=tuple(f"python -c '{look.format(name)}'" for name in rows.names))


class _CsrFile:
    """One file under way: starts and terms go to their places, weights beside it until their place is known."""

    def __init__(self, path: Path, rows: int) -> None:
        self._rows = rows
        self._stored = 0
        self._starts: BinaryIO = path.open("wb")
        np.zeros(_COUNTS + 1, "<i8").tofile(self._starts)
        self._terms: BinaryIO = path.open("r+b")
        self._terms.seek((_COUNTS + 1 + rows) * 8)
        self._beside = path.with_suffix(".weights")
        self._weights: BinaryIO = self._beside.open("w+b")

    def write(self, sparse: SparseRows) -> None:
        """Append rows."""
        (sparse.starts[1:] + self._stored).astype("<i8").tofile(self._starts)
        sparse.terms.astype("<i4").tofile(self._terms)
        sparse.weights.astype("<f4").tofile(self._weights)
        self._stored += sparse.terms.size

    def close(self, dimensions: int) -> None:
        """Bring the weights to their place, and the counts."""
        self._weights.seek(0)
        shutil.copyfileobj(self._weights, self._terms)
        self._starts.seek(0)
        np.array([self._rows, dimensions, self._stored], "<i8").tofile(self._starts)
        for file in (self._starts, self._terms, self._weights):
            file.close()
        self._beside.unlink()


CSR = Layout(SPARSE_ONLY, _write)
