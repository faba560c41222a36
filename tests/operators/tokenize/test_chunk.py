from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from operators.core.encoder_spec import MINILM, EncoderSpec, TokenizerSpec
from operators.core.errors import UsageError
from operators.core.model_location import locate
from operators.core.parcel import Parcel, from_row
from operators.tokenize.actor import Chunk, Tokenize
from operators.tokenize.chunk import chunk_documents
from operators.tokenize.spec import ChunkSpec
from operators.tokenize.tokenizer import Tokenizer
from tests.families import TEXTS
from tests.operators.tokenize.test_tokenizer import documents

HASHING = Tokenizer(TokenizerSpec(folder="hashing", max_length=100))


def rows(table):
    return table.select(["doc_id", "chunk", "span_start", "span_end", "text"]).to_pylist()


def test_chunk_windows_overlap_by_the_tokens_asked_for():
    chunks = rows(chunk_documents(documents(["a b c d e f g"]), HASHING, 4, 2))
    assert [row["text"].split() for row in chunks] == [["a", "b", "c", "d"], ["c", "d", "e", "f"], ["e", "f", "g"]]
    assert [row["chunk"] for row in chunks] == [0, 1, 2]


def test_chunk_document_that_fits_is_one_chunk_unchanged():
    table = documents(["  four words and space \n", "", "   "])
    assert chunk_documents(table, HASHING, 4, 1) == table


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.text(alphabet="ab 가.\n", max_size=60), max_size=5),
    st.integers(2, 6).flatmap(lambda tokens: st.tuples(st.just(tokens), st.integers(0, tokens - 1))),
)
def test_chunks_cover_every_document_in_order(texts, window):
    tokens, overlap = window
    chunks = rows(chunk_documents(documents(texts), HASHING, tokens, overlap))
    for number, text in enumerate(texts):
        own = [row for row in chunks if row["doc_id"] == f"d{number}"]
        assert [row["chunk"] for row in own] == list(range(len(own)))
        assert own[0]["span_start"] == 0
        assert own[-1]["span_end"] == len(text)
        assert all(row["text"] == text[row["span_start"] : row["span_end"]] for row in own)
        assert all(after["span_start"] <= before["span_end"] for before, after in pairwise(own))
        counts = [len(next(iter(HASHING.spans([row["text"]])))) for row in own]
        assert all(count == tokens for count in counts[:-1])
        total = len(next(iter(HASHING.spans([text]))))
        assert sum(counts) == total + overlap * (len(own) - 1)


def test_chunk_counts_with_the_models_own_tokenizer():
    tokenizer = Tokenizer(TokenizerSpec(folder=str(locate(MINILM, None).path), max_length=256))
    chunks = rows(chunk_documents(documents(list(TEXTS)), tokenizer, 16, 4))
    counts = [len(spans) for spans in tokenizer.spans([row["text"] for row in chunks])]
    assert len(chunks) > 30
    # A window may begin inside a word, which then reads a little differently.
    assert max(counts) <= 20
    assert all(row["text"] == TEXTS[int(row["doc_id"][1:])][row["span_start"] : row["span_end"]] for row in chunks)


def test_chunk_byte_level_window_within_a_character_holds_the_character(tmp_path):
    from tests.families import modernbert_splade

    folder = modernbert_splade(tmp_path / "model").folder
    tokenizer = Tokenizer(TokenizerSpec(folder=str(folder), max_length=96))
    chunks = rows(chunk_documents(documents(["漢字🙂漢字"]), tokenizer, 2, 0))
    assert len(chunks) > 5
    assert all(row["text"] for row in chunks)


def test_chunk_stage_keeps_documents_and_metadata():
    table = documents(["a b c d e", "f"]).append_column("meta.lang", pa.array(["en", "ko"]))
    spec = ChunkSpec(encoder="dense", tokens=2)
    stage = Chunk(spec, EncoderSpec(kind="dense", model="hashing", max_length=9))
    parcel = from_row(stage(Parcel("p", table).to_row()))
    assert parcel.table["meta.lang"].to_pylist() == ["en", "en", "en", "ko"]
    assert [span.stage for span in parcel.spans] == ["chunk"]
    assert parcel.table.schema == table.schema


def test_tokenize_stage_adds_every_encoders_tokens():
    heard = []
    stage = Tokenize(
        {name: EncoderSpec(kind="dense", model="hashing", max_length=n) for name, n in (("a", 9), ("b", 2))},
        lambda *what: heard.append(what),
    )
    parcel = from_row(stage(Parcel("p", documents(["x y v", "z"])).to_row()))
    assert np.diff(parcel.table["tokens.a"].combine_chunks().offsets).tolist() == [3, 1]
    assert np.diff(parcel.table["tokens.b"].combine_chunks().offsets).tolist() == [2, 1]
    assert heard == [("tokenize", 2, 0)]


def test_chunk_larger_than_the_encoder_reads_is_refused():
    spec = EncoderSpec(kind="dense", model="hashing", max_length=10, document_prompt="two words ")
    Chunk(ChunkSpec(encoder="dense", tokens=8), spec)
    with pytest.raises(UsageError, match=r"Set chunking\.tokens to 8 or less"):
        Chunk(ChunkSpec(encoder="dense", tokens=9), spec)


def test_chunk_spec_refuses_windows_that_never_advance():
    with pytest.raises(ValidationError, match="smaller than tokens"):
        ChunkSpec(encoder="dense", tokens=8, overlap=8)
