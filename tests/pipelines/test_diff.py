"""What two snapshots hold differently, said by the command's own function and counted by hand."""

from pathlib import Path

from operators.core.storage import open_store
from operators.publish.chain import read_manifest
from pipelines.compaction import plan_compaction
from pipelines.diff import difference
from pipelines.load import load_recipe
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.inline import ENCODERS, index_inline, run_job


def test_difference_of_nights_names_what_changed_in_either_direction(tmp_path: Path) -> None:
    documents = [document(number) for number in range(40)]
    write_corpus(tmp_path / "corpus" / "a.jsonl", documents)
    index_inline(tmp_path)
    tonight = [{**documents[0], "text": "changed"}, *documents[2:], document(100)]
    write_corpus(tmp_path / "corpus" / "a.jsonl", tonight)
    uri = index_inline(tmp_path).uri
    run_job(plan_compaction(load_recipe(tmp_path / "recipe.yaml")))
    store = open_store(uri)
    first, second, compacted = (read_manifest(store, number) for number in (1, 2, 3))
    found = difference(store, first, second, 5)
    assert (found["added"], found["updated"], found["deleted"], found["unchanged"]) == (1, 1, 1, 38)
    assert found["ids"] == {"added": ["doc-00100"], "updated": ["doc-00000"], "deleted": ["doc-00001"]}
    back = difference(store, second, first, 5)
    assert back["ids"] == {"added": ["doc-00001"], "updated": ["doc-00000"], "deleted": ["doc-00100"]}
    same = difference(store, second, compacted, 5)
    assert (same["added"], same["updated"], same["deleted"], same["unchanged"]) == (0, 0, 0, 40)
    assert same["changed"] == {}


def test_difference_of_another_encoder_and_reading_says_so(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(number) for number in range(5)])
    index_inline(tmp_path)
    encoders = {**ENCODERS, "dense": {**ENCODERS["dense"], "dimensions": 8}}
    uri = index_inline(tmp_path, encoders=encoders).uri
    store = open_store(uri)
    found = difference(store, read_manifest(store, 1), read_manifest(store, 2), 0)
    assert (found["unchanged"], list(found["changed"])) == (5, ["encoder dense"])
    assert found["ids"] == {"added": [], "updated": [], "deleted": []}
