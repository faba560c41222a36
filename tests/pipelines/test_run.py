"""The whole job with encoders that need no weights: what is published is what the source held. Twice on Ray."""

import json
import signal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import typer
from rich.console import Console

from operators.core.errors import GateError, IntegrityError, MillraceError, OvertakenError
from operators.core.manifest import Manifest
from operators.core.storage import open_store
from operators.publish.chain import list_snapshots, read_manifest
from operators.search.mode import Mode
from operators.search.snapshot import Snapshot
from pipelines import command, run
from pipelines.command import index_recipe
from pipelines.display import NoDisplay, display_on
from pipelines.load import load_recipe
from pipelines.summary import Summary, show
from tests.pipelines.conftest import Index, document, recipe_text, whole_text, write_corpus
from tests.pipelines.inline import ENCODERS, contents, index_inline, run_job


@pytest.fixture
def index(tmp_path: Path) -> Index:
    """Without Ray, which the first test has: what is asked here is the same on any cluster."""
    encoders = json.loads(recipe_text(tmp_path))["encoders"]
    return lambda *overrides, **more: index_inline(tmp_path, *overrides, **{"encoders": encoders, **more})


def published(folder: Path, number: int | None = None) -> Manifest:
    return read_manifest(open_store(str(folder / "store" / "mill")), number)


def shown(summary: Summary, width: int = 2000) -> str:
    out = StringIO()
    show(summary, Console(file=out, width=width))
    return out.getvalue()


def stored_documents(folder: Path, manifest: Manifest) -> pl.DataFrame:
    store = open_store(str(folder / "store" / "mill"))
    return pl.concat([pl.read_parquet(BytesIO(store.get(part.documents.key))) for part in manifest.parts])


@pytest.mark.ray
def test_index_good_corpus_publishes_every_document_and_finds_each(tmp_path: Path, ray_index: Index) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(300)])
    summary = ray_index()
    assert (summary.snapshot, summary.documents, summary.encoded, summary.added) == (1, 300, 300, 300)
    assert (summary.rejected, summary.updated, summary.deleted, summary.unchanged) == (0, 0, 0, 0)
    assert summary.recall == {"dense": 1.0, "sparse": 1.0}
    documents = stored_documents(tmp_path, published(tmp_path))
    assert documents["doc_id"].to_list() == [f"doc-{n:05d}" for n in range(300)]
    assert documents["text"][7] == whole_text(7)
    snapshot = Snapshot.open(summary.uri)
    for number in (0, 123, 299):
        for mode in Mode:
            assert snapshot.search(whole_text(number), k=1, mode=mode)[0].doc_id == f"doc-{number:05d}"


@pytest.mark.ray
def test_index_inverted_lists_are_trained_filled_and_found(tmp_path: Path, ray_index: Index) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(200)])
    summary = ray_index("index.dense=ivf-sq8", "index.recall_queries=50")
    manifest = published(tmp_path)
    [trained], [index] = manifest.trained["dense"], manifest.indexes["dense"]
    assert (trained.backend, trained.lists, trained.rows) == ("faiss-ivf-sq8", 4, 200)
    assert (index.backend, index.settings["trained"]) == ("faiss-ivf-sq8", trained.file.sha256)
    assert summary.recall["dense"] >= 0.95
    hits = Snapshot.open(summary.uri).search_many([whole_text(n) for n in range(0, 200, 20)], 1, Mode.DENSE)
    assert [hit.doc_id for [hit] in hits] == [f"doc-{n:05d}" for n in range(0, 200, 20)]


def test_index_manifest_names_every_file_with_its_checksum(tmp_path: Path, index: Index) -> None:
    import hashlib

    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(50)])
    index()
    store = open_store(str(tmp_path / "store" / "mill"))
    files = published(tmp_path).files()
    assert len(files) >= 9
    for file in files:
        data = store.get(file.key)
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)


def test_index_idf_weights_are_those_of_the_corpus(tmp_path: Path, index: Index) -> None:
    """Stored query weights equal a count by hand over the stored presence vectors."""
    from safetensors.numpy import load

    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(120)])
    index()
    store, manifest = open_store(str(tmp_path / "store" / "mill")), published(tmp_path)
    frequency = np.zeros(manifest.encoders["sparse"].dimensions)
    for part in manifest.parts:
        for row in pl.read_parquet(BytesIO(store.get(part.vectors["sparse"].key)))["indices"].to_list():
            frequency[row] += 1
    expected = np.log1p((120 - frequency + 0.5) / (frequency + 0.5)) ** 2
    files = manifest.encoders["sparse"].files
    weights = load(store.get(files["idf.safetensors"].key))["weights"]
    assert frequency.max() == 120
    np.testing.assert_allclose(weights, expected, rtol=1e-5)


def test_index_same_source_again_does_nothing_and_says_so(tmp_path: Path, index: Index) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(20)])
    first, second = index(), index()
    assert not first.published_before
    assert second.published_before
    assert (second.snapshot, second.encoded, second.unchanged) == (1, 0, 20)
    assert list_snapshots(open_store(first.uri)) == [1]


def test_index_changed_source_publishes_the_next_snapshot_and_keeps_the_last(tmp_path: Path, index: Index) -> None:
    corpus = tmp_path / "corpus" / "a.jsonl"
    write_corpus(corpus, [document(n) for n in range(40)])
    weights = {name: record.files for name, record in (index(), published(tmp_path))[1].encoders.items()}
    changed = {**document(5), "title": "changed"}
    write_corpus(corpus, [document(n) for n in range(40) if n not in {3, 5}] + [changed, document(77)])
    summary = index()
    assert summary.snapshot == 2
    assert (summary.added, summary.updated, summary.deleted, summary.unchanged) == (1, 1, 1, 38)
    assert {name: record.files for name, record in published(tmp_path).encoders.items()} == weights
    new, old = Snapshot.open(summary.uri), Snapshot.open(summary.uri, 1)
    assert new.search(whole_text(77), k=1)[0].doc_id == "doc-00077"
    assert "doc-00003" not in [hit.doc_id for hit in new.search(whole_text(3), k=40)]
    assert old.search(whole_text(3), k=1)[0].doc_id == "doc-00003"


def test_index_after_the_runs_folder_was_deleted_still_knows_what_changed(tmp_path: Path, index: Index) -> None:
    import shutil

    corpus = tmp_path / "corpus" / "a.jsonl"
    write_corpus(corpus, [document(n) for n in range(12)])
    uri = index().uri
    shutil.rmtree(Path(uri) / "runs")
    write_corpus(corpus, [document(n) for n in range(13)])
    summary = index()
    assert (summary.snapshot, summary.added, summary.unchanged) == (2, 1, 12)


def test_index_other_index_settings_build_a_new_index_and_encode_nothing(tmp_path: Path, index: Index) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(40)])
    before = index()
    summary = index("index.dense=hnsw")
    assert (summary.snapshot, summary.encoded, summary.added, summary.unchanged) == (2, 0, 0, 40)
    assert [" a second" in shown(one) for one in (before, summary)] == [True, False]
    first, second = (published(tmp_path, number) for number in (1, 2))
    assert first.parts == second.parts
    assert [first.indexes["dense"][0].backend, second.indexes["dense"][0].backend] == ["faiss-flat", "faiss-hnsw"]
    assert Snapshot.open(summary.uri).search(whole_text(9), k=1)[0].doc_id == "doc-00009"


def test_index_file_of_an_earlier_attempt_gone_is_not_published_and_the_advice_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receipt outlived the file it names: the snapshot was published, and could not be searched."""
    import shutil

    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(10)])
    with monkeypatch.context() as killed:
        killed.setattr(run, "check_present", _interrupted)
        with pytest.raises(KeyboardInterrupt):
            index_inline(tmp_path)
    store = open_store(str(tmp_path / "store" / "mill"))
    [lost] = store.list("documents/")
    store.delete(lost.key)
    with pytest.raises(IntegrityError) as refused:
        index_inline(tmp_path)
    assert list_snapshots(store) == []
    shutil.rmtree(str(refused.value).rpartition("delete ")[2].partition(" ")[0])
    summary = index_inline(tmp_path)
    assert (summary.snapshot, summary.encoded) == (1, 10)
    assert Snapshot.open(summary.uri).search(whole_text(9), k=1)[0].doc_id == "doc-00009"


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_index_file_of_the_snapshot_before_gone_is_not_published_and_not_said_to_come_back(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(10)])
    index_inline(tmp_path)
    store = open_store(str(tmp_path / "store" / "mill"))
    store.delete(published(tmp_path).parts[0].documents.key)
    with pytest.raises(IntegrityError, match="Snapshot 1 needs it too"):
        index_inline(tmp_path, "index.dense=hnsw")
    assert list_snapshots(store) == [1]


def test_index_bad_documents_are_rejected_with_reason_file_and_line_and_the_rest_is_indexed(
    tmp_path: Path, index: Index
) -> None:
    lines = [json.dumps(document(n)).encode() for n in range(30)]
    bad = {
        "missing_id": b'{"text": "no id"}',
        "duplicate_id": json.dumps({"_id": "doc-00004", "text": "again"}).encode(),
        "null_text": b'{"_id": "n", "text": null}',
        "text_not_string": b'{"_id": "t", "text": 5}',
        "empty_text": b'{"_id": "e", "text": "  "}',
        "invalid_utf8": b'{"_id": "u", "text": "\xff\xfe"}',
        "broken_json": b'{"_id": "b", "text": "x"',
        "not_an_object": b"[1]",
        "control_characters": b'{"_id": "c", "text": "a\\u0000b"}',
        "lone_surrogate": b'{"_id": "s", "text": "\\ud800"}',
    }
    corpus = tmp_path / "corpus" / "a.jsonl"
    corpus.parent.mkdir()
    corpus.write_bytes(b"\n".join([*lines, *bad.values()]) + b"\n")
    summary = index("publish.max_reject_ratio=0.5", source={**_source(tmp_path), "max_characters": 2000})
    assert (summary.documents, summary.rejected) == (30, len(bad))
    assert summary.rejected_by_reason == dict.fromkeys(sorted(bad), 1)
    rejects = [json.loads(line) for path in Path(summary.rejects).glob("*.jsonl") for line in path.open()]
    assert {row["reason"]: row["line"] for row in rejects} == {reason: 31 + n for n, reason in enumerate(bad)}
    assert all(row["file"].endswith("a.jsonl") for row in rejects)
    assert f"Rejects: {summary.rejects}\n" in shown(summary, 60), "where they are is cut off in a narrow terminal"


def _source(folder: Path) -> dict[str, object]:
    return {"format": "jsonl", "uri": f"{folder}/corpus/*.jsonl", "text": ["title", "text"]}


def test_index_long_document_is_truncated_and_counted(tmp_path: Path, index: Index) -> None:
    write_corpus(
        tmp_path / "corpus" / "a.jsonl", [document(0), {"_id": "long", "title": "", "text": "wheel " * 2_000_000}]
    )
    summary = index()
    assert (summary.documents, summary.truncated, summary.rejected) == (2, 1, 0)


def test_index_too_many_rejects_refuses_before_encoding_and_goes_on_when_told(tmp_path: Path, index: Index) -> None:
    corpus = tmp_path / "corpus" / "a.jsonl"
    write_corpus(corpus, [document(0), document(0), document(1)])
    with pytest.raises(GateError, match=r"1 of 3 documents were rejected .* 1 duplicate_id") as refused:
        index()
    store = open_store(str(tmp_path / "store" / "mill"))
    assert list_snapshots(store) == []
    assert store.list("vectors/") == []
    assert any("duplicates" in info.key for info in store.list("runs/"))
    advice = str(refused.value).rpartition("--set ")[2]
    out = StringIO()
    again = load_recipe(tmp_path / "recipe.yaml", [advice])
    assert index_recipe(again, None, display_on(Console(file=out, force_terminal=True, width=100))).documents == 2
    assert "scan" in out.getvalue()
    assert "%" not in next(line for line in reversed(out.getvalue().splitlines()) if "scan" in line)


@pytest.mark.parametrize("content", ["", "\n\n"], ids=["empty file", "blank lines"])
def test_index_no_document_names_the_inputs(tmp_path: Path, index: Index, content: str) -> None:
    corpus = tmp_path / "corpus" / "a.jsonl"
    corpus.parent.mkdir()
    corpus.write_text(content)
    with pytest.raises(GateError, match=r"no document in 1 inputs: .*a\.jsonl"):
        index()


def test_index_no_input_names_the_address(tmp_path: Path, index: Index) -> None:
    (tmp_path / "corpus").mkdir()
    with pytest.raises(MillraceError, match=r"corpus/\*\.jsonl"):
        index()


def test_index_chunked_documents_are_found_by_their_best_chunk(tmp_path: Path, index: Index) -> None:
    filler = "grain and water on stone"
    text = " ".join([filler] * 20 + ["zanzibar lighthouse"] + [filler] * 20)
    write_corpus(tmp_path / "corpus" / "a.jsonl", [{"_id": "long", "title": "", "text": text}, document(1)])
    summary = index(chunking={"encoder": "sparse", "tokens": 16, "overlap": 4})
    assert summary.documents == 2
    assert summary.rows > 10
    [hit, *_] = Snapshot.open(summary.uri).search("zanzibar lighthouse", k=2, mode=Mode.SPARSE)
    assert hit.doc_id == "long"
    assert hit.chunk > 0
    assert "zanzibar" in text[slice(*hit.span)]
    assert hit.text == text[slice(*hit.span)]


def test_index_overtaken_by_another_run_publishes_on_top_of_it_and_doubles_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two drivers on one parent: the other one, which has seen less of the source, publishes while this one works."""
    corpus, whole = tmp_path / "corpus", run.check_present
    write_corpus(corpus / "a.jsonl", [document(n) for n in range(10)])
    write_corpus(corpus / "b.jsonl", [document(n) for n in range(10, 15)])

    def overtaken(*given: Any) -> None:
        whole(*given)
        monkeypatch.setattr(run, "check_present", whole)
        (corpus / "b.jsonl").rename(tmp_path / "b.jsonl")
        assert index_inline(tmp_path).snapshot == 1
        (tmp_path / "b.jsonl").rename(corpus / "b.jsonl")

    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path, encoders=ENCODERS))
    monkeypatch.setattr(run, "check_present", overtaken)
    monkeypatch.setattr(command, "run", lambda job, *_: run_job(job))
    out = StringIO()
    summary = index_recipe(load_recipe(path), None, display_on(Console(file=out, width=500)))
    assert "snapshot 1 of mill was published by run" in out.getvalue()
    assert (summary.snapshot, summary.added, summary.unchanged) == (2, 5, 10)
    assert contents(summary.uri, 1) == {f"doc-{n:05d}": whole_text(n) for n in range(10)}
    assert contents(summary.uri) == {f"doc-{n:05d}": whole_text(n) for n in range(15)}


def test_index_overtaken_again_and_again_gives_up_with_one_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(0)])
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe_text(tmp_path, encoders=ENCODERS))
    tries = []

    def overtaken(*given: Any) -> None:
        tries.append(given)
        raise OvertakenError("not published: another run was first")

    monkeypatch.setattr(command, "run", overtaken)
    with pytest.raises(GateError, match="another run was first"):
        index_recipe(load_recipe(path), None, NoDisplay())
    assert len(tries) == 5


def test_search_changed_part_on_the_store_is_refused(tmp_path: Path, index: Index) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(10)])
    summary = index()
    file = published(tmp_path).parts[0].documents
    path = Path(open_store(summary.uri).path(file.key))
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(IntegrityError) as refused:
        Snapshot.open(summary.uri).search("number3")
    assert file.sha256 in str(refused.value)
    assert path.name in str(refused.value)


def test_index_interrupted_in_a_call_that_raises_something_else_ends_as_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen once in CI: Ctrl-C inside a library came out as an error of that library, and exit code 1."""

    def interrupted(*_: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("the library's own") from None

    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(1)])
    (tmp_path / "recipe.yaml").write_text(recipe_text(tmp_path, encoders=ENCODERS))
    monkeypatch.setattr(command, "run", interrupted)
    out = StringIO()
    with pytest.raises(typer.Exit) as ended:
        index_recipe(load_recipe(tmp_path / "recipe.yaml"), None, display_on(Console(file=out, width=500)))
    assert ended.value.exit_code == 130
    assert "Run the same command again to go on" in out.getvalue()
