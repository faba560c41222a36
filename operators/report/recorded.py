"""What a run and a snapshot keep in files of their own."""

import json
from collections.abc import Collection
from typing import Any

import polars as pl

from operators.core import columns, layout, schema
from operators.core.errors import IntegrityError
from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.write.stored import read_table


def read_recipe(store: Store, run: str) -> dict[str, Any]:
    """The recipe of the run's last attempt, as everybody may read it."""
    key = layout.run_file(run, "recipe.json")
    try:
        recipe: dict[str, Any] = json.loads(store.get(key))
    except ValueError as error:
        raise IntegrityError(f"{store.locate(key)} is not JSON ({error}): run millrace index again") from error
    return recipe


def rejected_before(store: Store, snapshot: Manifest | None, read: Collection[int]) -> int:
    """Rejects of a snapshot's inputs other than those that were `read`: a run counts them once more."""
    if snapshot is None:
        return 0
    table = read_table(store, snapshot.source.inputs, schema.INPUTS)
    inputs = pl.DataFrame(table.select([columns.INPUT, "rejected"]))
    unread = ~pl.col(columns.INPUT).is_in(pl.Series(list(read), dtype=pl.UInt64).implode())
    return int(inputs.filter(unread)["rejected"].sum())
