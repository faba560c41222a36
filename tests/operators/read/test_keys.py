import pyarrow as pa
import xxhash

from operators.core import schema
from operators.read.keys import document_keys


def _table(*rows, metadata=("a", "b")):
    names = schema.in_flight(metadata).names
    values = [(doc_id, 0, 0, len(text), text, "f", 1, False, *meta) for doc_id, text, *meta in rows]
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in values], schema=schema.in_flight(metadata)
    )


def _content(*rows, **fields):
    return document_keys(_table(*rows, **fields), "p")["content128"].to_pylist()


def test_document_keys_are_the_digests_of_the_ids_sorted_with_their_rows():
    rows = [(f"é{number}", "text", None, None) for number in range(100)]
    table = pa.concat_tables([_table(*rows[:30]), _table(*rows[30:])])
    keys = document_keys(table, "part-1")
    assert keys.schema == schema.KEYS
    digests = keys["key128"].to_pylist()
    assert digests == sorted(digests)
    assert set(keys["part"].to_pylist()) == {"part-1"}
    for digest, row in zip(digests, keys["row"].to_pylist(), strict=True):
        assert digest == xxhash.xxh3_128_digest(f"é{row}".encode())


def test_document_keys_of_a_repeated_id_keep_the_order_of_reading():
    keys = document_keys(_table(*[("same", str(number), None, None) for number in range(5)]), "p")
    assert keys["row"].to_pylist() == [0, 1, 2, 3, 4]


def test_document_keys_content_does_not_depend_on_the_id():
    assert _content(("a", "text", "x", None)) == _content(("b", "text", "x", None))


def test_document_keys_content_differs_for_every_other_way_to_fill_the_fields():
    rows = [
        ("1", "t", None, None),
        ("1", "t", "", None),
        ("1", "t", None, ""),
        ("1", "t", "x", None),
        ("1", "t", None, "x"),
        ("1", "tx", None, None),
        ("1", "t", "xy", ""),
        ("1", "t", "x", "y"),
        ("1", "t\x001:x", None, None),
    ]
    contents = [_content(row)[0] for row in rows]
    contents.append(_content(("1", "t", None, None), metadata=("a", "c"))[0])
    assert len(set(contents)) == len(rows) + 1


def test_document_keys_of_no_documents_are_an_empty_table():
    assert document_keys(_table(), "p").equals(schema.KEYS.empty_table())
