"""Tonight's documents as pieces of work: those to encode, and those that get copies of vectors."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from operators.core.receipts import MatchReceipt, PartReceipt
from operators.core.stored_file import StoredFile
from operators.ledger.compare import UNREAD
from operators.read.work import Work, divide
from pipelines.changes import Changes
from pipelines.job import Job
from pipelines.scan import Scanned


@dataclass(frozen=True)
class Division:
    """The works, each of which becomes one stored part."""

    encode: tuple[Work, ...]
    copy: tuple[Work, ...]

    def placed(self, encoded: Iterable[PartReceipt]) -> dict[str, StoredFile]:
        """By planned part the file that says where its encoded documents lie."""
        files = {receipt.part: receipt.placed for receipt in encoded}
        return {part.part: files[work.part] for work in self.encode for part in work.planned}


def divide_work(job: Job, scanned: Scanned, changes: Changes, matched: Sequence[MatchReceipt]) -> Division:
    """Divide what the lookup of texts left to encode, and what it found."""
    unread = sorted({each for receipt in changes.compared for each in receipt.unread})
    planned = (*job.parts, *(job.unread_part(each, f"{UNREAD}{each}") for each in unread))
    documents = {part.part: part.documents for part in scanned.parts}
    encode, copied = (_total(each.encode for each in matched), _total(each.copied for each in matched))
    return Division(
        divide(planned, encode, documents, f"{job.part_prefix}-e"),
        divide(planned, copied, documents, f"{job.part_prefix}-c"),
    )


def _total(counts: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return total
