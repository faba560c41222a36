"""Exact scores of single rows, from the vectors that are stored of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import schema
from operators.core.encoder_records import EncoderRecord
from operators.core.encoder_spec import Kind
from operators.core.stored_file import StoredFile
from operators.search.inner_products import inner_products
from operators.search.row_groups import RowGroups
from operators.search.rows import RowMap


class StoredVectors:
    """The vectors of a snapshot, by row; `fetch` gives the verified local path of a stored file."""

    def __init__(
        self, encoders: Mapping[str, EncoderRecord], rows: RowMap, fetch: Callable[[StoredFile], Path]
    ) -> None:
        self._encoders = encoders
        self._rows = rows
        self._fetch = fetch
        self._groups: dict[str, RowGroups] = {}

    def score(self, name: str, queries: pa.Table, wanted: Sequence[Sequence[int]]) -> list[list[float]]:
        """The inner products of each query's vector with those that an encoder gave the rows wanted for it.

        Raises `IntegrityError` where a file is not the one the manifest describes.
        """
        rows = np.unique(np.array([row for own in wanted for row in own], np.int64))
        if not rows.size:
            return [[] for _ in wanted]
        record = self._encoders[name]
        stored = pa.concat_tables(self._take(name, rows))
        products = inner_products(Kind(record.kind), queries, stored, record.dimensions)
        places = (np.searchsorted(rows, own) for own in wanted)
        return [products(query, own).tolist() for query, own in enumerate(places)]

    def _take(self, name: str, rows: NDArray[np.int64]) -> Iterator[pa.Table]:
        """The vectors of ascending rows, part after part."""
        parts = np.searchsorted(self._rows.starts, rows, side="right") - 1
        for number in np.unique(parts).tolist():
            part = self._rows.parts[number]
            inside = rows[parts == number] - self._rows.starts[number]
            yield self._of(name).take(part.vectors[name], part.rows, inside)

    def _of(self, name: str) -> RowGroups:
        if name not in self._groups:
            record = self._encoders[name]
            names = schema.vectors(Kind(record.kind), record.dimensions).names
            self._groups[name] = RowGroups(self._fetch, names)
        return self._groups[name]
