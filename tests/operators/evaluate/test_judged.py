import gzip
from pathlib import Path

import pytest
import zstandard

from operators.core.errors import UsageError
from operators.evaluate.judged import read_judged_set
from tests.conftest import data
from tests.operators.evaluate.judged_set import write_judged_set

QUERIES = {"q1": "first", "q2": "second", "q3": "third"}
JUDGMENTS = {"q2": {"a": 1, "b": 0, "c": 2}, "q1": {"a": 1}, "q3": {"b": 0}, "elsewhere": {"a": 1}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_judged_set(tmp_path / "fruit", QUERIES, JUDGMENTS)


def refused(folder: Path, split: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        read_judged_set(str(folder), split)
    return str(caught.value)


def test_read_set_keeps_scores_above_0_and_queries_with_any_in_order(folder: Path) -> None:
    judged = read_judged_set(f"{folder}/")
    assert (judged.name, judged.split, judged.unjudged) == ("fruit", "test", 1)
    assert [(query.text, query.relevant) for query in judged.queries] == [("first", {"a"}), ("second", {"a", "c"})]
    assert judged.relevant == {"a", "c"}


def test_read_set_compressed_equals_plain(folder: Path) -> None:
    plain = read_judged_set(str(folder))
    (folder / "queries.jsonl.zst").write_bytes(zstandard.compress((folder / "queries.jsonl").read_bytes()))
    (folder / "queries.jsonl").unlink()
    (folder / "qrels/test.tsv.gz").write_bytes(gzip.compress((folder / "qrels/test.tsv").read_bytes()))
    (folder / "qrels/test.tsv").unlink()
    assert read_judged_set(str(folder)) == plain


def test_read_set_with_several_splits_reads_test_or_the_one_named(folder: Path) -> None:
    write_judged_set(folder, QUERIES, {"q3": {"c": 1}}, "dev")
    assert len(read_judged_set(str(folder)).queries) == 2
    assert [query.text for query in read_judged_set(str(folder), "dev").queries] == ["third"]
    assert "has no split 'train': expected one of dev, test" in refused(folder, "train")
    (folder / "qrels/test.tsv").rename(folder / "qrels/train.tsv")
    assert "has no split 'test': expected one of dev, train" in refused(folder)


def test_read_set_that_is_none_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    assert "nowhere has no queries.jsonl: expected a folder in BEIR layout" in refused(tmp_path / "nowhere")
    (folder / "qrels/test.tsv").unlink()
    assert "has no qrels/*.tsv" in refused(folder)
    (folder / "qrels").rmdir()
    assert "has no qrels/*.tsv" in refused(folder)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("qrels/test.tsv", "query-id\tcorpus-id\nq1\ta\n", "expected the columns query-id, corpus-id, score"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\ta\tyes\n", "test.tsv line 2: expected a number as score"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\ta\n", "test.tsv line 2: column_count"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nother\ta\t1\n", "judges none of the 3 queries"),
        ("qrels/test.tsv", "query-id\tcorpus-id\tscore\nq1\ta\t0\n", "judges none of the 3 queries"),
        ("queries.jsonl", '{"_id": "q1", "text": "first"}\n{"_id": 2}\n', "queries.jsonl line 2: expected strings _id"),
        ("queries.jsonl", '{"_id": "q1", "text": "first"\n', "queries.jsonl line 1: broken_json"),
        ("queries.jsonl", '{"_id": "q1", "text": " "}\n', "query 'q1' has no text"),
    ],
)
def test_read_set_with_a_fault_names_the_place(folder: Path, name: str, content: str, expected: str) -> None:
    (folder / name).write_text(content)
    assert expected in refused(folder)


def test_read_cranfield_leaves_out_what_was_judged_irrelevant() -> None:
    """Its README counts 1,836 judgments; 225 of them are 0."""
    judged = read_judged_set(str(data("cranfield")))
    assert sum(len(query.relevant) for query in judged.queries) == 1836 - 225
