"""What the options of `millrace search` mean, in this process; errors and output are those of the library."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from millrace import Convex, Snapshot
from operators.core.errors import UsageError
from pipelines.cli import app
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.inline import index_inline

QUERY = "number7 mill river"


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("search")
    documents = [{**document(n), "lang": ["ko", "en", None][n % 3], "year": 2020 + n % 2} for n in range(40)]
    write_corpus(folder / "corpus" / "a.jsonl", documents)
    source = {"format": "jsonl", "uri": f"{folder}/corpus/*.jsonl", "text": ["title", "text"], "metadata": ["lang", "year"]}  # fmt: skip
    return index_inline(folder, source=source).uri


def search(uri: str, *options: str) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["search", uri, QUERY, "--json", *options])
    if result.exception:
        raise result.exception
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_search_where_shows_documents_with_all_fields_and_any_value_of_one(uri: str) -> None:
    korean = search(uri, "--where", "lang=ko", "-k", "40")
    assert {hit["doc_id"] for hit in korean} == {f"doc-{n:05d}" for n in range(0, 40, 3)}
    both = search(uri, "--where", "lang=ko", "--where", "lang=en", "--where", "year=2021", "-k", "40")
    assert {hit["doc_id"] for hit in both} == {f"doc-{n:05d}" for n in range(40) if n % 3 < 2 and n % 2}
    assert all(hit["metadata"]["year"] == "2021" for hit in both)


def test_search_fusion_and_weight_are_those_of_the_library(uri: str) -> None:
    snapshot = Snapshot.open(uri)
    by_rank = [hit.facts() for hit in snapshot.search(QUERY)]
    by_score = [hit.facts() for hit in snapshot.search(QUERY, fusion=Convex(0.9))]
    assert by_rank != by_score
    assert search(uri) == search(uri, "--fusion", "rrf") == json.loads(json.dumps(by_rank))
    assert search(uri, "--fusion", "convex", "--weight", "0.9") == json.loads(json.dumps(by_score))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--where", "lang"], "expected field=value"),
        (["--where", "topic=x"], "where topic: no such metadata field; the snapshot's documents have lang, year"),
        (["--weight", "0.5"], "reciprocal rank fusion has no weight"),
        (["--fusion", "convex", "--weight", "7"], "from 0 to 1"),
        (["--fusion", "sum"], "expected one of rrf, convex"),
    ],
)
def test_search_option_that_means_nothing_is_refused(uri: str, options: list[str], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        search(uri, *options)


def test_search_of_a_collection_without_metadata_says_how_to_keep_some(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(5)])
    with pytest.raises(UsageError, match=r"documents have none: name those to keep in the recipe as source.metadata"):
        search(index_inline(tmp_path).uri, "--where", "lang=ko")
