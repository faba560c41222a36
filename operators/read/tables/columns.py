"""A table declares its columns: a recipe's fields are checked against them before anything is read."""

from collections.abc import Sequence

from operators.core.errors import UsageError
from operators.read.spec import SourceSpec


def require_columns(where: str, found: Sequence[str], spec: SourceSpec) -> None:
    """Raises `UsageError` naming the columns there are where one that the recipe names is missing."""
    table = spec.table
    named = (*spec.fields(), *filter(None, (table.watermark, table.shard_key) if table else ()))
    missing = [name for name in dict.fromkeys(named) if name not in found]
    if missing:
        raise UsageError(
            f"{where} has no column {' and no column '.join(missing)}: expected what the recipe's source names; "
            f"found {', '.join(found)}. Correct the recipe"
        )
