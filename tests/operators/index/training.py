"""Indexes trained on a matrix, for tests of what is built from them."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from operators.core.fingerprint import digest_file
from operators.core.index_records import TrainedIndex
from operators.core.stored_file import StoredFile
from operators.index.choice import inverted_lists
from operators.index.spec import Backend
from operators.index.trained import Training, train


def trained_on(matrix: NDArray[np.float32], backend: Backend, path: Path) -> Training:
    lists = inverted_lists(len(matrix), len(matrix))
    train(matrix, backend, lists, 1, path)
    file = StoredFile(key="indexes/trained.faiss", bytes=path.stat().st_size, sha256=digest_file(path))
    return Training(path, TrainedIndex(backend=backend, recipe="r", lists=lists, rows=len(matrix), file=file))
