"""Packed execution: a batch's documents one behind another through the model, none padded to another's length."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from operators.encode.architecture import Architecture
from operators.encode.batches import packed_batches
from operators.encode.device import to_device
from operators.encode.packing import Packing
from operators.encode.ragged import Ragged, join
from operators.encode.runner import Rows

#: From a batch's last hidden states [tokens, width] to float32 vectors [documents, dimensions].
Finish = Callable[[torch.Tensor, Packing], torch.Tensor]
#: Stands in for a row without tokens, whose vector is then set to zero.
_NOTHING = np.zeros(1, np.int32)
#: On a CPU a batch is filled up to a multiple of so many tokens, by rows of at most 16 that nobody reads. oneDNN makes
#: a kernel for every number of rows it meets and keeps the last 1,024: with a new number each time, four products of
#: a MiniLM layer took 43 ms instead of 14 (one thread, 4,096 tokens), and 400 numbers took 1.1 GB.
_FULL, _FILLER = 64, 16


class PackedRunner:
    """A `Runner` through the base model of an architecture; rows without a token get a vector of zeros."""

    def __init__(self, base: Any, architecture: Architecture, finish: Finish) -> None:
        self._base, self._architecture, self._finish = base, architecture, finish

    def plan(self, lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
        """See `Runner`; tokens are counted without padding."""
        return packed_batches(lengths, budget)

    def places(self, lengths: NDArray[np.int64]) -> int:
        """See `Runner`; padded as a whole, and on a CPU alone."""
        tokens = int(lengths.sum())
        return tokens + self._missing(tokens)

    @torch.inference_mode()
    def run(self, rows: Rows) -> torch.Tensor:
        """See `Runner`."""
        some = [row if len(row) else _NOTHING for row in rows]
        missing = self._missing(sum(map(len, some)))
        filler = np.array_split(np.zeros(missing, np.int32), range(_FILLER, missing, _FILLER)) if missing else []
        vectors = self._forward(join([*some, *filler]))[: len(rows)]
        if empty := [number for number, row in enumerate(rows) if not len(row)]:
            vectors[empty] = 0
        return vectors

    def _missing(self, tokens: int) -> int:
        return -tokens % _FULL if self._base.device.type == "cpu" else 0

    def _forward(self, rows: Ragged) -> torch.Tensor:
        starts = np.append(rows.starts, len(rows.values))
        positions = self._architecture.positions(self._base, rows)
        # One copy to the device for all that a batch needs.
        flat = to_device(np.concatenate([rows.values, positions, starts]).astype(np.int32), self._base.device)
        ids, places, begins = torch.split(flat, [len(rows.values), len(positions), len(starts)])
        inputs = {"input_ids": ids.long()[None], "position_ids": places.long()[None]}
        if self._architecture.has_types:
            inputs["token_type_ids"] = torch.zeros_like(inputs["input_ids"])
        packing = Packing(tuple(rows.lengths.tolist()), begins)
        hidden = self._base(**inputs, packing=packing).last_hidden_state[0]
        return self._finish(hidden, packing)
