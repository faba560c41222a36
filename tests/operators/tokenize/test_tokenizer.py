import subprocess
import sys

import pyarrow as pa
import pytest

from operators.core import schema
from operators.core.encoder_spec import MINILM, EncoderSpec, Role, TokenizerSpec
from operators.core.errors import UsageError
from operators.core.model_folder import resolve_model
from operators.core.model_location import locate
from operators.tokenize.append import append_tokens
from operators.tokenize.tokenizer import Tokenizer
from tests.families import TEXTS


def minilm(**changes):
    return TokenizerSpec(folder=str(locate(MINILM, None).path), **{"max_length": 256, **changes})


def reference(texts, **options):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(locate(MINILM, None).path)
    return tokenizer(texts, truncation=True, **options)["input_ids"]


def documents(texts):
    count = len(texts)
    columns = {
        "doc_id": [f"d{i}" for i in range(count)],
        "chunk": [0] * count,
        "span_start": [0] * count,
        "span_end": [len(text) for text in texts],
        "text": texts,
        "file": ["f"] * count,
        "line": list(range(1, count + 1)),
        "truncated": [False] * count,
    }
    return pa.table(columns, schema=schema.IN_FLIGHT)


@pytest.mark.parametrize("special", [True, False])
@pytest.mark.parametrize("length", [5, 40, 256])
def test_tokenize_ids_equal_transformers(special, length):
    tokens, cut = Tokenizer(minilm(max_length=length, special_tokens=special)).tokenize(TEXTS)
    assert tokens.type == pa.list_(pa.int32())
    assert tokens.to_pylist() == reference(list(TEXTS), max_length=length, add_special_tokens=special)
    whole = reference(list(TEXTS), max_length=100_000, add_special_tokens=special)
    assert cut.to_pylist() == [len(ids) > length for ids in whole]


def test_tokenize_prompt_stands_before_the_text_and_counts():
    tokens, cut = Tokenizer(minilm(prompt="query: ", max_length=8)).tokenize(["fox fox fox fox", "fox fox fox fox fox"])
    assert tokens.to_pylist() == reference(["query: fox fox fox fox", "query: fox fox fox fox fox"], max_length=8)
    assert cut.to_pylist() == [False, True]


def test_tokenize_many_texts_keeps_their_order():
    texts = [str(number) for number in range(1200)]
    tokens, _ = Tokenizer(minilm()).tokenize(texts)
    assert tokens.to_pylist() == reference(texts)


def test_tokenize_nothing_gives_no_rows():
    tokens, cut = Tokenizer(minilm()).tokenize([])
    assert (len(tokens), len(cut)) == (0, 0)
    assert tokens.type == pa.list_(pa.int32())


def test_tokenize_lowercase_reads_capitals_as_small_letters(tmp_path):
    import json

    source = locate(MINILM, None).path / "tokenizer.json"
    cased = json.loads(source.read_text())
    cased["normalizer"]["lowercase"] = False
    (tmp_path / "tokenizer.json").write_text(json.dumps(cased))
    plain = Tokenizer(TokenizerSpec(folder=str(tmp_path), max_length=99))
    lower = Tokenizer(TokenizerSpec(folder=str(tmp_path), max_length=99, lowercase=True))
    assert plain.tokenize(["Fox"])[0] != plain.tokenize(["fox"])[0]
    assert lower.tokenize(["Fox"])[0] == plain.tokenize(["fox"])[0]


def test_tokenizer_of_a_folder_without_one_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no tokenizer"):
        Tokenizer(TokenizerSpec(folder=str(tmp_path), max_length=9))


def test_room_is_what_prompt_and_special_tokens_leave():
    tokenizer = Tokenizer(minilm(prompt="query: ", max_length=12))
    assert tokenizer.room == 8
    assert tokenizer.tokenize(["fox " * 8])[1].to_pylist() == [False]
    assert tokenizer.tokenize(["fox " * 9])[1].to_pylist() == [True]


def hashing(**changes):
    spec = EncoderSpec(kind="dense", model="hashing", **changes)
    return Tokenizer(resolve_model(spec).tokenizer(spec, Role.DOCUMENT))


def test_hashing_gives_equal_words_equal_ids_in_any_case():
    tokens, cut = hashing(max_length=3).tokenize(["Fox fox, FOX", "fox 여우 bear bee", ""])
    first, second, empty = tokens.to_pylist()
    assert len(set(first)) == 1
    assert len(set(second)) == 3
    assert empty == []
    assert second[0] == first[0]
    assert cut.to_pylist() == [False, True, False]


def test_hashing_imports_neither_torch_nor_transformers():
    code = (
        "import sys; from operators.core.encoder_spec import EncoderSpec\n"
        "from operators.tokenize.actor import Tokenize\n"
        "Tokenize({'a': EncoderSpec(kind='dense', model='hashing', max_length=9)})\n"
        "assert not {'torch', 'transformers', 'tokenizers', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_append_tokens_marks_what_any_encoder_cut():
    table = documents(["one two three", "one"])
    table = append_tokens(table, "long", hashing())
    table = append_tokens(table, "short", hashing(max_length=2))
    table = append_tokens(table, "again", hashing())
    assert table["truncated"].to_pylist() == [True, False]
    assert [len(ids) for ids in table["tokens.short"].to_pylist()] == [2, 1]
    assert [len(ids) for ids in table["tokens.again"].to_pylist()] == [3, 1]
    assert table.select(schema.IN_FLIGHT.names).schema == schema.IN_FLIGHT
