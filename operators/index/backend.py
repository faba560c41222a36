"""Open any index by the name of its backend."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from operators.core.errors import IntegrityError
from operators.index.dense_search import open_dense
from operators.index.searcher import Searcher
from operators.index.settings import whole_number
from operators.index.sparse_file import open_postings
from operators.index.sparse_search import SparseSearcher
from operators.index.spec import Backend


def open_searcher(
    backend: str, files: Mapping[str, Path], settings: Mapping[str, Any], rows: int, threads: int | None = None
) -> Searcher:
    """Open an index of `rows` rows from files whose checksums were verified.

    Raises `IntegrityError` where the backend is unknown or the files are not what the settings describe.
    """
    if backend not in set(Backend):
        raise IntegrityError(
            f"index backend {backend!r} is unknown: this Millrace opens {sorted(Backend)}. Use a newer Millrace"
        )
    if backend == Backend.CSC:
        vocabulary = whole_number(settings, "vocabulary")
        return SparseSearcher(open_postings(files, vocabulary, rows), rows)
    return open_dense(Backend(backend), files, settings, rows, threads)
