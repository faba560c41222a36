"""Where documents lie in a part, against a walk over its rows."""

import pyarrow as pa
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from operators.core import columns, schema
from operators.write.placed import place_documents


def documents(chunks: list[int], parts: int = 1) -> pa.Table:
    """A document for each number of chunks, as they follow each other in a part."""
    rows = [(f"d{number}", chunk) for number, count in enumerate(chunks) for chunk in range(count)]
    kinds = {columns.DOC_ID: pa.string(), columns.CHUNK: pa.int32()}
    values = zip(*rows, strict=True) if rows else ([], [])
    table = pa.table({name: pa.array(own, kind) for (name, kind), own in zip(kinds.items(), values, strict=True)})
    cut = -(-max(table.num_rows, 1) // parts)
    return pa.concat_tables([table.slice(start, cut) for start in range(0, table.num_rows, cut)] or [table])


@given(st.lists(st.integers(1, 4), max_size=30), st.integers(1, 3))
def test_place_documents_any_chunks_names_first_row_and_rows_of_each_by_key(chunks: list[int], parts: int) -> None:
    expected = []
    row = 0
    for number, count in enumerate(chunks):
        key = xxhash.xxh3_128_digest(f"d{number}".encode())
        expected.append((int.from_bytes(key[:2], "big"), key, "part-1", row, count))
        row += count
    found = place_documents(documents(chunks, parts), "part-1")
    assert found.schema == schema.PLACED
    assert [tuple(one.values()) for one in found.to_pylist()] == sorted(expected, key=lambda one: one[1])
