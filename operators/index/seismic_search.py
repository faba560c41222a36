"""Approximate sparse search by seismic, with the exact index behind it: whatever seismic cannot answer, that does.

Seismic knows no dead rows: it is asked for more, and where too few of what it found live the answer is exact. An answer
that is not full is exact, too, so that a row which is in no full answer has no score.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from math import ceil
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core.errors import IntegrityError, ObjectMissingError
from operators.index.arrays import SparseRows, sparse_rows
from operators.index.searcher import Found, Searcher, best_first, nothing
from operators.index.seismic_build import kind_of
from operators.index.seismic_record import FILE, LIBRARY, SeismicError, SeismicRecord, library, record_of
from operators.index.settings import named_file
from operators.index.sparse_search import SparseSearcher

_LOG = logging.getLogger(__name__)

#: Rows asked of seismic for each live one that is wanted, so that chance alone seldom leaves too few.
_SLACK = 1.1
#: Share of rows that may be found below which exact search is asked at once: seismic would have to find twice as many.
_FEW = 0.5


class Loaded:
    """An index in the memory of this process; the library maps nothing."""

    def __init__(self, index: Any) -> None:
        self.index = index
        self.terms: int = index.dim


#: What is open now, by file: the searches of several filters share one index.
_open: WeakValueDictionary[tuple[str, int, int], Loaded] = WeakValueDictionary()


@dataclass(frozen=True)
class SeismicSearcher:
    """Seismic's index of the rows of an `exact` one, looked through as far as its record says."""

    exact: SparseSearcher
    loaded: Loaded
    live: NDArray[np.bool_]
    record: SeismicRecord

    @property
    def rows(self) -> int:
        """Rows in the index, dead ones too."""
        return self.exact.rows

    @cached_property
    def living(self) -> int:
        """Rows that may be found: counting them takes as long as a search."""
        return int(self.live.sum())

    def search(self, queries: pa.Table, k: int) -> Found:
        """About the best rows for a table of `schema.SPARSE`, with their scores."""
        asked = sparse_rows(queries, self.exact.vocabulary)
        found = nothing(queries.num_rows, min(k, self.living))
        if not found.rows.size:
            return found
        left = [number for number in range(queries.num_rows) if not self._answer(asked, found, number)]
        if left:
            rest = self.exact.search(queries.take(left), k)
            found.scores[left], found.rows[left] = rest.scores, rest.rows
        return best_first(found.scores, found.rows)

    def _answer(self, asked: SparseRows, found: Found, number: int) -> bool:
        """Answer one query; False where that is for exact search to do."""
        place = slice(asked.starts[number], asked.starts[number + 1])
        terms, weights = _ordered(asked.terms[place], asked.weights[place], self.loaded.terms)
        if not terms.size or (terms[1:] == terms[:-1]).any() or (weights < 0).any():
            return False
        width = found.rows.shape[1]
        candidates = width if self.living == self.rows else ceil(_SLACK * width * self.rows / self.living)
        settings = self.record.query_cut, self.record.heap_factor
        answer = self.loaded.index.search(terms, weights, candidates, *settings, 0, True)
        scores, rows = (np.array(each) for each in zip(*answer, strict=True)) if answer else (np.empty(0), np.empty(0))
        kept = np.flatnonzero(scores > 0)
        kept = kept[self.live[rows[kept].astype(np.int64)]][:width]
        if kept.size < width:
            return False
        found.scores[number], found.rows[number] = scores[kept], rows[kept]
        return True


def open_seismic(
    exact: SparseSearcher, files: Mapping[str, Path], settings: Mapping[str, Any], live: NDArray[np.bool_] | None
) -> Searcher:
    """Seismic before an exact index; that alone where few rows may be found, or the file is of no use here.

    The latter is logged, once. Raises `IntegrityError` where the settings hold no record of seismic's index.
    """
    record = record_of(settings)
    alive = np.ones(exact.rows, np.bool_) if live is None else live
    if alive.sum() < _FEW * alive.size:
        return exact
    try:
        # Before the file is fetched: it may be gigabytes.
        check_version(record)
        return SeismicSearcher(exact, load_seismic(named_file(files, FILE), record, exact), alive, record)
    except (SeismicError, IntegrityError, ObjectMissingError) as error:
        _warn(f"sparse search is exact, without seismic: {error}")
        return exact


def check_version(record: SeismicRecord) -> None:
    """Raise `SeismicError` where the library is not the one that wrote the file: it states no version of its format."""
    now = library()
    if now != record.version:
        raise SeismicError(f"{FILE} was written by {LIBRARY} {record.version}, {now} is installed")


def load_seismic(path: Path, record: SeismicRecord, exact: SparseSearcher) -> Loaded:
    """Read a verified file into memory; raises `SeismicError` where it is not of the exact index's rows."""
    try:
        facts = path.stat()
        key = (str(path), facts.st_mtime_ns, facts.st_size)
        loaded = _open.get(key) or Loaded(_read(path, exact.vocabulary))
    except OSError as error:
        raise SeismicError(f"{path} is no index of seismic ({error})") from error
    found = (loaded.index.len, loaded.index.nnz, record.rows)
    expected = (exact.rows, exact.postings.docs.size, exact.rows)
    if found != expected or loaded.terms > exact.vocabulary:
        raise SeismicError(f"{path} is of other rows: expected (rows, postings, rows noted) {expected}, got {found}")
    _open[key] = loaded
    return loaded


@cache
def _warn(message: str) -> None:
    """Once a process: every filter opens the indexes of a snapshot anew."""
    _LOG.warning(message)


def _read(path: Path, vocabulary: int) -> Any:
    import seismic

    return getattr(seismic, kind_of(vocabulary)).load(str(path))


def _ordered(
    terms: NDArray[np.uint32], weights: NDArray[np.float32], known: int
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """A query's terms that some row may hold, ascending: the library panics over others."""
    order = np.argsort(terms, kind="stable")
    order = order[terms[order] < known]
    return terms[order].astype(np.int32), weights[order]
