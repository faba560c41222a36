"""A recipe's fields as columns of a Postgres relation, and how each is selected so that its value is what is read."""

from dataclasses import dataclass

from psycopg import sql

from operators.core.errors import UsageError
from operators.read.spec import SourceSpec
from operators.read.tables.columns import require_columns
from operators.read.tables.postgres_connection import Connection, naming, where

_INTEGERS = ("int2", "int4", "int8")
#: Types that keep their own form; every other one is selected as text.
_NATIVE = {"int2": "int8", "int4": "int8", "int8": "int8", "float4": "float4", "float8": "float8", "bool": "bool"}
_IDS = (*_INTEGERS, "numeric", "uuid")
_TEXTS = ("json", "jsonb", "xml")
_STRING = "S"
#: Arrays, composites and ranges have a text form of Postgres' own; as JSON everybody reads them.
_NESTED = ("A", "C")


@dataclass(frozen=True)
class Column:
    """A column: its type's name, and the type's category as Postgres has it."""

    name: str
    type: str
    category: str


def find_columns(connection: Connection, source: sql.Composable, spec: SourceSpec) -> dict[str, Column]:
    """The relation's columns by name; raises `UsageError` where one of the recipe's is missing or of no use."""
    with naming("read the columns of", spec):
        described = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(source)).description or []
        types = connection.execute(
            "SELECT oid::int8, typname::text, typcategory::text FROM pg_type WHERE oid = ANY(%s)",
            [[each.type_code for each in described]],
        ).fetchall()
    known = {oid: (name, category) for oid, name, category in types}
    found = {each.name: Column(each.name, *known[each.type_code]) for each in described}
    require_columns(where(spec), list(found), spec)
    _check_types(found, spec)
    return found


def selected(columns: dict[str, Column], spec: SourceSpec) -> sql.Composable:
    """What stands between SELECT and FROM."""
    return sql.SQL(", ").join(
        sql.SQL("{} AS {}").format(_expression(columns[name], spec), sql.Identifier(name)) for name in spec.fields()
    )


def _expression(column: Column, spec: SourceSpec) -> sql.Composable:
    name = sql.Identifier(column.name)
    if column.name != spec.id and column.category in _NESTED:
        return sql.SQL("to_json({})::text").format(name)
    return sql.SQL("{}::{}").format(name, sql.SQL(_NATIVE.get(column.type, "text")))


def _check_types(columns: dict[str, Column], spec: SourceSpec) -> None:
    identity = columns[spec.id]
    if identity.category != _STRING and identity.type not in _IDS:
        _refuse(spec, identity, "id", "an integer, uuid or string type")
    for name in spec.text:
        column = columns[name]
        if column.category != _STRING and column.type not in _TEXTS:
            _refuse(spec, column, "text", "a string type")


def _refuse(spec: SourceSpec, column: Column, role: str, expected: str) -> None:
    raise UsageError(
        f"{where(spec)}: column {column.name} is of type {column.type}, and source.{role} expects {expected}. "
        f"Name another column, or cast it in a table.query"
    )
