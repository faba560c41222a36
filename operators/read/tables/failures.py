"""The libraries of table formats share no base error: whatever they raise becomes an error that names the table."""

from collections.abc import Iterator
from contextlib import contextmanager

from operators.core.errors import MillraceError, StoreError, UsageError
from operators.core.storage import redact
from operators.read.source import UnreadableError
from operators.read.spec import SourceSpec
from operators.read.tables.address import resolve, without_secrets


def where(spec: SourceSpec) -> str:
    """The table for messages, without user and password."""
    name = f" {spec.table.name}" if spec.table and spec.table.name else ""
    return f"{spec.format} {redact(spec.uri[0])}{name}"


@contextmanager
def naming(operation: str, spec: SourceSpec, *missing: type[Exception]) -> Iterator[None]:
    """Raises `UsageError` for the `missing` errors of a library, and `StoreError` for any other failure."""
    try:
        yield
    except (MillraceError, UnreadableError):
        raise
    except missing as error:
        raise UsageError(f"{_told(operation, spec, error)}. Correct source.uri and source.table") from None
    except Exception as error:  # noqa: BLE001 - see above
        raise StoreError(
            f"{_told(operation, spec, error)}. Check that the table is reachable and not damaged, and the credentials "
            f"and permissions to read it"
        ) from None


def _told(operation: str, spec: SourceSpec, error: Exception) -> str:
    options = spec.table.options.values() if spec.table else ()
    text = f"{type(error).__name__}: {error}"
    for secret in (spec.uri[0], *options):
        if secret.startswith("env:"):
            text = without_secrets(text, resolve(secret))
    return f"{operation} {where(spec)}: {without_secrets(text, '')}"
