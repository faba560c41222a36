"""Small collections written by hand: a snapshot is a few files of a few bytes and the manifest that names them."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from operators.core import layout
from operators.core.encoder_records import EncoderRecord
from operators.core.fingerprint import canonical, digest
from operators.core.manifest import Counts, Manifest, Parent, Part, SourceState, to_json
from operators.core.storage import Store, open_store
from operators.core.stored_file import StoredFile
from operators.publish.chain import manifest_sha256, read_head

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def memory_store() -> Store:
    return open_store(f"memory://{uuid.uuid4().hex}/collection")


def put_file(store: Store, name: str) -> StoredFile:
    """One file of a snapshot; its name is its content, so that one name is always one object.

    What is there stays as it is: to S3, whose tokens are hashes, the same bytes written twice are the same object.
    """
    data = f"the content of {name}".encode()
    file = StoredFile(key=layout.documents("f" * 16, name, digest(data)), bytes=len(data), sha256=digest(data))
    if not store.list(file.key):
        store.put(file.key, data)
    return file


def put_receipt(store: Store, run: str, item: str, files: Iterable[StoredFile]) -> str:
    key = layout.receipt(run, "parts", item)
    store.put(key, canonical({"part": item, "files": {file.key[-20:]: file for file in files}}))
    return key


def write_run(store: Store, run: str, names: Iterable[str]) -> list[StoredFile]:
    """A run that wrote files and was not heard of again: a plan, one receipt a file, rejects."""
    store.put(layout.run_file(run, "plan.parquet"), b"plan")
    files = [put_file(store, name) for name in names]
    for name, file in zip(names, files, strict=True):
        put_receipt(store, run, name, [file])
    return files


def publish_snapshot(store: Store, names: Iterable[str], run: str | None = None, at: datetime = NOW) -> Manifest:
    """The next snapshot, of these files; a run of its own wrote them."""
    head = read_head(store)
    number = head.snapshot + 1 if head else 1
    run = run or f"run-{number}"
    files = write_run(store, run, list(names))
    inputs = b"inputs of %d" % number
    source = StoredFile(key=layout.inputs(digest(inputs)), bytes=len(inputs), sha256=digest(inputs))
    store.put(source.key, inputs)
    manifest = Manifest(
        collection="c",
        snapshot=number,
        run=run,
        parent=Parent(snapshot=head.snapshot, sha256=manifest_sha256(store, head.snapshot)) if head else None,
        created_at=at.isoformat(timespec="seconds"),
        millrace="0",
        identity=f"identity-{run}",
        recipe={},
        documents_fingerprint="f" * 16,
        chunking_fingerprint="0" * 16,
        source=SourceState(token=run, inputs=source),
        counts=Counts(
            documents=10 * number, rows=10 * number, encoded=4, reused=1, added=3, updated=2, deleted=1, unchanged=5,
            truncated=0, rejected=0,
        ),
        encoders={"dense": EncoderRecord(kind="dense", fingerprint="0123456789abcdef", spec={}, dimensions=4)},
        segments=(),
        parts=tuple(
            Part(part=name, rows=10, totals={}, documents=file, vectors={})
            for name, file in zip(names, files, strict=True)
        ),
        indexes={},
        keys=(),
        texts=(),
        rejects=(),
    )  # fmt: skip
    store.create(layout.manifest(number), to_json(manifest))
    return manifest


def is_whole(store: Store, manifest: Manifest) -> bool:
    """Whether every file is there, byte for byte; read one by one, unlike the code under test."""
    there = {info.key for info in store.list("")}
    return all(file.key in there and digest(store.get(file.key)) == file.sha256 for file in manifest.files())
