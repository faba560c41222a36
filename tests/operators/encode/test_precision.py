import pytest

from operators.core.encoder_spec import EncoderSpec
from operators.core.errors import UsageError
from operators.encode import precision
from operators.encode.precision import resolve_precision


def resolve(monkeypatch, *, flags="", gpu=False, wins=True, tmp_path=None, **changes):
    (tmp_path / "cpuinfo").write_text(f"model name : x\nflags : fpu avx512f {flags}\n")
    monkeypatch.setattr(precision, "_CPU_FLAGS", tmp_path / "cpuinfo")
    monkeypatch.setattr(precision, "_has_gpu", lambda: gpu)
    monkeypatch.setattr(precision, "_wins_a_trial", lambda: wins)
    return resolve_precision(EncoderSpec(**{"kind": "dense", "model": "all-MiniLM-L6-v2", **changes})).precision


@pytest.mark.parametrize(
    ("machine", "changes", "expected"),
    [
        ({}, {}, "float32"),
        ({"gpu": True, "flags": "amx_bf16"}, {}, "float32"),
        ({}, {"precision": "auto"}, "float32"),
        ({"flags": "avx512_bf16"}, {"precision": "auto"}, "bfloat16"),
        ({"flags": "amx_bf16"}, {"precision": "auto", "device": "cpu"}, "bfloat16"),
        ({"flags": "amx_bf16", "wins": False}, {"precision": "auto"}, "float32"),
        ({"gpu": True}, {"precision": "auto"}, "bfloat16"),
        ({"gpu": True}, {"precision": "auto", "device": "cpu"}, "float32"),
        ({}, {"precision": "auto", "device": "cuda:1"}, "bfloat16"),
        ({}, {"precision": "float16", "device": "cuda"}, "float16"),
        ({"gpu": True}, {"precision": "float16"}, "float16"),
        ({}, {"precision": "bfloat16", "device": "cpu"}, "bfloat16"),
        ({"gpu": True}, {"precision": "auto", "model": "hashing"}, "float32"),
    ],
)
def test_precision_is_what_the_machine_is_fast_at(monkeypatch, tmp_path, machine, changes, expected):
    assert resolve(monkeypatch, tmp_path=tmp_path, **machine, **changes) == expected


@pytest.mark.parametrize(("gpu", "device"), [(False, "auto"), (True, "cpu")])
def test_precision_float16_on_a_cpu_is_refused(monkeypatch, tmp_path, gpu, device):
    with pytest.raises(UsageError, match="float16 needs a GPU"):
        resolve(monkeypatch, tmp_path=tmp_path, gpu=gpu, device=device, precision="float16")
