"""What reaches seismic is what it can take: it panics over other rows, or ranks NaN and infinity first."""

import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from operators.core import columns, schema
from operators.core.encoder_spec import Kind
from operators.index.seismic_build import Shape, build_seismic, kind_of, write_rows
from operators.index.seismic_record import SeismicError
from operators.index.vectors import Vectors
from tests.operators.index.seismic_index import sparse_vectors
from tests.operators.index.tables import random_sparse


def vectors_of(terms: list[list[int]], weights: list[list[float]], vocabulary: int = 10) -> Vectors:
    table = pa.table({columns.INDICES: terms, columns.WEIGHTS: weights}, schema=schema.SPARSE)
    return Vectors(Kind.SPARSE, vocabulary, table.num_rows, lambda: iter([table]))


def read_rows(path: Path) -> list[tuple[list[int], list[float]]]:
    """By the letter of seismic's own converter, one number after the other."""
    data, rows = path.read_bytes(), []
    (count,) = struct.unpack_from("<I", data)
    at = 4
    for _ in range(count):
        (terms,) = struct.unpack_from("<I", data, at)
        rows.append(
            (
                list(struct.unpack_from(f"<{terms}I", data, at + 4)),
                list(struct.unpack_from(f"<{terms}f", data, at + 4 + 4 * terms)),
            )
        )
        at += 4 + 8 * terms
    assert at == len(data)
    return rows


def test_write_rows_of_several_parts_is_what_seismic_reads(tmp_path: Path) -> None:
    matrix = random_sparse(50, 20, 0.2)
    matrix[[0, 16, 17, 49]] = 0  # rows without terms, at the ends of parts too
    postings = write_rows(sparse_vectors(matrix), tmp_path / "rows")
    assert postings == np.count_nonzero(matrix)
    expected = [(np.flatnonzero(row).tolist(), row[row > 0].tolist()) for row in matrix]
    assert read_rows(tmp_path / "rows") == expected


def test_write_rows_keeps_the_weights_of_the_exact_index(tmp_path: Path) -> None:
    write_rows(vectors_of([[1]], [[1.0001]]), tmp_path / "rows")
    assert read_rows(tmp_path / "rows") == [([1], [1.0])]


@pytest.mark.parametrize(
    ("terms", "weights", "match"),
    [
        ([[3, 1], [2]], [[1, 1], [1]], "terms that ascend within a row, got 1 that do not"),
        ([[1], [2, 2]], [[1], [1, 1]], "terms that ascend within a row, got 1 that do not"),
        ([[1, 10]], [[1, 1]], "below the vocabulary of 10, got 10"),
        ([[1, 2]], [[1, np.nan]], "finite weights"),
        ([[1, 2]], [[1, np.inf]], "finite weights"),
        ([[1, 2]], [[1, 70_000]], "weights from 0 to 65504"),
        ([[1, 2]], [[1, -1]], "weights from 0 to 65504"),
        ([[], []], [[], []], "expected terms in 2 rows, got none"),
    ],
)
def test_write_rows_that_seismic_cannot_take_are_refused(
    tmp_path: Path, terms: list[list[int]], weights: list[list[float]], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        write_rows(vectors_of(terms, weights), tmp_path / "rows")


def test_write_rows_whose_first_term_is_below_the_last_of_the_row_before_is_fine(tmp_path: Path) -> None:
    assert write_rows(vectors_of([[5, 7], [], [1, 6]], [[1, 1], [], [1, 1]]), tmp_path / "rows") == 4


def test_build_of_a_file_the_library_panics_over_says_what_it_said(tmp_path: Path) -> None:
    pytest.importorskip("seismic")
    (tmp_path / "rows").write_bytes(struct.pack("<II2I2f", 1, 2, 5, 1, 1.0, 1.0))
    with pytest.raises(SeismicError, match=r"building failed with exit code 1: .*ascending order"):
        build_seismic(tmp_path / "rows", tmp_path / "index", 10, Shape(32), 1, 60.0)


def test_build_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    write_rows(vectors_of([[1]], [[1.0]]), tmp_path / "rows")
    with pytest.raises(SeismicError, match="building took longer than 0 s"):
        build_seismic(tmp_path / "rows", tmp_path / "index", 10, Shape(32), 1, 0.0)


def test_build_is_the_same_file_on_one_thread_and_two(tmp_path: Path) -> None:
    pytest.importorskip("seismic")
    write_rows(sparse_vectors(random_sparse(400, 50)), tmp_path / "rows")
    for threads in (1, 2):
        build_seismic(tmp_path / "rows", tmp_path / str(threads), 50, Shape(32), threads, 60.0)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_kind_of_vocabularies_beyond_16_bits_is_the_large_one() -> None:
    assert kind_of(1 << 16) == "SeismicIndexRaw"
    assert kind_of((1 << 16) + 1) == "SeismicIndexRawLV"
