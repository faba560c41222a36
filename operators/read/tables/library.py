"""The libraries of table sources are extras: who lacks one is told how to get it."""

from collections.abc import Iterator
from contextlib import contextmanager

from operators.core.errors import UsageError


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Within it libraries are imported; raises `UsageError` where one of them is not installed."""
    try:
        yield
    except ImportError as error:
        raise UsageError(
            f"source.format {extra} needs the library {error.name}: pip install 'millrace[{extra}]', on the workers too"
        ) from error
