"""Parquet that another process wrote: whatever is wrong with it is one error that names it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa

from operators.core.errors import IntegrityError

#: What pyarrow raises for bytes that are no Parquet, or lie about their sizes; ArrowException covers the rest.
_RAISED = (pa.ArrowException, OSError, ValueError, TypeError, KeyError, NotImplementedError, MemoryError)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Raise `IntegrityError` naming the file where what the block reads is not the table that it should be."""
    try:
        yield
    except _RAISED as error:
        told = " ".join(str(error).split())[:300]
        raise IntegrityError(
            f"{name} cannot be read as the table that was written ({type(error).__name__}: {told}). Restore it from a "
            f"copy, or index into a new collection"
        ) from error
