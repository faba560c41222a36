"""The training text as numbers: word pieces of queries and documents, idf weights, and the teacher's vectors."""

import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pairs import Pair, find_pairs
from scipy import sparse
from student import Batch
from teacher import text_vectors

from operators.core.encoder_spec import IDF, EncoderSpec, Kind, Role
from operators.core.model_folder import resolve_model
from operators.encode.idf import idf_weights, vocabulary
from operators.tokenize.tokenizer import Tokenizer


@dataclass(frozen=True)
class Corpus:
    """Row `i` of everything is of pair `i`: `queries` hold weights, `documents` how often each word piece comes."""

    queries: sparse.csr_array[Any]
    documents: sparse.csr_array[Any]
    lengths: NDArray[np.float32]
    query_vectors: NDArray[np.float32]
    document_vectors: NDArray[np.float32]

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """The pairs of some rows, on the word pieces that their queries hold."""
        queries = self.queries[rows]
        terms = np.unique(queries.indices)
        return Batch(
            terms=torch.from_numpy(terms.astype(np.int64)),
            queries=torch.from_numpy(queries[:, terms].toarray()),
            counts=torch.from_numpy(self.documents[rows][:, terms].toarray()),
            lengths=torch.from_numpy(self.lengths[rows]),
            query_vectors=torch.from_numpy(self.query_vectors[rows]),
            document_vectors=torch.from_numpy(self.document_vectors[rows]),
        )


def make_corpus(work: Path, count: int, seed: int) -> Corpus:
    """A random `count` of this machine's pairs; text and vectors are kept in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    pairs = _pairs(work / "pairs.json")
    random.Random(seed).shuffle(pairs)  # noqa: S311 - a sample, not a secret
    chosen = pairs[:count]
    queries = _counts([pair.query for pair in chosen])
    documents = _counts([pair.document for pair in chosen])
    weights = idf_weights(np.bincount(documents.indices, minlength=documents.shape[1]), len(chosen))
    queries.data = weights[queries.indices] ** 2
    return Corpus(
        queries=queries,
        documents=documents,
        lengths=documents.sum(axis=1).astype(np.float32),
        query_vectors=text_vectors([pair.query for pair in chosen], work / "queries.npy"),
        document_vectors=text_vectors([pair.document for pair in chosen], work / "documents.npy"),
    )


def _pairs(kept: Path) -> list[Pair]:
    if not kept.is_file():
        kept.write_text(json.dumps([asdict(pair) for pair in find_pairs()]), encoding="utf-8")
    return [Pair(**pair) for pair in json.loads(kept.read_text(encoding="utf-8"))]


def _counts(texts: Sequence[str]) -> sparse.csr_array[Any]:
    spec = EncoderSpec(kind=Kind.SPARSE, model=IDF)
    folder = resolve_model(spec)
    tokens = Tokenizer(folder.tokenizer(spec, Role.DOCUMENT)).tokenize(texts)[0]
    ids, offsets = tokens.values.to_numpy().copy(), tokens.offsets.to_numpy().copy()
    shape = (len(texts), vocabulary(folder))
    counted: sparse.csr_array[Any] = sparse.csr_array((np.ones(len(ids), np.float32), ids, offsets), shape=shape)
    counted.sum_duplicates()
    return counted
