"""Connections to Postgres that read one snapshot, and its errors without the address."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Json
from psycopg.types.string import ByteaBinaryLoader

from operators.core.errors import StoreError, UsageError
from operators.core.storage import redact
from operators.read.spec import SourceSpec
from operators.read.tables.address import resolve, without_secrets

Connection = psycopg.Connection[Any]

#: A value's text must not depend on the server's or the user's settings, nor a table's order on other readers of it;
#: and the pinned snapshot is idle for as long as copying takes. Settings that a server does not know are left out.
_SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "synchronize_seqscans": "off",
    "statement_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
}
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


def where(spec: SourceSpec) -> str:
    """The table for messages, without user and password."""
    table = spec.table.name if spec.table and spec.table.name else "table.query"
    return f"Postgres {redact(spec.uri[0])} {table}"


def connect(spec: SourceSpec, snapshot: str | None = None) -> Connection:
    """A read-only transaction in a new snapshot, or in the one that another connection exported and still holds."""
    with naming("connect to", spec):
        connection = psycopg.connect(
            resolve(spec.uri[0]), autocommit=True, client_encoding="UTF8", prepare_threshold=None
        )
    try:
        with naming("connect to", spec):
            connection.execute(
                "SELECT set_config(name, %s::jsonb ->> lower(name), false) FROM pg_settings "
                "WHERE lower(name) = ANY(%s)",
                [Json(_SETTINGS), list(_SETTINGS)],
            )
            connection.execute(_BEGIN)
        if snapshot is not None:
            _join(connection, snapshot, spec)
    except BaseException:
        connection.close()
        raise
    # Text as bytes: no time is spent on decoding, and a server without an encoding may send what is no UTF-8.
    connection.adapters.register_loader("text", ByteaBinaryLoader)
    return connection


@contextmanager
def naming(operation: str, spec: SourceSpec) -> Iterator[None]:
    """Raises `UsageError` where Postgres finds the recipe wrong, and `StoreError` for any other failure of it."""
    try:
        yield
    except psycopg.Error as error:
        told = without_secrets(str(error), resolve(spec.uri[0]))
        text = f"{operation} {where(spec)}: {type(error).__name__}: {told}"
        # from None: what the library says may hold the address, and a traceback would print it.
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            raise StoreError(f"{text}. Grant the user SELECT on it, and on its partitions") from None
        if isinstance(error, psycopg.ProgrammingError | psycopg.DataError):
            raise UsageError(f"{text}. Correct source.uri and source.table") from None
        raise StoreError(
            f"{text}. Check that the server is reachable, and the user and password it is asked with; then run again"
        ) from None


def _join(connection: Connection, snapshot: str, spec: SourceSpec) -> None:
    try:
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
    except psycopg.Error as error:
        raise StoreError(
            f"read {where(spec)}: the snapshot that the run pinned is gone ({type(error).__name__}): the connection "
            f"that held it has ended, or this is another server. Run again"
        ) from None
