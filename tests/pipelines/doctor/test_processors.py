"""GPUs, CPU and FAISS judged by what a machine says; the driver's file as NVIDIA's two drivers write it."""

from dataclasses import replace
from pathlib import Path

import faiss
import pytest

from operators.core.encoder_spec import EncoderSpec
from operators.encode.machine import Gpu, Machine, nvidia_driver
from operators.index.library import Faiss, look_at_faiss
from pipelines.doctor.finding import State
from pipelines.doctor.processors import check_cpu, check_faiss, check_gpu

CPU = Machine(torch="2.13.0+cpu", cuda=None, gpus=(), driver=None, bfloat16=())
DRIVEN = replace(CPU, driver="570.86.15")
GPU = Machine("2.13.0", "12.8", (Gpu("NVIDIA H100", 80 << 30),) * 2, "570.86.15", ())
ON_GPU = EncoderSpec(kind="dense", model="all-MiniLM-L6-v2", device="cuda")
BFLOAT16 = EncoderSpec(kind="dense", model="all-MiniLM-L6-v2", precision="bfloat16")


@pytest.mark.parametrize(
    ("machine", "encoders", "joins", "state"),
    [
        (GPU, (ON_GPU,), False, State.OK),
        (CPU, (), False, State.OK),
        (CPU, (BFLOAT16,), False, State.OK),
        (CPU, (ON_GPU,), False, State.FAIL),
        (CPU, (ON_GPU,), True, State.OK),
        (DRIVEN, (), False, State.WARNING),
        (DRIVEN, (ON_GPU,), False, State.FAIL),
        (replace(GPU, gpus=()), (), False, State.WARNING),
    ],
    ids=["gpu", "cpu", "cpu auto", "cpu cuda", "cluster", "torch for cpu", "torch for cpu, cuda", "not seen"],
)
def test_check_gpu(machine: Machine, encoders: tuple[EncoderSpec, ...], *, joins: bool, state: State) -> None:
    found = check_gpu(machine, encoders, joins=joins)
    assert found.state is state
    assert bool(found.remedy) is (state is not State.OK)


def test_check_gpu_says_why_an_idle_gpu_is_not_used() -> None:
    assert "built without CUDA" in check_gpu(DRIVEN).found
    assert "sees no GPU" in check_gpu(replace(GPU, gpus=())).found
    assert "NVIDIA H100 (80 GiB), NVIDIA H100 (80 GiB)" in check_gpu(GPU).found


@pytest.mark.parametrize(
    ("machine", "encoders", "state"),
    [
        (CPU, (), State.OK),
        (CPU, (BFLOAT16,), State.WARNING),
        (CPU, (ON_GPU,), State.OK),
        (GPU, (BFLOAT16,), State.OK),
        (replace(CPU, bfloat16=("amx_bf16",)), (BFLOAT16,), State.OK),
    ],
)
def test_check_cpu_warns_where_bfloat16_would_be_emulated(
    machine: Machine, encoders: tuple[EncoderSpec, ...], state: State
) -> None:
    assert check_cpu(machine, encoders).state is state


@pytest.mark.parametrize(
    ("library", "gpus", "state"),
    [
        (Faiss("faiss-cpu", "1.15.1", 0), 0, State.OK),
        (Faiss("faiss-gpu", "1.16.0", 2), 2, State.OK),
        (Faiss("faiss-cpu", "1.15.1", 0), 2, State.WARNING),
        (Faiss("faiss-cpu", "1.9.0", 0), 0, State.FAIL),
    ],
)
def test_check_faiss_by_flavour_and_version(library: Faiss, gpus: int, state: State) -> None:
    found = check_faiss(library, gpus)
    assert found.state is state
    assert library.package in found.found


def test_look_at_faiss_names_the_package_it_came_from() -> None:
    found = look_at_faiss()
    assert found.version == faiss.__version__
    assert found.package in {"faiss-cpu", "faiss-gpu"}


@pytest.mark.parametrize(
    ("told", "version"),
    [
        (
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.14  Thu Feb 22\nGCC version:  gcc version 12.3.0",
            "550.54.14",
        ),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86  Release Build\n", "570.86"),
        ("something else", "of unknown version"),
    ],
)
def test_nvidia_driver_is_read_from_the_kernel(tmp_path: Path, told: str, version: str) -> None:
    file = tmp_path / "version"
    assert nvidia_driver(file) is None
    file.write_text(told)
    assert nvidia_driver(file) == version
