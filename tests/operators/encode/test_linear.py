"""Linear layers with a fused bias give the bits of those they stand in for, and stand in for no others."""

import pytest
import torch

from operators.encode import linear
from operators.encode.linear import FusedLinear, fuse_bias

needs_product = pytest.mark.skipif(not linear._is_at_hand(), reason="this CPU or torch has no fused bfloat16 product")


def layer(inputs: int = 48, outputs: int = 70, **more: object) -> torch.nn.Linear:
    torch.manual_seed(0)
    return torch.nn.Linear(inputs, outputs, **{"dtype": torch.bfloat16, **more})  # type: ignore[arg-type]


@needs_product
@pytest.mark.parametrize("rows", [1, 2, 17, 63, 500])
@pytest.mark.parametrize(("inputs", "outputs"), [(48, 70), (384, 1536), (1536, 384)])
def test_fused_linear_gives_the_bits_of_the_plain_one(rows: int, inputs: int, outputs: int) -> None:
    model = torch.nn.Sequential(layer(inputs, outputs))
    states = torch.randn(1, rows, inputs, dtype=torch.bfloat16)
    with torch.inference_mode():
        plain = model(states)
        fuse_bias(model)
        assert type(model[0]) is FusedLinear
        assert torch.equal(model(states), plain)


class _Adapted(torch.nn.Linear):
    """Does more than a `Linear`, as adapters do."""


@needs_product
@pytest.mark.parametrize(
    "other",
    [layer(bias=False), layer(dtype=torch.float32), layer(device="meta"), _Adapted(4, 4, dtype=torch.bfloat16)],
    ids=["no bias", "float32", "another device", "subclass"],
)
def test_fuse_bias_leaves_others_alone(other: torch.nn.Linear) -> None:
    before = type(other)
    fuse_bias(torch.nn.Sequential(other))
    assert type(other) is before


@pytest.mark.parametrize(("name", "without"), [("_PRODUCT", None), ("fast_bfloat16", lambda: ())])
def test_fuse_bias_where_something_is_missing_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, without: object
) -> None:
    monkeypatch.setattr(linear, name, without)
    model = torch.nn.Sequential(layer())
    fuse_bias(model)
    assert type(model[0]) is torch.nn.Linear
