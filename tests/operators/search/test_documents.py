from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from operators.core.errors import IntegrityError
from operators.core.manifest import Part
from operators.core.stored_file import StoredFile
from operators.search import row_groups
from operators.search.documents import Documents

ROWS = 100


def part(name: str, rows: int = ROWS) -> Part:
    file = StoredFile(key=name, bytes=0, sha256="0" * 64)
    return Part(part=name, rows=rows, totals={}, documents=file, vectors={})


@pytest.fixture
def opened(tmp_path: Path) -> Documents:
    for name in "ab":
        numbers = range(ROWS)
        table = pa.table(
            {
                "doc_id": [f"{name}{n}" for n in numbers],
                "chunk": [n % 3 for n in numbers],
                "span_start": list(numbers),
                "span_end": [n + 5 for n in numbers],
                "text": [f"{name} text {n}" * 20 for n in numbers],
            }
        )
        pq.write_table(table, tmp_path / name, row_group_size=7)
    return Documents(lambda file: tmp_path / file.key)


def test_read_any_row_in_any_order_gives_that_row(opened: Documents, monkeypatch: pytest.MonkeyPatch) -> None:
    """With room for about two row groups, so that groups are dropped and read again."""
    monkeypatch.setattr(row_groups, "_KEPT_BYTES", 4000)
    for row in [0, 6, 7, 99, 50, 98, 13, 14, *range(ROWS)]:
        for name in "ab":
            found = opened.read(part(name), row)
            assert (found.doc_id, found.chunk, found.span) == (f"{name}{row}", row % 3, (row, row + 5))
            assert found.text == f"{name} text {row}" * 20
            assert found.metadata == {}


def test_read_file_that_is_no_parquet_is_refused(opened: Documents, tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(b"PAR1 but nothing else")
    with pytest.raises(IntegrityError, match="c cannot be read"):
        opened.read(part("c"), 0)


def test_read_part_of_other_rows_or_columns_is_refused(opened: Documents, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="expected 99 rows"):
        opened.read(part("a", 99), 0)
    pq.write_table(pa.table({"doc_id": ["x"]}), tmp_path / "d")
    with pytest.raises(IntegrityError, match="is not the part the manifest names"):
        opened.read(part("d", 1), 0)
