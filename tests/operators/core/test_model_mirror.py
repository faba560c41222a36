"""Models by way of an object store: whole, proven before they are opened, and brought to a machine once."""

import hashlib
import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from operators.core import model_fetch
from operators.core.errors import IntegrityError, MillraceError, UsageError
from operators.core.fingerprint import canonical, digest
from operators.core.model_fetch import fetch_model, is_fetched
from operators.core.model_files import contents_of, name_of
from operators.core.model_mirror import is_mirrored, put_model
from operators.core.storage import Store, open_store
from tests.s3_server import S3Server

FILES = {"config.json": b"{}", "model.safetensors": b"weights" * 1000, "1_Pooling/config.json": b'{"a": 1}'}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    (folder / "modeling.py").write_text("not part of it")
    return folder


@pytest.fixture
def mirror(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "mirror"))


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def put(mirror: Store, model: Path) -> str:
    put_model(mirror, contents_of(model), model)
    return name_of(contents_of(model))


def found(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_fetch_gives_the_files_that_were_put_and_no_other(mirror: Store, model: Path, cache: Path) -> None:
    name = put(mirror, model)
    assert is_mirrored(mirror.uri, name)
    assert not is_fetched(name)
    folder = fetch_model(mirror.uri, name)
    assert folder == cache / name
    assert found(folder) == FILES
    assert is_fetched(name)
    assert sorted(each.name for each in cache.iterdir()) == [name, f"{name}.lock"]
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.s3
def test_fetch_by_way_of_s3_gives_the_files_that_were_put(s3: S3Server, model: Path, cache: Path) -> None:
    mirror = open_store(s3.new_bucket()).child("models")
    name = put(mirror, model)
    assert found(fetch_model(mirror.uri, name)) == FILES
    assert put_model(mirror, contents_of(model), model) == 0


def test_put_again_copies_nothing_and_goes_on_where_it_was_cut(
    mirror: Store, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = contents_of(model)
    assert put_model(mirror, contents, model) == sum(map(len, FILES.values()))
    place = mirror.child(name_of(contents))
    monkeypatch.setattr(Store, "put_file", lambda *_: pytest.fail("written again"))
    assert put_model(mirror, contents, model) == 0
    place.delete("files.json")
    assert not is_mirrored(mirror.uri, name_of(contents))
    assert put_model(mirror, contents, model) == 0
    monkeypatch.undo()
    place.delete("files/config.json")
    assert put_model(mirror, contents, model) == len(FILES["config.json"])


def test_put_writes_over_nothing_that_is_there(mirror: Store, model: Path) -> None:
    contents = contents_of(model)
    place = mirror.child(name_of(contents))
    place.put("files/config.json", b"other")
    with pytest.raises(IntegrityError, match=r"files/config\.json is not .*expected sha256") as refused:
        put_model(mirror, contents, model)
    assert contents["config.json"] in str(refused.value)
    assert digest(b"other") in str(refused.value)
    assert place.get("files/config.json") == b"other"
    place.delete("files/config.json")
    place.put("files.json", b"{}")
    with pytest.raises(IntegrityError, match="lists other files"):
        put_model(mirror, contents, model)


def test_put_of_a_file_that_changed_since_it_was_locked_is_never_listed(mirror: Store, model: Path) -> None:
    contents = contents_of(model)
    (model / "model.safetensors").write_bytes(b"changed")
    with pytest.raises(IntegrityError, match=r"model\.safetensors"):
        put_model(mirror, contents, model)
    assert not is_mirrored(mirror.uri, name_of(contents))


@pytest.mark.parametrize("changed", ["config.json", "model.safetensors", "1_Pooling/config.json"])
def test_fetch_of_a_file_that_changed_on_the_mirror_names_it_and_leaves_nothing(
    mirror: Store, model: Path, cache: Path, changed: str
) -> None:
    name = put(mirror, model)
    mirror.child(name).put(f"files/{changed}", b"changed")
    with pytest.raises(IntegrityError, match="changed on the mirror") as refused:
        fetch_model(mirror.uri, name)
    for part in (changed, hashlib.sha256(FILES[changed]).hexdigest(), digest(b"changed"), "Nothing of it was opened"):
        assert part in str(refused.value)
    assert [each.name for each in cache.iterdir()] == [f"{name}.lock"]


def test_fetch_of_a_file_that_is_gone_from_the_mirror_names_it(mirror: Store, model: Path, cache: Path) -> None:
    name = put(mirror, model)
    mirror.child(name).delete("files/config.json")
    with pytest.raises(MillraceError, match=r"files/config\.json"):
        fetch_model(mirror.uri, name)
    assert not is_fetched(name)


def test_fetch_of_a_model_that_is_not_mirrored_says_what_to_run(mirror: Store, cache: Path) -> None:
    with pytest.raises(UsageError, match="millrace mirror"):
        fetch_model(mirror.uri, "0" * 64)


@pytest.mark.parametrize(
    "file",
    ["../up.json", "../../escaped.json", "/tmp/absolute.json", "a/../../up.json", "./a.json", "a//b.json", "a\\..\\b.json",
     "", "code.py", "weights.bin", "\n.json", "a" * 300 + ".json"],
)  # fmt: skip
def test_fetch_of_a_list_that_names_files_elsewhere_is_refused_though_it_proves_itself(
    tmp_path: Path, mirror: Store, cache: Path, file: str
) -> None:
    contents = {"config.json": digest(b"{}"), file: digest(b"{}")}
    name = name_of(contents)
    mirror.child(name).put("files.json", canonical(contents))
    for each in ("config.json", "up.json"):
        mirror.child(name).put(f"files/{each}", b"{}")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(IntegrityError, match="is no list of a model's files"):
        fetch_model(mirror.uri, name)
    assert [
        path for path in sorted(tmp_path.rglob("*")) if path not in before and not path.is_relative_to(cache.parent)
    ] == []
    assert [each.name for each in cache.iterdir()] == [f"{name}.lock"]


@pytest.mark.parametrize(
    "listing", [b"", b"[]", b"5", b"not json", b'{"config.json": 5}', b"[" * 100_000, b" " * ((1 << 20) + 1)]
)
def test_fetch_of_a_list_that_is_none_is_refused(mirror: Store, model: Path, cache: Path, listing: bytes) -> None:
    name = put(mirror, model)
    mirror.child(name).put("files.json", listing)
    with pytest.raises(IntegrityError, match=r"files\.json"):
        fetch_model(mirror.uri, name)
    assert not is_fetched(name)


def test_fetch_of_a_list_of_another_model_is_refused(mirror: Store, model: Path, cache: Path) -> None:
    name = put(mirror, model)
    mirror.child(name).put("files.json", canonical({"config.json": digest(b"{}")}))
    with pytest.raises(IntegrityError, match="changed on the mirror"):
        fetch_model(mirror.uri, name)


def test_fetch_again_asks_nobody_and_mends_what_was_damaged_here(
    mirror: Store, model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(mirror, model)
    folder = fetch_model(mirror.uri, name)
    (folder / "config.json").write_bytes(b"damaged")
    (folder / "added.json").write_bytes(b"{}")
    assert found(fetch_model(mirror.uri, name)) == FILES
    monkeypatch.setattr(model_fetch, "open_store", lambda _: pytest.fail("the mirror was asked"))
    assert fetch_model(mirror.uri, name) == folder


def test_fetch_by_many_at_once_downloads_each_file_once(
    mirror: Store, model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(mirror, model)
    fetched: list[str] = []
    fetch = Store.fetch

    def counted(store: Store, key: str, target: Path) -> None:
        fetched.append(key)
        fetch(store, key, target)

    monkeypatch.setattr(Store, "fetch", counted)
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: fetch_model(mirror.uri, name), range(8)))
    assert folders == {cache / name}
    assert sorted(fetched) == sorted(f"files/{each}" for each in FILES)
    assert found(cache / name) == FILES


_KILLED = """
import sys, time
from operators.core.model_fetch import fetch_model
from operators.core.storage import Store

fetch, done = Store.fetch, []

def slow(store, key, target):
    if len(done) == 2:
        target.write_bytes(b"half of ")
        print("half", flush=True)
        time.sleep(600)
    done.append(fetch(store, key, target))

Store.fetch = slow
fetch_model(sys.argv[1], sys.argv[2])
"""


def test_fetch_killed_in_its_midst_leaves_nothing_that_is_used_and_the_next_one_goes_on(
    mirror: Store, model: Path, cache: Path
) -> None:
    name = put(mirror, model)
    with subprocess.Popen([sys.executable, "-c", _KILLED, mirror.uri, name], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"half\n"
        assert not is_fetched(name)
        process.send_signal(signal.SIGKILL)
    (cache / f"{name}.partial" / "added.json").write_bytes(b"{}")
    assert found(fetch_model(mirror.uri, name)) == FILES
    assert sorted(each.name for each in cache.iterdir()) == [name, f"{name}.lock"]


def test_fetch_onto_a_disk_without_room_says_where_and_leaves_nothing(
    mirror: Store, model: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(mirror, model)
    monkeypatch.setattr(Path, "rename", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(MillraceError, match="MILLRACE_CACHE") as refused:
        fetch_model(mirror.uri, name)
    assert str(cache) in str(refused.value)
    assert [each.name for each in cache.iterdir()] == [f"{name}.lock"]


def test_listing_is_small_text_that_people_can_read(mirror: Store, model: Path) -> None:
    name = put(mirror, model)
    assert json.loads(mirror.child(name).get("files.json")) == contents_of(model)
