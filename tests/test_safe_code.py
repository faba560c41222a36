"""What no line of the code may do: run code that came with a model or a file."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("operators", "pipelines", "training", "benchmarks", "deploy", "dashboards")
#: Modules that read code as if it were data.
_PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
#: Readers that run code unless they are told not to, and how they are told.
_TOLD = {
    ("np", "load"): ("allow_pickle", False),
    ("numpy", "load"): ("allow_pickle", False),
    ("torch", "load"): ("weights_only", True),
}
_NEVER = {"eval", "exec", "compile", "__import__"}


def unsafe(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (f"imports {a.name}" for a in node.names if a.name.partition(".")[0] in _PICKLES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _PICKLES:
            yield f"imports {node.module}"
        elif isinstance(node, ast.Call):
            yield from _unsafe_call(node)


def _unsafe_call(call: ast.Call) -> Iterator[str]:
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "trust_remote_code" in given and not _is(given["trust_remote_code"], value=False):
        yield "trusts remote code"
    if "use_safetensors" in given and not _is(given["use_safetensors"], value=True):
        yield "loads pickled weights"
    match call.func:
        case ast.Name(id=name) if name in _NEVER:
            yield f"calls {name}"
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            option, value = _TOLD.get((module, name), (None, True))
            if option and not _is(given.get(option), value=value):
                yield f"{module}.{name} without {option}={value}"
            if (module, name) == ("yaml", "load"):
                yield "yaml.load"
            if name in {"extractall", "extract"} and "filter" not in given:
                yield f"{module}.{name} without a filter"


def _is(node: ast.expr | None, *, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


@pytest.mark.parametrize("folder", FOLDERS)
def test_code_never_runs_what_came_with_a_model_or_a_file(folder: str) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    found = [
        f"{file.relative_to(ROOT)}: {problem}"
        for file in files
        for problem in unsafe(ast.parse(file.read_text(encoding="utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import pickle", "imports pickle"),
        ("from joblib import load", "imports joblib"),
        ("f(trust_remote_code=True)", "trusts remote code"),
        ("f(trust_remote_code=spec.trust)", "trusts remote code"),
        ("f(trust_remote_code=False)", None),
        ("f(use_safetensors=None)", "loads pickled weights"),
        ("np.load(path)", "np.load without allow_pickle=False"),
        ("np.load(path, allow_pickle=True)", "np.load without allow_pickle=False"),
        ("np.load(path, allow_pickle=False)", None),
        ("torch.load(path)", "torch.load without weights_only=True"),
        ("yaml.load(text, Loader)", "yaml.load"),
        ("archive.extractall(path)", "archive.extractall without a filter"),
        ("archive.extractall(path, filter='data')", None),
        ("eval(text)", "calls eval"),
    ],
)
def test_unsafe_code_is_seen(code: str, expected: str | None) -> None:
    assert list(unsafe(ast.parse(code))) == ([expected] if expected else [])


def test_models_are_loaded_with_every_lock_there_is() -> None:
    """Left out, a library's default decides, and defaults change."""
    calls = {}
    for file in ("operators/encode/sentence_transformer.py", "operators/tokenize/backend.py"):
        text = (ROOT / file).read_text(encoding="utf-8")
        calls[file] = {name for name in ("trust_remote_code=False", "local_files_only=True") if name in text}
        if "SentenceTransformer" in text:
            assert '"use_safetensors": True' in text
    assert all(len(found) == 2 for found in calls.values())
