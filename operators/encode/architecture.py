"""Which transformers run packed: how each counts positions, and where its parts lie. Everything else runs as it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from operators.encode.ragged import Ragged


@dataclass(frozen=True)
class Head:
    """What follows a masked language model's last hidden states: `transform`, then scores by `weight` and `bias`."""

    transform: Callable[[torch.Tensor], torch.Tensor]
    weight: torch.Tensor
    bias: torch.Tensor | None


def _from_zero(_: Any, rows: Ragged) -> NDArray[np.int64]:
    return np.arange(len(rows.values)) - np.repeat(rows.starts, rows.lengths)


def _after_padding(base: Any, rows: Ragged) -> NDArray[np.int64]:
    """RoBERTa counts from the padding id + 1 and passes over padding ids, which a text can spell out."""
    padding = int(base.embeddings.padding_idx)
    real = rows.values != padding
    counted = np.concatenate([[0], np.cumsum(real)])
    places = counted[1:] - np.repeat(counted[rows.starts], rows.lengths) + padding
    return np.where(real, places, padding)


def _bert_head(model: Any) -> Head:
    head = model.cls.predictions
    return Head(head.transform, head.decoder.weight, head.decoder.bias)


def _roberta_head(model: Any) -> Head:
    head = model.lm_head

    def transform(hidden: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = head.layer_norm(torch.nn.functional.gelu(head.dense(hidden)))
        return found

    return Head(transform, head.decoder.weight, head.decoder.bias)


def _distilbert_head(model: Any) -> Head:
    def transform(hidden: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = model.vocab_layer_norm(model.activation(model.vocab_transform(hidden)))
        return found

    return Head(transform, model.vocab_projector.weight, model.vocab_projector.bias)


def _modernbert_head(model: Any) -> Head:
    return Head(model.head, model.decoder.weight, model.decoder.bias)


@dataclass(frozen=True)
class Architecture:
    """A family of models: positions of packed tokens, the head of its ForMaskedLM class, whether it has token types."""

    positions: Callable[[Any, Ragged], NDArray[np.int64]]
    head: Callable[[Any], Head]
    has_types: bool


#: By the name of the base model's class in transformers.
ARCHITECTURES = {
    "BertModel": Architecture(_from_zero, _bert_head, has_types=True),
    "DistilBertModel": Architecture(_from_zero, _distilbert_head, has_types=False),
    "ModernBertModel": Architecture(_from_zero, _modernbert_head, has_types=False),
    "RobertaModel": Architecture(_after_padding, _roberta_head, has_types=True),
    "XLMRobertaModel": Architecture(_after_padding, _roberta_head, has_types=True),
    "CamembertModel": Architecture(_after_padding, _roberta_head, has_types=True),
}


def architecture(model: Any) -> Architecture | None:
    """How a transformers model runs packed, or None where it does not: another family, or a decoder."""
    found = ARCHITECTURES.get(type(model.base_model).__name__)
    expected = {type(model.base_model).__name__, type(model.base_model).__name__.replace("Model", "ForMaskedLM")}
    is_decoder = getattr(model.config, "is_decoder", False) or getattr(model.config, "add_cross_attention", False)
    return None if found is None or is_decoder or type(model).__name__ not in expected else found
