"""Fused linear layers give what those they stand in for give, and stand in for no others."""

import pytest
import torch
from transformers.activations import ACT2FN

from operators.encode import linear
from operators.encode.linear import FusedGelu, FusedLinear, fuse_linear

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
        fuse_linear(model)
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
def test_fuse_linear_leaves_others_alone(other: torch.nn.Linear) -> None:
    before = type(other)
    fuse_linear(torch.nn.Sequential(other))
    assert type(other) is before


@pytest.mark.parametrize(("name", "without"), [("_PRODUCT", None), ("fast_bfloat16", lambda: ())])
def test_fuse_linear_where_something_is_missing_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, without: object
) -> None:
    monkeypatch.setattr(linear, name, without)
    model = torch.nn.Sequential(layer())
    fuse_linear(model)
    assert type(model[0]) is torch.nn.Linear


class _Intermediate(torch.nn.Module):
    """As BERT has it."""

    def __init__(self, activation: torch.nn.Module) -> None:
        super().__init__()
        self.dense, self.intermediate_act_fn = layer(384, 1536), activation

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.intermediate_act_fn(self.dense(states))
        return found


@needs_product
@pytest.mark.parametrize("rows", [1, 17, 500])
@pytest.mark.parametrize("activation", [ACT2FN["gelu"], torch.nn.GELU()], ids=["transformers", "torch"])
def test_fused_gelu_is_nearer_to_float64_than_the_plain_one(rows: int, activation: torch.nn.Module) -> None:
    model = _Intermediate(activation)
    states = torch.randn(1, rows, 384, dtype=torch.bfloat16) * 3
    exact = torch.nn.functional.gelu(
        torch.nn.functional.linear(states.double(), *map(_double, model.dense.parameters()))
    )
    with torch.inference_mode():
        plain = model(states)
        fuse_linear(model)
        assert type(model.dense) is FusedGelu
        fused = model(states)
    assert not torch.equal(fused, plain)
    assert (fused.double() - exact).norm() < (plain.double() - exact).norm()
    torch.testing.assert_close(fused.double(), exact, atol=0.01, rtol=0.01)


def _double(values: torch.nn.Parameter) -> torch.Tensor:
    return values.detach().double()


@needs_product
def test_fused_gelu_is_the_exact_one_and_not_its_approximation() -> None:
    model = _Intermediate(ACT2FN["gelu"])
    values = torch.linspace(-3, -2, 1536).bfloat16()
    with torch.inference_mode():
        model.dense.weight.zero_()
        model.dense.bias.copy_(values)
        fuse_linear(model)
        found = model(torch.zeros(1, 384, dtype=torch.bfloat16))[0].double()
    exact, other = (torch.nn.functional.gelu(values.double(), approximate=how) for how in ("none", "tanh"))
    assert (found - exact).norm() < (other - exact).norm() / 2


@needs_product
def test_fused_gelu_keeps_what_is_no_number_and_what_is_too_large() -> None:
    model = _Intermediate(ACT2FN["gelu"])
    states = torch.zeros(3, 384, dtype=torch.bfloat16)
    states[0, 0], states[1, 0] = torch.nan, torch.inf
    with torch.inference_mode():
        plain = model(states)
        fuse_linear(model)
        assert torch.equal(model(states).isfinite(), plain.isfinite())


@needs_product
@pytest.mark.parametrize("name", ["gelu_new", "gelu_python", "relu", "silu"])
def test_fuse_linear_leaves_other_activations_where_they_are(name: str) -> None:
    model = _Intermediate(ACT2FN[name])
    states = torch.randn(5, 384, dtype=torch.bfloat16)
    with torch.inference_mode():
        plain = model(states)
        fuse_linear(model)
        assert type(model.dense) is FusedLinear
        assert torch.equal(model(states), plain)
