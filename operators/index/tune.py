"""How far an approximate index searches: the cheapest settings that reach the recall asked for, found by trial."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from operators.index.searcher import DEPTH, Searcher
from operators.index.spec import Backend, IndexSpec
from operators.index.truth import GroundTruth

#: Candidates of a graph search; it keeps as many as an answer has rows, so fewer than `DEPTH` are the same.
_EF_SEARCH = (DEPTH, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048)
#: Candidates whose exact scores are looked up for an answer of `DEPTH` rows. By codes of 4 bits the first 100 are only
#: 87 % of the best 100, though the best 10 are nearly always among them.
_RESCORE = {
    Backend.IVF_SQ8: (DEPTH, 2 * DEPTH, 4 * DEPTH),
    Backend.IVF_RABITQ: (2 * DEPTH, 4 * DEPTH, 8 * DEPTH),
}
#: A vector that is looked up costs a page of the file it is mapped from, at least.
_PAGE_BYTES = 4096

Rung = Mapping[str, int]


def ladder(backend: Backend, spec: IndexSpec, settings: Mapping[str, Any], rows: int) -> Sequence[Rung]:
    """The settings a search can have, cheapest first; of an exact index one that says nothing."""
    if backend is Backend.HNSW:
        return [{"ef_search": ef} for ef in ([spec.hnsw_ef_search] if spec.hnsw_ef_search else _EF_SEARCH)]
    if backend.is_trained:
        lists, dimensions = settings["lists"], settings["dimensions"]
        list_bytes = rows / lists * dimensions * (1 if backend is Backend.IVF_SQ8 else 0.5)
        rungs = [{"nprobe": nprobe, "rescore": rescore} for nprobe in _doubled(lists) for rescore in _RESCORE[backend]]
        return sorted(rungs, key=lambda rung: _bytes_read(rung, list_bytes, 4 * dimensions))
    return [{}]


def tune(
    open_with: Callable[[Rung], Searcher], rungs: Sequence[Rung], truth: GroundTruth, k: int, target: float
) -> Rung:
    """The first settings whose recall@k, by the index's own scores, reaches the target; else the last."""
    for rung in rungs[:-1]:
        if truth.recall(open_with(rung).search(truth.queries, truth.depth).scores, k) >= target:
            return rung
    return rungs[-1]


def _doubled(lists: int) -> list[int]:
    """1, 2, 4 and so on, and all lists."""
    return sorted({lists, *(1 << power for power in range(lists.bit_length()) if 1 << power < lists)})


def _bytes_read(rung: Rung, list_bytes: float, vector_bytes: int) -> float:
    """What a query reads: codes one after the other, and exact vectors here and there."""
    return rung["nprobe"] * list_bytes + rung["rescore"] * max(vector_bytes, _PAGE_BYTES)
