"""Rows as JSON: documents as plain objects, vectors as text in the fewest digits that give the same float32."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from operators.core import columns
from operators.export.fields import METADATA, metadata_names


def records(documents: pa.Table) -> list[dict[str, Any]]:
    """Each row's `doc_id`, `chunk`, span, `text` where it is kept, and `metadata` without what is null."""
    named = {name: columns.metadata(name) for name in metadata_names(documents.schema)}
    plain = [name for name in documents.column_names if not name.startswith(columns.METADATA_PREFIX)]
    return [
        {
            **{name: row[name] for name in plain},
            METADATA: {name: row[column] for name, column in named.items() if row[column] is not None},
        }
        for row in documents.to_pylist()
    ]


def splice(values: Mapping[str, Any], texts: Mapping[str, str]) -> str:
    """One JSON object on one line, of values and of others that are JSON text already."""
    parts = [f"{_dump(name)}:{_dump(value)}" for name, value in values.items()]
    parts += [f"{_dump(name)}:{text}" for name, text in texts.items()]
    return f"{{{','.join(parts)}}}"


def dense_texts(matrix: NDArray[np.float32]) -> list[str]:
    """Each row as a JSON array."""
    rows, dimensions = matrix.shape
    starts = np.arange(rows + 1) * dimensions
    return [f"[{text}]" for text in _joined(_digits(matrix.ravel()), starts)]


def sparse_texts(starts: NDArray[np.int64], terms: NDArray[np.uint32], weights: NDArray[np.number[Any]]) -> list[str]:
    """Each row as a JSON object of term ids and weights."""
    pairs = pc.binary_join_element_wise('"', _digits(terms), '":', _digits(weights), "")
    return [f"{{{text}}}" for text in _joined(pairs, starts)]


def list_texts(starts: NDArray[np.int64], values: NDArray[np.number[Any]]) -> list[str]:
    """Each row of a ragged array as a JSON array."""
    return [f"[{text}]" for text in _joined(_digits(values), starts)]


def _digits(values: NDArray[np.number[Any]]) -> Any:
    return pa.array(values).cast(pa.string())


def _joined(texts: Any, starts: NDArray[np.int64]) -> list[str]:
    lists: Any = pa.LargeListArray.from_arrays(pa.array(starts, pa.int64()), texts)
    joined: Any = pc.binary_join(lists, ",")
    return list(joined.to_pylist())


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
