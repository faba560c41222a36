"""The student: an `Expansion` whose table comes from the teacher's vectors, and what it is taught."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from operators.encode.expansion import Expansion

#: Components kept of the teacher's 384: as int8 the table is 5.9 MB.
_WIDTH = 192
#: Word pieces that never expand a document lie below every document's threshold.
_NEVER = -100.0
#: Cosines lie within some tenths of each other.
_TEACHER_SHARPNESS = 20.0
_DRIFT = 0.01
#: Logarithms; the gain starts where held-out pairs are found best before training.
_SCALARS = {"gain": 2.5, "frequency": 0.0, "saturation": 0.0, "sharpness": 0.0}


@dataclass(frozen=True)
class Batch:
    """Pairs: query weights of `terms`, how often documents hold them, documents' lengths, and the teacher's vectors."""

    terms: Tensor
    queries: Tensor
    counts: Tensor
    lengths: Tensor
    query_vectors: Tensor
    document_vectors: Tensor


class Student(torch.nn.Module):
    """Starts from the teacher's vectors of single word pieces, so that words no training text has expand too."""

    table: Tensor
    never: Tensor
    start: Tensor

    def __init__(self, pieces: NDArray[np.float32], wanted: NDArray[np.bool_], count: int, usual_length: float) -> None:
        super().__init__()
        centred = torch.from_numpy(pieces - pieces[wanted].mean(axis=0))
        directions = torch.linalg.svd(centred[torch.from_numpy(wanted)], full_matrices=False).Vh[:_WIDTH]
        self.register_buffer("table", centred @ directions.T)
        self.register_buffer("never", torch.from_numpy(np.where(wanted, 0.0, _NEVER).astype(np.float32)))
        self.register_buffer("start", directions.clone())
        self.projection = torch.nn.Parameter(directions.clone())
        self.bias = torch.nn.Parameter(torch.zeros(len(pieces)))
        self.scalars = torch.nn.ParameterDict({name: torch.tensor(start) for name, start in _SCALARS.items()})
        self._count, self._usual_length = count, usual_length

    def expansion(self) -> Expansion:
        """The student as the encoder runs it."""
        return Expansion(
            projection=self.projection,
            table=self.table,
            bias=self.bias + self.never,
            gain=self.scalars["gain"].exp(),
            frequency=self.scalars["frequency"].exp(),
            saturation=self.scalars["saturation"].exp(),
            count=self._count,
            usual_length=self._usual_length,
        )

    def loss(self, batch: Batch) -> Tensor:
        """Name the document of each query, rank the others as the teacher does, and stay near where words start."""
        expansion = self.expansion()
        own = torch.where(batch.counts > 0, expansion.own(batch.counts, batch.lengths[:, None]), 0.0)
        weights = own + expansion.expanded(batch.document_vectors)[:, batch.terms]
        found = functional.log_softmax(0.05 * self.scalars["sharpness"].exp() * batch.queries @ weights.T, dim=1)
        wanted = (_TEACHER_SHARPNESS * batch.query_vectors @ batch.document_vectors.T).log_softmax(dim=1)
        drift = (self.projection - self.start).square().sum() + self.bias.square().sum()
        distilled = functional.kl_div(found, wanted, log_target=True, reduction="batchmean")
        return distilled - found.diagonal().mean() + _DRIFT * drift
