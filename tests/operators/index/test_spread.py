"""How terms spread over dimensions, against dense arithmetic and sentence-transformers' own figures."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from operators.core import schema
from operators.index.build import build_segment
from operators.index.npy import map_array
from operators.index.sparse_file import INDPTR
from operators.index.spread import document_frequencies, query_activity, spread

VOCABULARY = 50


def vectors(rows: int, seed: int) -> np.ndarray:
    """Weights [rows, VOCABULARY], most of them 0; the last dimension is never used."""
    rng = np.random.default_rng(seed)
    weights = rng.random((rows, VOCABULARY), np.float32) * (rng.random((rows, VOCABULARY)) < 0.1)
    weights[:, -1] = 0
    return weights


def offsets_of(weights: np.ndarray) -> np.ndarray:
    """As a sparse index stores them, from another library's transposition."""
    from scipy.sparse import csc_array

    return csc_array(weights).indptr.astype(np.uint64)


def test_spread_of_two_segments_equals_dense_arithmetic() -> None:
    first, second = vectors(40, 1), vectors(25, 2)
    both = np.concatenate([first, second]) != 0
    frequencies = document_frequencies([offsets_of(first), offsets_of(second)], VOCABULARY)
    assert frequencies.tolist() == both.sum(axis=0).tolist()
    found = spread(frequencies, 65)
    pairs = [(a & b).sum() for a in both for b in both]
    assert found.flops == pytest.approx(np.mean(pairs))
    assert found.dead_dimensions == (both.sum(axis=0) == 0).sum() >= 1
    term, rows = found.top[0]
    assert rows == both.sum(axis=0).max() == both[:, term].sum()
    assert [rows for _, rows in found.top] == sorted((rows for _, rows in found.top), reverse=True)


def test_query_activity_equals_the_mean_over_all_pairs() -> None:
    queries, documents = vectors(7, 3) != 0, vectors(30, 4) != 0
    _, terms = np.nonzero(queries)
    found = query_activity(terms, 7, documents.sum(axis=0), 30)
    assert found.active_dims == pytest.approx(queries.sum() / 7)
    assert found.flops == pytest.approx(np.mean([(q & d).sum() for q in queries for d in documents]))


def test_spread_agrees_with_sentence_transformers_sparsity(tmp_path) -> None:
    """Its `SparseEncoder.sparsity` counts active dimensions and zeros of the same vectors."""
    from sentence_transformers import SparseEncoder

    weights = vectors(64, 5)
    theirs = SparseEncoder.sparsity(torch.tensor(weights).to_sparse())
    frequencies = document_frequencies([offsets_of(weights)], VOCABULARY)
    assert frequencies.sum() / 64 == pytest.approx(theirs["active_dims"])
    assert 1 - frequencies.sum() / 64 / VOCABULARY == pytest.approx(theirs["sparsity_ratio"])


def test_spread_reads_the_offsets_that_an_index_was_built_with(tmp_path) -> None:
    from operators.core.encoder_spec import Kind
    from operators.index.spec import IndexSpec

    weights = vectors(64, 6)
    indices = [np.flatnonzero(row).tolist() for row in weights]
    table = pa.table(
        {"indices": indices, "weights": [weights[n, row].tolist() for n, row in enumerate(indices)]},
        schema=schema.SPARSE,
    )
    built = build_segment(
        Kind.SPARSE,
        "s",
        lambda: iter([table]),
        dimensions=VOCABULARY,
        rows=64,
        spec=IndexSpec(),
        threads=1,
        folder=tmp_path,
        training=None,
        target=0.9,
    )
    offsets = map_array(built.files[INDPTR], np.uint64, (VOCABULARY + 1,))
    assert document_frequencies([offsets], VOCABULARY).tolist() == (weights != 0).sum(axis=0).tolist()


def test_spread_nothing_indexed_names_no_posting_list() -> None:
    found = spread(np.zeros(VOCABULARY, np.int64), 0)
    assert (found.flops, found.dead_dimensions, found.top) == (0, VOCABULARY, ())
