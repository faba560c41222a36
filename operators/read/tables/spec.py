"""Which table a source reads and how: the part of a recipe that file formats do not have."""

import re
from typing import Literal

from pydantic import Field

from operators.core.spec import Spec

TableFormat = Literal["postgres", "mongo", "delta", "iceberg", "lance"]
#: Formats whose address is that of a server: it may hold a password, which no recipe may.
_SERVERS = {"postgres": ("postgresql://", "postgres://"), "mongo": ("mongodb://", "mongodb+srv://")}
_NAMED = ("postgres", "mongo", "iceberg")
_ENVIRONMENT = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*")
_PASSWORD = re.compile(r"://[^/?#]*:[^/?#]*@|[?&]password=|\bpassword\s*=", re.IGNORECASE)
#: The fields below that a format knows.
_KNOWN = {
    "postgres": {"name", "query", "watermark", "overlap", "full_every_days", "shards", "shard_key"},
    "mongo": {"name"},
    "delta": {"version"},
    "iceberg": {"name", "version", "options"},
    "lance": {"version"},
}


class TableSpec(Spec):
    """A table, and what is known of it that makes a night cheaper."""

    name: str | None = Field(None, min_length=1, description="table, view or collection, such as public.articles")
    query: str | None = Field(None, min_length=1, description="Postgres: a SELECT in place of a table")
    version: int | None = Field(None, description="Delta, Iceberg, Lance: this version (snapshot); the newest if unset")
    watermark: str | None = Field(
        None, min_length=1, description="Postgres: column that grows with every change, such as updated_at"
    )
    overlap: float = Field(
        900, ge=0, description="how far behind the last watermark a night starts: seconds, or units of a number"
    )
    full_every_days: float = Field(
        7, ge=0, description="with a watermark: days until all rows are read again, which is when deletions are seen"
    )
    shards: int = Field(1, ge=1, le=4096, description="Postgres views and queries: ranges of shard_key read at a time")
    shard_key: str | None = Field(
        None, min_length=1, description="column whose ranges make the shards; the id if unset"
    )
    options: dict[str, str] = Field(
        {}, description="Iceberg: properties of the catalog, such as warehouse; env:NAME stands for a variable"
    )


def check_table(format_: str, uri: tuple[str, ...], table: TableSpec | None) -> None:
    """Raises `ValueError` where the fields of a recipe do not fit its format, or hold a password."""
    if format_ not in _KNOWN:
        if table is not None:
            raise ValueError(f"table: expected only with the formats {', '.join(_KNOWN)}, got format {format_}")
        return
    # By value: a recipe that was written out and read again has every field.
    given = {name for name, value in (table or TableSpec()) if value != TableSpec.model_fields[name].default}
    if strange := sorted(given - _KNOWN[format_]):
        known = ", ".join(sorted(_KNOWN[format_]))
        raise ValueError(f"table.{strange[0]}: format {format_} does not know it; it knows {known}")
    if len(uri) != 1:
        raise ValueError(f"uri: expected one address with format {format_}, got {len(uri)}")
    _check_name(format_, table or TableSpec())
    _check_address(format_, uri[0])
    _check_options(table or TableSpec())


def _check_name(format_: str, table: TableSpec) -> None:
    if table.name and table.query:
        raise ValueError("table: expected a name or a query, got both")
    if format_ in _NAMED and not (table.name or table.query):
        either = "table.name or table.query" if format_ == "postgres" else "table.name"
        raise ValueError(f"table: expected {either} with format {format_}, got neither")


def _check_address(format_: str, uri: str) -> None:
    if uri.startswith("env:"):
        if not _ENVIRONMENT.fullmatch(uri):
            raise ValueError("uri: expected env: and the name of an environment variable, such as env:DATABASE_URL")
        return
    if _PASSWORD.search(uri):
        raise ValueError(
            "uri: it holds a password, and recipes are published with snapshots: put the address into an environment "
            "variable and name that, such as env:DATABASE_URL"
        )
    if format_ in _SERVERS and not uri.startswith(_SERVERS[format_]):
        expected = " or ".join(_SERVERS[format_])
        raise ValueError(f"uri: expected an address that starts with {expected}, or env:NAME")


def _check_options(table: TableSpec) -> None:
    secret = re.compile("secret|password|credential|token|key", re.IGNORECASE)
    for name, value in table.options.items():
        if (secret.search(name) or _PASSWORD.search(value)) and not _ENVIRONMENT.fullmatch(value):
            raise ValueError(f"table.options.{name}: expected env:NAME in place of a secret, got a value")
