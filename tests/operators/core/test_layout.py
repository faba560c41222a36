"""Keys."""

import pytest

from operators.core import layout
from operators.core.errors import UsageError

SHA = "0123456789abcdef" * 4


@pytest.mark.parametrize("name", ["wiki-ko", "a", "0", "a.b_c-d", "x" * 63])
def test_safe_name_is_kept(name: str) -> None:
    assert layout.check_name("collection", name) == name


@pytest.mark.parametrize(
    "name", ["", "..", "a..b", "../a", "a/b", "/a", "a\\b", "Wiki", ".hidden", "-a", "a b", "a\n", "é", "x" * 64, "a\0"]
)
def test_unsafe_name_is_refused_and_named(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        layout.check_name("collection", name)
    assert f"collection {name!r}" in str(caught.value)


def test_keys_carry_the_hash_of_their_content() -> None:
    assert layout.documents("f1", "00001", SHA) == "documents/f1/00001-0123456789abcdef.parquet"
    assert layout.vectors("f1", "00001", SHA) == "vectors/f1/00001-0123456789abcdef.parquet"
    assert layout.index_file("f1", "b1", "0", "docs.npy", SHA) == "indexes/f1/b1/0/docs-0123456789abcdef.npy"
    assert layout.model_file("f1", "a.b.json", SHA) == "models/f1/a.b-0123456789abcdef.json"
    assert layout.receipt("r1", "encode", "00001") == "runs/r1/receipts/encode/00001.json"


@pytest.mark.parametrize("number", [0, 1, 42, 10**12 - 1])
def test_snapshot_number_round_trips_through_its_key(number: int) -> None:
    assert layout.snapshot_number(layout.manifest(number)) == number


def test_manifest_keys_sort_as_numbers() -> None:
    keys = [layout.manifest(number) for number in (1, 2, 9, 10, 99, 100)]
    assert keys == sorted(keys)


@pytest.mark.parametrize(
    "key", ["manifests/1.json", "manifests/00000000000a.json", "manifests/000000000001.json.tmp", "x", "manifests/"]
)
def test_other_keys_name_no_snapshot(key: str) -> None:
    assert layout.snapshot_number(key) is None
