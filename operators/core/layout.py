"""Key arithmetic: where everything lies under `<store>/<collection>/`. No I/O; no key is made from document data."""

import re

from operators.core.errors import UsageError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
#: Digits of a snapshot number in its key, so that names sort as numbers do.
_DIGITS = 12
MANIFESTS = "manifests/"


def check_name(kind: str, name: str) -> str:
    """The name itself if it is safe in a key; raises `UsageError` otherwise."""
    if not _NAME.fullmatch(name) or ".." in name:
        raise UsageError(
            f"{kind} {name!r} is not a valid name: expected lower-case letters, digits, '.', '_' or '-', "
            f"at most 63, starting with a letter or digit"
        )
    return name


def documents(fingerprint: str, part: str, sha256: str) -> str:
    """Keys, spans, metadata and (where kept) text of one part."""
    return f"documents/{fingerprint}/{part}-{sha256[:16]}.parquet"


def vectors(fingerprint: str, part: str, sha256: str) -> str:
    """One encoder's vectors of one part, row for row beside its documents."""
    return f"vectors/{fingerprint}/{part}-{sha256[:16]}.parquet"


def index_file(fingerprint: str, build: str, segment: str, name: str, sha256: str) -> str:
    """One file of one segment's index; `name` is a file name such as `docs.npy`."""
    stem, _, suffix = name.rpartition(".")
    return f"indexes/{fingerprint}/{build}/{segment}/{stem}-{sha256[:16]}.{suffix}"


def trained(fingerprint: str, sha256: str) -> str:
    """An index without rows that the indexes of segments begin as."""
    return f"indexes/{fingerprint}/trained/{sha256}.faiss"


def model_file(fingerprint: str, name: str, sha256: str) -> str:
    """A file of an encoder that was fitted on the corpus and is kept with its snapshots."""
    stem, _, suffix = name.rpartition(".")
    return f"models/{fingerprint}/{stem}-{sha256[:16]}.{suffix}"


def dead(segment: str, sha256: str) -> str:
    """The rows of a segment that no longer live."""
    return f"dead/{segment}-{sha256[:16]}.roaring"


def ledger(name: str, bits: int, bucket: int, sha256: str) -> str:
    """One file of the ledger `name`: the rows of one range of hashes."""
    return f"ledger/{name}/{bits:02d}-{bucket:05d}-{sha256[:16]}.parquet"


def inputs(sha256: str) -> str:
    """The table of a source's inputs."""
    return f"inputs/{sha256[:16]}.parquet"


def staged(token: str, name: str, sha256: str) -> str:
    """A file of rows that were copied from a source whose rows have no stable address."""
    return f"staged/{token}/{name}-{sha256[:16]}.parquet"


def tag(name: str, number: int) -> str:
    """One entry in the log of a tag."""
    return f"tags/{name}/{number:06d}.json"


def mark(number: int) -> str:
    """One entry in the log of what prunes found to be unneeded."""
    return f"prune/{number:0{_DIGITS}d}.json"


def lease(number: int) -> str:
    """One entry in the log of leases."""
    return f"leases/{number:0{_DIGITS}d}.json"


def outcome(number: int) -> str:
    """One entry in the log of how runs ended."""
    return f"outcomes/{number:0{_DIGITS}d}.json"


def run_file(run: str, name: str) -> str:
    """A file in the folder of one run."""
    return f"runs/{run}/{name}"


def receipt(run: str, stage: str, item: str) -> str:
    """The create-only record that one item of one stage is done."""
    return f"runs/{run}/receipts/{stage}/{item}.json"


def manifest(snapshot: int) -> str:
    """The manifest of a snapshot; creating it is the publication."""
    return f"{MANIFESTS}{snapshot:0{_DIGITS}d}.json"


def snapshot_number(key: str) -> int | None:
    """The snapshot a manifest key names, or None where the key is something else."""
    match = re.fullmatch(rf"{MANIFESTS}(\d{{{_DIGITS}}})\.json", key)
    return int(match[1]) if match else None
