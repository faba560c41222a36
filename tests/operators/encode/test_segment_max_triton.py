"""The fused SPLADE head: its arithmetic in Triton's interpreter, its compilation without a GPU, and itself on one.

The interpreter of Triton 3.7 multiplies the bits of bfloat16 as integers, so it runs in float16 and float32 here.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from operators.encode.segment_max_chunked import max_in_chunks

pytest.importorskip("triton")

from operators.encode.segment_max_triton import TILINGS, Tiling, fused_segment_max, group_table

SMALL = Tiling(rows=32, columns=32, depth=16, group=16, warps=4, stages=2)
#: Name: lengths, vocabulary, width, tiling. Tiles have 32 rows and 32 columns.
SHAPES: dict[str, tuple[list[int], int, int, Tiling]] = {
    "documents longer than a tile": ([70, 33, 100], 32, 16, SMALL),
    "documents that end with their tile": ([32, 64, 32], 32, 16, SMALL),
    "several documents in a tile": ([9, 3, 5, 2, 17, 4], 40, 16, SMALL),
    "one-token documents": ([1] * 21, 33, 16, SMALL),
    "empty documents": ([0, 5, 0, 0, 40, 0], 32, 16, SMALL),
    "vocabulary below a tile": ([5, 40], 7, 16, SMALL),
    "vocabulary not a multiple of a tile": ([5, 40], 75, 16, SMALL),
    "width not a multiple of the depth": ([5, 40], 33, 41, SMALL),
    "one token": ([1], 1, 1, SMALL),
    "no tokens": ([0, 0], 40, 16, SMALL),
    "no documents": ([], 40, 16, SMALL),
    "groups of 8": ([11, 1, 0, 30, 8], 40, 32, Tiling(32, 16, 32, 8, 4, 2)),
    "one group a tile": ([40, 3], 40, 32, Tiling(32, 32, 32, 32, 4, 2)),
    "more row tiles than pass together": ([600], 70, 16, SMALL),
    "a device's own tiling": ([130, 20, 1], 300, 128, TILINGS[9]),
}
CASES = [(name, dtype, biased) for name in SHAPES for dtype in ("float32", "float16") for biased in (True, False)]

#: Runs in a process of its own: Triton decides when it is imported whether it interprets.
WORKER = """
import sys
import numpy as np, torch
from operators.encode.segment_max_triton import Tiling, fused_segment_max
given, found = np.load(sys.argv[1]), {}
for name in sorted({key.rsplit(".", 1)[0] for key in given}):
    hidden, weight, bias = (torch.from_numpy(given[f"{name}.{part}"]) for part in ("hidden", "weight", "bias"))
    lengths, tiling = given[f"{name}.lengths"].tolist(), Tiling(*given[f"{name}.tiling"].tolist())
    found[name] = fused_segment_max(hidden, lengths, weight, bias if len(bias) else None, tiling).numpy()
np.savez(sys.argv[2], **found)
"""


def inputs(lengths: list[int], vocabulary: int, width: int, dtype: str, biased: Any) -> dict[str, np.ndarray]:
    """Arrays of a case; the bias makes about half of the maxima negative."""
    drawn = np.random.default_rng(sum(lengths) + vocabulary)
    return {
        "hidden": drawn.normal(size=(sum(lengths), width)).astype(dtype),
        "weight": drawn.normal(size=(vocabulary, width)).astype(dtype),
        "bias": (drawn.normal(size=vocabulary * biased) * 8 - 9).astype(dtype),
        "lengths": np.array(lengths, np.int64),
    }


def largest(case: dict[str, np.ndarray]) -> np.ndarray:
    """float64, one document at a time."""
    weight, bias, hidden = (case[name].astype(np.float64) for name in ("weight", "bias", "hidden"))
    found = np.zeros((len(case["lengths"]), len(weight)))
    ends = np.cumsum(case["lengths"])
    for number, (end, length) in enumerate(zip(ends, case["lengths"], strict=True)):
        if length:
            scores = hidden[end - length : end] @ weight.T + (bias if len(bias) else 0)
            found[number] = np.maximum(scores.max(axis=0), 0)
    return found


def key(name: str, dtype: str, biased: Any) -> str:
    return f"{name}, {dtype}, {'bias' if biased else 'no bias'}"


def broken() -> Iterator[tuple[str, dict[str, np.ndarray]]]:
    """Cases with a NaN of either sign, in a token of document 1 and in entry 20 of the decoder."""
    for sign in (1.0, -1.0):
        token, entry = (inputs([5, 40, 3], 40, 16, "float32", biased=True) for _ in range(2))
        token["hidden"][17, 3] = entry["weight"][20, 3] = np.copysign(np.nan, sign)
        yield f"token {sign}", token | {"tiling": np.array(SMALL)}
        yield f"entry {sign}", entry | {"tiling": np.array(SMALL)}


@pytest.fixture(scope="module")
def cases() -> dict[str, dict[str, np.ndarray]]:
    found = dict(broken())
    for name, dtype, biased in CASES:
        lengths, vocabulary, width, tiling = SHAPES[name]
        case = inputs(lengths, vocabulary, width, dtype, biased)
        found[key(name, dtype, biased)] = case | {"tiling": np.array(tiling)}
    return found


@pytest.fixture(scope="module")
def interpreted(cases: dict[str, dict[str, np.ndarray]], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the kernel finds for each case, in the interpreter."""
    folder = tmp_path_factory.mktemp("interpreted")
    np.savez(
        folder / "in.npz", **{f"{name}.{part}": each for name, case in cases.items() for part, each in case.items()}
    )
    how = {"env": os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"}, "cwd": Path(__file__).parents[3]}
    command = [sys.executable, "-c", WORKER, str(folder / "in.npz"), str(folder / "out.npz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, **how)
    assert done.returncode == 0, done.stderr
    return np.load(folder / "out.npz")


@pytest.mark.parametrize("biased", [True, False], ids=["bias", "no bias"])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("name", SHAPES)
def test_kernel_interpreted_finds_the_largest_scores(
    cases: Any, interpreted: Any, name: str, dtype: str, biased: Any
) -> None:
    found, expected = interpreted[key(name, dtype, biased)], largest(cases[key(name, dtype, biased)])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * expected.max(initial=1))


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_kernel_interpreted_with_nan_reports_nan_where_it_arose(interpreted: Any, sign: float) -> None:
    token, entry = np.zeros((3, 40), bool), np.zeros((3, 40), bool)
    token[1], entry[:, 20] = True, True
    assert np.array_equal(np.isnan(interpreted[f"token {sign}"]), token)
    assert np.array_equal(np.isnan(interpreted[f"entry {sign}"]), entry)


@given(lengths=st.lists(st.integers(0, 300), max_size=30), group=st.sampled_from([8, 16, 32]))
def test_group_table_of_any_lengths_covers_each_token_once_in_whole_tiles(lengths: list[int], group: int) -> None:
    tiling = SMALL._replace(rows=128, group=group)
    first, last, document = group_table(lengths, tiling)
    assert len(first) % (tiling.rows // group) == 0
    assert ((last >= first) & (last - first < group)).all()
    whole = np.unique(np.stack([first, last, document]), axis=1)  # the last group may fill up its tile
    tokens = [token for low, high, _ in whole.T for token in range(low, high + 1)]
    owners = [owner for low, high, owner in whole.T for _ in range(low, high + 1)]
    assert tokens == list(range(sum(lengths)))
    assert owners == [number for number, length in enumerate(lengths) for _ in range(length)]


@pytest.mark.parametrize("capability", [80, 90])
@pytest.mark.parametrize("dtype", ["bf16", "fp16"])
def test_kernel_compiles_for_a_gpu_that_is_not_here(
    capability: int, dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interpreter runs Python and accepts what the compiler does not; ptxas comes with Triton."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    from operators.encode import segment_max_triton as module

    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    tiling = TILINGS[capability // 10]
    constants = {"WIDTH": 768, "HAS_BIAS": True, "TOGETHER": 16}
    constants |= {name.upper(): getattr(tiling, name) for name in ("rows", "columns", "depth", "group")}
    names = [parameter.name for parameter in module._kernel.params]
    pointers = {"hidden": f"*{dtype}", "weight": f"*{dtype}", "bias": f"*{dtype}", "table": "*i32", "best": "*i32"}
    types = {name: pointers.get(name, "constexpr" if name in constants else "i32") for name in names}
    aligned = {(names.index(name),): [["tt.divisibility", 16]] for name in pointers}
    source = ASTSource(module._kernel, types, {(names.index(name),): each for name, each in constants.items()}, aligned)
    options = {"num_warps": tiling.warps, "num_stages": tiling.stages}
    compiled = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    assert len(compiled.asm["cubin"])
    assert ("wgmma.mma_async" if capability == 90 else "mma.sync") in compiled.asm["ptx"], "no tensor cores"
    assert compiled.metadata.shared <= (227 if capability == 90 else 99) << 10, "does not fit every GPU of its kind"


GPU_SHAPES = [
    pytest.param([512] * 64, 30522, 768, id="bert, 32k tokens"),
    pytest.param([8192, 1, 0, 3000, 20, 1], 50000, 768, id="modernbert, long"),
    pytest.param(list(range(1, 250)), 30522, 384, id="mixed lengths"),
    pytest.param([1] * 300, 1001, 768, id="one-token documents"),
]


def on_gpu(lengths: list[int], vocabulary: int, width: int, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
    """hidden, starts, weight and bias on the device."""
    generator = torch.Generator("cuda").manual_seed(len(lengths))
    make = {"generator": generator, "device": "cuda"}
    hidden = torch.randn(sum(lengths), width, **make).to(dtype)
    weight = (torch.randn(vocabulary, width, **make) / width**0.5).to(dtype)
    starts = torch.tensor([0, *np.cumsum(lengths)], dtype=torch.int32, device="cuda")
    return hidden, starts, weight, (torch.randn(vocabulary, **make) - 3).to(dtype)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize(("lengths", "vocabulary", "width"), GPU_SHAPES)
def test_kernel_and_two_stages_on_gpu_find_the_largest_scores(
    lengths: list[int], vocabulary: int, width: int, dtype: torch.dtype
) -> None:
    hidden, starts, weight, bias = on_gpu(lengths, vocabulary, width, dtype)
    found = fused_segment_max(hidden, lengths, weight, bias)
    staged = max_in_chunks(hidden, starts, lengths, weight, bias)
    for number in sorted({0, len(lengths) // 2, len(lengths) - 1}):
        rows = hidden[starts[number] : starts[number + 1]].double()
        scores = rows @ weight.double().T + bias.double()
        expected = scores.amax(0).clamp_min(0).float() if len(rows) else torch.zeros(vocabulary, device="cuda")
        torch.testing.assert_close(found[number], expected, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(staged[number], expected, rtol=2**-8, atol=2**-8)
    torch.testing.assert_close(found, staged, rtol=2**-7, atol=2**-7)


@pytest.mark.gpu
def test_kernel_on_gpu_is_deterministic_and_independent_of_packing() -> None:
    lengths = list(range(1, 250))
    hidden, _, weight, bias = on_gpu(lengths, 30522, 768, torch.bfloat16)
    found = fused_segment_max(hidden, lengths, weight, bias)
    for _ in range(10):
        assert torch.equal(fused_segment_max(hidden, lengths, weight, bias), found)
    for number in (0, 100, 248):
        single = torch.split(hidden, lengths)[number]
        assert torch.equal(fused_segment_max(single, [len(single)], weight, bias)[0], found[number])


@pytest.mark.gpu
def test_kernel_on_gpu_with_nan_reports_nan_where_it_arose() -> None:
    hidden, _, weight, bias = on_gpu([300, 300], 1000, 768, torch.bfloat16)
    hidden[310, 5] = torch.nan
    isnan = fused_segment_max(hidden, [300, 300], weight, bias).isnan()
    assert isnan[1].all()
    assert not isnan[0].any()


@pytest.mark.gpu
def test_kernel_on_gpu_takes_a_twentieth_of_the_memory_of_all_scores() -> None:
    lengths = [512] * 64
    hidden, _, weight, bias = on_gpu(lengths, 30522, 768, torch.bfloat16)
    fused_segment_max(hidden, lengths, weight, bias)
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    fused_segment_max(hidden, lengths, weight, bias)
    assert torch.cuda.max_memory_allocated() - before < sum(lengths) * 30522 * 2 / 20


@pytest.mark.gpu
def test_head_on_gpu_does_not_wait_for_the_device_after_its_first_batch() -> None:
    from operators.encode.segment_max import segment_max

    lengths = [512] * 8
    hidden, starts, weight, bias = on_gpu(lengths, 30522, 768, torch.bfloat16)
    segment_max(hidden, starts, lengths, weight, bias)
    torch.cuda.set_sync_debug_mode("error")
    try:
        segment_max(hidden, starts, lengths, weight, bias)
        max_in_chunks(hidden, starts, lengths, weight, bias)
    finally:
        torch.cuda.set_sync_debug_mode("default")
