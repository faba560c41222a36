"""`millrace export` of a collection that was indexed over two nights: what the user meets, and what was indexed."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operators.core.storage import open_store
from operators.export.export import export
from operators.export.format import Format
from operators.publish.chain import read_manifest
from pipelines.cli import main
from tests.pipelines.conftest import write_corpus
from tests.pipelines.inline import contents, index_inline

#: As sources hold them, and as they are published: strings, or JSON of what is none.
METADATA: dict[str, tuple[Any, str | None]] = {
    "string": ('say "한"\n', 'say "한"\n'),
    "integer": (2**53 + 1, "9007199254740993"),
    "real": (0.1, "0.1"),
    "truth": (True, "true"),
    "list": ([1, "a"], '[1,"a"]'),
    "object": ({"a": None}, '{"a":null}'),
    "nothing": (None, None),
    "blank": ("", ""),
    "with.dot": ("x", "x"),
}


def document(number: int) -> dict[str, Any]:
    values = {name: value for name, (value, _) in METADATA.items()}
    return {"_id": f"doc-{number}", "text": f"mill race number{number}", **values}


def source(folder: Path, **more: Any) -> dict[str, Any]:
    fields = {"format": "jsonl", "uri": f"{folder}/corpus/*.jsonl", "text": ["text"], "metadata": list(METADATA)}
    return {"source": {**fields, **more}, "publish": {"max_delete_ratio": 1}}


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """Two nights: 30 documents, then 5 of them deleted and 5 written anew."""
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(number) for number in range(30)])
    index_inline(tmp_path, **source(tmp_path))
    newer = [{**document(number), "text": "another text"} for number in range(5, 10)]
    write_corpus(tmp_path / "corpus" / "a.jsonl", [*newer, *(document(number) for number in range(10, 30))])
    index_inline(tmp_path, **source(tmp_path))
    return str(tmp_path / "store" / "mill")


@dataclass(frozen=True)
class Result:
    code: int | str | None
    stdout: str
    stderr: str


@pytest.fixture
def millrace(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    def run(*arguments: str) -> Result:
        monkeypatch.setattr("sys.argv", ["millrace", "export", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Result(ended.value.code, *capsys.readouterr())

    return run


def lines(folder: Path) -> list[dict[str, Any]]:
    [path] = (folder / "bulk").iterdir()
    return [json.loads(line) for line in path.read_bytes()[:-1].split(b"\n")[1::2]]


def test_cli_export_writes_what_lives_and_says_how_to_import_it(
    uri: str, tmp_path: Path, millrace: Callable[..., Result]
) -> None:
    result = millrace(uri, str(tmp_path / "out dir"), "--to", "opensearch")
    assert result.code == 0, result.stderr
    assert {each["doc_id"]: each["text"] for each in lines(tmp_path / "out dir")} == contents(uri)
    assert "snapshot 2 of mill for opensearch" in result.stdout
    assert "25 rows, 3 files" in result.stdout
    assert "encoders: dense as vector_dense, sparse as vector_sparse" in result.stdout
    assert f"  cd '{tmp_path}/out dir'\n" in result.stdout
    assert '"$OPENSEARCH_URL/mill"' in result.stdout
    assert "export: 25 of 25 documents" in result.stderr


def test_cli_export_json_is_for_machines_and_snapshot_is_chosen(
    uri: str, tmp_path: Path, millrace: Callable[..., Result]
) -> None:
    result = millrace(uri, str(tmp_path / "out"), "--to", "csr", "--snapshot", "1", "--encoder", "sparse", "--json")
    facts = json.loads(result.stdout)
    assert (facts["rows"], facts["snapshot"], list(facts["encoders"])) == (30, 1, ["sparse"])


def test_cli_export_mistakes_are_one_message(uri: str, tmp_path: Path, millrace: Callable[..., Result]) -> None:
    for arguments, message in {
        (uri, str(tmp_path / "store"), "--to", "csr"): "store is not empty: expected a new or empty folder",
        (uri, "s3://bucket/out", "--to", "csr"): "expected a local folder",
        (uri, str(tmp_path / "out"), "--to", "csr", "--encoder", "dense"): "encoder dense is dense: csr carries sparse",
        (uri, str(tmp_path / "out"), "--to", "csr", "--snapshot", "7"): "no snapshot 7",
    }.items():
        result = millrace(*arguments)
        assert (result.code, result.stdout) == (2, "")
        assert message in " ".join(result.stderr.split())
        assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()


def test_export_carries_metadata_of_every_type(uri: str, tmp_path: Path) -> None:
    expected = {name: text for name, (_, text) in METADATA.items() if text is not None}
    store = open_store(uri)
    export(store, read_manifest(store), tmp_path / "bulk", Format.ELASTICSEARCH)
    assert [each["metadata"] for each in lines(tmp_path / "bulk")] == [expected] * 25
    export(store, read_manifest(store), tmp_path / "lance", Format.LANCE)
    lance = pytest.importorskip("lance")
    found = lance.dataset(str(tmp_path / "lance" / "rows.lance")).to_table(columns=["metadata"])["metadata"]
    assert found.to_pylist() == [{name: text for name, (_, text) in METADATA.items()}] * 25


@pytest.mark.parametrize("to", list(Format))
def test_export_without_text_works_in_every_format(tmp_path: Path, to: Format) -> None:
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(number) for number in range(3)])
    index_inline(tmp_path, **source(tmp_path, keep_text=False))
    store = open_store(str(tmp_path / "store" / "mill"))
    assert export(store, read_manifest(store), tmp_path / "out", to).rows == 3
    for path in (tmp_path / "out").rglob("*"):
        assert path.is_dir() or b"mill race" not in path.read_bytes()
