"""Bytes that changed on the store are refused by search, whatever file they are in, wherever the store is."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from operators.core.encoder_records import EncoderRecord
from operators.core.encoder_spec import Kind
from operators.core.errors import IntegrityError
from operators.core.fingerprint import digest
from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.search.cache import FileCache
from operators.search.snapshot import Snapshot
from tests.operators.search.collection import Chunk, WordEncoder, open_snapshot, publish, random_texts

TEXTS = random_texts(40)
NAMES = ["dense.faiss", "indptr.npy", "docs.npy", "weights.npy", "documents", "dead"]


def flip(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def file_of(manifest: Manifest, name: str) -> StoredFile:
    if name == "documents":
        return manifest.parts[0].documents
    if name == "dead":
        assert manifest.segments[0].dead
        return manifest.segments[0].dead.file
    indexes = [index for own in manifest.indexes.values() for index in own]
    return next(index.files[name] for index in indexes if name in index.files)


@pytest.mark.parametrize("damage", [flip, lambda data: data[: len(data) // 2], lambda data: data[:0]])
@pytest.mark.parametrize("name", NAMES)
def test_search_tampered_file_is_refused(
    store: Store, tmp_path: Path, name: str, damage: Callable[[bytes], bytes]
) -> None:
    rows = [Chunk(f"d{number}", text) for number, text in enumerate(TEXTS)]
    manifest = publish(store, rows, part_rows=40, dead=[7, 9])
    cache = tmp_path / "cache"
    assert open_snapshot(store, manifest, cache).search(TEXTS[0], 1)[0].doc_id == "d0"
    file = file_of(manifest, name)
    changed = damage(store.get(file.key))
    store.put(file.key, changed)
    with pytest.raises(IntegrityError) as refused:
        open_snapshot(store, manifest, cache).search(TEXTS[0], 1)
    for part in (store.locate(file.key), file.sha256, digest(changed)):
        assert part in str(refused.value)


def test_search_tampered_file_of_an_encoder_is_refused(store: Store, tmp_path: Path) -> None:
    """What was fitted on the corpus reaches the encoder as a verified file, by its name."""
    manifest = publish(store, [Chunk("d", "w1")])
    store.put("models/weights", b"fitted")
    file = StoredFile(key="models/weights", bytes=6, sha256=digest(b"fitted"))
    fitted = manifest.encoders["words"].model_copy(update={"files": {"idf.safetensors": file}})
    manifest = manifest.model_copy(update={"encoders": {"words": fitted}})
    read: list[bytes] = []

    def open_encoder(name: str, record: EncoderRecord, files: Mapping[str, Path]) -> WordEncoder:
        read.append(files["idf.safetensors"].read_bytes())
        return WordEncoder(Kind.SPARSE)

    cache = FileCache(tmp_path / "cache")
    assert Snapshot(store, manifest, cache, open_encoder).search("w1")[0].doc_id == "d"
    assert read == [b"fitted"]
    store.put("models/weights", b"Fitted")
    with pytest.raises(IntegrityError, match="models/weights changed on the store"):
        Snapshot(store, manifest, cache, open_encoder).search("w1")
