"""Rejects as JSON lines under the run's folder: one object a document, for people and for `jq`."""

import json
from collections import Counter

import pyarrow as pa

from operators.core import columns, layout
from operators.core.fingerprint import SHORT, digest
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.write.stored import put_bytes


def write_rejects(store: Store, run: str, stage: str, part: str, rejects: pa.Table) -> StoredFile | None:
    """Put a part's rejects (`schema.REJECTS`) of one stage; nothing where there are none."""
    if rejects.num_rows == 0:
        return None
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rejects.to_pylist()).encode()
    return put_bytes(store, layout.run_file(run, f"rejects/{stage}-{part}-{digest(lines)[:SHORT]}.jsonl"), lines)


def count_reasons(rejects: pa.Table) -> dict[str, int]:
    """Rejects by reason."""
    return dict(sorted(Counter(str(reason) for reason in rejects[columns.REASON].to_pylist()).items()))
