"""What sentence-transformers' modules read: token ids of a batch as tensors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from operators.core.encoder_spec import Role

Rows = Sequence[NDArray[np.int32]]


def padded(rows: Rows, pad: int) -> dict[str, Any]:
    """Ids and attention mask, int64 of shape [rows, longest row]; at least one column, so that empty rows are zeros."""
    width = max(1, *map(len, rows))
    ids = np.full((len(rows), width), pad, np.int64)
    mask = np.zeros((len(rows), width), np.int64)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return {"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask), "modality": "text"}


def flat(rows: Rows) -> dict[str, Any]:
    """All ids in one row and where each text starts, as StaticEmbedding's embedding bag reads them."""
    starts = np.cumsum([0, *map(len, rows[:-1])], dtype=np.int64)
    ids = np.concatenate(rows).astype(np.int64)
    return {"input_ids": torch.from_numpy(ids), "offsets": torch.from_numpy(starts), "modality": "text"}


def prompt_length(model: Any, prompt: str, role: Role) -> int:
    """Tokens of the prompt, the special token that opens a text included: what `include_prompt=False` leaves out."""
    ids = model.preprocess([prompt], task=role.value)["input_ids"][0].tolist()
    return len(ids) - (ids[-1] in model.tokenizer.all_special_ids)
