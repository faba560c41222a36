"""A manifest is a promise that its files are there: looked at once more, right before it is created."""

from operators.core.errors import IntegrityError
from operators.core.layout import run_file
from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.publish.chain import read_manifest
from operators.publish.lost import LostFile, describe_lost, find_lost


def check_present(store: Store, manifest: Manifest) -> None:
    """Raise `IntegrityError` where a file of the manifest is not on the store, or not of its size.

    A run that goes on trusts the receipts of its earlier attempts, and whoever cleans a bucket may have removed what
    they name. One listing a folder: a thousand files a request.
    """
    lost = find_lost(store, manifest)
    if lost:
        raise IntegrityError(f"not published: {describe_lost(store, lost)}. {_advice(store, manifest, lost)}")


def _advice(store: Store, manifest: Manifest, lost: list[LostFile]) -> str:
    before = read_manifest(store, manifest.parent.snapshot) if manifest.parent else None
    inherited = {file.key for file in before.files()} if before else set()
    if before and any(each.file.key in inherited for each in lost):
        return (
            f"Snapshot {before.snapshot} needs it too, and no run writes it again. Restore it from a copy, or index "
            f"into another store with --store"
        )
    return (
        f"Run {manifest.run} wrote it. Restore it from a copy, or delete {store.locate(run_file(manifest.run, ''))} "
        f"and run the same command again to write all files anew"
    )
