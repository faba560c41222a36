"""What building an index takes beside the process itself, estimated by the bytes of a row.

Estimates: FAISS grows its arrays by doubling, Parquet shrinks some vectors, and what measures an index maps it again.
"""

from dataclasses import dataclass

from operators.index.choice import dense_backend, row_bytes
from operators.index.spec import IndexSpec

#: A posting in the Parquet vectors (uint32, float32) and in the index (uint32, float16).
_STORED_POSTING, _POSTING = 8, 6
#: An exact copy of each vector beside the codes of an index of inverted lists, and in the Parquet vectors.
_FLOAT = 4


@dataclass(frozen=True)
class Room:
    """Bytes of memory, and of disk below TMPDIR."""

    memory: int
    disk: int

    def __add__(self, other: "Room") -> "Room":
        return Room(self.memory + other.memory, self.disk + other.disk)


def dense_room(spec: IndexSpec, rows: int, dimensions: int) -> Room:
    """Of one dense index: in memory itself; on disk itself and the vectors it is built from."""
    backend = dense_backend(spec, rows, dimensions)
    index = rows * row_bytes(spec, backend, dimensions)
    vectors = rows * _FLOAT * dimensions
    return Room(memory=index, disk=index + vectors * (2 if backend.is_trained else 1))


def sparse_room(rows: int, active_dims: float) -> Room:
    """Of one sparse index, which is mapped from its files; `active_dims` are the weights of a row in the mean."""
    postings = int(rows * active_dims)
    return Room(memory=postings * _POSTING, disk=postings * (_POSTING + _STORED_POSTING))
