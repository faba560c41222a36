import pyarrow as pa
import xxhash

from operators.core import schema
from operators.read.keys import document_keys


def _table(*rows, metadata=("a", "b")):
    names = schema.in_flight(metadata).names
    values = [
        (doc_id, 0, 0, len(text), text, "f", line, False, *meta) for line, (doc_id, text, *meta) in enumerate(rows, 1)
    ]
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) for row in values], schema=schema.in_flight(metadata)
    )


def _content(*rows, salt="", **fields):
    return document_keys(_table(*rows, **fields), "p", salt)["content128"].to_pylist()


def test_document_keys_are_the_digests_of_the_ids_sorted_with_their_rows():
    rows = [(f"é{number}", "text", None, None) for number in range(100)]
    keys = document_keys(_table(*rows), "part-1", "")
    assert keys.schema == schema.KEYS
    digests = keys["key128"].to_pylist()
    assert digests == sorted(digests)
    assert set(keys["part"].to_pylist()) == {"part-1"}
    assert set(keys["input"].to_pylist()) == {xxhash.xxh3_64_intdigest(b"f")}
    assert keys["prefix"].to_pylist() == [int.from_bytes(digest[:2], "big") for digest in digests]
    for digest, line in zip(digests, keys["line"].to_pylist(), strict=True):
        assert digest == xxhash.xxh3_128_digest(f"é{line - 1}".encode())


def test_document_keys_of_a_table_in_pieces_are_those_of_the_whole():
    rows = [(f"d{number}", f"text {number}", "a", None) for number in range(100)]
    whole = _table(*rows)
    pieces = pa.concat_tables([whole.slice(0, 30), whole.slice(30, 1), whole.slice(31)])
    assert document_keys(pieces, "p", "s").equals(document_keys(whole, "p", "s"))


def test_document_keys_of_a_repeated_id_keep_the_order_of_reading():
    keys = document_keys(_table(*[("same", str(number), None, None) for number in range(5)]), "p", "")
    assert keys["line"].to_pylist() == [1, 2, 3, 4, 5]


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
    contents.append(_content(("1", "t", None, None), salt="x")[0])
    assert len(set(contents)) == len(rows) + 2


def test_document_keys_of_equal_texts_are_equal_whatever_stands_beside_them():
    table = _table(("1", "t", None, None), ("2", "t", "x", None), ("3", "u", None, None))
    keys = document_keys(table, "p", "")
    texts = dict(zip(keys["line"].to_pylist(), keys["text128"].to_pylist(), strict=True))
    assert texts[1] == texts[2] == xxhash.xxh3_128_digest(b"t")
    assert texts[3] == xxhash.xxh3_128_digest(b"u")


def test_document_keys_of_no_documents_are_an_empty_table():
    assert document_keys(_table(), "p", "").equals(schema.KEYS.empty_table())
