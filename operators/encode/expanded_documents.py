"""Documents of model `minilm-sparse`: MiniLM reads their beginning, their own word pieces are all kept."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from operators.core import columns
from operators.core.encoder_spec import MINILM, EncoderSpec, Kind, Role
from operators.core.model_folder import ModelFolder, resolve_model
from operators.encode.engine import EngineEncoder
from operators.encode.expansion import document_weights, load_expansion
from operators.encode.occupancy import Occupancy
from operators.encode.outlet import sparse_outlet
from operators.encode.ragged import Ragged, join, ragged
from operators.encode.sparsify import Sparse

#: Documents scored together: 256 x 30,522 scores in float32 are 31 MB.
_ROWS = 256


class ExpandedDocuments:
    """Sparse vectors of token ids without special tokens; the transformer runs on Millrace's engine."""

    def __init__(self, spec: EncoderSpec, folder: ModelFolder, threads: int | None = None) -> None:
        dense = EncoderSpec(
            kind=Kind.DENSE,
            model=MINILM,
            precision=spec.precision,
            device=spec.device,
            batch_tokens=spec.batch_tokens,
        )
        base = resolve_model(dense)
        self._engine = EngineEncoder(dense, base, threads)
        self._first, self._last = _special_tokens(base)
        self._room = base.tokenizer(dense, Role.DOCUMENT).max_length - 2
        self._expansion = load_expansion(folder, self._engine.device)
        self._outlet = sparse_outlet(spec.max_active_dims)
        self.dimensions = len(self._expansion.table)

    @property
    def splits(self) -> int:
        """Batches halved so far because memory ran out."""
        return self._engine.splits

    @property
    def occupancy(self) -> Occupancy:
        """The batches that MiniLM ran."""
        return self._engine.occupancy

    def encode(self, tokens: "pa.ListArray[Any]") -> pa.Table:
        """One row a row of ids, in order, as `core.schema.SPARSE`; ids outside the vocabulary are left out."""
        rows = _known(ragged(tokens), self.dimensions)
        return self._outlet.table(started() for started in self._started(rows, self._vectors(rows)))

    def _vectors(self, rows: Ragged) -> NDArray[np.float32]:
        framed = join([self._framed(rows.row(number)) for number in range(len(rows.lengths))])
        offsets = pa.array(np.append(framed.starts, len(framed.values)).astype(np.int32), pa.int32())
        tokens = pa.ListArray.from_arrays(offsets, pa.array(framed.values, pa.int32()))
        column: Any = self._engine.encode(tokens, Role.DOCUMENT)[columns.VECTOR].combine_chunks()
        flat: NDArray[np.float32] = column.flatten().to_numpy()
        return flat.reshape(-1, self._engine.dimensions)

    def _framed(self, row: NDArray[np.int32]) -> NDArray[np.int32]:
        return np.concatenate([[self._first], row[: self._room], [self._last]]).astype(np.int32)

    def _started(self, rows: Ragged, vectors: NDArray[np.float32]) -> Iterator[Callable[[], Sparse]]:
        for start in range(0, len(vectors), _ROWS):
            batch = join([rows.row(number) for number in range(start, min(start + _ROWS, len(vectors)))])
            yield self._outlet.start(document_weights(self._expansion, batch, vectors[start : start + _ROWS]))


def _known(rows: Ragged, vocabulary: int) -> Ragged:
    known = (rows.values >= 0) & (rows.values < vocabulary)
    lengths = np.bincount(rows.rows[known], minlength=len(rows.lengths))
    return Ragged(rows.values[known], np.cumsum(lengths) - lengths, lengths)


def _special_tokens(base: ModelFolder) -> tuple[int, int]:
    """The ids put before and behind a text."""
    from tokenizers import Tokenizer

    backend = Tokenizer.from_file(str(base.path / "tokenizer.json"))
    backend.no_padding()
    first, last = backend.encode("").ids
    return first, last
