"""Arrays too large for memory as plain .npy files: written as they come, mapped to be read."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap, write_array_header_1_0
from numpy.typing import NDArray

from operators.core.errors import IntegrityError


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
