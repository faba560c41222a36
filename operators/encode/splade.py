"""The SPLADE head over packed documents: vocabulary scores pooled per document, without [tokens, vocabulary]."""

from dataclasses import dataclass

import torch

from operators.encode.architecture import Head
from operators.encode.packing import Packing
from operators.encode.segment_max import Activation, activate, segment_max, segment_sum_activated


@dataclass(frozen=True)
class SpladeFinish:
    """SpladePooling of sentence-transformers: `strategy` max or sum, `activation` relu or log1p_relu."""

    head: Head
    strategy: str
    activation: Activation

    def __call__(self, hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
        """Weights of every vocabulary entry, float32 [documents, vocabulary], none negative."""
        place = (packing.starts, packing.lengths, self.head.weight, self.head.bias)
        states = self.head.transform(hidden)
        if self.strategy == "sum":
            return segment_sum_activated(states, *place, self.activation)
        # Activations never decrease: the largest score has the largest weight, and one a document is enough.
        return activate(segment_max(states, *place), self.activation)
