"""OpenVINO graphs in a loaded model, in place of its transformers; pooling and what follows stay as they are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from sentence_transformers.base.modules import Transformer
from sentence_transformers.sparse_encoder.modules import SpladePooling

from operators.core.errors import UsageError
from operators.encode.openvino_attention import attend
from operators.encode.openvino_export import export_hidden, export_splade

_HIDDEN, _SCORES = "last_hidden_state", "logits"


@dataclass(frozen=True)
class Place:
    """A transformer in a model and, for SPLADE, the pooling behind it, which goes into the graph."""

    modules: torch.nn.Sequential
    index: int

    @property
    def reader(self) -> Any:
        """The module of sentence-transformers that holds the transformer."""
        return self.modules[self.index]

    @property
    def pooling(self) -> Any:
        """The SpladePooling behind the transformer, or None."""
        following = list(self.modules)[self.index + 1 : self.index + 2]
        return next((module for module in following if isinstance(module, SpladePooling)), None)

    def export(self) -> Any:
        """The graph that can stand here."""
        attend(self.reader.model)
        if self.pooling is None:
            return export_hidden(self.reader.model)
        return export_splade(self.reader.model, self.pooling.pooling_strategy, _activation(self.pooling))

    def graft(self, compiled: Any) -> None:
        """Put the compiled graph here; the transformer's weights are let go."""
        output = _HIDDEN if self.pooling is None else _SCORES
        if self.pooling is not None:
            self.modules[self.index + 1] = _Pooled(self.pooling)
        self.reader.model = _Graph(compiled, self.reader.model.config, output)


def places(model: Any) -> list[Place]:
    """Every transformer of a model; raises `UsageError` for one that no graph can stand in for, or for none."""
    sequences = [module for module in model.modules() if isinstance(module, torch.nn.Sequential)]
    found = [
        Place(sequence, index)
        for sequence in sequences
        for index, module in enumerate(sequence)
        if isinstance(module, Transformer)
    ]
    if not found or not all(_is_covered(place) for place in found):
        raise UsageError(
            "engine openvino is for models of a text transformer with pooling of sentence-transformers or a SPLADE "
            "head, which this one is not: set engine: auto"
        )
    return found


def _is_covered(place: Place) -> bool:
    text, config = place.reader.modality_config["text"], place.reader.model.config
    output = _HIDDEN if place.pooling is None else _SCORES
    is_plain = place.reader.module_output_name == "token_embeddings" and text["method"] == "forward"
    return is_plain and text["method_output_name"] == output and not getattr(config, "output_hidden_states", False)


class _Graph(torch.nn.Module):
    """Stands in for a model of transformers."""

    def __init__(self, compiled: Any, config: Any, output: str) -> None:
        super().__init__()
        self.config, self._output = config, output
        self._request = compiled.create_infer_request()

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> dict[str, torch.Tensor]:
        found = self._request.infer([input_ids.numpy(), attention_mask.numpy()])[0]
        return {self._output: torch.from_numpy(found)}


class _Pooled(torch.nn.Module):
    """What is left of SpladePooling behind a graph that pools: the activation, on the largest scores alone."""

    def __init__(self, pooling: Any) -> None:
        super().__init__()
        # Never decreasing, so that the largest score has the largest activation; sums were taken of activations.
        self._activate = _activation(pooling) if pooling.pooling_strategy == "max" else torch.nn.Identity()

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        has_tokens = features["attention_mask"].amax(dim=1, keepdim=True)
        features["sentence_embedding"] = self._activate(features["token_embeddings"]) * has_tokens
        return features


def _activation(pooling: Any) -> Callable[[torch.Tensor], torch.Tensor]:
    if pooling.activation_function == "log1p_relu":
        return lambda scores: scores.relu().log1p().log1p()
    return lambda scores: scores.relu().log1p()
