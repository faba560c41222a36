"""The demo corpus: what is taken from sources, and that the real one is sound."""

import json
import os
import sysconfig
from collections import Counter
from pathlib import Path

import pytest

from operators.read import docstrings
from operators.read.docstrings import documents_below, find_documents, write_corpus

LONG = "Do something that takes more than forty characters to say"


def write(root: Path, name: str, source: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")


def ids(root: Path) -> list[str]:
    return [document["_id"] for document in documents_below(root, root)]


def test_module_class_method_and_function_are_documents(tmp_path: Path) -> None:
    source = f'"""{LONG}."""\nclass A:\n    """{LONG} in a class."""\n    async def f(self):\n        """{LONG}\n\n        More.\n            indented.\n        """\n'
    write(tmp_path, "pkg/mod.py", source)
    module, klass, method = documents_below(tmp_path, tmp_path)
    assert (module["_id"], module["kind"], module["title"]) == ("pkg.mod", "module", "pkg.mod module")
    assert (klass["_id"], klass["kind"]) == ("pkg.mod.A", "class")
    assert method == {
        "_id": "pkg.mod.A.f",
        "title": "pkg.mod.A.f function",
        "text": f"{LONG}\n\nMore.\n    indented.",
        "kind": "function",
        "file": "pkg/mod.py",
    }


def test_package_is_named_without_init(tmp_path: Path) -> None:
    write(tmp_path, "pkg/__init__.py", f'"""{LONG}."""')
    assert ids(tmp_path) == ["pkg"]


def test_private_test_and_short_are_left_out(tmp_path: Path) -> None:
    public = f'def f():\n    """{LONG}."""\n'
    for name in ("_private/a.py", "pkg/_a.py", "pkg/tests/a.py", "pkg/test_a.py", "pkg/conftest.py", "test/a.py"):
        write(tmp_path, name, public)
    write(tmp_path, "pkg/a.py", public.replace("def f", "def _f") + 'def g():\n    """Short."""\n')
    assert ids(tmp_path) == []


def test_definitions_under_conditions_are_found_and_nested_ones_are_not(tmp_path: Path) -> None:
    body = f'def {{}}():\n        """{LONG} {{}}."""\n'
    write(tmp_path, "a.py", "try:\n    " + body.format("f", 1) + "except ImportError:\n    " + body.format("g", 2))
    write(tmp_path, "b.py", "def outer():\n    " + body.format("inner", 3))
    assert ids(tmp_path) == ["a.f", "a.g"]


def test_unreadable_sources_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "broken.py", "def (:")
    (tmp_path / "binary.py").write_bytes(b"\0\xff")
    write(tmp_path, "surrogate.py", f'"""{LONG} \\ud800."""')
    (document,) = documents_below(tmp_path, tmp_path)
    assert document["text"] == f"{LONG} ."


def test_nothing_read_is_executed(tmp_path: Path) -> None:
    write(tmp_path, "bad.py", f'"""{LONG}."""\nraise SystemExit("imported")\n')
    assert ids(tmp_path) == ["bad"]


def test_limit_is_spread_evenly_and_repeats_are_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, site = tmp_path / "lib", tmp_path / "site"
    for number in range(100):
        write(library, f"m{number:03d}.py", f'"""{LONG} {number}."""\ndef f():\n    """{LONG}, always the same."""\n')
    write(site, "pkg/a.py", f'"""{LONG} {7}."""\ndef g():\n    """{LONG} in a package."""\n')
    monkeypatch.setattr(sysconfig, "get_path", {"stdlib": library, "purelib": site}.__getitem__)
    monkeypatch.setattr(docstrings, "describe_builtins", lambda: iter(()))
    everything = [document["_id"] for document in find_documents(1000, ["pkg"])]
    assert len(everything) == 102
    assert everything[-1] == "pkg.a.g"
    few = [document["_id"] for document in find_documents(10, ["pkg"])]
    assert few == [document["_id"] for document in find_documents(10, ["pkg"])]
    assert few == [everything[index * 101 // 10] for index in range(10)]


def test_write_corpus_again_leaves_the_file_as_it_is_until_the_documents_change(tmp_path: Path) -> None:
    """A second `make demo` indexed everything again: the file was the same, its modification time was not."""
    file = tmp_path / "docstrings.jsonl"
    assert write_corpus(tmp_path, 5, packages=()) == 5
    os.utime(file, (1, 1))
    write_corpus(tmp_path, 5, packages=())
    assert file.stat().st_mtime == 1
    write_corpus(tmp_path, 6, packages=())
    assert len(file.read_text(encoding="utf-8").splitlines()) == 6


def test_corpus_of_this_python_is_large_and_unique(tmp_path: Path) -> None:
    assert write_corpus(tmp_path, 6000) == 6000
    lines = (tmp_path / "docstrings.jsonl").read_bytes()
    documents = [json.loads(line) for line in lines.splitlines()]
    assert len({document["_id"] for document in documents}) == 6000
    assert len({document["text"] for document in documents}) == 6000
    assert {"json.loads", "shutil.copytree", "sorted", "list.sort", "itertools.chain"} <= {
        document["_id"] for document in documents
    }
    assert set(Counter(document["kind"] for document in documents)) == {"module", "class", "function"}
    roots = [Path(sysconfig.get_path(name)) for name in ("stdlib", "purelib")]
    files = {document["file"] for document in documents} - {"built-in"}
    assert all(any((root / file).is_file() for root in roots) for file in files)
