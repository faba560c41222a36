"""Some of the documents that were not taken, of every reason: ids and places, never texts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from operators.core import columns
from operators.core.storage import Store
from operators.core.stored_file import StoredFile
from operators.report.run_report import Rejected, Sample
from operators.write.stored import read_verified

#: Documents shown of each reason.
_SHOWN = 5


def rejected_samples(
    store: Store, reasons: Mapping[str, int], files: Mapping[str, Sequence[StoredFile]]
) -> tuple[Rejected, ...]:
    """The reasons, the most frequent first; `files` are some with rejects of each.

    Raises `IntegrityError` where a file is not what was written.
    """

    @lru_cache
    def rows(key: str) -> list[dict[str, Any]]:
        data = read_verified(store, by_key[key])
        return [json.loads(line) for line in data.splitlines()]

    by_key = {file.key: file for found in files.values() for file in found}
    return tuple(
        Rejected(
            reason=reason,
            documents=documents,
            samples=_samples(reason, (row for file in files.get(reason, ()) for row in rows(file.key))),
            files=tuple(file.key for file in files.get(reason, ())),
        )
        for reason, documents in sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    )


def _samples(reason: str, rows: Iterable[Mapping[str, Any]]) -> tuple[Sample, ...]:
    found = []
    for row in rows:
        if row[columns.REASON] == reason:
            found.append(Sample(doc_id=row[columns.DOC_ID], file=row[columns.FILE], line=row[columns.LINE]))
            if len(found) == _SHOWN:
                break
    return tuple(found)
