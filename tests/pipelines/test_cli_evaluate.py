"""`millrace evaluate` as a user meets it, on collections of hashing encoders."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from operators.core.errors import UsageError
from operators.core.storage import open_store
from operators.evaluate.target import Target, other_target
from operators.publish.tags import set_tag
from operators.search.fusion import Convex, ReciprocalRank
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot
from pipelines.cli import app
from tests.operators.evaluate.judged_set import write_judged_set
from tests.pipelines.conftest import document, whole_text, write_corpus
from tests.pipelines.inline import index_inline

COUNT = 40
#: A document's own words find it; half of the queries want another one.
QUERIES = {f"q{number}": whole_text(number) for number in range(20)}
JUDGMENTS = {name: {f"doc-{number // 2 * 2:05d}": 1} for number, name in enumerate(QUERIES)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collection `mill` in two snapshots, the first tagged `before`: the second has lost documents that are wanted."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_corpus(folder / "corpus" / "a.jsonl", [document(number) for number in range(COUNT)])
    uri = index_inline(folder).uri
    set_tag(open_store(uri), "before", 1, datetime.now(UTC))
    write_corpus(folder / "corpus" / "a.jsonl", [document(number) for number in range(4, COUNT)])
    index_inline(folder, "publish.max_delete_ratio=0.5")
    write_judged_set(folder / "set", QUERIES, JUDGMENTS)
    return folder


def run(folder: Path, *arguments: str) -> str:
    command = ["evaluate", str(folder / "store/mill"), "--data", str(folder / "set"), *arguments]
    return CliRunner().invoke(app, command, catch_exceptions=False).stdout


def facts(folder: Path, *arguments: str) -> Any:
    return json.loads(run(folder, *arguments, "--json"))


def failed(folder: Path, *arguments: str) -> str:
    with pytest.raises(UsageError) as caught:
        run(folder, *arguments)
    return str(caught.value)


def test_evaluate_json_holds_every_figure_of_every_mode(folder: Path) -> None:
    found = facts(folder, "--snapshot", "before")
    (each,) = found["collections"]
    assert (each["snapshot"], each["queries"], each["documents"]) == (1, 20, COUNT)
    assert (each["relevant_documents"], each["relevant_documents_held"]) == (10, 10)
    assert list(each["modes"]) == ["dense", "sparse", "hybrid"]
    for figures in each["modes"].values():
        assert figures["accuracy@1"] == figures["ndcg@1"] == 0.5  # even queries find their document, odd ones another
        assert {f"{name}@{k}" for name in ("accuracy", "precision", "recall", "ndcg", "mrr", "map")
                for k in (1, 3, 5, 10, 100)} <= set(figures)  # fmt: skip
    assert 0 < each["modes"]["sparse"]["sparse_query_sparsity_ratio"] < 1
    assert not any("active_dims" in name for name in each["modes"]["hybrid"])
    assert (found["mean"], found["comparisons"]) == ({}, [])


def test_evaluate_prints_a_table_in_markdown_and_the_share_that_is_held(folder: Path) -> None:
    lines = run(folder, "--mode", "sparse", "--at", "10,1").splitlines()
    assert lines[0].startswith("set (test): 20 queries of 36 documents, snapshot 2 of ")
    assert lines[0].endswith("which holds 80.0% of the relevant ones")
    assert lines[2].split() == ["|", "Metric", "|", "sparse", "|"]
    names = [line.split("|")[1].strip() for line in lines[4:] if line]
    assert names[:4] == ["accuracy@1", "accuracy@10", "precision@1", "precision@10"]
    assert names[-1] == "sparse_avg_flops"
    assert len({line.count("|") for line in lines[2:]}) == len({len(line) for line in lines[2:]}) == 1


def test_evaluate_against_a_tag_compares_the_same_modes(folder: Path) -> None:
    comparisons = facts(folder, "--against", "before", "--mode", "dense")["comparisons"]
    assert [(one["first"]["mode"], one["second"]["mode"]) for one in comparisons] == [("dense", "dense")]
    assert [comparisons[0][side]["snapshot"] for side in ("first", "second")] == [2, 1]
    first = comparisons[0]["metrics"]["accuracy@1"]
    assert (first["wins"], first["losses"], first["ties"]) == (0, 2, 18)  # documents 0 and 2 are gone
    assert first["difference"] == pytest.approx(-0.1)
    assert first["p_value"] == pytest.approx(0.5, abs=0.02)
    text = run(folder, "--against", "before", "--mode", "dense")
    assert "set: dense of snapshot 2 of" in text
    assert "not corrected for the number of rows" in text


def test_evaluate_against_a_mode_compares_the_others_with_it(folder: Path) -> None:
    comparisons = facts(folder, "--against", "sparse")["comparisons"]
    modes = [(one["first"]["mode"], one["second"]["mode"]) for one in comparisons]
    assert modes == [("dense", "sparse"), ("hybrid", "sparse")]
    assert "nothing to compare" in failed(folder, "--mode", "sparse", "--against", "sparse")


def test_evaluate_several_collections_prints_their_mean(folder: Path) -> None:
    uri, data = str(folder / "store/mill"), str(folder / "set")
    found = facts(folder, uri, "--data", data, "--mode", "hybrid", "--against", "1", "--against", "before")
    assert [each["collection"] for each in found["collections"]] == [uri, uri]
    assert [one["second"]["snapshot"] for one in found["comparisons"]] == [1, 1]
    assert found["mean"] == {"hybrid": found["collections"][0]["modes"]["hybrid"]}
    assert "Mean of 2 collections" in run(folder, uri, "--data", data)
    assert "expected one --data for each collection" in failed(folder, uri)


def test_evaluate_against_itself_is_usage(folder: Path) -> None:
    assert "nothing to compare" in failed(folder, "--against", str(folder / "store/mill"))


def test_evaluate_wrong_words_are_usage(folder: Path) -> None:
    for wrong in ("0,5", "", "1;2", "-1", "ten"):
        assert "expected ranks from 1" in failed(folder, "--at", wrong)
    assert "mode 'deep' is unknown" in failed(folder, "--mode", "deep")
    assert "no tag 'after'" in failed(folder, "--against", "after")


def test_evaluate_judgments_of_another_corpus_say_so(folder: Path, tmp_path: Path) -> None:
    other = write_judged_set(tmp_path / "other", {"q": "mill"}, {"q": {"wiki-7": 1, "wiki-8": 1}})
    command = ["evaluate", str(folder / "store/mill"), "--data", str(other)]
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(app, command, catch_exceptions=False)
    message = str(caught.value)
    assert "holds none of the 2 relevant documents of other, such as 'wiki-7'" in message
    assert "its 36 documents have ids such as 'doc-00004'" in message


def test_other_target_is_a_mode_a_collection_or_a_snapshot() -> None:
    target = Target("s3://a/wiki", "good", (Mode.DENSE,))
    assert other_target(target, "hybrid") == Target("s3://a/wiki", "good", (Mode.HYBRID,))
    assert other_target(target, "convex") == Target("s3://a/wiki", "good", (Mode.HYBRID,), Convex())
    assert other_target(target, "./wiki") == Target("./wiki", None, (Mode.DENSE,))
    assert other_target(target, "41") == Target("s3://a/wiki", "41", (Mode.DENSE,))


def test_evaluate_against_another_fusion_compares_what_search_gives_with_each(folder: Path) -> None:
    (compared,) = facts(folder, "--mode", "hybrid", "--fusion", "convex", "--weight", "0.9", "--against", "rrf")[
        "comparisons"
    ]
    assert [compared[side]["fusion"] for side in ("first", "second")] == ["convex 0.9", "rrf"]
    snapshot = Snapshot.open(str(folder / "store/mill"))
    for side, fusion in (("first", Convex(0.9)), ("second", ReciprocalRank())):
        best = [hits[0].doc_id for hits in snapshot.search_many(list(QUERIES.values()), 101, fusion=fusion)]
        share = sum(doc_id in wanted for doc_id, wanted in zip(best, JUDGMENTS.values(), strict=True)) / len(best)
        assert compared["metrics"]["accuracy@1"][side] == share
    text = run(folder, "--mode", "hybrid", "--fusion", "convex")
    assert "hybrid by convex 0.7" in text
    assert "compare" in failed(folder, "--mode", "hybrid", "--fusion", "convex", "--against", "convex")
