"""Token vectors of packed documents to one vector each, in float32, by every mode of sentence-transformers' Pooling."""

from collections.abc import Callable, Sequence

import torch

from operators.encode.packing import Packing


def pool(hidden: torch.Tensor, packing: Packing, modes: Sequence[str]) -> torch.Tensor:
    """The modes' vectors side by side, float32 [documents, modes x width], of `hidden` [tokens, width]."""
    return torch.cat([MODES[mode](hidden, packing) for mode in modes], dim=1)


def _first(hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
    return hidden[packing.starts[:-1].long()].float()


def _last(hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
    return hidden[packing.starts[1:].long() - 1].float()


def _largest(hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
    return _reduce(hidden.float(), packing, "max")


def _mean(hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
    return _sum(hidden.float(), packing) / _lengths(packing)


def _mean_of_root(hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
    return _sum(hidden.float(), packing) / _lengths(packing).sqrt()


def _weighted_mean(hidden: torch.Tensor, packing: Packing) -> torch.Tensor:
    """Later tokens weigh more: the first 1, the second 2 (SGPT, Muennighoff 2022)."""
    starts = packing.starts[:-1].repeat_interleave(packing.starts.diff(), output_size=len(hidden))
    weights = (torch.arange(1, len(hidden) + 1, device=hidden.device) - starts).float()[:, None]
    return _sum(hidden.float() * weights, packing) / _sum(weights, packing)


def _sum(values: torch.Tensor, packing: Packing) -> torch.Tensor:
    """Sum of each document's rows. On a GPU index_add adds in any order; on a CPU it takes a third of the time."""
    if values.is_cuda:
        return _reduce(values, packing, "sum")
    documents = len(packing.lengths)
    document = torch.arange(documents).repeat_interleave(packing.starts.diff())
    return torch.zeros(documents, values.shape[1]).index_add_(0, document, values)


def _reduce(values: torch.Tensor, packing: Packing, how: str) -> torch.Tensor:
    found: torch.Tensor = torch.segment_reduce(values, how, offsets=packing.starts.long(), unsafe=True)
    return found


def _lengths(packing: Packing) -> torch.Tensor:
    return packing.starts.diff().float()[:, None]


MODES: dict[str, Callable[[torch.Tensor, Packing], torch.Tensor]] = {
    "cls": _first,
    "lasttoken": _last,
    "max": _largest,
    "mean": _mean,
    "mean_sqrt_len_tokens": _mean_of_root,
    "weightedmean": _weighted_mean,
}
