"""Elasticsearch: `dense_vector` and `sparse_vector`."""

from pathlib import Path
from typing import Any

from operators.export.bulk import Dialect, write_bulk
from operators.export.layout import EVERY_KIND, Layout, Written
from operators.export.live import LiveRows

_PRECISION = "sparse_vector keeps 9 significant bits of a weight: each is off by at most 0.4 %"
_PRUNING = 'sparse_vector queries drop terms by default: ask with "prune": false for what Millrace finds'


def _dense(dimensions: int) -> dict[str, Any]:
    # By default 8 bits or fewer of a number are kept; plain HNSW keeps the vectors as they are.
    index = {"type": "hnsw"}
    return {
        "type": "dense_vector",
        "dims": dimensions,
        "index": True,
        "similarity": "max_inner_product",
        "index_options": index,
    }


_DIALECT = Dialect(
    engine="elasticsearch",
    settings={},
    dense=_dense,
    max_dimensions=4_096,
    sparse={"type": "sparse_vector"},
)


def _write(rows: LiveRows, folder: Path) -> Written:
    written = write_bulk(rows, folder, _DIALECT)
    return Written(written.commands, notes=(_PRECISION, _PRUNING))


ELASTICSEARCH = Layout(EVERY_KIND, _write)
