"""Compile functions to machine code that the next process finds: the kernels of sparse search take 3 s to compile."""

from typing import Any

import numba


def compiled(function: Any) -> Any:
    """The function compiled by numba on first use, without Python's lock and without fastmath, which reorders sums.

    What was compiled is kept beside the module, else in the user's cache folder, as Python keeps its own `.pyc` files
    (numba's are pickles: whoever can write there can write Millrace's own code, too);
    where neither can be written (a read-only image) every process compiles for itself. It may call compiled functions
    of its own file only: numba compiles anew when that file changes, and looks at no other.
    """
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)
