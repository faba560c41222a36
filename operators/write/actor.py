"""The write stage: the last one a part passes, and the one that makes it count."""

import time

import pyarrow as pa

from operators.core.parcel import from_row
from operators.core.progress import Report, unheard
from operators.core.storage import Store
from operators.write.part import WriteSpec, write_part
from operators.write.receipt import commit

#: The name of the stage whose receipts say that a part is encoded.
STAGE = "encode"


class WritePart:
    """Callable from a parcel row to a row with the JSON of the receipt that counts: `{part, receipt}`."""

    def __init__(self, store: Store, spec: WriteSpec, report: Report = unheard) -> None:
        self._store, self._spec, self._report = store, spec, report

    def __call__(self, row: pa.Table) -> pa.Table:
        """Write the part's files, then its receipt."""
        start = time.perf_counter()
        parcel = from_row(row)
        receipt = write_part(self._store, parcel, self._spec)
        seconds = {**receipt.seconds, "write": time.perf_counter() - start}
        receipt = commit(
            self._store, self._spec.run, STAGE, receipt.part, receipt.model_copy(update={"seconds": seconds})
        )
        self._report("write", receipt.documents, 0)
        return pa.table({"part": [receipt.part], "receipt": [receipt.model_dump_json()]})
