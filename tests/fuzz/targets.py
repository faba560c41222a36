"""What reads files, each as a function of bytes that may raise a `MillraceError` and nothing else."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml
from hypothesis import strategies as st
from numpy.lib import format as npy

from operators.core import schema
from operators.core.fingerprint import digest
from operators.core.manifest import from_json, to_json
from operators.core.model_lock import read_lock
from operators.core.storage import open_store
from operators.core.stored_file import StoredFile
from operators.index.sparse_file import DIGESTS, DOCS, INDPTR, MAXIMA, WEIGHTS, open_postings, term_digest
from operators.write.parquet import read_parquet, to_parquet
from operators.write.stored import read_columns, read_table
from pipelines.load import load_recipe
from tests.fuzz.hostile import altered, damaged
from tests.operators.core.test_manifest import manifest
from tests.pipelines.conftest import recipe_text

Read = Callable[[bytes], object]
ROWS, TERMS = 300, 7


@dataclass(frozen=True)
class Target:
    """A reader, hostile bytes for it, and good ones, which it must take."""

    read: Read
    good: bytes
    hostile: st.SearchStrategy[bytes]
    examples: int


def targets(folder: Path) -> dict[str, Target]:
    """All of them, with a folder for their files."""
    recipe = yaml.safe_dump(json.loads(recipe_text(folder))).encode()
    values = json.loads(recipe_text(folder))
    lock = _lock()
    stored = to_json(manifest())
    sparse = _sparse()
    return {
        "recipe": Target(_recipe(folder), recipe, damaged(recipe) | altered(values), 200),
        "lock": Target(_read_lock(folder), lock, damaged(lock) | altered(json.loads(lock)), 150),
        "manifest": Target(
            lambda data: from_json(data, "m"), stored, damaged(stored) | altered(json.loads(stored)), 400
        ),
        **{f"sparse {name}": Target(_sparse_file(folder, sparse, name), sparse[name], damaged(sparse[name]), 80) for name in sparse},
        **{f"part of {name}": Target(_part(folder, wanted), data, damaged(data), 150) for name, wanted, data in _parts()},
    }  # fmt: skip


def _recipe(folder: Path) -> Read:
    path = folder / "recipe.yaml"

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return load_recipe(path)

    return read


def _lock() -> bytes:
    files = {"config.json": "a" * 64, "1_Pooling/config.json": "b" * 64}
    name = digest(json.dumps(dict(sorted(files.items())), separators=(",", ":")).encode())
    model = {"model": "owner/name", "revision": "c" * 40, "sha256": name, "files": files}
    return json.dumps({"version": 1, "encoders": {"dense": {"model": model, "base": None}}}, indent=2).encode()


def _read_lock(folder: Path) -> Read:
    path = folder / "recipe.yaml.lock"

    def read(data: bytes) -> object:
        path.write_bytes(data)
        return read_lock(path)

    return read


def _sparse() -> dict[str, bytes]:
    """The files of a sparse index, written by hand."""
    rng = np.random.default_rng(5)
    rows = [np.sort(rng.choice(ROWS, 40, replace=False)).astype(np.uint32) for _ in range(TERMS)]
    weights = [rng.random(40).astype(np.float16) for _ in range(TERMS)]
    pairs = list(zip(rows, weights, strict=True))
    arrays = {
        INDPTR: np.arange(TERMS + 1, dtype=np.uint64) * 40,
        DOCS: np.concatenate(rows),
        WEIGHTS: np.concatenate(weights),
        MAXIMA: np.array([values.max() for values in weights], np.float32),
        DIGESTS: np.stack([np.frombuffer(term_digest(*pair), np.uint8) for pair in pairs]),
    }
    return {name: _npy(array) for name, array in arrays.items()}


def _npy(array: "np.ndarray[tuple[int, ...], np.dtype[np.generic]]") -> bytes:
    file = io.BytesIO()
    npy.write_array(file, array, allow_pickle=False)
    return file.getvalue()


def _sparse_file(folder: Path, files: dict[str, bytes], damaged_one: str) -> Read:
    """Opened, and every term asked for: postings are proven when they are first used."""

    def read(data: bytes) -> object:
        for name, good in files.items():
            (folder / name).unlink(missing_ok=True)
            (folder / name).write_bytes(data if name == damaged_one else good)
        postings = open_postings({name: folder / name for name in files}, TERMS, ROWS)
        postings.prove(range(TERMS))
        return postings

    return read


def _parts() -> list[tuple[str, pa.Schema, bytes]]:
    """The files of a part as they are written: texts, dense and sparse vectors."""
    texts = [f"some text of document {number} " * 3 for number in range(ROWS)]
    documents = pa.table({"doc_id": [f"doc-{n}" for n in range(ROWS)], "text": texts})
    dense = pa.table({"vector": np.random.default_rng(3).random((ROWS, 8)).tolist()}).cast(schema.dense(8))
    lists = {"indices": [[1, 5, 9]] * ROWS, "weights": [[0.5, 1.5, 2.0]] * ROWS}
    sparse = pa.table(lists, schema=schema.SPARSE)
    tables = {"documents": documents, "dense": dense, "sparse": sparse}
    return [(name, table.schema, to_parquet(table, {"run": "r"})) for name, table in tables.items()]


def _part(folder: Path, wanted: pa.Schema) -> Read:
    """Bytes whose checksum is that of the manifest: whoever wrote both is the one not to be trusted."""
    store = open_store(str(folder / "store"))

    def read(data: bytes) -> object:
        store.put("documents/part.parquet", data)
        file = StoredFile(key="documents/part.parquet", bytes=len(data), sha256=digest(data))
        read_columns(store, file)
        read_parquet(Path(store.path(file.key)), wanted)
        return read_table(store, file, wanted)

    return read
