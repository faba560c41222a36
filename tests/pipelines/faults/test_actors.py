"""Encoders whose worker ends without a word in every tenth batch: the run finishes, and no document is lost or blamed."""

import os
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from operators.core.encoder_spec import Kind
from operators.encode.actor import EncodeDense, EncodeSparse
from operators.encode.encoder import Encoder
from pipelines import encoders
from pipelines.command import index_recipe
from pipelines.display import NoDisplay
from pipelines.load import load_recipe
from pipelines.resources import Pool, encoder_pool
from tests.pipelines.faults.nights import ENCODED, Nights, numbers, see

pytestmark = pytest.mark.ray

_SHARE = 0.1
#: Some four documents of the large night: alone a document is blamed for two deaths of its worker.
_WINDOW_TOKENS = 30_000


class Mortal:
    """An encoder that notes every batch in a folder, and of these a tenth, the same in every test, is its last."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        self.dimensions, self.splits, self.quality = encoder.dimensions, 0, {}
        self._encoder, self._folder = encoder, folder

    def encode(self, tokens: Any, role: Any) -> Any:
        number = self._count()
        if random.Random(f"3 {number}").random() < _SHARE:
            (self._folder / f"{number}.died").touch()
            os._exit(1)
        return self._encoder.encode(tokens, role)

    def _count(self) -> int:
        number = 0
        while True:
            try:
                (self._folder / str(number)).touch(exist_ok=False)
            except FileExistsError:
                number += 1
            else:
                return number


def mortal(base: type, folder: Path) -> type:
    """The stage with such an encoder; made here, so that it travels to the workers by value."""
    opened = partial(Mortal, folder=folder)

    class Dying(base):  # type: ignore[misc]
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self._encoder = opened(self._encoder)

    return Dying


def narrow(*arguments: Any) -> Pool:
    return replace(encoder_pool(*arguments), window_tokens=_WINDOW_TOKENS)


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("ray_cluster")
def test_index_actors_that_exit_in_a_tenth_of_their_batches_publish_what_an_undisturbed_run_does(
    tmp_path: Path, large: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind, base in ((Kind.DENSE, EncodeDense), (Kind.SPARSE, EncodeSparse)):
        folder = tmp_path / kind.value
        folder.mkdir()
        monkeypatch.setitem(encoders._ACTORS, kind, mortal(base, folder))
    monkeypatch.setattr(encoders, "encoder_pool", narrow)
    recipe = load_recipe(large.begin(tmp_path))
    summary = index_recipe(recipe, None, NoDisplay())
    deaths = [len(list((tmp_path / kind.value).glob("*.died"))) for kind in Kind]
    assert min(deaths) >= 2, "too few died to show anything"
    assert summary.encoded == ENCODED
    uri = f"{tmp_path}/store/mill"
    assert numbers(uri) == [1, 2]
    assert see(uri, tmp_path / "cache") == large.expected
