"""Compile functions to machine code that the next process finds: the kernels of sparse search take 3 s to compile."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba

from operators.core.cache_root import default_root, is_private, private


def compiled(function: Any) -> Any:
    """The function compiled by numba on first use, without Python's lock and without fastmath, which reorders sums.

    What was compiled is kept beside the module, as Python keeps its own `.pyc` files (numba's are pickles: whoever can
    write there can write Millrace's own code, too), or where that is read-only in Millrace's cache folder, if nobody
    else can write there; else (a read-only image) every process compiles for itself. It may call compiled functions of
    its own file only: what is kept is kept for that file's content.
    """
    source = Path(function.__code__.co_filename)
    try:
        # One folder for each content: numba replaces older code file by file, its index before its code, and a process
        # that looked in between ran the old code (three tests failed by it).
        with _kept_in(_base(source) / f"{source.stem}-{sha256(source.read_bytes()).hexdigest()[:16]}"):
            return numba.njit(nogil=True, cache=True)(function)
    except (OSError, RuntimeError):
        return numba.njit(nogil=True)(function)


def _base(source: Path) -> Path:
    """Raises `OSError` where there is no folder in which only this user can write."""
    if os.access(source.parent, os.W_OK):
        return source.parent / "__pycache__"
    base = private(default_root() / "compiled")
    if not is_private(base):
        raise PermissionError(f"{base} is not this user's alone")
    return base


@contextmanager
def _kept_in(folder: Path) -> Iterator[None]:
    """Numba takes its folder from its configuration, when a function is decorated."""
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before
