"""Names by content."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.core.fingerprint import canonical, digest, digest_file, fingerprint
from operators.core.stored_file import StoredFile

VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.dictionaries(st.text(), st.integers(), max_size=3)


@given(st.dictionaries(st.text(), VALUES, max_size=5))
def test_order_of_keys_changes_nothing(value: dict[str, object]) -> None:
    backwards = dict(reversed(list(value.items())))
    assert fingerprint(value) == fingerprint(backwards)


def test_any_value_changes_it() -> None:
    assert len({fingerprint(value) for value in ({"a": 1}, {"a": "1"}, {"a": 1.5}, {"b": 1}, {"a": None}, {})}) == 6


def test_name_is_fixed_for_ever() -> None:
    """Published names must not move with a library's version."""
    assert canonical({"b": [1, "é"], "a": None}) == '{"a":null,"b":[1,"é"]}'.encode()
    assert fingerprint({"b": [1, "é"], "a": None}) == "f8f17faab95c0248"


def test_models_count_as_their_json() -> None:
    file = StoredFile(key="a", bytes=1, sha256="0" * 64)
    assert canonical([file]) == canonical([{"key": "a", "bytes": 1, "sha256": "0" * 64}])


def test_value_without_json_form_is_refused() -> None:
    with pytest.raises(TypeError, match="set has no canonical JSON form"):
        fingerprint({"a": {1, 2}})


def test_digest_of_a_file_is_sha256(tmp_path: Path) -> None:
    content = b"0123456789" * 300_000
    (tmp_path / "file").write_bytes(content)
    assert digest_file(tmp_path / "file") == digest(content) == hashlib.sha256(content).hexdigest()
