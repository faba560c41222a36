"""A head's tokens are the whole text's first tokens, whatever the text and the tokenizer; then a model reads the same."""

import functools
import itertools
import json

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers

from operators.core.encoder_spec import MINILM, TokenizerSpec
from operators.core.model_location import locate
from operators.read.discover import list_inputs
from operators.read.part import read_part
from operators.read.plan import plan_parts
from operators.read.spec import SourceSpec
from operators.tokenize import tokenizer as ours
from operators.tokenize import trim
from operators.tokenize.trim import Trimmer
from tests import families
from tests.conftest import data

WORDS = ["fox", "Ünïcode", "서울은", "漢字", "です", "naïve", "x" * 40, "é", "Σας", "ﷺ", "ﬁ", "\u037a", "\u0d4e", "a\u0301", "\uff9e", "9"]  # fmt: skip
SPACES = [" ", " ", " ", "  ", "   ", "\n", "\n\n", "\t", "\r\n", "\u3000", "\u00a0", "\u200b", "\u0085", "\x1c", "▁"]
MARKS = [".", ",", "'", "'re", "n't", "-", "。", "!", "…", "🙂", "\u0301", "\u0600", "\x00", "\ufffd", "[SEP]", "</s>", "<mask>"]  # fmt: skip
TEXT = st.lists(st.sampled_from([*WORDS, *SPACES, *SPACES, *MARKS]), min_size=1, max_size=120).map("".join)
LLAMA = max(trim._PATTERNS, key=len)


def trained(pre_tokenizer, normalizer=None, added=()):
    """A byte-pair tokenizer of few merges over what it meets, so that pieces join wherever they may."""
    tokenizer = Tokenizer(models.BPE(unk_token="?"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizer
    joined = [f"{word}{space}{end}" for end in ("", "9") for word in [*WORDS, *MARKS] for space in SPACES]
    pieces = [" ".join([*WORDS, *MARKS]), *families.LINES, *joined]
    trainer = trainers.BpeTrainer(vocab_size=3000, special_tokens=["?"], show_progress=False)
    tokenizer.train_from_iterator(pieces * 5, trainer)
    tokenizer.add_tokens([AddedToken(content, **options) for content, options in added])
    return tokenizer


P, N = pre_tokenizers, normalizers
BACKENDS = {
    "llama": lambda: trained(P.Sequence([P.Split(Regex(LLAMA), "isolated"), P.ByteLevel(use_regex=False)]), N.NFD()),
    "gpt": lambda: trained(P.ByteLevel(add_prefix_space=True), N.NFC()),
    "no normal form": lambda: trained(P.Split(Regex(LLAMA), "removed", invert=True)),
    "spaces": lambda: trained(P.Split(" ", "isolated"), N.Sequence([N.NFKC(), N.StripAccents(), N.Strip()])),
    "xlm-r": lambda: trained(P.Sequence([P.WhitespaceSplit(), P.Metaspace()]), N.Sequence([N.Nmt(), N.NFKC()])),
    "bge-m3": lambda: trained(P.Metaspace(), N.Sequence([N.NFKC(), N.Strip(left=False), N.Replace(Regex(" {2,}"), "▁")])),
    "albert": lambda: trained(
        P.Sequence([P.Digits(), P.Punctuation(), P.WhitespaceSplit(), P.Metaspace(prepend_scheme="first")]),
        N.Sequence([N.Replace("''", '"'), N.NFKD(), N.StripAccents(), N.Lowercase(), N.Prepend("x")]),
    ),
    "bert and byte level": lambda: trained(P.ByteLevel(), N.BertNormalizer()),
    "words": lambda: trained(P.Whitespace(), N.Sequence([N.NFKD(), N.StripAccents(), N.Strip()])),
    "added": lambda: trained(
        P.ByteLevel(),
        N.NFKC(),
        [
            ("fox", {"rstrip": True, "normalized": True}),
            ("[SEP]", {"lstrip": True, "rstrip": True, "normalized": False}),
            ("서울은", {"single_word": True, "normalized": False}),
            ("<mask>", {"lstrip": True, "normalized": True}),
            ("  ", {"normalized": True}),
            ("\n", {"normalized": False}),
        ],
    ),
}  # fmt: skip


@functools.cache
def backend(name):
    return BACKENDS[name]()


def heads(tokenizer, text):
    """Every head of the text that some number of characters gives."""
    return {Trimmer(tokenizer).head(text, characters) for characters in range(1, len(text), 1 + len(text) // 50)} - {
        text
    }


def check_heads(tokenizer, text):
    whole = tokenizer.encode(text, add_special_tokens=False).ids
    for head in heads(tokenizer, text):
        ids = tokenizer.encode(head, add_special_tokens=False).ids
        assert ids == whole[: len(ids)], head


@pytest.mark.parametrize("name", BACKENDS)
@settings(max_examples=60, deadline=None)
@given(text=TEXT)
@example(text="fox \u037a  fox")
@example(text="fox 漢字  fox")
@example(text="fox 漢字。\nfox")
@example(text="fox fox\n9 fox.\n9 fox a-\nfox 9")
@example(text="fox 서울은 fox  fox")
def test_head_of_any_text_has_the_first_tokens_of_the_whole(name, text):
    check_heads(backend(name), text)


@pytest.mark.parametrize("name", BACKENDS)
def test_head_of_words_is_found_by_every_tokenizer(name):
    assert len(heads(backend(name), "fox 서울은 naïve. " * 20)) > 20


@pytest.mark.parametrize("name", BACKENDS)
def test_head_is_not_much_longer_than_asked_for(name):
    text = "the quick brown fox jumps over the lazy dog " * 30_000
    assert 256 < len(Trimmer(backend(name)).head(text, 512)) <= 512


@pytest.mark.parametrize("text", ["a" * 5000, "漢" * 5000, "- " * 2500, "fox\u00a0" * 1000, " " * 5000])
def test_head_of_a_text_without_a_safe_place_is_the_text(text):
    assert Trimmer(backend("gpt")).head(text, 100) == text


def test_head_beyond_a_long_word_goes_on_to_the_next_place():
    head = Trimmer(backend("gpt")).head("fox " + "a" * 5000 + " fox" * 5000, 100)
    assert head == "fox " + "a" * 5000 + " fox" * ((6400 - 5004) // 4)


class Python:
    """A pre-tokenizer written in Python, of which nothing is known."""

    def pre_tokenize(self, pretok):
        del pretok


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("pre_tokenizer", None),
        ("pre_tokenizer", P.PreTokenizer.custom(Python())),
        ("pre_tokenizer", P.ByteLevel(use_regex=False)),
        ("pre_tokenizer", P.Metaspace(split=False)),
        ("pre_tokenizer", P.Split(" ", "merged_with_previous")),
        ("pre_tokenizer", P.Split(Regex(r"\w+ \w+"), "isolated")),
        ("pre_tokenizer", P.Sequence([P.ByteLevel(use_regex=False), P.WhitespaceSplit()])),
        ("normalizer", N.Replace(" ", "▁")),
        ("normalizer", N.Replace("x f", "y")),
        ("normalizer", N.Replace(Regex(r"\s+fox"), "y")),
        ("normalizer", N.Replace(Regex(" {2,}"), "▁")),
        ("normalizer", N.ByteLevel()),
    ],
)
def test_tokenizer_that_may_read_across_spaces_reads_whole_texts(change, value):
    tokenizer = trained(P.WhitespaceSplit())
    assert Trimmer(tokenizer).spaces
    setattr(tokenizer, change, value)
    assert not Trimmer(tokenizer).spaces


@pytest.mark.parametrize("content", ["quick fox", "fox ", " fox", "漢"])
def test_added_token_with_spaces_makes_a_tokenizer_read_whole_texts(content):
    tokenizer = trained(P.BertPreTokenizer(), N.BertNormalizer(), [(content, {"normalized": True})])
    assert not Trimmer(tokenizer).spaces


@functools.cache
def folder_of(name, root):
    build = {
        "word pieces": families._word_pieces,
        "byte level": lambda path: families._byte_level(path, length=100),
        "unigram": families._unigram,
    }
    build[name](root / name.replace(" ", "-"))
    return root / name.replace(" ", "-")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("tokenizers")


@functools.cache
def reader(folder, length, prompt="", *, special=True):
    spec = TokenizerSpec(folder=str(folder), max_length=length, prompt=prompt, special_tokens=special)
    return ours.Tokenizer(spec)


@functools.cache
def untrimmed(folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, model_max_length=10**6)


def check_read(folder, texts, length, prompt="", *, special=True):
    tokens, cut = reader(folder, length, prompt, special=special).tokenize(texts)
    prompted = [prompt + text for text in texts]
    reference = functools.partial(untrimmed(folder), prompted, add_special_tokens=special)
    assert tokens.to_pylist() == reference(truncation=True, max_length=length)["input_ids"]
    assert cut.to_pylist() == [len(ids) > length for ids in reference()["input_ids"]]


FAMILIES = ["word pieces", "byte level", "unigram"]


@pytest.mark.parametrize("name", FAMILIES)
@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(TEXT, min_size=1, max_size=4),
    length=st.integers(3, 30),
    prompt=st.sampled_from(["", "query: ", "q"]),
    special=st.booleans(),
)
def test_tokenize_any_texts_equals_the_untrimmed_tokenizer(root, name, texts, length, prompt, special):
    folder = folder_of(name, root)
    assume(reader(folder, length, prompt, special=special).room > 0)
    check_read(folder, texts, length, prompt, special=special)
    check_heads(untrimmed(folder).backend_tokenizer, "".join(texts))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("collection", ["vsdocs-ko", "win32docs-en", "belebele-ko", "gutenberg-en"])
def test_tokenize_real_texts_equals_the_untrimmed_tokenizer(root, name, collection):
    texts = real(collection)
    for length in (16, 128):
        check_read(folder_of(name, root), texts, length)


@functools.cache
def real(collection):
    source = SourceSpec(format="jsonl", uri=f"{data(collection)}/corpus.jsonl*", text=("title", "text"))
    parts = plan_parts(list_inputs(source).inputs, source)
    texts = itertools.chain.from_iterable(read_part(part, source)[0]["text"].to_pylist() for part in parts)
    return [text[:20_000] for text in itertools.islice(texts, 150)]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("tail", ["", " ", "  \n", "\u200b", " fox"])
def test_tokenize_text_that_just_fits_is_cut_only_where_tokens_follow(root, name, tail):
    """The head of a long text may fill the model to the token; whether it was cut is then for the rest to say."""
    folder = folder_of(name, root)
    text = "fox " * 5 + "fox"
    length = len(untrimmed(folder)(text)["input_ids"])
    check_read(folder, [text + tail, text + tail + " " * 500, text + " " * 500 + tail], length)


def test_tokenize_from_the_left_keeps_the_last_tokens(tmp_path):
    folder = folder_of("word pieces", tmp_path)
    settings_file = folder / "tokenizer_config.json"
    settings_file.write_text(json.dumps({**json.loads(settings_file.read_text()), "truncation_side": "left"}))
    check_read(folder, ["one two three " * 500 + "four"], 8)


def test_tokenize_with_few_tokens_in_many_characters_reads_on(root):
    """Unknown words of 200 characters are one token each: six characters a token reach nowhere near the limit."""
    folder = folder_of("word pieces", root)
    texts = [("x" * 200 + " ") * count + "fox " * 40 for count in (1, 3, 30, 300)]
    check_read(folder, texts, 32)


def test_tokenize_the_whole_of_minilm_reads_its_folder_trimmed():
    assert reader(locate(MINILM, None).path, 256)._reader._trimmer.spaces
