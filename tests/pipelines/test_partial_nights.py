"""Nights on which not all can be listed, read, encoded or finished: nothing is lost, and a later night makes up for it."""

import gzip
import os
import random
import time
from collections import Counter
from dataclasses import replace
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from rich.console import Console

from operators.core.encoder_spec import Kind
from operators.core.errors import GateError, SourceChangedError, StoppedError
from operators.core.storage import open_store
from operators.encode.actor import EncodeDense
from operators.encode.encoder import Encoder
from operators.publish.chain import list_snapshots
from operators.read import plan
from pipelines import command, encoders
from pipelines.display import NoDisplay
from pipelines.job import plan_job
from pipelines.load import load_recipe
from pipelines.summary import Summary, show
from tests.pipelines.conftest import document, recipe_text, write_corpus
from tests.pipelines.inline import ENCODERS, contents, index_inline, run_job

GATES = ("publish.max_reject_ratio=1", "publish.max_delete_ratio=1")


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return tmp_path / "corpus"


def index(folder: Path, **more: Any) -> Summary:
    """Index all of `folder/corpus`, whatever its suffix and however deep."""
    source = {"format": "jsonl", "uri": f"{folder}/corpus", "text": ["title", "text"]}
    return index_inline(folder, *GATES, source=source, **more)


def counts(summary: Summary) -> tuple[int, ...]:
    return (summary.added, summary.updated, summary.deleted, summary.unchanged, summary.encoded, summary.reused)


def expected(*documents: dict[str, Any]) -> dict[str, str]:
    """Of documents with one id the first counts."""
    return {one["_id"]: f"{one['title']} {one['text']}".strip() for one in reversed(documents)}


def shown(summary: Summary) -> str:
    out = StringIO()
    # Wider than any line: a line breaks where the paths of this test want it to.
    show(summary, Console(file=out, width=2000))
    return out.getvalue()


def random_document(number: int) -> dict[str, Any]:
    """One whose text no compression makes small, so that half of a file is half of the documents."""
    return {"_id": f"g{number}", "title": "", "text": random.Random(number).randbytes(60).hex()}


def write_gzip(path: Path, documents: list[dict[str, Any]], share: float = 1) -> None:
    """The file, or the beginning of it as a transfer leaves it that broke off."""
    write_corpus(path.with_suffix(".plain"), documents)
    data = gzip.compress(path.with_suffix(".plain").read_bytes(), mtime=0)
    path.with_suffix(".plain").unlink()
    path.write_bytes(data[: int(len(data) * share)])


def test_index_input_that_became_unreadable_deletes_nothing_of_it_until_it_can_be_read(
    tmp_path: Path, corpus: Path
) -> None:
    plain = [document(number) for number in range(10)]
    packed = [random_document(number) for number in range(200)]
    write_corpus(corpus / "a.jsonl", plain)
    write_gzip(corpus / "b.jsonl.gz", packed)
    index(tmp_path)
    write_corpus(corpus / "a.jsonl", plain[1:])
    first = {**packed[0], "text": "changed before the break"}
    write_gzip(corpus / "b.jsonl.gz", [first, *packed[1:]], share=0.5)
    broken = index(tmp_path)
    assert broken.rejected_by_reason == {"unreadable_file": 1}
    assert counts(broken) == (0, 1, 1, 208, 1, 0)
    assert contents(broken.uri) == expected(*plain[1:], first, *packed[1:])
    assert index(tmp_path).published_before
    write_gzip(corpus / "b.jsonl.gz", [first, *packed[1:150]])
    whole = index(tmp_path)
    assert counts(whole) == (0, 0, 50, 159, 0, 0)
    assert contents(whole.uri) == expected(*plain[1:], first, *packed[1:150])


def test_index_id_that_left_one_input_and_was_lost_in_a_broken_one_is_deleted_and_comes_back(
    tmp_path: Path, corpus: Path
) -> None:
    """It was looked for in the broken one, and the run ended with a document that is not found again."""
    packed = [random_document(number) for number in range(200)]
    twice = {**packed[-1], "text": "the first one"}
    write_corpus(corpus / "a.jsonl", [document(1), twice])
    write_gzip(corpus / "b.jsonl.gz", packed)
    assert contents(index(tmp_path).uri)[twice["_id"]] == "the first one"
    write_corpus(corpus / "a.jsonl", [document(1)])
    write_gzip(corpus / "b.jsonl.gz", packed, share=0.5)
    broken = index(tmp_path)
    assert counts(broken) == (0, 0, 1, 200, 0, 0)
    assert contents(broken.uri) == expected(document(1), *packed[:-1])
    write_gzip(corpus / "b.jsonl.gz", packed)
    assert contents(index(tmp_path).uri) == expected(document(1), *packed)


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A folder named `locked` cannot be listed while this says so, whoever runs the tests."""
    scandir, now = os.scandir, [False]

    def refuse(path: Any) -> Any:
        if now[0] and str(path).endswith("locked"):
            raise PermissionError(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    return now


def test_index_with_a_listing_problem_adds_and_updates_and_deletes_once_it_is_gone(
    tmp_path: Path, corpus: Path, locked: list[bool]
) -> None:
    open_, hidden = [document(n) for n in range(20)], [document(n) for n in range(20, 30)]
    write_corpus(corpus / "a.jsonl", open_)
    write_corpus(corpus / "b.jsonl", [document(40)])
    write_corpus(corpus / "locked" / "c.jsonl", hidden)
    index(tmp_path)
    locked[0] = True
    changed = {**open_[5], "text": "changed"}
    write_corpus(corpus / "a.jsonl", [*open_[:5], changed, *open_[7:], document(50)])
    (corpus / "b.jsonl").unlink()
    gaps = index(tmp_path)
    assert counts(gaps) == (1, 1, 0, 30, 2, 0)
    assert contents(gaps.uri) == expected(changed, *open_, *hidden, document(40), document(50))
    [problem] = gaps.problems
    assert "locked" in problem
    assert "locked" in shown(gaps)
    assert "nothing was deleted" in shown(gaps)
    assert index(tmp_path).published_before
    locked[0] = False
    whole = index(tmp_path)
    assert counts(whole) == (0, 0, 2, 30, 0, 0)
    assert whole.problems == ()
    assert "nothing was deleted" not in shown(whole)
    assert contents(whole.uri) == expected(changed, *open_[:6], *open_[7:], *hidden, document(50))
    assert index(tmp_path).published_before


def test_index_after_a_listing_problem_deletes_though_no_input_has_changed_since(
    tmp_path: Path, corpus: Path, locked: list[bool]
) -> None:
    """The source looked as it was published, and what had left it stayed for ever."""
    write_corpus(corpus / "a.jsonl", [document(n) for n in range(5)])
    write_corpus(corpus / "locked" / "c.jsonl", [document(9)])
    index(tmp_path)
    locked[0] = True
    write_corpus(corpus / "a.jsonl", [document(n) for n in range(4)])
    assert index(tmp_path).deleted == 0
    locked[0] = False
    assert index(tmp_path).deleted == 1
    assert index(tmp_path).published_before


def test_index_under_a_lasting_listing_problem_reads_no_input_twice(
    tmp_path: Path, corpus: Path, locked: list[bool]
) -> None:
    write_corpus(corpus / "a.jsonl", [document(1)])
    write_corpus(corpus / "locked" / "c.jsonl", [document(2)])
    index(tmp_path)
    locked[0] = True
    for night in range(2, 4):
        write_corpus(corpus / f"b{night}.jsonl", [document(10 * night)])
        job = plan_job(load_recipe(tmp_path / "recipe.yaml", GATES))
        read = [each.name for each in job.inputs.inputs if each.input in job.inputs.read]
        assert [Path(name).name for name in read] == [f"b{night}.jsonl"]
        run_job(job)


def test_index_id_whose_first_document_vanished_is_taken_from_an_input_that_did_not_change(
    tmp_path: Path, corpus: Path
) -> None:
    """The second document was a reject until now; its input is opened again for it alone."""
    stored = {**document(9), "_id": "other", "text": "a text that is stored"}
    twice = [{**document(n), "_id": f"twice-{n}"} for n in range(3)]
    second = [{**one, "text": f"the second {n}"} for n, one in enumerate(twice[:2])]
    second.append({**stored, "_id": "twice-2"})
    write_corpus(corpus / "a.jsonl", [document(1), *twice])
    write_corpus(corpus / "b.jsonl", [document(2), *second, stored])
    first = index(tmp_path)
    assert first.rejected_by_reason == {"duplicate_id": 3}
    assert contents(first.uri) == expected(document(1), document(2), *twice, stored)
    write_corpus(corpus / "a.jsonl", [document(1), twice[0]])
    summary = index(tmp_path)
    assert counts(summary) == (0, 2, 0, 4, 1, 1)
    assert contents(summary.uri) == expected(document(1), twice[0], document(2), *second, stored)
    (corpus / "a.jsonl").unlink()
    alone = index(tmp_path)
    assert counts(alone) == (0, 1, 1, 4, 1, 0)
    assert contents(alone.uri) == expected(document(2), *second, stored)
    assert alone.rejected == 0


def test_index_unread_input_that_changed_since_it_was_listed_ends_the_run(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = {**document(1), "text": "the second"}
    write_corpus(corpus / "a.jsonl", [document(1), document(2)])
    write_corpus(corpus / "b.jsonl", [twice])
    index(tmp_path)
    write_corpus(corpus / "a.jsonl", [document(2)])
    job = plan_job(load_recipe(tmp_path / "recipe.yaml", GATES))
    write_corpus(corpus / "b.jsonl", [document(3), twice])
    with pytest.raises(SourceChangedError, match=r"b\.jsonl changed between planning and reading"):
        run_job(job)
    assert contents(index(tmp_path).uri) == expected(document(2), document(3), twice)


class Refusing:
    """An encoder that gives no numbers for a text of so many words, and counts how often it sees each length."""

    seen: Counter[int] = Counter()
    refused = 33

    def __init__(self, encoder: Encoder) -> None:
        self.dimensions, self.splits, self.quality = encoder.dimensions, 0, {}
        self._encoder = encoder

    def encode(self, tokens: Any, role: Any) -> Any:
        lengths = tokens.value_lengths().to_pylist()
        self.seen.update(lengths)
        table = self._encoder.encode(tokens, role)
        vectors = np.stack(table["vector"].to_pylist()).astype(np.float32)
        vectors[[length == self.refused for length in lengths]] = np.nan
        return pa.table([pa.FixedSizeListArray.from_arrays(vectors.ravel(), self.dimensions)], schema=table.schema)


class EncodeRefusing(EncodeDense):
    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._encoder = Refusing(self._encoder)


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    monkeypatch.setitem(encoders._ACTORS, Kind.DENSE, EncodeRefusing)
    Refusing.seen.clear()
    return Refusing.seen


def refused(name: str) -> dict[str, Any]:
    return {"_id": name, "title": "", "text": " ".join(["stone"] * Refusing.refused)}


def test_index_document_that_an_encoder_rejects_is_tried_again_only_when_its_input_changes(
    tmp_path: Path, corpus: Path, refusals: Counter[int]
) -> None:
    one = {"dense": ENCODERS["dense"]}
    write_corpus(corpus / "a.jsonl", [document(1), refused("x"), refused("y")])
    write_corpus(corpus / "b.jsonl", [document(2)])
    first = index(tmp_path, encoders=one)
    assert first.rejected_by_reason == {"non_finite_vector": 1, "same_text_rejected": 1}
    assert contents(first.uri) == expected(document(1), document(2))
    tried = refusals[Refusing.refused]
    assert tried >= 1
    for number in (3, 4):
        write_corpus(corpus / "b.jsonl", [document(number)])
        summary = index(tmp_path, encoders=one)
        assert (summary.added, summary.deleted, summary.encoded, summary.rejected) == (1, 1, 1, 0)
    assert refusals[Refusing.refused] == tried
    write_corpus(corpus / "a.jsonl", [document(1), document(5), refused("x"), refused("y")])
    again = index(tmp_path, encoders=one)
    assert again.rejected_by_reason == first.rejected_by_reason
    assert (again.added, again.encoded, again.unchanged) == (3, 1, 2)
    assert refusals[Refusing.refused] > tried
    assert contents(again.uri) == expected(document(1), document(4), document(5))
    other = {"dense": {**ENCODERS["dense"], "dimensions": 24}}
    assert index(tmp_path, encoders=other).unchanged == 3


def test_index_of_documents_that_an_encoder_rejects_one_and_all_publishes_nothing_and_says_so(
    tmp_path: Path, corpus: Path, refusals: Counter[int]
) -> None:
    one = {"dense": ENCODERS["dense"]}
    write_corpus(corpus / "a.jsonl", [refused("x"), refused("y")])
    with pytest.raises(GateError, match=r"the encoders rejected every document.*rejects/"):
        index(tmp_path, encoders=one)
    write_corpus(corpus / "a.jsonl", [document(1)])
    index(tmp_path, encoders=one)
    write_corpus(corpus / "a.jsonl", [refused("doc-00001"), refused("y")])
    with pytest.raises(GateError, match="the encoders rejected every document"):
        index(tmp_path, encoders=one)


def test_index_document_that_an_update_made_unacceptable_leaves_the_snapshot(
    tmp_path: Path, corpus: Path, refusals: Counter[int]
) -> None:
    one = {"dense": ENCODERS["dense"]}
    write_corpus(corpus / "a.jsonl", [document(1), document(2)])
    index(tmp_path, encoders=one)
    write_corpus(corpus / "a.jsonl", [document(1), refused("doc-00002")])
    summary = index(tmp_path, encoders=one)
    assert (summary.updated, summary.documents, summary.rejected) == (1, 1, 1)
    assert contents(summary.uri) == expected(document(1))
    write_corpus(corpus / "a.jsonl", [document(1), document(2)])
    assert counts(index(tmp_path, encoders=one))[:4] == (1, 0, 0, 1)


@pytest.fixture
def parts(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Documents that make three parts."""
    documents = [document(number) for number in range(30)]
    for name in range(3):
        write_corpus(corpus / f"{name}.jsonl", documents[name * 10 : name * 10 + 10])
    monkeypatch.setattr(plan, "_OPENING", 1)
    monkeypatch.setattr(plan, "_SMALLEST", max(path.stat().st_size for path in corpus.iterdir()))
    return documents


def test_index_out_of_time_stops_between_parts_and_the_next_run_goes_on(
    tmp_path: Path, parts: list[dict[str, Any]]
) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe_text(tmp_path, encoders=ENCODERS))
    recipe = load_recipe(tmp_path / "recipe.yaml")
    store = open_store(f"{tmp_path}/store/mill")
    for done in (1, 2):
        with pytest.raises(StoppedError, match=rf"{done} of 3 parts are encoded.*same command again") as stopped:
            run_job(replace(plan_job(recipe), deadline=time.monotonic() - 1))
        assert stopped.value.exit_code == 0
        assert list_snapshots(store) == []
        assert len(store.list("vectors/")) == 2 * done
    summary = run_job(replace(plan_job(recipe), deadline=time.monotonic() - 1))
    assert (summary.snapshot, summary.encoded, summary.documents) == (1, 10, 30)
    assert contents(summary.uri) == expected(*parts)


def test_index_with_time_left_does_not_stop(tmp_path: Path, parts: list[dict[str, Any]]) -> None:
    (tmp_path / "recipe.yaml").write_text(recipe_text(tmp_path, encoders=ENCODERS))
    job = replace(plan_job(load_recipe(tmp_path / "recipe.yaml")), deadline=time.monotonic() + 600)
    assert run_job(job).encoded == 30


def test_index_recipe_of_so_many_seconds_stops_and_without_goes_on(
    tmp_path: Path, parts: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "run", lambda job, *_: run_job(job))
    (tmp_path / "recipe.yaml").write_text(recipe_text(tmp_path, encoders=ENCODERS))
    index_recipe = partial(command.index_recipe, load_recipe(tmp_path / "recipe.yaml"), None, NoDisplay())
    with pytest.raises(StoppedError):
        index_recipe(max_seconds=0)
    assert index_recipe().encoded == 20
