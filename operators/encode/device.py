"""Moving arrays to and from the device without making it wait; on a CPU everything is there already."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, TypeVar

import torch
from numpy.typing import NDArray

T = TypeVar("T")


def to_device(array: NDArray[Any], device: torch.device) -> torch.Tensor:
    """The array on the device; on a GPU through pinned memory on a copy stream that the compute stream waits for."""
    tensor = torch.from_numpy(array)
    if device.type != "cuda":
        return tensor.to(device)
    inward = _streams(device)[0]
    with torch.cuda.stream(inward):
        copied = tensor.pin_memory().to(device, non_blocking=True)
    compute = torch.cuda.current_stream(device)
    compute.wait_stream(inward)
    copied.record_stream(compute)
    return copied


def to_host(tensor: torch.Tensor) -> Callable[[], NDArray[Any]]:
    """Start copying to the host; the function returned waits for this copy alone, not for work queued since."""
    if not tensor.is_cuda:
        return tensor.numpy
    outward = _streams(tensor.device)[1]
    outward.wait_stream(torch.cuda.current_stream(tensor.device))
    with torch.cuda.stream(outward):
        host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        host.copy_(tensor, non_blocking=True)
        tensor.record_stream(outward)
        done: torch.cuda.Event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        done.record(outward)

    def wait() -> NDArray[Any]:
        done.synchronize()
        found: NDArray[Any] = host.numpy()
        return found

    return wait


def side_stream(device: torch.device) -> torch.cuda.Stream:
    """The stream for what follows a batch while the next one is computed."""
    return _streams(device)[1]


@lru_cache
def _streams(device: torch.device) -> tuple[torch.cuda.Stream, torch.cuda.Stream]:
    """Copies in, copies out: one stream each, so that they overlap with each other and with computing."""
    return torch.cuda.Stream(device), torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def in_flight(started: Iterable[Callable[[], T]], ahead: int) -> Iterator[T]:
    """Results in order, each waited for once `ahead` later ones were started."""
    waiting: deque[Callable[[], T]] = deque()
    for finish in started:
        waiting.append(finish)
        if len(waiting) > ahead:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()
