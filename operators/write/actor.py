"""The write stage: the last one a part passes, and the one that makes it count."""

import pyarrow as pa

from operators.core.parcel import from_row
from operators.core.progress import Report, unheard
from operators.core.span import begin
from operators.core.storage import Store
from operators.write.part import write_part, write_stored_part
from operators.write.receipt import commit
from operators.write.tables import WriteSpec

#: The stages whose receipts say that a part is encoded, and that a stored part is encoded by other encoders too.
STAGE, STORED_STAGE = "encode", "vectors"


class WritePart:
    """Callable from a parcel row to a row with the JSON of the receipt that counts: `{part, receipt}`."""

    def __init__(self, store: Store, spec: WriteSpec, report: Report = unheard) -> None:
        self._store, self._spec, self._report = store, spec, report

    def __call__(self, row: pa.Table) -> pa.Table:
        """Write the part's files, then its receipt."""
        ended = begin("write")
        receipt = write_part(self._store, from_row(row), self._spec)
        receipt = receipt.model_copy(update={"spans": (*receipt.spans, ended())})
        receipt = commit(self._store, self._spec.run, STAGE, receipt.part, receipt)
        self._report("write", receipt.documents, 0)
        return pa.table({"part": [receipt.part], "receipt": [receipt.model_dump_json()]})


class WriteVectors:
    """`WritePart` for a part whose documents are stored: the receipt names vectors only."""

    def __init__(self, store: Store, spec: WriteSpec, report: Report = unheard) -> None:
        self._store, self._spec, self._report = store, spec, report

    def __call__(self, row: pa.Table) -> pa.Table:
        """Write the part's vectors, then the receipt."""
        ended = begin("write")
        receipt = write_stored_part(self._store, from_row(row), self._spec)
        receipt = receipt.model_copy(update={"spans": (*receipt.spans, ended())})
        receipt = commit(self._store, self._spec.run, STORED_STAGE, receipt.part, receipt)
        self._report("write", row.num_rows, 0)
        return pa.table({"part": [receipt.part], "receipt": [receipt.model_dump_json()]})
