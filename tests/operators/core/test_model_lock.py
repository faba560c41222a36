"""What a lock says of models, and what it says when they are others. Nothing of a model that differs is opened."""

import hashlib
import json
import shutil

import pytest

from operators.core import model_folder, model_locking
from operators.core.encoder_spec import EncoderSpec
from operators.core.errors import IntegrityError, UsageError
from operators.core.model_folder import resolve_model
from operators.core.model_lock import ModelLock, lock_path, read_lock, to_text
from operators.core.model_locking import changes, hold_to, lock_encoder
from tests.families import FAMILIES, copied

COMMIT, OTHER = "0123456789abcdef0123456789abcdef01234567", "f" * 40


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("families")
    return {name: FAMILIES[name](root / name) for name in ("e5_small", "peft_splade")}


@pytest.fixture
def e5(built, tmp_path):
    return copied(built["e5_small"], tmp_path / "e5")


@pytest.fixture
def hub(built, tmp_path, monkeypatch):
    """A hub with one model at a commit, in this machine's cache, and the questions that it was asked."""
    cache, asked = tmp_path / "hub", []
    copied(built["e5_small"], cache / COMMIT)

    def download(repository, *, revision, local_files_only=False, **_):
        if not (cache / revision).is_dir():
            raise OSError(repository)
        return str(cache / revision)

    def newest(model, revision=None):
        asked.append(model)
        return COMMIT

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    monkeypatch.setattr(model_locking, "newest_commit", newest)
    return cache / COMMIT, asked


def locked(spec):
    return ModelLock(encoders={"dense": lock_encoder(spec)})


def problems(spec, lock):
    return changes("dense", hold_to(lock, "dense", spec), lock.encoders["dense"])


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_lock_names_every_file_that_is_loaded_and_no_other(e5):
    for other in ("pytorch_model.bin", "modeling.py", "README.md", "onnx/model.json"):
        (e5.folder / other).parent.mkdir(exist_ok=True)
        (e5.folder / other).write_text("{}")
    lock = lock_encoder(e5.spec())
    expected = {
        "1_Pooling/config.json", "config.json", "config_sentence_transformers.json", "model.safetensors",
        "modules.json", "sentence_bert_config.json", "special_tokens_map.json", "tokenizer.json",
        "tokenizer_config.json", "vocab.txt",
    }  # fmt: skip
    assert set(lock.model.files) == expected
    assert lock.model.files == {name: sha256(e5.folder / name) for name in expected}
    assert (lock.model.model, lock.model.revision, lock.base) == (str(e5.folder), None, None)
    assert lock.model.sha256 == resolve_model(e5.spec()).location.identity()


def test_lock_is_the_same_text_twice_and_reads_as_what_was_written(e5, tmp_path):
    lock = locked(e5.spec())
    path = lock_path(tmp_path / "recipe.yaml")
    assert path.name == "recipe.yaml.lock"
    path.write_text(to_text(lock))
    assert read_lock(path) == lock
    assert to_text(locked(e5.spec())) == to_text(lock)
    more = ModelLock(encoders={"z": lock.encoders["dense"], "a": lock.encoders["dense"]})
    assert to_text(more).index('"a"') < to_text(more).index('"z"')
    assert len(to_text(lock).splitlines()) > len(lock.encoders["dense"].model.files), "a line a file, to be reviewed"


def test_lock_of_an_adapter_holds_its_base(built):
    family = built["peft_splade"]
    lock = lock_encoder(family.spec())
    assert "adapter_model.safetensors" in lock.model.files
    assert lock.base.model == str(family.folder.with_name("peft_splade-base"))
    assert "model.safetensors" in lock.base.files


def test_lock_of_models_that_come_along():
    locks = {
        model: lock_encoder(EncoderSpec(kind=kind, model=model))
        for model, kind in (("all-MiniLM-L6-v2", "dense"), ("idf", "sparse"), ("minilm-sparse", "sparse"))
    }
    assert "model.safetensors" in locks["all-MiniLM-L6-v2"].model.files
    assert set(locks["minilm-sparse"].model.files) == {"config.json", "model.safetensors"}
    assert locks["minilm-sparse"].base == locks["all-MiniLM-L6-v2"].model
    idf = locks["idf"].model
    assert idf.model == "all-MiniLM-L6-v2"
    assert "tokenizer.json" in idf.files
    assert not [name for name in idf.files if name.endswith(".safetensors")], "idf loads no weights"
    assert lock_encoder(EncoderSpec(kind="dense", model="hashing")) is None


@pytest.mark.parametrize("model", ["all-MiniLM-L6-v2", "idf", "minilm-sparse", "hashing"])
def test_model_that_comes_along_is_what_its_lock_says(model):
    spec = EncoderSpec(kind="dense" if model == "all-MiniLM-L6-v2" else "sparse", model=model)
    found = lock_encoder(spec)
    held = hold_to(ModelLock(encoders={"e": found} if found else {}), "e", spec)
    folder = resolve_model(held)
    assert folder.document_fingerprint(held) == resolve_model(spec).document_fingerprint(spec)
    assert bool(held.sha256) is (model != "hashing")
    if found:
        assert changes("e", held, found) == []
        with pytest.raises(IntegrityError, match=f"expected sha256 {'0' * 64}"):
            resolve_model(held.model_copy(update={"sha256": "0" * 64}))


def test_lock_of_a_hub_model_without_a_revision_is_its_newest_commit(built, hub):
    spec = built["e5_small"].spec(model="owner/name")
    lock = locked(spec)
    assert lock.encoders["dense"].model.revision == COMMIT
    assert hub[1] == ["owner/name"]
    held = hold_to(lock, "dense", spec)
    assert (held.revision, held.sha256) == (COMMIT, lock.encoders["dense"].model.sha256)
    assert resolve_model(held).location.identity() == f"owner/name@{COMMIT}"


def test_lock_of_a_pinned_hub_model_asks_nobody(built, hub):
    assert (
        locked(built["e5_small"].spec(model="owner/name", revision=COMMIT)).encoders["dense"].model.revision == COMMIT
    )
    assert hub[1] == []


def test_lock_of_an_adapter_pins_its_unpinned_hub_base(built, hub, tmp_path):
    model = copied(built["peft_splade"], tmp_path / "model")
    shutil.rmtree(hub[0])
    shutil.copytree(built["peft_splade"].folder.with_name("peft_splade-base"), hub[0])
    config = model.folder / "adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": "owner/base"}))
    lock = locked(model.spec())
    assert (lock.encoders["dense"].base.model, lock.encoders["dense"].base.revision) == ("owner/base", COMMIT)
    held = hold_to(lock, "dense", model.spec())
    assert held.base_revision == COMMIT
    assert resolve_model(held).base.identity() == f"owner/base@{COMMIT}"
    (hub[0] / "config.json").write_text("{}")
    [problem] = problems(model.spec(), lock)
    assert str(hub[0] / "config.json") in problem
    with pytest.raises(IntegrityError, match="model owner/base in"):
        resolve_model(held)
    with pytest.raises(UsageError, match="or another base"):
        hold_to(lock, "dense", model.spec(base_revision=OTHER))


def test_changes_of_a_file_names_it_and_both_checksums(e5):
    lock = locked(e5.spec())
    weights = e5.folder / "model.safetensors"
    expected = sha256(weights)
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    [problem] = problems(e5.spec(), lock)
    for part in ("encoder dense", str(weights), "changed", f"expected sha256 {expected}", f"got {sha256(weights)}"):
        assert part in problem


def test_changes_of_files_that_went_or_came_are_all_named(e5):
    lock = locked(e5.spec())
    (e5.folder / "vocab.txt").unlink()
    (e5.folder / "2_Dense").mkdir()
    (e5.folder / "2_Dense" / "model.safetensors").write_bytes(b"more")
    (e5.folder / "notes.md").write_text("not loaded, so nobody's business")
    more, gone = problems(e5.spec(), lock)
    assert "2_Dense/model.safetensors is not in the lock" in more
    assert "vocab.txt is missing" in gone
    assert lock.encoders["dense"].model.files["vocab.txt"] in gone


def test_changes_of_a_moved_folder_are_none(e5, tmp_path):
    lock = locked(e5.spec())
    moved = copied(e5, tmp_path / "elsewhere")
    shutil.rmtree(e5.folder)
    shutil.move(moved.folder, e5.folder)
    assert problems(e5.spec(), lock) == []


def test_changes_in_the_hubs_cache_are_seen_though_its_commit_is_the_same(built, hub):
    spec = built["e5_small"].spec(model="owner/name", revision=COMMIT)
    lock = locked(spec)
    held = hold_to(lock, "dense", spec)
    resolve_model(held)
    (hub[0] / "tokenizer.json").write_text("{}")
    assert "tokenizer.json changed" in problems(spec, lock)[0]
    with pytest.raises(IntegrityError, match="does not hold the files it was locked with"):
        resolve_model(held)


def test_resolve_locked_model_that_changed_opens_nothing_of_it(e5, monkeypatch):
    held = hold_to(locked(e5.spec()), "dense", e5.spec())
    (e5.folder / "config.json").write_text("{}")
    monkeypatch.setattr(model_folder, "read_modules", lambda *_: pytest.fail("opened"))
    monkeypatch.setattr(model_folder.model_checks, "safe_open", lambda *_: pytest.fail("opened"))
    with pytest.raises(IntegrityError, match="millrace lock --check"):
        resolve_model(held)


@pytest.mark.parametrize(
    "changes_", [{"model": "owner/other", "revision": OTHER}, {"model": "owner/name", "revision": OTHER}]
)
def test_hold_to_a_lock_of_another_model_or_commit_is_refused(built, hub, changes_):
    lock = locked(built["e5_small"].spec(model="owner/name", revision=COMMIT))
    with pytest.raises(UsageError, match="run `millrace lock`") as refused:
        hold_to(lock, "dense", built["e5_small"].spec(**changes_))
    assert f"owner/name at {COMMIT}" in str(refused.value)
    assert f"{changes_['model']} at {OTHER}" in str(refused.value)


def test_hold_to_a_lock_without_the_encoder_is_refused(e5):
    with pytest.raises(UsageError, match="encoder other is not in the lock"):
        hold_to(locked(e5.spec()), "other", e5.spec())


def _set(path, value):
    def change(lock):
        *steps, last = path
        for step in steps:
            lock = lock[step]
        lock[last] = value

    return change


MODEL = ("encoders", "dense", "model")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_set(("version",), 2), "version"),
        (_set(("more",), 2), "more"),
        (_set((*MODEL, "sha256"), "0" * 64), "is not that of the files"),
        (_set((*MODEL, "files", "config.json"), "0" * 64), "is not that of the files"),
        (_set((*MODEL, "files", "config.json"), "xyz"), "files.config.json"),
        (_set((*MODEL, "revision"), "main"), "revision"),
        *[
            (_set((*MODEL, "files", name), "0" * 64), "no file of a model")
            for name in (
                "../up.json",
                "/etc/x.json",
                "a//b.json",
                "./a.json",
                "a\\b.json",
                "a.py",
                "",
                "x" * 300 + ".json",
            )
        ],
    ],
)
def test_read_lock_that_was_edited_is_refused(e5, tmp_path, change, expected):
    lock = json.loads(to_text(locked(e5.spec())))
    change(lock)
    path = tmp_path / "recipe.yaml.lock"
    path.write_text(json.dumps(lock))
    with pytest.raises(UsageError, match="is not a lock of models") as refused:
        read_lock(path)
    assert expected in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "not json", "{", '{"version": 1}'])
def test_read_lock_that_is_none_is_refused(tmp_path, text):
    path = tmp_path / "recipe.yaml.lock"
    assert read_lock(path) is None
    path.write_text(text)
    with pytest.raises(UsageError, match="is not a lock of models"):
        read_lock(path)
