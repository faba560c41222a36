"""Recipes, locks, manifests, indexes and parts that somebody damaged on purpose: refused by our errors, and no others.

Another exception ends the process, and so does memory beyond the bound; what hangs meets the time limit.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(240)


def test_hostile_bytes_are_refused_by_our_errors_alone_within_memory_and_time() -> None:
    # One pool of plain malloc and one thread: what is reserved by the dozen, as a stack for each core, is no use.
    few = {
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "OMP_NUM_THREADS": "1",
        "MALLOC_ARENA_MAX": "1",
        "ARROW_IO_THREADS": "1",
    }
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz"], cwd=root, env={**os.environ, **few}, capture_output=True, text=True,
        timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-8000:]
    seen = json.loads(done.stdout)
    assert set(seen) >= {"recipe", "lock", "manifest", "sparse docs.npy", "part of documents", "part of sparse"}
    for name, counts in seen.items():
        assert counts.get("refused", 0) >= 50, f"{name}: bytes that are no longer hostile test nothing: {counts}"
