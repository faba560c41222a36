"""A disk that is full: the store's, or the one on which indexes are built."""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from operators.core import schema
from operators.core.encoder_spec import Kind
from operators.core.errors import MillraceError, StoreError
from operators.index.sparse import build_sparse
from operators.index.vectors import Vectors
from pipelines import command
from tests.pipelines.faults import inline
from tests.pipelines.faults.nights import ENCODED, Nights, numbers, see


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command_ = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = subprocess.run(command_, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(autouse=True)
def unleased(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that goes on after its run failed is not seen to be dead, and its lease would be waited for."""
    monkeypatch.setattr(command, "hold", inline.nothing)


def leave(disk: Path, size: int) -> None:
    """Fill the disk but for so many bytes."""
    filler = disk / "filler"
    filler.unlink(missing_ok=True)
    filler.write_bytes(bytes(max(0, shutil.disk_usage(disk).free - size)))


def test_index_into_a_full_store_ends_in_one_error_each_time_and_goes_on_where_it_was(
    tmp_path: Path, disk: Path, small: Nights
) -> None:
    small.begin(disk)
    recipe = small.recipe(tmp_path)
    stopped = []
    for free in range(0, 40 * 8192, 8192):
        leave(disk, free)
        try:
            summary = inline.index(recipe, f"store={disk}/store")
            break
        except StoreError as error:
            stopped.append(str(error))
    assert len({message.split(": ")[0].rpartition("/")[0] for message in stopped}) > 5, "it stopped at few places"
    for message in stopped:
        assert message.startswith((f"create {disk}/store/mill/", f"write {disk}/store/mill/"))
        assert message.endswith("No space left on device. Free space there, then run the same command again")
    assert numbers(summary.uri) == [1, 2]
    assert summary.encoded in {0, ENCODED}
    assert see(summary.uri, tmp_path / "cache") == small.expected


def test_index_into_a_full_store_says_so_without_a_traceback(
    tmp_path: Path, disk: Path, small: Nights, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small.begin(disk)
    leave(disk, 0)
    monkeypatch.setattr(sys, "argv", ["millrace", "index", str(disk / "recipe.yaml")])
    with pytest.raises(SystemExit) as ended:
        inline.main()
    assert ended.value.code == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "error: create" in err
    assert "No space left on device" in err
    assert "Traceback" not in err


def test_index_built_on_a_full_disk_names_the_index_each_time_and_goes_on_after_space_was_freed(
    tmp_path: Path, disk: Path, small: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small.begin(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    stopped = []
    for free in range(0, 40 * 4096, 4096):
        leave(disk, free)
        try:
            summary = inline.index(recipe)
            break
        except MillraceError as error:
            stopped.append(str(error))
            assert [path.name for path in disk.iterdir()] == ["filler"]
    for message in stopped:
        assert re.match(r"index of encoder (dense|sparse), segment \w+: .*No space left on device", message)
        assert f"It is built in {disk}: free space there" in message
    assert {message.split(",")[0][17:] for message in stopped} == {"dense", "sparse"}
    assert len(stopped) > 4
    assert summary.encoded == 0
    assert see(summary.uri, tmp_path / "cache") == small.expected


@pytest.mark.parametrize("free", [20_000, 100_000], ids=["no room for rows", "no room for weights"])
def test_build_sparse_on_a_full_disk_raises_instead_of_killing_its_worker(
    tmp_path: Path, disk: Path, free: int
) -> None:
    """A map of a file without space behind it ends the process at the first write: this test would end pytest."""
    rows, terms = 2000, list(range(8))
    table = pa.table({"indices": [terms] * rows, "weights": [[1.0] * 8] * rows}, schema=schema.SPARSE)
    leave(disk, free)
    with pytest.raises(OSError, match="No space left on device"):
        build_sparse(Vectors(Kind.SPARSE, 64, rows, lambda: iter([table])), disk)
