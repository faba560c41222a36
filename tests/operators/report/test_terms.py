import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from operators.core.encoder_records import EncoderRecord, Spread
from operators.core.encoder_spec import MINILM, EncoderSpec
from operators.core.model_folder import resolve_model
from operators.core.model_location import locate
from operators.report.terms import top_terms

SPREAD = Spread(rows=200, flops=1, dead_dimensions=5, top=((3853, 150), (1012, 50)))


def record(spec: EncoderSpec, fingerprint: str | None = None, spread: Spread | None = SPREAD) -> EncoderRecord:
    return EncoderRecord(
        kind=spec.kind,
        fingerprint=fingerprint or resolve_model(spec).document_fingerprint(spec),
        spec=spec.model_dump(mode="json"),
        dimensions=30_522,
        spread=spread,
    )


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a JSON file that may be a link."""
    value = change(json.loads(path.read_text()))
    path.unlink()
    path.write_text(json.dumps(value))


def told(spec: EncoderSpec, fingerprint: str | None = None) -> list[str | None]:
    return [term.word for term in top_terms({"s": record(spec, fingerprint)})["s"]]


def test_top_terms_are_the_longest_posting_lists_in_words() -> None:
    found = top_terms({"s": record(EncoderSpec(kind="sparse", model="idf"))})["s"]
    assert [(term.dimension, term.rows, term.share, term.word) for term in found] == [
        (3853, 150, 0.75, "function"), (1012, 50, 0.25, ".")
    ]  # fmt: skip


def test_top_terms_of_the_model_that_comes_with_millrace_have_words_too() -> None:
    assert told(EncoderSpec(kind="sparse", model="minilm-sparse")) == ["function", "."]


def test_top_terms_of_a_head_with_features_of_its_own_are_numbers(tmp_path: Path) -> None:
    """MiniLM with another last module: word pieces would be words that the dimensions do not stand for."""
    model = tmp_path / "model"
    shutil.copytree(locate(MINILM, None).path, model, copy_function=os.symlink)
    edit(model / "config_sentence_transformers.json", lambda saved: {**saved, "model_type": "SparseEncoder"})
    for head, words in (("SpladePooling", ["function", "."]), ("SparseAutoEncoder", [None, None])):
        (model / "head").mkdir(exist_ok=True)
        save_file({"weight": np.zeros((2, 2), np.float32)}, model / "head" / "model.safetensors")
        last = {"idx": 2, "name": "2", "path": "head", "type": f"sentence_transformers.sparse_encoder.modules.{head}"}
        edit(model / "modules.json", lambda modules, last=last: [*modules[:1], last])
        assert told(EncoderSpec(kind="sparse", model=str(model))) == words


def test_top_terms_of_a_model_that_is_gone_or_another_one_are_numbers(tmp_path: Path) -> None:
    assert told(EncoderSpec(kind="sparse", model="hashing")) == [None, None]
    assert told(EncoderSpec(kind="sparse", model=f"{tmp_path}/gone"), "0" * 16) == [None, None]
    assert told(EncoderSpec(kind="sparse", model="idf"), "0" * 16) == [None, None]


def test_top_terms_are_of_encoders_that_spread() -> None:
    spec = EncoderSpec(kind="sparse", model="idf")
    assert (
        top_terms(
            {
                "a": record(spec, spread=None),
                "b": record(spec, spread=Spread(rows=0, flops=0, dead_dimensions=0, top=())),
            }
        )
        == {}
    )
