"""A column that grows with every change, such as `updated_at`: how far it has come, and which rows lie behind that."""

import math
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from operators.core.errors import UsageError
from operators.read.spec import SourceSpec
from operators.read.tables.postgres_columns import Column
from operators.read.tables.postgres_connection import Connection, where

#: What a moment is bounded by: a row dated in the future, or `infinity`, must not hide what changes until then.
_NOW = {
    "timestamptz": "transaction_timestamp()",
    "timestamp": "(transaction_timestamp() AT TIME ZONE 'UTC')",
    "date": "current_date",
}
_NUMBERS = ("int2", "int4", "int8")


@dataclass(frozen=True)
class Watermark:
    """The column of a relation, its type, and how far behind the last value a night starts."""

    relation: sql.Composable
    column: sql.Identifier
    type: str
    overlap: float

    def reached(self, connection: Connection) -> str | None:
        """The greatest value there is, as text; None where there is none."""
        greatest: sql.Composable = sql.SQL("max({})").format(self.column)
        if self.type in _NOW:
            greatest = sql.SQL("least(max({}), {})").format(self.column, sql.SQL(_NOW[self.type]))
        query = sql.SQL("SELECT CASE WHEN max({}) IS NOT NULL THEN ({})::text END FROM {}")
        row: Any = connection.execute(query.format(self.column, greatest, self.relation)).fetchone()
        return None if row[0] is None else str(row[0])

    def is_before(self, connection: Connection, value: str, other: str) -> bool:
        """Whether the column has gone back, as after a restored backup."""
        query = sql.SQL("SELECT {} < {}").format(self._literal(value), self._literal(other))
        row: Any = connection.execute(query).fetchone()
        return bool(row[0])

    def since(self, value: str) -> sql.Composable:
        """The rows that a night which starts at `value` reads; one without a value may have changed at any time."""
        start = sql.SQL("({} - {})::{}").format(self._literal(value), self._behind(), sql.SQL(self.type))
        return sql.SQL("({} >= {} OR {} IS NULL)").format(self.column, start, self.column)

    def _literal(self, value: str) -> sql.Composable:
        return sql.SQL("{}::{}").format(value, sql.SQL("int8" if self.type in _NUMBERS else self.type))

    def _behind(self) -> sql.Composable:
        if self.type in _NUMBERS:
            return sql.SQL("{}::int8").format(math.ceil(self.overlap))
        return sql.SQL("make_interval(secs => {})").format(self.overlap)


def find_watermark(relation: sql.Composable, columns: dict[str, Column], spec: SourceSpec) -> Watermark | None:
    """The recipe's watermark; raises `UsageError` where its column is of a type that does not grow."""
    if spec.table is None or spec.table.watermark is None:
        return None
    column = columns[spec.table.watermark]
    if column.type not in (*_NOW, *_NUMBERS):
        raise UsageError(
            f"{where(spec)}: column {column.name} is of type {column.type}, and table.watermark expects one of "
            f"{', '.join((*_NOW, *_NUMBERS))}. Name another column, or none, which reads all rows every night"
        )
    kind = "int8" if column.type in _NUMBERS else column.type
    return Watermark(relation, sql.Identifier(column.name), kind, spec.table.overlap)
