"""A manifest is a promise that its files are there: looked at once more, right before it is created."""

from operators.core.errors import IntegrityError
from operators.core.layout import run_file
from operators.core.manifest import Manifest
from operators.core.storage import Store


def check_present(store: Store, manifest: Manifest) -> None:
    """Raise `IntegrityError` where a file of the manifest is not on the store, or not of its size.

    A run that goes on trusts the receipts of its earlier attempts, and whoever cleans a bucket may have removed what
    they name. One listing a folder: a thousand files a request.
    """
    files = manifest.files()
    folders = sorted({"/".join(file.key.split("/")[:2]) for file in files})
    found = {info.key: info.bytes for folder in folders for info in store.list(f"{folder}/")}
    lost = [file for file in files if found.get(file.key) != file.bytes]
    if not lost:
        return
    first, more = lost[0], f" and {len(lost) - 1} more" if len(lost) > 1 else ""
    size = f"{found[first.key]:,} bytes" if first.key in found else "nothing"
    raise IntegrityError(
        f"not published: {store.locate(first.key)}{more}: run {manifest.run} wrote {first.bytes:,} bytes there, found "
        f"{size}. Restore the file from a copy, or delete {store.locate(run_file(manifest.run, ''))} and run the same "
        f"command again to write all files anew"
    )
