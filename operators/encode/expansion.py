"""Model `minilm-sparse`: documents carry their own word pieces and those that their MiniLM vector calls for.

    ids -> own pieces: 1 and more, by how often they come in how long a text      [documents, vocabulary]
    ids -> MiniLM -> vector [384] -> projection -> scores of all word pieces      [documents, vocabulary]
        -> what lies above the document's largest score but `count`, below 1: its expansion

Queries carry idf squared, fitted on the corpus as of model `idf`: a query needs no model.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from operators.core.errors import UsageError
from operators.core.model_folder import ModelFolder
from operators.core.model_modules import read_json
from operators.encode.ragged import Ragged

WEIGHTS, SETTINGS = "model.safetensors", "config.json"


@dataclass(frozen=True)
class Expansion:
    """The learned part: `projection` [width, 384], `table` [vocabulary, width], `bias` [vocabulary], three scalars.

    At most `count` word pieces expand a document, by how far they score above the next one, times `gain`. A piece of
    its own weighs 1 + `frequency` * tf / (tf + `saturation` * length / `usual_length`). All tensors are float32.
    """

    projection: Tensor
    table: Tensor
    bias: Tensor
    gain: Tensor
    frequency: Tensor
    saturation: Tensor
    count: int
    usual_length: float

    def expanded(self, vectors: Tensor) -> Tensor:
        """Weights below 1 of word pieces that vectors [documents, 384] call for: float32 [documents, vocabulary]."""
        scores = torch.addmm(self.bias, vectors @ self.projection.T, self.table.T)
        least = scores.topk(self.count + 1, dim=1).values[:, -1:]
        # Measured from a document's own threshold, a score near it weighs next to nothing, whichever side it falls on.
        excess = (scores - least).relu() * self.gain
        return excess / (1 + excess)

    def own(self, counts: Tensor, lengths: Tensor) -> Tensor:
        """Weights, at least 1, of word pieces that come `counts` times in texts of `lengths` pieces, float32."""
        return 1 + self.frequency * counts / (counts + self.saturation * lengths / self.usual_length)


@torch.inference_mode()
def document_weights(expansion: Expansion, rows: Ragged, vectors: NDArray[np.float32]) -> Tensor:
    """Weights of documents' own word pieces and of their expansion, float32 [documents, vocabulary].

    `rows` are their word pieces without special tokens, `vectors` [documents, 384] MiniLM's. No word piece, no weights.
    """
    device, vocabulary = expansion.table.device, len(expansion.table)
    weights = expansion.expanded(torch.tensor(vectors, device=device))
    cells, counts = np.unique(rows.rows * vocabulary + rows.values, return_counts=True)
    lengths = rows.lengths[cells // vocabulary]
    own = expansion.own(*(torch.from_numpy(each.astype(np.float32)).to(device) for each in (counts, lengths)))
    weights.view(-1)[torch.from_numpy(cells).to(device)] += own
    weights[torch.from_numpy(rows.lengths == 0).to(device)] = 0
    return weights


def load_expansion(folder: ModelFolder, device: torch.device) -> Expansion:
    """The model's own files on a device; raises `UsageError` where they do not fit each other."""
    from safetensors.torch import load_file

    settings: dict[str, Any] = read_json(folder.path / SETTINGS)
    tensors: dict[str, Any] = {
        name: tensor.to(device).float() for name, tensor in load_file(folder.path / WEIGHTS).items()
    }
    try:
        table = tensors.pop("table") * tensors.pop("scale")[:, None]
        return Expansion(table=table, **tensors, **settings)
    except (KeyError, TypeError, RuntimeError) as error:
        raise UsageError(
            f"{folder.path}: {WEIGHTS} and {SETTINGS} do not fit each other ({error}): install Millrace again"
        ) from error


def saved_tensors(expansion: Expansion) -> dict[str, Tensor]:
    """What `load_expansion` reads: the table as int8 and a scale a row, 6 MB instead of 23; the rest in float16."""
    scale = expansion.table.abs().amax(dim=1).clamp_min(1e-6) / 127
    table = (expansion.table / scale[:, None]).round().to(torch.int8)
    others = {
        name: getattr(expansion, name).detach().half().contiguous()
        for name in ("projection", "bias", "gain", "frequency", "saturation")
    }
    return {"table": table, "scale": scale, **others}
