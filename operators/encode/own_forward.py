"""A model's own forward on padded batches of our token ids: what runs every model that is not run packed."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from operators.core.encoder_spec import Role
from operators.encode.batches import padded_batches
from operators.encode.coverage import route
from operators.encode.features import flat, padded, prompt_length
from operators.encode.runner import Rows


class OwnForward:
    """A `Runner` through the modules as sentence-transformers loaded them."""

    def __init__(self, model: Any, role: Role, prompt: str, max_active_dims: int | None) -> None:
        self._model, self._role = model, role
        self._is_static = type(route(model, role)[0]).__name__ == "StaticEmbedding"
        self._pad = getattr(model.tokenizer, "pad_token_id", None) or 0
        self._features = _prompt_features(model, prompt, role)
        # Autoencoders choose their largest inside; for everything else the choice is made, ties included, behind us.
        self._options = {} if max_active_dims is None else {"max_active_dims": max_active_dims}

    def plan(self, lengths: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
        """See `Runner`; padded tokens count."""
        return padded_batches(lengths, budget)

    def places(self, lengths: NDArray[np.int64]) -> int:
        """See `Runner`; static embeddings are looked up without padding."""
        return int(lengths.sum()) if self._is_static else len(lengths) * int(lengths.max(initial=0))

    @torch.inference_mode()
    def run(self, rows: Rows) -> torch.Tensor:
        """See `Runner`."""
        features = flat(rows) if self._is_static else padded(rows, self._pad)
        on_device = {
            key: value.to(self._model.device) if isinstance(value, torch.Tensor) else value
            for key, value in {**features, **self._features}.items()
        }
        vectors: torch.Tensor = self._model(on_device, task=self._role.value, **self._options)["sentence_embedding"]
        return vectors.float()


def _prompt_features(model: Any, prompt: str, role: Role) -> dict[str, Any]:
    """The prompt's length, for models that leave prompts out when they pool."""
    pools_prompt = all(getattr(module, "include_prompt", True) for module in model.modules())
    return {} if pools_prompt or not prompt else {"prompt_length": prompt_length(model, prompt, role)}
