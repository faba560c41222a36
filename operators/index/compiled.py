"""Compile functions to machine code that the next process finds: the kernels of sparse search take 3 s to compile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba

from operators.core.cache_root import default_root


def compiled(function: Any) -> Any:
    """The function compiled by numba on first use, without Python's lock and without fastmath, which reorders sums.

    What was compiled is kept beside the module, else in Millrace's cache folder, as Python keeps its own `.pyc` files
    (numba's are pickles: whoever can write there can write Millrace's own code, too); where neither can be written (a
    read-only image) every process compiles for itself. It may call compiled functions of its own file only: what is
    kept is kept for that file's content.
    """
    try:
        with _kept_in(_folder(Path(function.__code__.co_filename))):
            return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:
        return numba.njit(nogil=True)(function)


def _folder(source: Path) -> Path:
    """One for each content of the file.

    numba replaces the code of an older content file by file, its index before its code: a process that looked in
    between ran the old code, and three tests failed by it.
    """
    beside = source.parent / "__pycache__"
    base = beside if os.access(source.parent, os.W_OK) else default_root() / "compiled"
    return base / f"{source.stem}-{sha256(source.read_bytes()).hexdigest()[:16]}"


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Numba takes its folder from its configuration, when a function is decorated."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before
