"""How well held-out pairs find each other: nDCG@10 where each query has one right document among all."""

import numpy as np
import torch
from corpus import Corpus
from numpy.typing import NDArray

from operators.encode.expansion import Expansion

_DEPTH = 10


@torch.inference_mode()
def report(name: str, corpus: Corpus, expansion: Expansion, held_out: int) -> None:
    """Print the last pairs' figures: static IDF's, the teacher's, and the expansion's."""
    batch = corpus.batch(np.arange(len(corpus.lengths)))
    queries = batch.queries[-held_out:]
    own = torch.where(batch.counts > 0, expansion.own(batch.counts, batch.lengths[:, None]), 0.0)
    expanded = torch.cat(
        [expansion.expanded(part)[:, batch.terms] for part in torch.split(batch.document_vectors, 256)]
    )
    figures = {
        "idf": ndcg((queries @ (batch.counts > 0).float().T).numpy()),
        "teacher": ndcg((batch.query_vectors[-held_out:] @ batch.document_vectors.T).numpy()),
        "own word pieces": ndcg((queries @ own.T).numpy()),
        "student": ndcg((queries @ (own + expanded).T).numpy()),
    }
    print(f"{name} training, nDCG@10 held out: {', '.join(f'{key} {value:.3f}' for key, value in figures.items())}")


def ndcg(scores: NDArray[np.float32]) -> float:
    """Of scores [queries, documents] whose last documents are the right ones, in order."""
    right = scores[np.arange(len(scores)), np.arange(-len(scores), 0)]
    ranks = (scores > right[:, None]).sum(axis=1)
    return float(np.where(ranks < _DEPTH, 1 / np.log2(ranks + 2), 0.0).mean())
