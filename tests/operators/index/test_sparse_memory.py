"""A sparse index is built in memory of its own size, which are its files, mapped, and one part."""

import json
import subprocess
import sys

#: Twelve parts of 20,000 rows of 50 terms, each made when it is asked for: 73 MB of index.
_BUILD = """
import json, tempfile
from pathlib import Path
import numpy as np
import pyarrow as pa
from operators.core import schema
from operators.core.encoder_spec import Kind
from operators.index.sparse import build_sparse
from operators.index.vectors import Vectors

PARTS, ROWS, TERMS, VOCABULARY = 12, 20_000, 50, 30_000

def part(number, rows):
    chance = np.random.default_rng(number)
    first = chance.integers(0, VOCABULARY - TERMS * 500, (rows, 1))
    terms = first + np.cumsum(chance.integers(1, 500, (rows, TERMS)), axis=1)
    starts = np.arange(0, rows * TERMS + 1, TERMS, dtype=np.int32)
    values = (terms.ravel().astype(np.uint32), chance.random(rows * TERMS, np.float32))
    return pa.table([pa.ListArray.from_arrays(starts, each) for each in values], schema=schema.SPARSE)

def build(parts, rows):
    vectors = Vectors(Kind.SPARSE, VOCABULARY, parts * rows, lambda: (part(each, rows) for each in range(parts)))
    with tempfile.TemporaryDirectory() as folder:
        return sum(path.stat().st_size for path in build_sparse(vectors, Path(folder)).values())

def peak():
    # Not ru_maxrss, which begins with that of the process that started this one.
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10

build(1, ROWS)  # compiles, and takes what one part takes
before = peak()
size = build(PARTS, ROWS)
print(json.dumps({"bytes": size, "peak": peak() - before}))
"""


def test_build_sparse_takes_the_memory_of_its_output_and_not_of_its_parts() -> None:
    done = subprocess.run([sys.executable, "-c", _BUILD], stdout=subprocess.PIPE, check=True, timeout=120)
    found = json.loads(done.stdout)
    assert found["bytes"] > 72e6
    # Pages of the files count as memory while they are mapped; the parts together would be 96 MB more.
    assert found["peak"] < 2 * found["bytes"]
