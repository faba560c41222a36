"""An IVF index without rows: trained once, stored under its sha256, and what the indexes of all segments begin as.

Merging or comparing indexes whose quantizers were trained apart goes wrong without a word: FAISS compares the centres
of lists alone. So one training serves all segments, and another one is refused where it is read.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from operators.core.errors import IntegrityError
from operators.core.fingerprint import digest_file
from operators.core.index_records import TrainedIndex
from operators.index.faiss_file import check_index, read_index, write_index
from operators.index.spec import Backend

CLASSES = {Backend.IVF_SQ8: faiss.IndexIVFScalarQuantizer, Backend.IVF_RABITQ: faiss.IndexIVFRaBitQ}
_CODES = {Backend.IVF_SQ8: "SQ8", Backend.IVF_RABITQ: "RaBitQ4"}
#: Centres from which on a graph finds the nearest ones faster than looking at all.
_GRAPH_LISTS = 65_536


@dataclass(frozen=True)
class Training:
    """A trained index as a file of this machine, and the record of what it must be."""

    path: Path
    record: TrainedIndex


def train(sample: NDArray[np.float32], backend: Backend, lists: int, threads: int, path: Path) -> None:
    """Write an index of `lists` lists, trained on a sample [rows, dimensions] of at least as many rows."""
    faiss.omp_set_num_threads(threads)
    index = faiss.index_factory(sample.shape[1], factory(backend, lists), faiss.METRIC_INNER_PRODUCT)
    if faiss.get_num_gpus():
        # Centres are found on the GPUs: that is nearly all of the work, and what is written is the same kind of index.
        centres = faiss.IndexFlatIP(sample.shape[1])
        index.clustering_index = faiss.index_cpu_to_all_gpus(centres)  # type: ignore[attr-defined]
    index.train(sample)
    write_index(index, path)


def factory(backend: Backend, lists: int) -> str:
    """FAISS's name for an index of so many lists."""
    graph = "_HNSW32" if lists >= _GRAPH_LISTS else ""
    return f"IVF{lists}{graph},{_CODES[backend]}"


def read_training(training: Training, dimensions: int) -> Any:
    """The trained index, ready for rows; raises `IntegrityError` where the file is not the one that was recorded."""
    record, path = training.record, training.path
    found = digest_file(path)
    if found != record.file.sha256:
        raise IntegrityError(
            f"{path} is another training than the snapshot's: expected sha256 {record.file.sha256}, got {found}. "
            f"Indexes of one snapshot share one training: restore {record.file.key} from a copy, or index again"
        )
    index = read_index(path)
    kind = CLASSES[Backend(record.backend)].__name__
    check_index(path, index, {"class": kind, "dimensions": dimensions, "rows": 0, "lists": record.lists})
    return index
