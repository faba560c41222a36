"""Numbers in the fewest digits that are the same float32, by Python's own JSON reader."""

import json

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from operators.export.json_rows import dense_texts, list_texts, sparse_texts, splice

_TEXTS = st.text('ab "\\/\n\r\0한🪿\u2028')
_FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(deadline=None)
@given(arrays.arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 7)), elements=_FLOATS))
def test_dense_texts_read_back_are_the_same_floats(matrix: np.ndarray) -> None:
    read = [np.float32(json.loads(text)) for text in dense_texts(matrix)]
    assert len(read) == len(matrix)
    assert all(np.array_equal(found, row) for found, row in zip(read, matrix, strict=True))


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.integers(0, (1 << 32) - 1), _FLOATS)))
def test_sparse_texts_read_back_are_the_same_terms_and_floats(rows: list[dict[int, float]]) -> None:
    starts = np.cumsum([0, *map(len, rows)], dtype=np.int64)
    terms = np.array([term for row in rows for term in row], np.uint32)
    weights = np.array([weight for row in rows for weight in row.values()], np.float32)
    read = [json.loads(text) for text in sparse_texts(starts, terms, weights)]
    for found, row in zip(read, rows, strict=True):
        assert list(map(int, found)) == list(row)
        assert np.array_equal(np.float32(list(found.values())), np.float32(list(row.values())))
    assert [json.loads(text) for text in list_texts(starts, terms)] == [list(row) for row in rows]


def test_dense_texts_have_the_digits_of_float32_alone() -> None:
    assert dense_texts(np.array([[0.1, -2, 1e-8]], np.float32)) == ["[0.1,-2,1e-8]"]


@settings(deadline=None)
@given(st.dictionaries(_TEXTS, _TEXTS | st.none() | st.integers()))
def test_splice_is_one_line_of_json(values: dict[str, object]) -> None:
    text = splice(values, {"spliced\n": "[1]"})
    assert "\n" not in text
    assert json.loads(text) == {**values, "spliced\n": [1]}
