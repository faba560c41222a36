"""OpenSearch: `knn_vector` and `rank_features`."""

from pathlib import Path
from typing import Any

from operators.export.bulk import Dialect, write_bulk
from operators.export.layout import EVERY_KIND, Layout, Written
from operators.export.live import LiveRows

_PRECISION = "rank_features keep 9 significant bits of a weight: each is off by at most 0.4 %"


def _dense(dimensions: int) -> dict[str, Any]:
    method = {"name": "hnsw", "engine": "faiss", "space_type": "innerproduct"}
    return {"type": "knn_vector", "dimension": dimensions, "method": method}


_DIALECT = Dialect(
    engine="opensearch",
    settings={"index": {"knn": True}},
    dense=_dense,
    max_dimensions=16_000,
    sparse={"type": "rank_features"},
)


def _write(rows: LiveRows, folder: Path) -> Written:
    written = write_bulk(rows, folder, _DIALECT)
    return Written(written.commands, notes=(_PRECISION,))


OPENSEARCH = Layout(EVERY_KIND, _write)
