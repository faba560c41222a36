"""A process that keeps freed memory writes into the same pages again, and one without glibc goes on as it was."""

import ctypes
import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest

from operators.encode.allocation import keep_freed_memory

#: Prints the page faults of eight tensors of 12 MiB, one after the other, once others have made room.
_WORK = """
import resource, torch
{first}
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def work(): torch.ones(3 << 20)
for _ in range(20): work()
before = faults()
for _ in range(8): work()
print(faults() - before)
"""


def faults(first: str) -> int:
    # A fixed threshold: the default one rises with what was freed, and then depends on all that was.
    environment = {"MALLOC_MMAP_THRESHOLD_": str(128 << 10)}
    done = subprocess.run(
        [sys.executable, "-c", _WORK.format(first=first)], env=environment, capture_output=True, text=True, check=True
    )
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
def test_keep_freed_memory_writes_into_the_same_pages_again() -> None:
    keeping = "from operators.encode.allocation import keep_freed_memory; assert keep_freed_memory()"
    assert faults(keeping) < 0.1 * faults("")


def test_keep_freed_memory_without_glibc_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    assert not keep_freed_memory()
