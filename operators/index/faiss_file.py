"""FAISS indexes as files: written whole or not at all, read or mapped, and checked against what is known of them."""

import threading
from pathlib import Path
from typing import Any

import faiss

from operators.core.errors import IntegrityError

#: An array of a file is no larger than the file; by default FAISS believes up to a terabyte, and asks for the memory.
_ROOM = 1 << 20
_one_at_a_time = threading.Lock()


def write_index(index: Any, path: Path) -> None:
    """Write an index; raises `OSError` where it finds no room."""
    # Given a path, FAISS only prints that the last bytes found no room, and leaves a file that is cut short.
    with path.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]


def read_index(path: Path) -> Any:
    """Read an index into memory; raises `IntegrityError` where the file is none, or cut short."""
    return _open(path, 0)


def map_index(path: Path) -> Any:
    """Map an index to search it; raises `IntegrityError` where the file is none, or cut short."""
    return _open(path, faiss.IO_FLAG_MMAP_IFC)


def check_index(path: Path, index: Any, expected: dict[str, Any]) -> None:
    """Raise `IntegrityError` where an index of inner products differs from what is known of it, fact by fact."""
    facts = {
        "class": type(index).__name__,
        "dimensions": index.d,
        "rows": index.ntotal,
        "metric": index.metric_type,
        "trained": index.is_trained,
        "lists": getattr(index, "nlist", None),
    }
    wanted = {**expected, "metric": faiss.METRIC_INNER_PRODUCT, "trained": True}
    found = {name: facts[name] for name in wanted}
    if found != wanted:
        raise IntegrityError(f"{path} is not the index the manifest names: expected {wanted}, got {found}. Index again")


def _open(path: Path, flags: int) -> Any:
    try:
        # The limit is the process's: nobody else may open another file under it.
        with _one_at_a_time:
            faiss.set_deserialization_vector_byte_limit(_ROOM + (path.stat().st_size if path.exists() else 0))
            return faiss.read_index(str(path), flags)
    except RuntimeError as error:
        reason = str(error).rpartition("Error: ")[2]
        raise IntegrityError(f"{path} is not a FAISS index ({reason}). Restore it from a copy") from error
