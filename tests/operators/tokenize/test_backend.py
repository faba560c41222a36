"""A tokenizer read a second time comes from the cache: the same ids, without the seconds of importing transformers."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from operators.core.encoder_spec import MINILM, TokenizerSpec
from operators.core.model_location import locate
from operators.tokenize.backend import open_backend
from operators.tokenize.tokenizer import Tokenizer
from tests.families import FAMILIES, TEXTS

IDS_AND_MODULES = """
import json, sys
from pathlib import Path
from operators.tokenize.backend import open_backend
backend, side = open_backend(Path(sys.argv[1]))
ids = [each.ids for each in backend.encode_batch(json.loads(sys.argv[2]))]
print(json.dumps([ids, side, sorted({"torch", "transformers"} & set(sys.modules))]))
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILLRACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """MiniLM's tokenizer, of which a test may change the files."""
    copy, source = tmp_path / "model", locate(MINILM, None).path
    copy.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json", "vocab.txt", "special_tokens_map.json"):
        shutil.copy(source / name, copy / name)
    return copy


def ids(folder: Path) -> list[list[int]]:
    backend, _ = open_backend(folder)
    backend.no_padding()
    backend.no_truncation()
    return [each.ids for each in backend.encode_batch(list(TEXTS))]


@pytest.mark.parametrize("name", FAMILIES)
def test_backend_from_the_cache_reads_as_the_transformers_class_does(name: str, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    model = FAMILIES[name](tmp_path / name).folder
    folder = next(each.parent for each in sorted(model.rglob("tokenizer_config.json")))
    expected = AutoTokenizer.from_pretrained(folder)
    for _ in range(2):
        backend, side = open_backend(folder)
        assert side == expected.truncation_side
        for special in (True, False):
            backend.no_truncation()
            backend.no_padding()
            found = [each.ids for each in backend.encode_batch(list(TEXTS), add_special_tokens=special)]
            assert found == expected(list(TEXTS), add_special_tokens=special)["input_ids"]


def test_backend_from_the_cache_imports_neither_transformers_nor_torch(folder: Path) -> None:
    def read() -> list[object]:
        command = [sys.executable, "-c", IDS_AND_MODULES, str(folder), json.dumps(["a fox", "Ünïcode 漢字"])]
        return list(json.loads(subprocess.run(command, capture_output=True, check=True, text=True).stdout))

    made, kept = read(), read()
    assert made[2] == ["torch", "transformers"]
    assert kept == [*made[:2], []]


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "vocab.txt"])
def test_backend_of_changed_files_is_made_again(folder: Path, cache: Path, name: str) -> None:
    ids(folder)
    (folder / name).write_text((folder / name).read_text() + "\n")
    ids(folder)
    assert len(list((cache / "tokenizers").glob("*/tokenizer.json"))) == 2


def test_backend_of_a_changed_setting_reads_as_it_says(folder: Path) -> None:
    lowered = ids(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps({**settings, "do_lower_case": False}))
    assert ids(folder) != lowered


def test_backend_damaged_in_the_cache_is_made_again(folder: Path, cache: Path) -> None:
    expected = ids(folder)
    [kept] = (cache / "tokenizers").glob("*/tokenizer.json")
    kept.write_text(kept.read_text().replace('"the"', '"teh"'))
    assert ids(folder) == expected


@pytest.mark.parametrize("left", ["", "{"])
def test_backend_whose_checksums_were_lost_is_made_again(folder: Path, cache: Path, left: str) -> None:
    expected = ids(folder)
    [sums] = (cache / "tokenizers").glob("*/sha256.json")
    whole = sums.read_text()
    sums.write_text(left)
    assert ids(folder) == expected
    assert sums.read_text() == whole


def test_backend_that_cannot_be_kept_is_made_each_time(folder: Path, cache: Path) -> None:
    expected = ids(folder)
    shutil.rmtree(cache)
    cache.write_text("no folder")
    assert ids(folder) == expected


def test_backend_with_parts_that_cannot_be_written_is_made_each_time(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tokenizers import NormalizedString, normalizers
    from transformers import AutoTokenizer

    class Shouting:
        def normalize(self, text: NormalizedString) -> None:
            text.replace("!", " ")

    load = AutoTokenizer.from_pretrained

    def with_own_part(*arguments: object, **options: object) -> object:
        tokenizer = load(*arguments, **options)
        tokenizer.backend_tokenizer.normalizer = normalizers.Normalizer.custom(Shouting())
        return tokenizer

    monkeypatch.setattr(AutoTokenizer, "from_pretrained", with_own_part)
    spec = TokenizerSpec(folder=str(folder), max_length=16)
    assert Tokenizer(spec).tokenize(["fox!fox"])[0] == Tokenizer(spec).tokenize(["fox fox"])[0]
    assert not list((cache / "tokenizers").glob("*/tokenizer.json"))
