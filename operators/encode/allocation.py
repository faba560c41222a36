"""Keep memory that was freed: each batch needs as much as the one before it.

glibc takes large blocks from the kernel and gives them back when they are freed, so that every batch's tensors are
cleared again page by page: MiniLM took up to 120 page faults for a short text and 1,600 for one of 256 tokens.
"""

import ctypes

#: Of mallopt(3). Blocks up to 32 MiB, the most glibc allows, come from a heap; a heap keeps 256 MiB of what is free at
#: its end, and grows by 64 MiB.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_KEPT = {_MMAP_THRESHOLD: 32 << 20, _TRIM_THRESHOLD: 256 << 20, _TOP_PAD: 64 << 20}


def keep_freed_memory() -> bool:
    """Set this process's allocator to; False where it is not glibc's, and nothing changes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and all(mallopt(what, value) for what, value in _KEPT.items())
