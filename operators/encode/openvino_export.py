"""A transformer as an OpenVINO graph: up to its hidden states, or for SPLADE up to one row of scores a text."""

import warnings
from collections.abc import Callable
from typing import Any

import torch

from operators.core.errors import UsageError
from operators.encode.openvino_runtime import converted

#: Word pieces scored at once: [tokens, 4096] stays in a CPU's caches. DistilBERT's 30,522 at once took 10 % longer,
#: 2,048 at once 70 %; whole, the scores of 2,048 tokens are 250 MB.
_CHUNK = 4096
#: Float32 sums in another order.
_TOLERANCE = 1e-3


def export_hidden(model: Any) -> Any:
    """Graph from int64 `input_ids` and `attention_mask` [texts, tokens] to float32 [texts, tokens, width]."""
    return _converted(_Hidden(model))


def export_splade(model: Any, strategy: str, activate: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """Graph from the same to float32 [texts, vocabulary]: the largest score, or for "sum" the sum of activations.

    Raises `UsageError` for a model that does more to its scores than one last linear layer.
    """
    pooled = _Splade(model, strategy, activate)
    ids, mask = _example()
    with torch.inference_mode():
        scores = model(input_ids=ids, attention_mask=mask).logits[:1]
        wanted = activate(scores).sum(dim=1) if strategy == "sum" else scores.amax(dim=1)
        found = pooled(ids[:1], mask[:1])
    if not torch.allclose(found, wanted, atol=_TOLERANCE, rtol=_TOLERANCE):
        raise UsageError(f"{type(model).__name__} changes its scores after the last layer: set engine: auto")
    return _converted(pooled)


class _Hidden(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden: torch.Tensor = self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return hidden


class _Splade(torch.nn.Module):
    """The decoder in slices of the vocabulary, each pooled before the next, so that scores never leave the graph."""

    def __init__(self, model: Any, strategy: str, activate: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.model, self._strategy, self._activate = model, strategy, activate
        decoder = model.get_output_embeddings()
        weights = decoder.weight.split(_CHUNK)
        biases = [None] * len(weights) if decoder.bias is None else decoder.bias.split(_CHUNK)
        self.slices = torch.nn.ModuleList(_linear(*pair) for pair in zip(weights, biases, strict=True))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        # The decoder hands on what it was given, which the model then returns in place of scores.
        hook = self.model.get_output_embeddings().register_forward_hook(lambda _, inputs, __: inputs[0])
        try:
            states = self.model(input_ids=input_ids, attention_mask=attention_mask).logits
        finally:
            hook.remove()
        real = attention_mask[:, :, None]
        if self._strategy == "sum":
            pooled = [(self._activate(scores(states)) * real).sum(dim=1) for scores in self.slices]
        else:
            # Padding repeats the first token: the largest stays as it is, at the cost of the width, not the vocabulary.
            states = torch.where(real > 0, states, states[:, :1])
            pooled = [scores(states).amax(dim=1) for scores in self.slices]
        return torch.cat(pooled, dim=1)


def _linear(weight: torch.Tensor, bias: torch.Tensor | None) -> torch.nn.Linear:
    layer = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    layer.weight = torch.nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        layer.bias = torch.nn.Parameter(bias, requires_grad=False)
    return layer


def _example() -> tuple[torch.Tensor, torch.Tensor]:
    """Two texts of which one is padded, so that the trace holds what padding needs."""
    mask = torch.ones((2, 7), dtype=torch.int64)
    mask[1, 5:] = 0
    return torch.arange(14).reshape(2, 7), mask


def _converted(module: torch.nn.Module) -> Any:
    inputs = dict(zip(("input_ids", "attention_mask"), _example(), strict=True))
    with warnings.catch_warnings(), torch.inference_mode():
        # The tracer warns of every shape that transformers checks; the tests run other shapes than the traced one.
        warnings.simplefilter("ignore")
        return converted(module.eval(), inputs)
