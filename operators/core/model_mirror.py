"""Models on an object store, for machines that reach no hub: `<mirror>/<sha256>/files.json` and `files/<name>` beside.

The sha256 is that over names and contents which a lock gives a model, so a folder proves itself: `files.json` by its
folder's name, and each file by `files.json`.
"""

import json
from hashlib import sha256 as new_digest
from pathlib import Path

from operators.core.errors import IntegrityError, ObjectExistsError, ObjectMissingError, UsageError
from operators.core.fingerprint import canonical
from operators.core.model_files import Contents, check_file_name, name_of
from operators.core.storage import Store, open_store

LISTING = "files.json"
#: Bytes of the largest listing that is read: a model of a thousand files has 100 kB.
_LARGEST_LISTING = 1 << 20
#: Bytes of a file that are held while it is read back.
_BLOCK = 16 << 20


def put_model(mirror: Store, contents: Contents, folder: Path) -> int:
    """Copy a model's files into the mirror, read each back, and name them last; returns the bytes that were new.

    What is there stays: raises `IntegrityError` where it is not what it should be, in the folder or in the mirror.
    """
    place = mirror.child(name_of(contents))
    copied = 0
    for name, sha256 in sorted(contents.items()):
        key = file_key(name)
        if not _is_there(place, key):
            place.put_file(key, folder / name)
            copied += (folder / name).stat().st_size
        if (found := _digest(place, key)) != sha256:
            raise IntegrityError(
                f"{place.locate(key)} is not {folder / name} as it was locked: expected sha256 {sha256}, got {found}. "
                f"Delete the object, then run `millrace lock --check` and `millrace mirror` again"
            )
    _name_files(place, canonical(dict(contents)))
    return copied


def _name_files(place: Store, listing: bytes) -> None:
    try:
        place.create(LISTING, listing)
    except ObjectExistsError:
        if place.get(LISTING) != listing:
            raise IntegrityError(
                f"{place.locate(LISTING)} lists other files than its folder is named by: delete the folder, then run "
                f"`millrace mirror` again"
            ) from None


def is_mirrored(mirror: str, sha256: str) -> bool:
    """Whether a mirror has a model, as far as it says."""
    return _is_there(open_store(mirror).child(sha256), LISTING)


def listed_files(place: Store, sha256: str) -> dict[str, str]:
    """What a folder of a mirror holds, as its name proves it: safe paths, and the sha256 of each file.

    Raises `UsageError` where there is no such folder, `IntegrityError` where it does not prove itself.
    """
    try:
        size = place.head(LISTING).bytes
    except ObjectMissingError as error:
        raise UsageError(
            f"{place.locate('')} is not in the mirror: run `millrace mirror` where the model is, with the lock that "
            f"this recipe has"
        ) from error
    if size > _LARGEST_LISTING:
        raise IntegrityError(f"{place.locate(LISTING)} is no list of a model's files: it has {size:,} bytes")
    try:
        found = json.loads(place.get(LISTING))
        contents = {check_file_name(name): str(each) for name, each in found.items()}
    except (ValueError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"{place.locate(LISTING)} is no list of a model's files: {error}") from error
    if name_of(contents) != sha256:
        raise IntegrityError(
            f"{place.locate(LISTING)} changed on the mirror: it lists the files of {name_of(contents)}. Delete the "
            f"folder, and run `millrace mirror` where the model is"
        )
    return contents


def file_key(name: str) -> str:
    """Where a file of a model lies below its folder of a mirror."""
    return f"files/{name}"


def _is_there(place: Store, key: str) -> bool:
    try:
        place.head(key)
    except ObjectMissingError:
        return False
    return True


def _digest(place: Store, key: str) -> str:
    """sha256 of an object as the store gives it, a block at a time."""
    size, state = place.head(key).bytes, new_digest()
    for start in range(0, size, _BLOCK):
        state.update(place.get_range(key, start, min(size, start + _BLOCK)))
    return state.hexdigest()
