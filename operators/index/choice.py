"""Which dense index a segment gets: the most exact one whose bytes fit, and how finely it is divided."""

from math import isqrt

from operators.index.spec import Backend, IndexSpec

#: Vectors that a list's centre is found from: FAISS warns below 39, and takes no more than 256.
SAMPLE_A_LIST = 64
_LEAST_A_LIST = 40


def dense_backend(spec: IndexSpec, rows: int, dimensions: int) -> Backend:
    """The dense index of a segment of `rows` rows."""
    if spec.dense != "auto":
        return Backend(f"faiss-{spec.dense}")
    if rows <= spec.flat_rows:
        return Backend.FLAT
    fits = (each for each in (Backend.HNSW, Backend.IVF_SQ8) if rows * row_bytes(spec, each, dimensions) <= spec.memory)
    return next(fits, Backend.IVF_RABITQ)


def row_bytes(spec: IndexSpec, backend: Backend, dimensions: int) -> int:
    """Bytes of memory a row of a dense index: its vector or the code of it, and what leads to it."""
    if backend is Backend.FLAT:
        return 4 * dimensions
    if backend is Backend.HNSW:
        # 2 * m links of 4 bytes, and about 16 for those of upper levels and where its links lie.
        return 4 * dimensions + 8 * spec.hnsw_m + 16
    if backend is Backend.IVF_SQ8:
        # One byte a dimension, and its number.
        return dimensions + 8
    # Four bits a dimension, and its number, length and factors.
    return dimensions // 2 + 28


def inverted_lists(rows: int, live: int) -> int:
    """How many lists divide a segment of `rows` rows, where `live` rows can be sampled to train them.

    The power of two from 4 * sqrt(rows) on: 4,096 for a million, 16,384 for ten, 65,536 for a hundred; that of
    autofaiss, too, from a million on. Fewer where the rows are too few to train so many.
    """
    wanted = _power_from(4 * isqrt(rows))
    most = live // _LEAST_A_LIST
    return min(wanted, 1 << max(0, most.bit_length() - 1))


def _power_from(number: int) -> int:
    return 1 << max(0, number - 1).bit_length()
