"""The side of autofaiss: an index of its own choice for a matrix. Run by an interpreter that has it; it wants numpy 1.

    python3.11 -m venv /tmp/autofaiss && /tmp/autofaiss/bin/pip install autofaiss 'pyarrow<18' 'faiss-cpu<1.9'

A request on stdin, `{"vectors": .npy, "index": file to write, "memory": bytes, "threads": n}`; the answer is the last
line of stdout. Its own tuning, to a time a query, is left out: it took 305 s for 5,000 vectors.
"""

import json
import sys
import time

import faiss
import numpy as np
from autofaiss.external.optimize import get_optimal_index_keys_v2  # type: ignore[import-not-found]
from autofaiss.indices.training import create_empty_index  # type: ignore[import-not-found]


def main() -> None:
    """Build, and say the factory key and the seconds of training and adding."""
    request = json.load(sys.stdin)
    faiss.omp_set_num_threads(request["threads"])
    vectors = np.load(request["vectors"], allow_pickle=False)
    rows, dimensions = vectors.shape
    memory = f"{request['memory'] // 1024}KB"
    key = get_optimal_index_keys_v2(rows, dimensions, memory, should_be_memory_mappable=False)[0]
    start = time.perf_counter()
    index = create_empty_index(dimensions, key, "ip")
    index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, request["index"])
    print("\n" + json.dumps({"key": key, "seconds": time.perf_counter() - start}))


if __name__ == "__main__":
    main()
