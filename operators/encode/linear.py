"""Linear layers of a model in bfloat16 on a CPU, whose bias is added where the product is written: the same bits.

torch copies the bias into every row of the result first and multiplies on top of it, a sixth of the layer's time.
"""

from typing import Any

import torch

from operators.encode.precision import fast_bfloat16

#: oneDNN's product with a bias, which torch's own compiler puts in the place of linear layers; None where it is gone.
_PRODUCT: Any = getattr(torch.ops.mkldnn, "_linear_pointwise", None)


class FusedLinear(torch.nn.Linear):
    """A `Linear` with a bias, in bfloat16 on a CPU; inference only."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """[..., in] to [..., out]."""
        product: torch.Tensor = _PRODUCT(states, self.weight, self.bias, "none", [], "")
        return product


def fuse_bias(model: torch.nn.Module) -> None:
    """Make every plain `Linear` of the model that can be one a `FusedLinear`; it keeps its weights."""
    if not _is_at_hand():
        return
    for layer in model.modules():
        if type(layer) is torch.nn.Linear and layer.bias is not None and _is_for_it(layer.weight):
            layer.__class__ = FusedLinear


def _is_at_hand() -> bool:
    """Whether this torch has the product, and this CPU multiplies bfloat16 itself: emulated, it rounds otherwise."""
    return _PRODUCT is not None and bool(fast_bfloat16())


def _is_for_it(weight: torch.Tensor) -> bool:
    return weight.device.type == "cpu" and weight.dtype is torch.bfloat16
