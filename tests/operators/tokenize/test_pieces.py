from pathlib import Path

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from operators.core.encoder_spec import MINILM
from operators.core.model_location import locate
from operators.tokenize.pieces import read_pieces


def test_read_pieces_of_minilm_are_the_lines_of_its_vocabulary() -> None:
    folder = locate(MINILM, None).path
    lines = (folder / "vocab.txt").read_text(encoding="utf-8").splitlines()
    numbers = [0, 101, 1012, 3853, 2015, len(lines) - 1]
    assert read_pieces(folder, numbers) == [lines[number] for number in numbers]


def test_read_pieces_of_a_number_beyond_the_vocabulary_is_none() -> None:
    assert read_pieces(locate(MINILM, None).path, [30_522, 3853]) == [None, "function"]


@pytest.mark.parametrize(("token", "told"), [("Ġrace", "race"), ("íķľêµŃ", "한국"), ("íķ", "íķ"), ("Ġ", "Ġ")])
def test_read_pieces_of_bytes_are_told_as_text_unless_they_are_part_of_a_letter(
    tmp_path: Path, token: str, told: str
) -> None:
    backend = Tokenizer(models.BPE({token: 0}, []))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.ByteLevel(), decoders.ByteLevel()
    backend.save(str(tmp_path / "tokenizer.json"))
    assert read_pieces(tmp_path, [0]) == [told]


def test_read_pieces_without_a_compiled_tokenizer_are_none(tmp_path: Path) -> None:
    assert read_pieces(tmp_path, [1, 2]) == [None, None]
