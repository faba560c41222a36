"""What a recipe needs against what is free: estimates warn, they never stop anybody."""

from pathlib import Path

import pytest

from operators.index.room import Room
from pipelines.doctor.finding import Finding, State
from pipelines.doctor.free import free_disk, free_memory
from pipelines.doctor.needs import Needs, needs_of
from pipelines.doctor.room import check_room
from pipelines.job import collection_store
from pipelines.load import load_recipe
from pipelines.recipe import Recipe
from pipelines.resources import Capacity
from tests.pipelines.conftest import document, recipe_text, write_corpus
from tests.pipelines.inline import ENCODERS, index_inline

HERE = Capacity(4, 0, 1)
MEBI = 1 << 20
NEEDS = Needs(weights=500 * MEBI, index=Room(2048 * MEBI, 4096 * MEBI), rows=10, builds=1, basis="here", unknown=())


def recipe(folder: Path, **changes: object) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(recipe_text(folder, **{"encoders": ENCODERS, **changes}))
    return load_recipe(path)


def test_needs_before_the_first_snapshot_are_those_of_a_full_segment(tmp_path: Path) -> None:
    found = needs_of(recipe(tmp_path, index={"segment_rows": 5000, "dense": "flat"}), None, HERE)
    assert (found.rows, found.builds) == (5000, 1)
    assert found.index == Room(5000 * 16 * 4, 2 * 5000 * 16 * 4)
    assert "nothing is published yet" in found.basis
    assert found.unknown == ("sparse",)


def test_needs_of_a_collection_are_reckoned_from_its_newest_snapshot(tmp_path: Path) -> None:
    from operators.publish.chain import read_head

    write_corpus(tmp_path / "corpus" / "a.jsonl", [document(n) for n in range(50)])
    index_inline(tmp_path)
    asked = recipe(tmp_path)
    parent = read_head(collection_store(asked))
    assert parent
    found = needs_of(asked, parent, HERE)
    assert (found.rows, found.builds, found.unknown, found.basis) == (50, 2, (), "as in snapshot 1")
    weights = parent.encoders["sparse"].statistics["active_dims"] * 50
    assert found.index.memory == pytest.approx(50 * 16 * 4 + weights * 6, abs=6)
    halved = needs_of(recipe(tmp_path, index={"segment_rows": 25}), parent, HERE)
    assert (halved.rows, halved.builds) == (25, 4)
    assert needs_of(recipe(tmp_path, index={"segment_rows": 25}), parent, Capacity(1, 0, 1)).builds == 1


def test_needs_count_the_weights_of_every_actor_in_its_precision(tmp_path: Path) -> None:
    def weights(cpus: float, **changes: object) -> int:
        encoder = {"kind": "dense", "model": "all-MiniLM-L6-v2", **changes}
        return needs_of(recipe(tmp_path, encoders={"dense": encoder}), None, Capacity(cpus, 0, 1)).weights

    assert weights(4) > 80e6
    assert weights(16) == 2 * weights(4) == 4 * weights(4, precision="bfloat16")


def test_needs_of_a_model_that_is_not_here_are_unknown(tmp_path: Path) -> None:
    encoder = {"kind": "dense", "model": f"{tmp_path}/nowhere"}
    found = needs_of(recipe(tmp_path, encoders={"dense": encoder}), None, HERE)
    assert (found.unknown, found.weights, found.index) == (("dense",), 0, Room(0, 0))


def check(memory: int | None, disk: int) -> dict[str, Finding]:
    return {each.check: each for each in check_room(NEEDS, memory, disk, Path("/scratch"))}


def test_check_room_warns_below_the_estimate_and_says_what_to_lower() -> None:
    short = check(2047 * MEBI, 4095 * MEBI)
    assert [each.state for each in short.values()] == [State.WARNING, State.WARNING]
    assert "index.segment_rows" in short["memory"].remedy
    assert "TMPDIR" in short["disk"].remedy
    assert "/scratch" in short["disk"].found
    enough = check(2049 * MEBI, 4097 * MEBI)
    assert [each.state for each in enough.values()] == [State.OK, State.OK]
    assert "estimated" in enough["memory"].found
    assert check(None, 4097 * MEBI)["memory"].state is State.OK


def test_free_memory_is_the_least_of_machine_and_container(tmp_path: Path) -> None:
    meminfo, cgroup = tmp_path / "meminfo", tmp_path / "cgroup"
    assert free_memory(meminfo, cgroup) is None
    meminfo.write_text("MemTotal:  9000 kB\nMemAvailable:    3000 kB\nHugePages_Total:       0\n")
    assert free_memory(meminfo, cgroup) == 3000 << 10
    cgroup.mkdir()
    (cgroup / "memory.max").write_text("max\n")
    (cgroup / "memory.current").write_text("500000\n")
    assert free_memory(meminfo, cgroup) == 3000 << 10
    (cgroup / "memory.max").write_text("1000000\n")
    assert free_memory(meminfo, cgroup) == 500_000
    (cgroup / "memory.stat").write_text("anon 1\ninactive_file 200000\nfile 9\n")
    assert free_memory(meminfo, cgroup) == 700_000


def test_free_memory_and_disk_of_this_machine_are_known(tmp_path: Path) -> None:
    assert (free_memory() or 0) > 1 << 20
    assert free_disk(tmp_path) > 0
