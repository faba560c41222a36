"""From a recipe's format to its table; the library of a format is imported only where it is asked for."""

from operators.read.spec import SourceSpec
from operators.read.tables.library import needing
from operators.read.tables.table import Table


def open_table(spec: SourceSpec) -> Table:
    """The table, with nothing read of it yet; raises `UsageError` where its library is missing."""
    with needing(spec.format):
        if spec.format == "postgres":
            from operators.read.tables.postgres import PostgresTable

            return PostgresTable(spec)
        if spec.format == "delta":
            from operators.read.tables.delta import DeltaSource

            return DeltaSource(spec)
        if spec.format == "iceberg":
            from operators.read.tables.iceberg import IcebergSource

            return IcebergSource(spec)
        if spec.format == "lance":
            from operators.read.tables.lance import LanceSource

            return LanceSource(spec)
        if spec.format == "mongo":
            from operators.read.tables.mongo import MongoSource

            return MongoSource(spec)
    raise ValueError(f"format {spec.format} is no table")
