"""One encoder's vectors, in place of its token ids."""

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns
from operators.core.encoder_spec import Role
from operators.core.rejects import reject
from operators.encode.encoder import Encoder
from operators.encode.origin import Origins

NON_FINITE = "non_finite_vector"


def append_vectors(table: pa.Table, name: str, encoder: Encoder, origins: Origins) -> tuple[pa.Table, pa.Table]:
    """The table with the encoder's vectors and token counts, and the rejects: documents with a vector not finite.

    A document goes with all its chunks, which follow its chunk 0. `origins` counts where the terms are from.
    """
    tokens: Any = table[columns.tokens(name)].combine_chunks()
    vectors = encoder.encode(tokens, Role.DOCUMENT)
    origins.add(tokens, vectors)
    counts = tokens.value_lengths().cast(pa.int32())
    encoded = table.drop_columns([columns.tokens(name)]).append_column(columns.token_count(name), counts)
    for field in vectors.schema:
        encoded = encoded.append_column(field.with_name(columns.of_encoder(field.name, name)), vectors[field.name])
    document = np.cumsum(table[columns.CHUNK].to_numpy() == 0)
    bad_rows = np.flatnonzero(~_finite(vectors))
    keep = ~np.isin(document, document[bad_rows])
    _, first = np.unique(document[bad_rows], return_index=True)
    bad = encoded.take(pa.array(bad_rows[first], pa.int64()))
    what = f"encoder {name} gave a number that is not finite for chunk"
    details = [f"{what} {chunk}" for chunk in bad[columns.CHUNK].to_pylist()]
    return encoded.filter(pa.array(keep, pa.bool_())), reject(bad, [NON_FINITE] * bad.num_rows, details)


def _finite(vectors: pa.Table) -> NDArray[np.bool_]:
    """Whether every number of each row's vector is finite."""
    numbers: Any = vectors[vectors.column_names[-1]].combine_chunks()
    bad = np.flatnonzero(~np.isfinite(numbers.flatten().to_numpy()))
    ends = np.cumsum(numbers.value_lengths().to_numpy())
    finite = np.ones(len(ends), np.bool_)
    finite[np.searchsorted(ends, bad, side="right")] = False
    return finite
