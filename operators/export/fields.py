"""What rows and their fields are called in other engines."""

import re
from collections.abc import Iterable

import pyarrow as pa

from operators.core import columns
from operators.core.errors import UsageError
from operators.core.manifest import Manifest

ID = "id"
METADATA = "metadata"
_OTHER = re.compile("[^a-z0-9_]")


def vector_fields(encoders: Iterable[str]) -> dict[str, str]:
    """The field of each encoder's vectors: `vector_` and its name, in letters, digits and underscores (Milvus).

    Raises `UsageError` where two encoders would share one.
    """
    fields: dict[str, str] = {}
    for encoder in encoders:
        field = f"vector_{_OTHER.sub('_', encoder)}"
        other = next((name for name, taken in fields.items() if taken == field), None)
        if other:
            raise UsageError(f"encoders {other} and {encoder} would both be field {field}: export one, with --encoder")
        fields[encoder] = field
    return fields


def identifier(collection: str) -> str:
    """A collection's name in letters, digits and underscores, not starting with a digit (Milvus)."""
    name = _OTHER.sub("_", collection)
    return f"_{name}" if name[0].isdigit() else name


def row_ids(documents: pa.Table, manifest: Manifest) -> list[str]:
    """One id a row, unique in the snapshot: the document's, followed by `#` and the chunk where the recipe cuts."""
    ids = [str(doc_id) for doc_id in documents[columns.DOC_ID].to_pylist()]
    if not manifest.recipe.get("chunking"):
        return ids
    return [f"{doc_id}#{chunk}" for doc_id, chunk in zip(ids, documents[columns.CHUNK].to_pylist(), strict=True)]


def metadata_names(documents: pa.Schema) -> list[str]:
    """The metadata fields of documents, as the source calls them."""
    prefix = columns.METADATA_PREFIX
    return [name.removeprefix(prefix) for name in documents.names if name.startswith(prefix)]
