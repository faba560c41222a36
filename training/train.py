"""Train the model `minilm-sparse` on the docstrings and package descriptions of this machine, and save it.

    PYTHONPATH=. python training/train.py --work FOLDER [--out FOLDER]

`--work` keeps what takes minutes to compute: the text and the teacher's vectors. Prints nDCG@10 of held-out pairs, each
query having one right document among all: of static IDF, of the teacher, and of the student before and after.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from corpus import Corpus, make_corpus
from held_out import report
from numpy.typing import NDArray
from safetensors.torch import save_file
from student import Student
from teacher import piece_vectors, words

from operators.encode.expansion import SETTINGS, WEIGHTS, Expansion, saved_tensors

_SEED = 0
_PAIRS, _HELD_OUT = 2_000, 400
#: Of each anchor its nearest documents are in the batch too: a random one is told apart too easily.
_STEPS, _ANCHORS, _NEAREST = 160, 48, 4
#: Scalars have far to go: the gain ends at 90.
_RATE, _SCALAR_RATE = 1e-3, 3e-2
_COUNT, _USUAL_LENGTH = 128, 80.0
_OUT = Path("operators/encode/models/minilm-sparse")


def main() -> None:
    """Train, report on pairs that were held out, save."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="where text and the teacher's vectors are kept")
    parser.add_argument("--out", type=Path, default=_OUT, help="the model's folder")
    asked = parser.parse_args()
    corpus = make_corpus(asked.work, _PAIRS, _SEED)
    student = Student(piece_vectors(asked.work / "pieces.npy"), words(), _COUNT, _USUAL_LENGTH)
    report("before", corpus, student.expansion(), _HELD_OUT)
    train(student, corpus)
    report("after", corpus, student.expansion(), _HELD_OUT)
    save(student.expansion(), asked.out)


def train(student: Student, corpus: Corpus) -> None:
    """Steps over batches of near neighbours; the last pairs are held out."""
    random = np.random.default_rng(_SEED)
    scalars = {"params": list(student.scalars.values()), "lr": _SCALAR_RATE}
    optimizer = torch.optim.Adam([{"params": [student.projection, student.bias], "lr": _RATE}, scalars])
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, _STEPS)
    near = _neighbours(corpus.document_vectors[:-_HELD_OUT])
    for step in range(_STEPS):
        anchors = random.choice(len(near), _ANCHORS, replace=False)
        loss = student.loss(corpus.batch(np.unique(near[anchors])))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        if step % 25 == 0:
            print(f"step {step:4d} of {_STEPS}: loss {loss.item():.4f}", flush=True)


def _neighbours(vectors: NDArray[np.float32]) -> NDArray[np.int64]:
    """Each document and those nearest to it, int64 [documents, nearest]."""
    nearest: NDArray[np.int64] = np.argsort(-(vectors @ vectors.T), axis=1)[:, :_NEAREST]
    return nearest


def save(expansion: Expansion, folder: Path) -> None:
    """The files of the model, its card excepted."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(saved_tensors(expansion), folder / WEIGHTS)
    settings = {"count": expansion.count, "usual_length": expansion.usual_length}
    (folder / SETTINGS).write_text(json.dumps(settings) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
