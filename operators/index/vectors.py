"""One encoder's vectors of one segment, as an index is built from them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from operators.core.encoder_spec import Kind


@dataclass(frozen=True)
class Vectors:
    """`rows` vectors of a segment; `dimensions` is the vocabulary where the kind is sparse.

    `load` starts reading the segment's part tables (`schema.dense` or `schema.SPARSE`) in order, the same every time.
    """

    kind: Kind
    dimensions: int
    rows: int
    load: Callable[[], Iterator[pa.Table]]

    def tables(self) -> Iterator[pa.Table]:
        """One pass over the parts; raises `ValueError` at its end where they did not hold `rows` rows."""
        seen = 0
        for table in self.load():
            seen += table.num_rows
            yield table
        if seen != self.rows:
            raise ValueError(f"expected {self.rows} rows in the parts, got {seen}")
