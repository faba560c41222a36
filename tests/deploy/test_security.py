"""deploy/security.md: every rule is there, and what it says holds it does exist. Some rules are held here."""

import ast
import inspect
import re
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from packaging.requirements import Requirement

from operators.observe.spec import MetricsSpec
from pipelines.cli_observe import exporter
from tests.deploy.kustomize import ROOT
from tests.pipelines.conftest import document, write_corpus
from tests.pipelines.inline import index_inline

PAGE = (ROOT / "deploy" / "security.md").read_text()
ROWS = re.findall(r"^\| (\d+) \| (.*?) \| (.*?) \| (.*?) \|$", PAGE, re.MULTILINE)
CHECKS = {file.stem for file in (ROOT / "tests" / "deploy" / "checks").glob("*.py")}
PLAIN = (pa.types.is_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_binary)


def test_rules_are_all_there_once_and_each_is_held_by_somebody() -> None:
    assert [int(number) for number, *_ in ROWS] == list(range(1, 24))
    assert [number for number, _, held, duty in ROWS if held == "-" and duty == "-"] == []


def test_rules_name_tests_that_are_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 15
    missing = [f"{file}::{name}" for file, name in named if name not in functions(ROOT / file)]
    assert missing == []


def test_rules_name_checks_that_are_there() -> None:
    named = set(re.findall(r"check `(\w+)`", PAGE))
    assert len(named) > 8
    assert named - CHECKS == set()


def functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize(
    ("name", "below"), [("ray", "2.54.1"), ("sentence-transformers", "5.9"), ("faiss-cpu", "1.14"), ("pyarrow", "14.0")]
)
def test_library_with_a_known_hole_is_not_asked_for(name: str, below: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["cpu"]]
    (found,) = (each for each in map(Requirement, asked) if each.name == name)
    assert not found.specifier.contains(below)


def test_metrics_are_on_this_machine_alone_unless_asked() -> None:
    assert MetricsSpec().host == "127.0.0.1"
    assert inspect.signature(exporter).parameters["host"].default == "127.0.0.1"


def test_published_files_hold_plain_columns_and_nothing_to_unpickle(tmp_path: Path) -> None:
    """Ray's and pandas' own types are kept as extension metadata, which older Rays unpickled."""
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(40)])
    index_inline(tmp_path)
    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(2, 45)])
    index_inline(tmp_path)
    files = list((tmp_path / "store" / "mill").rglob("*.parquet"))
    assert {file.relative_to(tmp_path / "store" / "mill").parts[0] for file in files} >= {
        "documents",
        "vectors",
        "ledger",
    }
    for file in files:
        schema = pq.read_schema(file)
        keys = {key for field in schema for key in field.metadata or {}} | set(schema.metadata or {})
        assert not [key for key in keys if b"extension" in key or b"pandas" in key], file
        assert [field for field in schema if not plain(field.type)] == [], file


def plain(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return plain(kind.value_type)
    if pa.types.is_map(kind):
        return plain(kind.key_type) and plain(kind.item_type)
    if pa.types.is_dictionary(kind):
        return plain(kind.value_type)
    if pa.types.is_struct(kind):
        return all(plain(field.type) for field in kind)
    return any(
        is_kind(kind)
        for is_kind in (*PLAIN, pa.types.is_timestamp, pa.types.is_fixed_size_binary, pa.types.is_large_string)
    )
