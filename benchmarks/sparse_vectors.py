"""Sparse vectors to measure indexes on: synthetic ones like SPLADE's, and static IDF's of a real collection."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from beir import read_texts
from numpy.typing import NDArray
from scipy import sparse

VOCABULARY = 30_522
#: Terms of a document and of a query, on average: those of SPLADE models.
_ACTIVE, _ASKED = 130, 45
_TOPICS, _TOPIC_TERMS = 500, 400
_STEP = 50_000


@dataclass(frozen=True)
class Vectors:
    """Documents [rows, vocabulary] whose weights are float16, and queries as (terms, weights), terms ascending."""

    name: str
    documents: sparse.csr_array
    queries: list[tuple[NDArray[np.uint32], NDArray[np.float32]]]


def synthetic(rows: int, queries: int, topical: float) -> Vectors:
    """Documents and queries that have a share of their terms from one of some topics, the others by Zipf's law.

    Weights are from a gamma distribution and know nothing of terms. With no share of topics terms are independent, too:
    no text is like that, and no document then holds more than a few terms of a query.
    """
    chance = np.random.default_rng(0)
    topics = chance.permuted(np.tile(np.arange(VOCABULARY), (_TOPICS, 1)), axis=1)[:, :_TOPIC_TERMS]
    steps = np.cumsum(_zipf())
    parts = [
        _draw(chance, min(_STEP, rows - start), _ACTIVE, topical, topics, steps) for start in range(0, rows, _STEP)
    ]
    documents = sparse.vstack([_matrix(chance, part, 0.35) for part in parts], format="csr")
    asked = _matrix(chance, _draw(chance, queries, _ASKED, topical, topics, steps), 0.5)
    bounds = [slice(start, stop) for start, stop in pairwise(asked.indptr)]
    name = f"synthetic, {rows:,} rows, {topical:.0%} of the terms by topic"
    return Vectors(name, documents, [(asked.indices[each].astype(np.uint32), asked.data[each]) for each in bounds])


def _zipf() -> NDArray[np.float64]:
    shares = 1 / (np.arange(VOCABULARY) + 20.0) ** 0.8
    found: NDArray[np.float64] = shares / shares.sum()
    return found


def _draw(
    chance: np.random.Generator,
    rows: int,
    active: int,
    topical: float,
    topics: NDArray[np.int64],
    steps: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Terms [rows, active], of which some come twice."""
    common = np.searchsorted(steps, chance.random((rows, active))).clip(0, VOCABULARY - 1)
    topic = chance.integers(0, len(topics), (rows, 1))
    # The first terms of a topic are its commonest.
    place = (chance.random((rows, active)) ** 2 * _TOPIC_TERMS).astype(np.int64)
    return np.where(chance.random((rows, active)) < topical, topics[topic, place], common)


def _matrix(chance: np.random.Generator, terms: NDArray[np.int64], scale: float) -> sparse.csr_array:
    terms = np.sort(terms, axis=1)
    first = np.ones(terms.shape, np.bool_)
    first[:, 1:] = terms[:, 1:] != terms[:, :-1]
    starts = np.concatenate([[0], np.cumsum(first.sum(axis=1))])
    weights = _halves(chance.gamma(2, scale, starts[-1]) + 0.01)
    return sparse.csr_array((weights, terms[first].astype(np.int32), starts), shape=(len(terms), VOCABULARY))


def static_idf(corpus: Path, rows: int, queries: int) -> Vectors:
    """The default recipe's static IDF: documents are the word pieces they contain, queries are other documents."""
    from operators.core.encoder_spec import IDF, EncoderSpec, Role
    from operators.core.model_folder import resolve_model
    from operators.encode.idf import IdfEncoder, document_frequencies, idf_weights, vocabulary
    from operators.tokenize.tokenizer import Tokenizer

    spec = EncoderSpec(kind="sparse", model=IDF)
    folder = resolve_model(spec)
    tokens, _ = Tokenizer(folder.tokenizer(spec, Role.DOCUMENT)).tokenize(read_texts(corpus, rows + queries))
    table = IdfEncoder(folder, {}).encode(tokens, Role.DOCUMENT)
    terms: Any = table["indices"].combine_chunks()
    starts = np.asarray(terms.offsets)
    shape = (table.num_rows, vocabulary(folder))
    matrix = sparse.csr_array((np.ones(starts[-1], np.float32), terms.flatten().to_numpy(), starts), shape=shape)
    documents = matrix[: table.num_rows - queries]
    weights = idf_weights(document_frequencies(tokens, shape[1]), documents.shape[0]) ** 2
    found = [matrix[[number]].indices.astype(np.uint32) for number in range(documents.shape[0], table.num_rows)]
    asked = [(np.sort(each), weights[np.sort(each)].astype(np.float32)) for each in found if len(each)]
    return Vectors(f"{corpus.name}, static IDF, {documents.shape[0]:,} rows", documents, asked)


def _halves(weights: NDArray[np.floating]) -> NDArray[np.float32]:
    return weights.astype(np.float16).astype(np.float32)
