"""A part's tables to the store: a file of documents, one of vectors for each encoder, one that says what lies where."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import pyarrow as pa

from operators.core import layout
from operators.core.encoder_spec import Kind
from operators.core.fingerprint import digest
from operators.core.spec import Spec
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.write.parquet import to_parquet
from operators.write.placed import place_documents
from operators.write.stored import stored_file


class WriteSpec(Spec):
    """Where a run's parts go: its name, the fingerprints that name the folders, and each encoder's kind."""

    run: str
    documents_fingerprint: str
    fingerprints: dict[str, str]
    kinds: dict[str, Kind]
    keep_text: bool


@dataclass(frozen=True)
class Written:
    """The files of a part: `vectors` by the encoder's name."""

    documents: StoredFile
    vectors: dict[str, StoredFile]
    placed: StoredFile


def write_tables(
    store: Store, part: str, documents: pa.Table, vectors: Mapping[str, pa.Table], spec: WriteSpec
) -> Written:
    """Put a part's documents and its vectors, row for row beside them; each file whole or not at all."""
    about = {"run": spec.run, "part": part, "documents": spec.documents_fingerprint}
    return Written(
        _put(store, partial(layout.documents, spec.documents_fingerprint, part), documents, about),
        {name: write_vectors(store, part, name, table, spec) for name, table in vectors.items()},
        _put(store, partial(_placed_key, spec.run, part), place_documents(documents, part), about),
    )


def write_vectors(store: Store, part: str, encoder: str, vectors: pa.Table, spec: WriteSpec) -> StoredFile:
    """Put one encoder's vectors of a part."""
    fingerprint = spec.fingerprints[encoder]
    about = {"run": spec.run, "part": part, "documents": spec.documents_fingerprint, "encoder": fingerprint}
    return _put(store, partial(layout.vectors, fingerprint, part), vectors, about)


def _placed_key(run: str, part: str, sha256: str) -> str:
    return layout.run_file(run, f"placed/{part}-{sha256[:16]}.parquet")


def _put(store: Store, key: Callable[[str], str], table: pa.Table, about: dict[str, str]) -> StoredFile:
    data = to_parquet(table, about)
    sha256 = digest(data)
    store.put(key(sha256), data)
    return stored_file(key(sha256), data, sha256)
