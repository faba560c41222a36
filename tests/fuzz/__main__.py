"""Throw hostile bytes at every reader, in a process that may only take so much memory; prints what was done."""

import json
import resource
import sys
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from operators.core.errors import MillraceError
from tests.fuzz.targets import Target, targets

#: Bytes that reading a file of some kilobytes may add to the process.
BOUND = 512 << 20


def throw(target: Target) -> Counter[str]:
    """How often bytes were taken and refused; raises what is no `MillraceError`, with the bytes that made it."""
    seen: Counter[str] = Counter()

    @settings(
        max_examples=target.examples, database=None, derandomize=True, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(target.hostile)
    def once(data: bytes) -> None:
        try:
            target.read(data)
        except MillraceError:
            seen["refused"] += 1
        else:
            seen["taken"] += 1

    once()
    return seen


def main() -> None:
    """Read good bytes first: what readers import and allocate once is not the hostile bytes' doing."""
    with tempfile.TemporaryDirectory() as folder:
        found = targets(Path(folder))
        for target in found.values():
            target.read(target.good)
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + BOUND, resource.RLIM_INFINITY))
        sys.stdout.write(json.dumps({name: throw(target) for name, target in found.items()}) + "\n")


main()
