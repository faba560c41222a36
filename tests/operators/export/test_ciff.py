"""Files parsed by protobuf's library with the published schema, and scored by an independent sum."""

from collections import defaultdict
from pathlib import Path

import pytest

from operators.core.errors import UsageError
from operators.core.storage import open_store
from operators.export.export import export
from operators.export.format import Format
from operators.search.mode import Mode
from tests.operators.export.ciff_schema import read
from tests.operators.export.conftest import Export, Published
from tests.operators.export.corpus import (
    LIVE,
    QUERIES,
    ROWS,
    SPARSE,
    FaintEncoder,
    assert_same_top,
    published,
    sparse_tolerance,
)
from tests.operators.search.collection import Chunk

_FAINT = {"sparse": FaintEncoder()}
VECTORS = [SPARSE.row(row.text) for row in LIVE]
SCALE = 255 / max(weight for row in VECTORS for weight in row.values())


def test_ciff_postings_are_the_live_weights_in_8_bits(exported: Export, tmp_path: Path) -> None:
    done = exported(Format.CIFF)
    assert done.encoders["sparse"]["scale"] == pytest.approx(SCALE)
    expected: dict[str, dict[int, int]] = defaultdict(dict)
    for number, row in enumerate(VECTORS):
        for term, weight in row.items():
            expected[str(term)][number] = round(weight * SCALE)
    _, lists, _ = read(tmp_path / "out" / "sparse.ciff")
    assert [each.term for each in lists] == sorted(expected)
    for each in lists:
        docs, number = {}, 0
        for posting in each.postings:
            number += posting.docid
            docs[number] = posting.tf
        assert docs == expected[each.term]
        assert (each.df, each.cf) == (len(docs), sum(docs.values()))
        assert all(0 < impact <= 255 for impact in docs.values())


def test_ciff_header_and_records_add_up(exported: Export, tmp_path: Path) -> None:
    exported(Format.CIFF)
    header, lists, records = read(tmp_path / "out" / "sparse.ciff")
    assert [record.docid for record in records] == list(range(len(LIVE)))
    assert [record.collection_docid for record in records] == [row.doc_id for row in LIVE]
    assert [record.doclength for record in records] == [
        sum(round(weight * SCALE) for weight in row.values()) for row in VECTORS
    ]
    assert (header.version, header.total_docs, header.total_postings_lists) == (1, len(LIVE), len(lists))
    total = sum(record.doclength for record in records)
    assert header.total_terms_in_collection == total == sum(each.cf for each in lists)
    assert header.average_doclength == pytest.approx(total / len(LIVE))


def test_ciff_scores_are_those_of_search_within_half_a_step(
    collection: Published, exported: Export, tmp_path: Path
) -> None:
    exported(Format.CIFF)
    _, lists, records = read(tmp_path / "out" / "sparse.ciff")
    for hits, query in zip(collection.answers[Mode.SPARSE], QUERIES, strict=True):
        terms = SPARSE.row(query)
        scores: dict[str, float] = defaultdict(float)
        for each in lists:
            number = 0
            for posting in each.postings:
                number += posting.docid
                scores[records[number].collection_docid] += terms.get(int(each.term), 0) * posting.tf / SCALE
        top = sorted((pair for pair in scores.items() if pair[1] > 0), key=lambda pair: -pair[1])[:10]
        assert_same_top(hits, top, sum(terms.values()) * 0.5 / SCALE + sparse_tolerance(hits))


def test_ciff_leaves_out_what_rounds_to_nothing(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    rows = [Chunk("a", "w0 w1"), Chunk("b", "w1 w0"), Chunk("c", "w0")]
    export(store, published(store, rows, dead=(), encoders=_FAINT), tmp_path / "out", Format.CIFF)
    header, lists, records = read(tmp_path / "out" / "sparse.ciff")
    found = {each.term: [(posting.docid, posting.tf) for posting in each.postings] for each in lists}
    assert found == {"1836": [(0, 255), (1, 255)], "577": [(1, 235)]}
    assert [record.doclength for record in records] == [255, 490, 0]
    assert (header.num_postings_lists, header.total_terms_in_collection) == (2, 745)


def test_ciff_leaves_nothing_else_behind(exported: Export, tmp_path: Path) -> None:
    exported(Format.CIFF)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*")) == ["export.json", "sparse.ciff"]


def test_ciff_of_nothing_that_lives_has_a_header_alone(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    export(store, published(store, dead=range(len(ROWS))), tmp_path / "out", Format.CIFF)
    header, lists, records = read(tmp_path / "out" / "sparse.ciff")
    assert (header.version, lists, records) == (1, [], [])


def test_ciff_of_a_dense_encoder_is_refused(exported: Export) -> None:
    with pytest.raises(UsageError, match="encoder dense is dense: ciff carries sparse vectors"):
        exported(Format.CIFF, "dense")
