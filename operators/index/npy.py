"""Arrays too large for memory as plain .npy files: written as they come, mapped to be read."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap, write_array_header_1_0
from numpy.typing import NDArray

from operators.core.errors import IntegrityError

#: Format 1.0: a magic string, the version, two bytes of the header's length, and a dictionary as Python prints it.
_MAGIC = b"\x93NUMPY\x01\x00"
_FIXED = 10
_HEADER = re.compile(
    rb"\{'descr': '[<>|][a-zA-Z]\d{1,3}', 'fortran_order': (True|False), 'shape': \([\d, ]{0,99}\), \} *\n"
)


def saving(
    matrices: Iterable[NDArray[np.float32]], shape: tuple[int, int], path: Path
) -> Iterator[NDArray[np.float32]]:
    """Pass matrices on, one below the other writing them as one float32 array of a shape known before."""
    with path.open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.float32)), "fortran_order": False, "shape": shape}
        write_array_header_1_0(file, header)
        for matrix in matrices:
            file.write(np.ascontiguousarray(matrix).data)
            yield matrix


def map_array(path: Path, dtype: type[np.generic], shape: tuple[int, ...]) -> NDArray[Any]:
    """Map a .npy file to be read; raises `IntegrityError` where it holds no array of that kind and shape."""
    try:
        _check_header(path)
        # Unlike np.load this opens nothing but an array: no zip archive, and no object array (which is a pickle).
        # A header may state a shape whose bytes overflow, which numpy only warns of.
        with np.errstate(over="raise"):
            array = open_memmap(path, mode="r")
    except (ValueError, TypeError, OSError, EOFError, ArithmeticError) as error:
        raise IntegrityError(f"{path} is not a numpy array ({error}). Restore it from a copy") from error
    if array.shape != shape or array.dtype != np.dtype(dtype) or not array.flags.c_contiguous:
        raise IntegrityError(
            f"{path} is not what the index names: expected {np.dtype(dtype).name} of shape {shape}, "
            f"got {array.dtype} of shape {array.shape}. Index again"
        )
    # A plain view: numba compiles for arrays, not for numpy's memmap class, and the view keeps the file mapped.
    return array.view(np.ndarray)


def _check_header(path: Path) -> None:
    """Raise `ValueError` unless the header is one that numpy writes today: it reads others as Python, in two ways."""
    with path.open("rb") as file:
        start = file.read(_FIXED)
        header = file.read(int.from_bytes(start[-2:], "little"))
    if start[:8] != _MAGIC or not _HEADER.fullmatch(header):
        raise ValueError("its header is not that of one")
