"""kill -9 or Ctrl-C of the driver, then the same command again: the snapshot of an undisturbed run, nothing twice."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from operators.core.manifest import Manifest
from operators.core.storage import open_store
from operators.publish.chain import list_snapshots, read_manifest
from tests.pipelines.conftest import WORDS, recipe_text, write_corpus
from tests.pipelines.faults.inline import index as index_without_ray

pytestmark = pytest.mark.ray

#: Parts are not cut below 1 MiB, so this many bytes make as many parts as there are kill points in the encoding.
_PARTS = 4
_DOCUMENTS = _PARTS * 1060
_COMMAND = (sys.executable, "-c", "from pipelines.cli import main; main()", "index", "--json")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One corpus for all runs: paths and times of its files are part of what a run is named by."""
    folder = tmp_path_factory.mktemp("corpus")
    text = " ".join(WORDS * 13)
    documents = [{"_id": f"d{n}", "title": f"number {n}", "text": text} for n in range(_DOCUMENTS)]
    write_corpus(folder / "a.jsonl", documents)
    return folder


def _write_recipe(folder: Path, corpus: Path) -> None:
    source = {"format": "jsonl", "uri": str(corpus), "text": ["title", "text"]}
    (folder / "recipe.yaml").write_text(recipe_text(folder, source=source))


@contextmanager
def _driver(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The command in a session of its own; whatever it leaves behind is killed at the end."""
    command = [*_COMMAND, str(folder / "recipe.yaml")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=folder
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _kill(process: "subprocess.Popen[str]") -> None:
    """`kill -9` of the driver alone; its workers notice within a second, and one may yet commit the part it holds."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while _in_session(process.pid):
        assert time.monotonic() < deadline, f"workers outlive their driver: {_in_session(process.pid)}"
        time.sleep(0.05)


def _in_session(session: int) -> list[int]:
    """Workers of the driver's session that still run. Ray's agents outlive it by a minute, and hold no part."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, _, owner = stat.read_text().rpartition(")")[2].split()[:4]
            title = stat.with_name("cmdline").read_bytes()
            is_worker = title.startswith(b"ray::") and b"Agent" not in title
            if int(owner) == session and state != "Z" and is_worker:
                found.append(int(stat.parent.name))
    return found


def _finish(folder: Path) -> dict[str, Any]:
    with _driver(folder) as process:
        out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    summary: dict[str, Any] = json.loads(out)
    return summary


def _content(manifest: Manifest) -> dict[str, Any]:
    """All that a reader can see of a snapshot: its files are named by their hash."""
    return {
        "parts": manifest.parts,
        "segments": manifest.segments,
        "encoders": manifest.encoders,
        "indexes": {name: [index.files for index in found] for name, found in manifest.indexes.items()},
        "counts": manifest.counts.model_copy(update={"encoded": 0}),
    }


def _published(folder: Path) -> Manifest:
    store = open_store(str(folder / "store" / "mill"))
    assert list_snapshots(store) == [1]
    return read_manifest(store)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Manifest:
    """Of a run without Ray, in this process: the snapshot is the same."""
    folder = tmp_path_factory.mktemp("undisturbed")
    _write_recipe(folder, corpus)
    assert index_without_ray(folder / "recipe.yaml").encoded == _DOCUMENTS
    manifest = _published(folder)
    assert len(manifest.parts) >= _PARTS
    return manifest


def _seen(folder: Path, pattern: str, count: int = 1) -> bool:
    return len(list((folder / "store" / "mill").glob(pattern))) >= count


#: Kills at a moment, in the first night; those at a certain request are in faults/test_cluster.py.
_POINTS: dict[str, Callable[[Path], bool]] = {
    "after some parts": lambda folder: _seen(folder, "runs/*/receipts/encode/*.json", 2),
}


@pytest.mark.one_a_day("driver ended")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("point", list(_POINTS))
def test_index_driver_killed_and_run_again_publishes_what_an_undisturbed_run_does(
    tmp_path: Path, corpus: Path, undisturbed: Manifest, point: str
) -> None:
    _write_recipe(tmp_path, corpus)
    with _driver(tmp_path) as process:
        deadline = time.monotonic() + 120
        while not _POINTS[point](tmp_path):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the kill point never came"
            time.sleep(0.01)
        _kill(process)
    receipts = {path: path.read_bytes() for path in tmp_path.glob("store/mill/runs/*/receipts/*/*.json")}
    encoded_before = sum(json.loads(data)["documents"] for path, data in receipts.items() if "/encode/" in str(path))
    summary = _finish(tmp_path)
    assert all(path.read_bytes() == data for path, data in receipts.items())
    assert _content(_published(tmp_path)) == _content(undisturbed)
    assert summary["encoded"] == _DOCUMENTS - encoded_before
    assert len({path.name.split("-")[0] for path in tmp_path.glob("store/mill/runs/*")}) == 1


@pytest.mark.one_a_day("driver ended")
@pytest.mark.timeout(300)
def test_index_interrupted_says_how_to_go_on_and_goes_on(tmp_path: Path, corpus: Path, undisturbed: Manifest) -> None:
    _write_recipe(tmp_path, corpus)
    with _driver(tmp_path) as process:
        while not _POINTS["after some parts"](tmp_path):
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert re.search(r"interrupted: run [0-9a-f]{16} keeps what is done .* Run the same command again", err)
    assert "Traceback" not in err
    summary = _finish(tmp_path)
    assert 0 < summary["encoded"] < _DOCUMENTS
    assert _content(_published(tmp_path)) == _content(undisturbed)
