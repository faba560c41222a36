import pytest
from pydantic import ValidationError

from operators.core.errors import GateError
from operators.core.manifest import CanaryResult, Manifest, from_json, to_json
from operators.publish.canary import Canary
from operators.publish.canary_gate import check_canaries, check_canary_drop
from tests.operators.publish.by_hand import memory_store, publish_snapshot


def asked(canary: Canary, *found: str) -> CanaryResult:
    return canary.judge(found)


def snapshot_with(*results: CanaryResult) -> Manifest:
    return publish_snapshot(memory_store(), ["a"]).model_copy(update={"canaries": results})


def test_judge_gives_ranks_among_the_first_k_alone() -> None:
    canary = Canary(query="q", expect=("a", "b", "c"), k=2, min_hits=1)
    result = asked(canary, "b", "x", "a")
    assert result.ranks == {"a": None, "b": 1, "c": None}
    assert (result.found, result.share, result.needed) == (1, 1 / 3, 1)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"query": " "}, "expected words"),
        ({"expect": ()}, "at least 1"),
        ({"expect": ("a", "a")}, "a more than once"),
        ({"min_hits": 3}, r"min_hits of at most 2, as expect names 2 and k is 10, got 3"),
        ({"k": 1}, r"at most 1, as expect names 2 and k is 1, got 2"),
        ({"mode": "fuzzy"}, "'hybrid', 'dense' or 'sparse'"),
    ],
)
def test_canary_that_cannot_be_met_is_refused(values: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Canary.model_validate({"query": "q", "expect": ("a", "b"), **values})


def test_check_canaries_that_miss_documents_names_them_and_what_came() -> None:
    met, missed, recorded = (
        Canary(query="met", expect=("a",)),
        Canary(query="missed", expect=("a", "b"), mode="sparse", k=3),
        Canary(query="recorded", expect=("z",), min_hits=0),
    )
    answers = [("a",), ("x", "b", "y"), ()]
    results = [canary.judge(found) for canary, found in zip((met, missed, recorded), answers, strict=True)]
    with pytest.raises(GateError) as refused:
        check_canaries(results, answers)
    message = str(refused.value)
    assert "1 of 3 canaries" in message
    assert "'missed' (sparse): expected 2 of 2 documents among the first 3, got 1" in message
    assert "a is missing, b has rank 2; first came x, b, y" in message
    assert "'met'" not in message
    assert "'recorded'" not in message
    check_canaries(results[::2], answers[::2])


def test_check_canary_drop_compares_the_mean_share() -> None:
    one, two = Canary(query="one", expect=("a", "b"), min_hits=0), Canary(query="two", expect=("c",), min_hits=0)
    before = snapshot_with(asked(one, "a", "b"), asked(two, "c"))
    now = [asked(one, "a", "b"), asked(two, "x")]
    check_canary_drop(now, before, 0.5)
    with pytest.raises(GateError, match=r"50.0% .* snapshot 1 100.0%.* 'two' \(hybrid\) from 1 to 0 of 1") as refused:
        check_canary_drop(now, before, 0.49)
    assert "--set publish.max_canary_drop=0.5" in str(refused.value)


@pytest.mark.parametrize("change", [{"query": "else"}, {"k": 5}, {"mode": "dense"}, {"expect": ("a", "b")}])
def test_check_canary_drop_of_another_question_is_no_drop(change: dict[str, object]) -> None:
    before = Canary(query="q", expect=("a",), min_hits=0)
    now = Canary.model_validate({**before.model_dump(), **change})
    check_canary_drop([asked(now)], snapshot_with(asked(before, "a")), 0.0)
    check_canary_drop([asked(now)], snapshot_with(), 0.0)


def test_manifest_published_before_there_were_canaries_is_read() -> None:
    without = snapshot_with()
    data = to_json(without).replace(b'"canaries":[],', b"")
    assert b"canaries" not in data
    assert from_json(data, "m") == without
    with_results = snapshot_with(asked(Canary(query="q", expect=("a", "b")), "b"))
    assert from_json(to_json(with_results), "m") == with_results
