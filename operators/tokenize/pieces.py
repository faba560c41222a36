"""What the numbers of word pieces mean, for people."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read_pieces(folder: Path, numbers: Iterable[int]) -> list[str | None]:
    """The word piece of each number, readable; None where there is none, or no tokenizer.json in the folder."""
    file = folder / "tokenizer.json"
    if not file.is_file():
        return [None for _ in numbers]
    from tokenizers import Tokenizer

    backend = Tokenizer.from_file(str(file))
    return [_piece(backend, number) for number in numbers]


def _piece(backend: Any, number: int) -> str | None:
    """Byte-level pieces are told as text, unless they are a part of a character."""
    token: str | None = backend.id_to_token(number)
    if token is None:
        return None
    text: str = backend.decode([number], skip_special_tokens=False).strip()
    return token if not text or "\N{REPLACEMENT CHARACTER}" in text else text
