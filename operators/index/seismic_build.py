"""Build seismic's index of sparse rows: rows checked and written as it reads them, the library in its own process."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from operators.index.arrays import SparseRows, sparse_rows
from operators.index.seismic_record import SeismicError
from operators.index.sparse import halves
from operators.index.vectors import Vectors

#: Terms are numbered by 16 bits, or by 32 in the library's classes for large vocabularies.
_SMALL_VOCABULARY = 1 << 16
#: Characters of what the library said last that an error repeats.
_SAID = 300


@dataclass(frozen=True)
class Shape:
    """How an index is built: `n_postings` a list in the mean, no list longer than `max_fraction` times that."""

    n_postings: int
    centroid_fraction: float = 0.1
    summary_energy: float = 0.4
    max_fraction: float = 6.0

    @property
    def numbers(self) -> list[str]:
        """As the library's process is told."""
        return [str(each) for each in (self.n_postings, self.centroid_fraction, self.summary_energy, self.max_fraction)]


def kind_of(vocabulary: int) -> str:
    """The library's class of an index without names of documents or terms: their numbers are ours."""
    return "SeismicIndexRaw" if vocabulary <= _SMALL_VOCABULARY else "SeismicIndexRawLV"


def write_rows(vectors: Vectors, path: Path) -> int:
    """Write rows as the library reads them, and return how many postings they have.

    Little endian uint32: how many rows; and for each row how many terms, the terms, and their weights as float32, which
    are those of the exact index. Raises `ValueError` where a row's terms do not ascend, weights are negative, infinite,
    NaN or beyond float16, or there is no posting: the library would panic, or rank NaN and infinity first.
    """
    postings = 0
    with path.open("wb") as file:
        file.write(np.uint32(vectors.rows).tobytes())
        for table in vectors.tables():
            rows = sparse_rows(table, vectors.dimensions)
            _check_ascending(rows)
            file.write(_encoded(rows).data)
            postings += rows.terms.size
    if not postings:
        raise ValueError(f"expected terms in {vectors.rows} rows, got none")
    return postings


def build_seismic(rows: Path, path: Path, vocabulary: int, shape: Shape, threads: int, seconds: float) -> None:
    """Index a file of rows; raises `SeismicError` where the library fails, or takes longer than so many seconds."""
    script = str(Path(__file__).with_name("seismic_child.py"))
    # -P: beside the script lie modules whose names other libraries may mean something else by.
    command = [sys.executable, "-P", script, str(rows), str(path), kind_of(vocabulary), *shape.numbers]
    environment = {**os.environ, "RAYON_NUM_THREADS": str(threads), "RUST_BACKTRACE": "0"}
    try:
        done = subprocess.run(  # noqa: S603 - our own file
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SeismicError(f"building took longer than {seconds:,.0f} s") from error
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[-_SAID:]
        raise SeismicError(f"building failed with exit code {done.returncode}: {said or 'it said nothing'}")


def _check_ascending(rows: SparseRows) -> None:
    ascends = np.ones(rows.terms.size, np.bool_)
    ascends[1:] = rows.terms[1:] > rows.terms[:-1]
    ascends[rows.starts[:-1][np.diff(rows.starts) > 0]] = True
    if not ascends.all():
        raise ValueError(f"expected terms that ascend within a row, got {int((~ascends).sum())} that do not")


def _encoded(rows: SparseRows) -> NDArray[np.uint32]:
    """Each row's number of terms, its terms and the bits of its weights."""
    counts = np.diff(rows.starts)
    heads = np.arange(counts.size) + 2 * rows.starts[:-1]
    encoded = np.empty(counts.size + 2 * rows.terms.size, np.uint32)
    encoded[heads] = counts
    places = np.arange(rows.terms.size) + np.repeat(heads + 1 - rows.starts[:-1], counts)
    encoded[places] = rows.terms
    encoded[places + np.repeat(counts, counts)] = halves(rows.weights).astype(np.float32).view(np.uint32)
    return encoded
