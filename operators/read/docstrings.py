"""A corpus that every machine has: the docstrings of the standard library and of well-documented packages.

Sources are parsed, never imported; only what has no source, Python's own compiled modules, is asked itself.
"""

import ast
import json
import sysconfig
import warnings
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from operators.read.builtin_docs import describe_builtins

LIMIT = 6_000
#: Come with Millrace's own dependencies and keep what they document in public modules.
PACKAGES = (
    "click",
    "fsspec",
    "jinja2",
    "networkx",
    "numpy",
    "pandas",
    "polars",
    "psutil",
    "pyarrow",
    "requests",
    "rich",
)
SHORTEST = 40

_SKIPPED = {
    *("test", "tests", "testing", "conftest.py", "idlelib", "lib2to3", "turtledemo", "pydoc_data", "ensurepip"),
    *("site-packages", "dist-packages", "lib-dynload"),
}
_DEFINITION = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

Document = dict[str, str]


def write_corpus(folder: Path, limit: int = LIMIT, packages: Sequence[str] = PACKAGES) -> int:
    """Write the documents to `folder/docstrings.jsonl`, unless it holds them already; how many they are.

    A file written again has another modification time, and would be indexed again from its start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents = find_documents(limit, packages)
    data = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents).encode()
    file = folder / "docstrings.jsonl"
    if not file.is_file() or file.read_bytes() != data:
        file.write_bytes(data)
    return len(documents)


def find_documents(limit: int = LIMIT, packages: Sequence[str] = PACKAGES) -> list[Document]:
    """At most `limit` documents, in the same order every time: the standard library first, packages in what is left.

    Where there are more than fit, those taken are spread evenly over all of them.
    """
    library = Path(sysconfig.get_path("stdlib"))
    site = Path(sysconfig.get_path("purelib"))
    ids: set[str] = set()
    texts: set[str] = set()
    standard = chain(_builtins(), documents_below(library, library))
    taken = _spread(list(_new(standard, ids, texts)), limit)
    others = [
        document for name in sorted(packages) for document in _new(documents_below(site / name, site), ids, texts)
    ]
    return taken + _spread(others, limit - len(taken))


def _builtins() -> Iterator[Document]:
    for kind, name, text in describe_builtins():
        if len(text) >= SHORTEST:
            yield {"_id": name, "title": f"{name} {kind}", "text": text, "kind": kind, "file": "built-in"}


def documents_below(folder: Path, root: Path) -> Iterator[Document]:
    """The documents of every public module below a folder; names and files are relative to `root`."""
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(root)
        if not _is_skipped(relative):
            yield from _documents_of(path, relative)


def _is_skipped(relative: Path) -> bool:
    parts = relative.parts
    public = all(not part.startswith("_") for part in parts[:-1]) and (
        parts[-1] == "__init__.py" or not parts[-1].startswith(("_", "test_"))
    )
    return not public or not _SKIPPED.isdisjoint(parts)


def _documents_of(path: Path, relative: Path) -> Iterator[Document]:
    tree = _parse(path)
    if tree is None:
        return
    module = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    for kind, name, node in _named(tree, module):
        text = _text(node)
        if len(text) >= SHORTEST:
            yield {"_id": name, "title": f"{name} {kind}", "text": text, "kind": kind, "file": relative.as_posix()}


def _parse(path: Path) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, OSError):
        # Packages ship templates and files of other Python versions; there is nothing to read in them.
        return None


def _named(tree: ast.Module, module: str) -> Iterator[tuple[str, str, ast.AST]]:
    yield "module", module, tree
    yield from _members(tree, module)


def _members(parent: ast.AST, prefix: str) -> Iterator[tuple[str, str, ast.AST]]:
    for node in ast.iter_child_nodes(parent):
        if not isinstance(node, _DEFINITION):
            # Definitions may stand under `if` and `try`; expressions hold none.
            if isinstance(node, (ast.If, ast.Try, ast.ExceptHandler, ast.With)):
                yield from _members(node, prefix)
        elif not node.name.startswith("_"):
            name = f"{prefix}.{node.name}"
            if isinstance(node, ast.ClassDef):
                yield "class", name, node
                yield from _members(node, name)
            else:
                yield "function", name, node


def _text(node: ast.AST) -> str:
    assert isinstance(node, (ast.Module, *_DEFINITION))
    # A docstring about Unicode may hold half a surrogate pair, which no file can.
    return (ast.get_docstring(node) or "").encode("utf-8", "ignore").decode().strip()


def _new(documents: Iterator[Document], ids: set[str], texts: set[str]) -> Iterator[Document]:
    for document in documents:
        if document["_id"] not in ids and document["text"] not in texts:
            ids.add(document["_id"])
            texts.add(document["text"])
            yield document


def _spread(documents: list[Document], count: int) -> list[Document]:
    if len(documents) <= count:
        return documents
    return [documents[index * len(documents) // count] for index in range(count)]
