from pathlib import Path

import pyarrow as pa
import pytest

from operators.core import columns
from operators.core.errors import UsageError
from operators.export.bulk import _paths
from operators.export.fields import identifier, vector_fields
from operators.export.numbered import NumberedFiles


def test_vector_fields_are_identifiers() -> None:
    found = vector_fields(["dense", "e5-small.v2", "2x"])
    assert found == {"dense": "vector_dense", "e5-small.v2": "vector_e5_small_v2", "2x": "vector_2x"}
    assert all(name.isidentifier() for name in found.values())


@pytest.mark.parametrize(("name", "expected"), [("wiki-ko", "wiki_ko"), ("2026.docs", "_2026_docs")])
def test_identifier_is_one(name: str, expected: str) -> None:
    assert identifier(name) == expected
    assert expected.isidentifier()


@pytest.mark.parametrize("names", [["a", "a.b"], ["a.b", "a"], [".a"], ["a."], ["a..b"], [""]])
def test_paths_that_engines_cannot_map_are_refused(names: list[str]) -> None:
    documents = pa.schema([(columns.metadata(name), pa.string()) for name in names])
    with pytest.raises(UsageError, match="OpenSearch and Elasticsearch read dots as paths"):
        _paths(documents)


def test_paths_of_one_object_are_taken() -> None:
    names = ["a.b", "a.c", "ab", "제목"]
    assert _paths(pa.schema([(columns.metadata(name), pa.string()) for name in names])) == names


def test_numbered_files_are_framed_and_never_split_a_record(tmp_path: Path) -> None:
    with NumberedFiles(tmp_path / "deep" / "x.json", 10, head=b"[", separator=b",", tail=b"]") as files:
        for record in (b"111", b"222", b"333", b"4" * 20, b"5"):
            files.write(record)
    found = {path.name: path.read_bytes() for path in sorted((tmp_path / "deep").iterdir())}
    assert found == {
        "x-00000.json": b"[111,222]",
        "x-00001.json": b"[333]",
        "x-00002.json": b"[" + b"4" * 20 + b"]",
        "x-00003.json": b"[5]",
    }
