"""Rows to documents."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from operators.core import columns
from operators.core.manifest import Part
from operators.core.stored_file import StoredFile
from operators.search.row_groups import RowGroups

_NEEDED = (columns.DOC_ID, columns.CHUNK, columns.SPAN_START, columns.SPAN_END)


@dataclass(frozen=True)
class Document:
    """A chunk of a document, or all of it where documents are not chunked."""

    doc_id: str
    chunk: int
    span: tuple[int, int]
    text: str | None
    metadata: dict[str, str | None]


class Documents:
    """The documents of a snapshot; `fetch` gives the verified local path of a stored file."""

    def __init__(self, fetch: Callable[[StoredFile], Path]) -> None:
        self._groups = RowGroups(fetch, _NEEDED)

    def read(self, part: Part, row: int) -> Document:
        """One row of a part; raises `IntegrityError` where the file is not the part the manifest describes."""
        return _document(*self._groups.locate(part.documents, part.rows, row))

    def doc_id(self, part: Part, row: int) -> str:
        """The id alone of a row of a part; raises as `read` does."""
        table, place = self._groups.locate(part.documents, part.rows, row)
        return str(table[columns.DOC_ID][place].as_py())


def _document(table: pa.Table, row: int) -> Document:
    values = {name: table[name][row].as_py() for name in table.column_names}
    prefix = columns.METADATA_PREFIX
    return Document(
        doc_id=values[columns.DOC_ID],
        chunk=values[columns.CHUNK],
        span=(values[columns.SPAN_START], values[columns.SPAN_END]),
        text=values.get(columns.TEXT),
        metadata={name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)},
    )
