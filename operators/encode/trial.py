"""Is this CPU faster in bfloat16? Asked of the machine itself, as a flag says what it can and not what it gains."""

import logging
import statistics
import time

import torch

_LOG = logging.getLogger(__name__)
#: One layer of a base-size model on a small batch: 2.4 GFLOP, 1 ms on a core with AMX and 10 to 30 ms in float32.
_TOKENS, _WIDTH, _INNER = 512, 768, 3072
_ROUNDS = 5
#: Hardware bfloat16 measures 3 to 8 times as fast, emulation a third to two thirds: nothing real lies between, so that
#: a busy machine does not change its mind between two nights.
_WORTH = 1.5


def bfloat16_is_faster() -> bool:
    """Whether bfloat16 wins by half at least, by a trial of well under a second; the log says what was measured."""
    ratio = statistics.median(_seconds(torch.float32) / _seconds(torch.bfloat16) for _ in range(_ROUNDS))
    chosen = "bfloat16" if ratio >= _WORTH else "float32"
    _LOG.info("precision auto: bfloat16 runs %.1f times as fast as float32 on this CPU: %s", ratio, chosen)
    return ratio >= _WORTH


def _seconds(precision: torch.dtype) -> float:
    left = torch.ones((_TOKENS, _WIDTH), dtype=precision)
    right = torch.ones((_INNER, _WIDTH), dtype=precision)
    torch.nn.functional.linear(left, right)
    start = time.perf_counter()
    torch.nn.functional.linear(left, right)
    return time.perf_counter() - start
