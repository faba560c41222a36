"""The dataset opened by Lance itself: dense search by its exact nearest neighbours, sparse by scipy."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array

from operators.core.storage import open_store
from operators.export.export import export
from operators.export.format import Format
from operators.search.mode import Mode
from tests.operators.export.conftest import Export, Published
from tests.operators.export.corpus import (
    LIVE,
    QUERIES,
    ROWS,
    SPARSE,
    VOCABULARY,
    assert_same_sparse,
    assert_same_top,
    published,
    query_vector,
)

lance = pytest.importorskip("lance", reason="pip install 'millrace[lance]', with which exports are read")


def test_lance_answers_as_search_does(collection: Published, exported: Export, tmp_path: Path) -> None:
    exported(Format.LANCE)
    dataset = lance.dataset(str(tmp_path / "out" / "rows.lance"))
    table = dataset.to_table()
    starts = np.concatenate([[0], np.cumsum([len(row) for row in table["vector_sparse_indices"].to_pylist()])])
    values = table["vector_sparse_weights"].combine_chunks().flatten().to_numpy()
    indices = table["vector_sparse_indices"].combine_chunks().flatten().to_numpy()
    matrix = csr_array((values, indices, starts), shape=(table.num_rows, VOCABULARY))
    ids = table["doc_id"].to_pylist()
    for number, query in enumerate(QUERIES):
        near = {"column": "vector_dense", "q": np.float32(query_vector(query)), "k": 10, "metric": "dot"}
        found = dataset.to_table(columns=["doc_id"], nearest=near)
        # Lance calls 1 - the inner product a distance.
        pairs = zip(found["doc_id"].to_pylist(), found["_distance"].to_pylist(), strict=True)
        top = [(doc_id, 1 - distance) for doc_id, distance in pairs]
        assert_same_top(collection.answers[Mode.DENSE][number], top, 1e-5)
        weights = np.zeros(VOCABULARY)
        terms = SPARSE.row(query)
        weights[list(terms)] = list(terms.values())
        scores = matrix @ weights
        best = [row for row in np.argsort(-scores, kind="stable")[:10] if scores[row] > 0]
        assert_same_sparse(collection.answers[Mode.SPARSE][number], [(ids[row], scores[row]) for row in best])


def test_lance_holds_each_live_row_once_with_all_it_has(exported: Export, tmp_path: Path) -> None:
    exported(Format.LANCE)
    rows = lance.dataset(str(tmp_path / "out" / "rows.lance")).to_table().to_pylist()
    assert [row["id"] for row in rows] == [row["doc_id"] for row in rows] == [row.doc_id for row in LIVE]
    assert [row["text"] for row in rows] == [row.text for row in LIVE]
    assert [row["metadata"] for row in rows] == [{"topic": row.topic} for row in LIVE]
    assert "vector_sparse" not in rows[0]


def test_lance_filters_by_metadata(exported: Export, tmp_path: Path) -> None:
    exported(Format.LANCE)
    found = lance.dataset(str(tmp_path / "out" / "rows.lance")).to_table(filter="metadata.topic = 't1'")
    assert found["doc_id"].to_pylist() == [row.doc_id for row in LIVE if row.topic == "t1"]


def test_lance_of_nothing_that_lives_has_the_columns(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    export(store, published(store, dead=range(len(ROWS))), tmp_path / "out", Format.LANCE)
    dataset = lance.dataset(str(tmp_path / "out" / "rows.lance"))
    assert dataset.count_rows() == 0
    assert {"id", "text", "vector_dense", "vector_sparse_indices"} <= set(dataset.schema.names)
