"""The choice of index follows rows, dimensions and memory; what it reckons with is what is written."""

from pathlib import Path

import faiss
import numpy as np
import pytest

from operators.index.choice import SAMPLE_A_LIST, dense_backend, inverted_lists
from operators.index.sample import draw
from operators.index.spec import Backend, IndexSpec
from operators.index.tune import ladder
from tests.operators.index.tables import dense_table, random_dense


@pytest.mark.parametrize(
    ("rows", "memory", "backend"),
    [
        (200_000, 1, Backend.FLAT),
        (200_001, 8 << 30, Backend.HNSW),
        (1_000_000, 8 << 30, Backend.HNSW),
        (1_000_000, 1_000_000 * (1536 + 256 + 16), Backend.HNSW),
        (1_000_000, 1_000_000 * (1536 + 256 + 16) - 1, Backend.IVF_SQ8),
        (1_000_000, 1_000_000 * (384 + 8), Backend.IVF_SQ8),
        (1_000_000, 1_000_000 * (384 + 8) - 1, Backend.IVF_RABITQ),
    ],
)
def test_auto_takes_the_most_exact_index_that_fits(rows: int, memory: int, backend: Backend) -> None:
    assert dense_backend(IndexSpec(memory=memory), rows, 384) is backend


@pytest.mark.parametrize("name", ["flat", "hnsw", "ivf-sq8", "ivf-rabitq"])
def test_named_index_is_taken_whatever_its_size(name: str) -> None:
    assert dense_backend(IndexSpec.model_validate({"dense": name, "memory": 1}), 10**9, 384) == f"faiss-{name}"


@pytest.mark.parametrize(("name", "spare"), [("hnsw", 0.05), ("ivf-sq8", 0.02)])
def test_bytes_reckoned_with_are_those_written(tmp_path: Path, name: str, spare: float) -> None:
    rows, size = 4_000, 64
    index = faiss.index_factory(size, {"hnsw": "HNSW16", "ivf-sq8": "IVF1,SQ8"}[name], faiss.METRIC_INNER_PRODUCT)
    index.train(random_dense(100, size))
    index.add(random_dense(rows, size))
    faiss.write_index(index, str(tmp_path / "index"))
    written = (tmp_path / "index").stat().st_size
    chosen = [
        dense_backend(IndexSpec(flat_rows=0, hnsw_m=16, memory=int(written * share)), rows, size)
        for share in (1 - spare, 1 + spare)
    ]
    assert (chosen[1] == f"faiss-{name}", chosen[0] == f"faiss-{name}") == (True, False)


@pytest.mark.parametrize(
    ("rows", "live", "lists"),
    [
        (1, 1, 1),
        (79, 79, 1),
        (80, 80, 2),
        (10_000, 10_000, 128),
        (60_000, 60_000, 1024),
        (1_000_000, 1_000_000, 4096),
        (10_000_000, 10**9, 16_384),
        (100_000_000, 10**9, 65_536),
        (1_000_000, 1_000, 16),
    ],
)
def test_lists_grow_with_the_root_of_rows_and_can_all_be_trained(rows: int, live: int, lists: int) -> None:
    assert inverted_lists(rows, live) == lists
    assert lists == 1 or live / lists >= 40 <= SAMPLE_A_LIST <= 256


def test_ladder_climbs_from_cheap_to_all_lists() -> None:
    rungs = ladder(Backend.IVF_SQ8, IndexSpec(), {"lists": 24, "dimensions": 384}, 10_000)
    assert rungs[0] == {"nprobe": 1, "rescore": 100}
    assert rungs[-1] == {"nprobe": 24, "rescore": 400}
    assert {rung["nprobe"] for rung in rungs} == {1, 2, 4, 8, 16, 24}
    assert [list(rung) for rung in ladder(Backend.FLAT, IndexSpec(), {}, 10)] == [[]]
    pinned = IndexSpec(hnsw_ef_search=77)
    assert ladder(Backend.HNSW, pinned, {}, 10) == [{"ef_search": 77}]


def test_draw_takes_live_rows_alone_each_with_the_same_chance() -> None:
    table = dense_table(np.arange(8_000, dtype=np.float32).reshape(4_000, 2))
    live = np.arange(4_000) % 4 != 0
    taken = np.zeros(4_000)
    for part in range(300):
        sample = draw(table, live, 0.3, f"part-{part}")
        rows = np.array(sample["vector"].to_pylist())[:, 0].astype(int) // 2
        assert live[rows].all()
        taken[rows] += 1
    # 300 draws at 0.3: a row is taken 90 times, give or take five standard deviations of 7.9.
    assert (np.abs(taken[live] - 90) < 5 * 7.94).all()
    assert draw(table, live, 0.3, "part-1").equals(draw(table, live, 0.3, "part-1"))
    assert draw(table, live, 1.0, "part-1").num_rows == 3_000
