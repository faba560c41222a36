"""Compiled code is kept where it can be, and where it cannot, functions are compiled all the same."""

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from numba.core.dispatcher import Dispatcher

from operators.index import sparse, sparse_kernel
from tests.pipelines.faults.drivers import ROOT

MODULE = "from operators.index.compiled import compiled\n\n\n@compiled\ndef twice(number):\n    return 2 * number\n"

#: Before it: nothing is writable.
CLOSED = "import os; os.access = lambda path, _: False; "


def run(folder: Path, cache: Path, before: str = "") -> str:
    body = before + "import doubling; print(doubling.twice(21), sum(doubling.twice.stats.cache_hits.values()))"
    environment = {**os.environ, "PYTHONPATH": f"{folder}:{ROOT}", "MILLRACE_CACHE": str(cache / "cache")}
    command = [sys.executable, "-B", "-c", body]  # Python's own code of an older content is found by its time
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_compiled_code_is_found_by_the_next_process(tmp_path: Path) -> None:
    (tmp_path / "doubling.py").write_text(MODULE)
    assert run(tmp_path, tmp_path) == "42 0"
    assert run(tmp_path, tmp_path) == "42 1"


def test_compiled_code_of_another_content_is_not_used_by_who_looks_before_the_new_one_is_written(
    tmp_path: Path,
) -> None:
    module = tmp_path / "doubling.py"
    module.write_text(MODULE)
    assert run(tmp_path, tmp_path) == "42 0"
    old = {path: path.read_bytes() for path in tmp_path.rglob("*.nbc")}
    assert old
    module.write_text(MODULE.replace("2 * number", "3 * number"))
    assert run(tmp_path, tmp_path) == "63 0"
    for path, code in old.items():
        path.write_bytes(code)
    assert run(tmp_path, tmp_path) == "63 1"


def test_compiled_where_its_folder_is_read_only_is_kept_in_the_cache(tmp_path: Path) -> None:
    (tmp_path / "doubling.py").write_text(MODULE)
    assert run(tmp_path, tmp_path, CLOSED) == "42 0"
    assert run(tmp_path, tmp_path, CLOSED) == "42 1"
    assert not (tmp_path / "__pycache__").exists()
    assert list((tmp_path / "cache" / "compiled").rglob("*.nbc"))


def test_compiled_where_others_can_write_is_not_kept(tmp_path: Path) -> None:
    """What is kept is code that the next process runs."""
    (tmp_path / "doubling.py").write_text(MODULE)
    shared = tmp_path / "cache" / "compiled"
    shared.mkdir(parents=True)
    shared.chmod(0o777)
    assert [run(tmp_path, tmp_path, CLOSED) for _ in range(2)] == ["42 0", "42 0"]
    assert not list(shared.iterdir())


def test_compiled_without_a_place_to_keep_it_compiles_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from operators.index.compiled import compiled

    njit = numba.njit

    def no_place(*function: object, **options: bool) -> object:
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return njit(*function, **options)

    monkeypatch.setattr(numba, "njit", no_place)
    assert compiled(lambda number: 2 * number)(21) == 42


@pytest.mark.parametrize("module", [sparse, sparse_kernel])
def test_compiled_functions_call_those_of_their_own_file_alone(module: ModuleType) -> None:
    """Else a change of the other file would leave the old code in use."""
    own = [each for each in vars(module).values() if isinstance(each, Dispatcher)]
    assert own
    for function in own:
        body = function.py_func
        called = [body.__globals__.get(name) for name in body.__code__.co_names]
        assert {each.py_func.__module__ for each in called if isinstance(each, Dispatcher)} <= {module.__name__}
