"""Which runner a model's roles get: packed where every module on the way is known, else the model's own forward."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from sentence_transformers.base.modules import Router, Transformer
from sentence_transformers.sentence_transformer.modules import Pooling
from sentence_transformers.sparse_encoder.modules import SpladePooling

from operators.core.encoder_spec import Role
from operators.encode.architecture import Architecture, architecture
from operators.encode.attention import NAME, register
from operators.encode.linear import fuse_linear
from operators.encode.packed import Finish, PackedRunner
from operators.encode.packing import Packing
from operators.encode.pooling import MODES, pool
from operators.encode.rotary import replace_rotary
from operators.encode.segment_max import fold_bias
from operators.encode.splade import SpladeFinish

#: Modules after the pooling that turn one vector a text into another.
_AFTER = ("Dense", "LayerNorm", "Normalize")


@dataclass(frozen=True)
class PooledFinish:
    """Pooling of sentence-transformers and the modules behind it, from float32 sums on."""

    modes: tuple[str, ...]
    after: tuple[torch.nn.Module, ...]

    def __call__(self, hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
        """Float32 vectors [documents, dimensions]."""
        vectors = pool(hidden, packing, self.modes)
        for module in self.after:
            weight = next(module.parameters(), vectors)
            vectors = module({"sentence_embedding": vectors.to(weight.dtype)})["sentence_embedding"]
        return vectors.float()


def packed_runner(model: Any, role: Role) -> PackedRunner | None:
    """The packed runner of a role, or None where its route is not covered."""
    reader, *after = route(model, role)
    if not isinstance(reader, Transformer) or reader.module_output_name != "token_embeddings":
        return None
    found = architecture(reader.model)
    finish = _finish(reader, found, after) if found and after else None
    return PackedRunner(reader.model.base_model, found, finish) if found and finish else None


def route(model: Any, role: Role) -> list[Any]:
    """The loaded modules that a text of this role passes, routers resolved."""
    modules: list[Any] = []
    for module in model:
        if isinstance(module, Router):
            # The library's own choice, which has no public name; sentence-transformers is held below 7.
            modules += module.sub_modules[module._resolve_route(task=role.value, modality="text")]  # noqa: SLF001
        else:
            modules.append(module)
    return modules


def switch_to_packed(model: Any) -> None:
    """Switch a covered model's attention and linear layers; from then on it runs packed alone."""
    register()
    replace_rotary(model)
    fuse_linear(model)
    model.set_attn_implementation(NAME)


def _finish(reader: Any, found: Architecture, after: Sequence[Any]) -> Finish | None:
    """How a route ends, or None where a module on it is not known."""
    output, first = reader.modality_config["text"]["method_output_name"], after[0]
    if output == "logits" and isinstance(first, SpladePooling) and len(after) == 1:
        head = found.head(reader.model)
        weight, bias = fold_bias(head.weight, head.bias)
        head = replace(head, weight=weight, bias=bias)
        return SpladeFinish(head, first.pooling_strategy, first.activation_function)
    if output == "last_hidden_state" and isinstance(first, Pooling) and first.include_prompt:
        modes = (first.pooling_mode,) if isinstance(first.pooling_mode, str) else tuple(first.pooling_mode)
        known = set(modes) <= set(MODES) and all(type(module).__name__ in _AFTER for module in after[1:])
        return PooledFinish(modes, tuple(after[1:])) if known else None
    return None
