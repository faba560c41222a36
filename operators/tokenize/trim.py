r"""Where a long text may be cut so that the first tokens of it cannot change.

A place is safe where a letter, digit or full stop is followed by white space at which the tokenizer splits: of the
text before it, normalizing and splitting give the same pieces whatever follows. Normalizers work on characters or
graphemes, and neither joins such a character and a white space. No pattern below matches on across the white space
once it holds something else, and the one that looks ahead, `\s+(?!\S)`, sees the same there as at the end of a text.
"""

import json
from typing import Any

#: Characters of a text read first, for each token kept. English takes 4 to 5, Korean 2; what falls short doubles.
CHARACTERS = 6
_SPACES = " \t\n\u3000"
_STOPS = ".,;:!?)\u3002\uff01\uff1f\u3001"
#: The only letter up to U+FFFF that makes one grapheme with a white space after it (a Unicode "prepended" character).
_PREPENDED = "\u0d4e"
#: Places looked at before the text is read on: "- - - -" has none, and looking costs more than tokenizing.
_TRIES = 16
_LOCAL = {
    "NFC",
    "NFD",
    "NFKC",
    "NFKD",
    "Lowercase",
    "StripAccents",
    "BertNormalizer",
    "Nmt",
    "Precompiled",
    "Strip",
    "Prepend",
}
_CONTRACTIONS = r"'s|'t|'re|'ve|'m|'ll|'d"
_OTHERS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
#: `Split` patterns of GPT-2, Llama 3 and Qwen 2, and runs of white space.
_PATTERNS = {
    r"\s+",
    _CONTRACTIONS + r"| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{_OTHERS}",
    rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{_OTHERS}",
}


class Trimmer:
    """Heads of texts for a tokenizer that keeps the first tokens; `spaces` is where it may cut, empty for nowhere."""

    def __init__(self, backend: Any) -> None:
        self._normalizer = backend.normalizer
        self.spaces = _safe_spaces(backend)

    def head(self, text: str, characters: int) -> str:
        """A part of the text whose tokens are the text's first: of about `characters`, else of more, else all of it."""
        while self.spaces and characters < len(text):
            if place := self._place(text, characters):
                return text[:place]
            characters *= 2
        return text

    def _place(self, text: str, characters: int) -> int:
        """The last safe place up to `characters` and beyond half of them; 0 where there is none."""
        end = characters + 1
        for _ in range(_TRIES):
            end = self._last_space(text, characters // 2 + 1, end)
            if end < 0:
                return 0
            if self._safe(text, end):
                return end
        return 0

    def _safe(self, text: str, place: int) -> bool:
        last = text[place - 1]
        if not (last in _STOPS or (last.isalnum() and last <= "\uffff" and last != _PREPENDED)):
            return False
        start = self._last_space(text, 0, place)
        # A normalizer may drop a letter, or put spaces around it: then the head would end in white space.
        return start >= 0 and bool(self._normalize(text[start:place])[-1:].strip())

    def _last_space(self, text: str, start: int, end: int) -> int:
        return max(text.rfind(space, start, end) for space in self.spaces)

    def _normalize(self, text: str) -> str:
        return str(self._normalizer.normalize_str(text)) if self._normalizer else text


def _safe_spaces(backend: Any) -> str:
    splitter, normalizer = _config(backend.pre_tokenizer), _config(backend.normalizer)
    if not _is_local(normalizer, metaspace="Metaspace" in json.dumps(splitter)):
        return ""
    normalize = backend.normalizer.normalize_str if normalizer else str
    added = backend.get_added_tokens_decoder().values()
    if any(_mixes_spaces(text) for token in added for text in (token.content, normalize(token.content))):
        return ""
    return "".join(space for space in _split_at(splitter) if len(normalize(f"a{space}b").split()) > 1)


def _config(component: Any) -> dict[str, Any]:
    """What a normalizer or pre-tokenizer is, empty for none; one written in Python has the type `unknown`."""
    if component is None:
        return {}
    try:
        return dict(json.loads(component.__getstate__()))
    except Exception:  # noqa: BLE001 - the compiled library raises the base class itself
        return {"type": "unknown"}


def _is_local(normalizer: dict[str, Any], *, metaspace: bool) -> bool:
    """Whether the text before a safe place normalizes to the same, whatever follows."""
    match normalizer:
        case {"type": "Sequence", "normalizers": parts}:
            return all(_is_local(part, metaspace=metaspace) for part in parts)
        case {"type": "Replace", "pattern": {"String": found}}:
            return not any(map(str.isspace, found))
        case {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}:
            return metaspace  # which splits at what it is replaced with
    return not normalizer or normalizer["type"] in _LOCAL


def _mixes_spaces(token: str) -> bool:
    """Whether an added token could lie across a safe place."""
    return not token.isspace() and any(map(str.isspace, token))


def _split_at(splitter: dict[str, Any]) -> str:
    """White space at which every text is split, whatever stands around it."""
    match splitter:
        case {"type": "BertPreTokenizer" | "Whitespace" | "WhitespaceSplit"} | {"type": "ByteLevel", "use_regex": True}:
            return _SPACES
        case {"type": "Metaspace", "split": True}:
            return " "
        case {"type": "Split", "pattern": {"String": " "}, "behavior": "Isolated" | "Removed", "invert": False}:
            return " "
        case {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated" | "Removed"}:
            return " " if pattern in _PATTERNS else ""
        case {"type": "Sequence", "pretokenizers": [first, *rest]}:
            passes = first["type"] in {"Digits", "Punctuation"}
            return _split_at({**splitter, "pretokenizers": rest} if passes else first)
    return ""
