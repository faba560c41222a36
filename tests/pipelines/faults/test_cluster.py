"""On a cluster of three nodes the driver, a node or a worker fails in the second night, and it comes out the same."""

import os
import signal
from pathlib import Path

import pytest

from tests.pipelines.faults.drivers import driver, finish, until
from tests.pipelines.faults.nights import ENCODED, Nights, numbers, see
from tests.pipelines.faults.nodes import ThreeNodes

pytestmark = [pytest.mark.ray, pytest.mark.timeout(600)]

#: Where the driver is killed: the operation on the store before or after which it happens, in whichever process.
DRIVER_KILLED = {
    "between a part's file and its receipt": ("create", r"receipts/encode/", "before"),
    "in the diff": ("create", r"receipts/diff/", "before"),
    "between index and manifest": ("create", r"manifests/", "before"),
    "after the manifest": ("create", r"manifests/", "after"),
}

#: What a worker is at when its node is killed.
NODE_KILLED = {
    "scanning": ("put", r"/keys/"),
    "encoding": ("encode", r"dense"),
    "writing": ("create", r"receipts/encode/"),
    "indexing": ("put_file", r"indexes/"),
}


def test_index_encodes_and_writes_on_every_node(tmp_path: Path, large: Nights, cluster: ThreeNodes) -> None:
    """The first of two encoders is held until the other is at work, or it would be done before that one is up."""
    recipe = large.begin(tmp_path)
    for name in ("dense", "sparse"):
        cluster.faults.rule(f"{name}-{{pid}}", "encode", name, "wait")
    cluster.faults.rule("write-{pid}", "create", r"receipts/encode/", "note")
    with driver(cluster.faults, recipe, "--address", cluster.address, "--set", "resources.min_actors=2") as process:
        for name in ("dense", "sparse"):
            until(lambda name=name: cluster.faults.nodes(name) == cluster.workers, f"both nodes encode {name}")
            cluster.faults.go_on(name)
        finish(process)
    assert cluster.faults.nodes("write") == cluster.workers


@pytest.mark.one_a_day
@pytest.mark.parametrize("point", DRIVER_KILLED)
def test_index_driver_killed_and_run_again_publishes_what_an_undisturbed_run_does(
    tmp_path: Path, large: Nights, cluster: ThreeNodes, point: str
) -> None:
    recipe, uri = large.begin(tmp_path), f"{tmp_path}/store/mill"
    verb, key, when = DRIVER_KILLED[point]
    cluster.faults.rule("killed", verb, key, "kill_driver", when)
    with driver(cluster.faults, recipe, "--address", cluster.address) as process:
        cluster.faults.wait_for("killed", process)
        process.wait(60)
    assert process.returncode == -signal.SIGKILL
    assert numbers(uri) == ([1, 2] if point == "after the manifest" else [1])
    receipts = {path: path.read_bytes() for path in Path(uri).glob("runs/*/receipts/*/*.json")}
    with driver(cluster.faults, recipe, "--address", cluster.address) as process:
        summary = finish(process)
    assert all(path.read_bytes() == data for path, data in receipts.items())
    assert summary["published_before"] == (point == "after the manifest")
    assert summary["encoded"] == (ENCODED if point == "in the diff" else summary["encoded"])
    assert numbers(uri) == [1, 2]
    assert len(list(Path(uri).glob("runs/*"))) == 2
    assert see(uri, tmp_path / "cache") == large.expected


@pytest.mark.one_a_day
@pytest.mark.parametrize("stage", NODE_KILLED)
def test_index_node_killed_at_work_is_done_without_and_publishes_what_an_undisturbed_run_does(
    tmp_path: Path, large: Nights, cluster: ThreeNodes, stage: str
) -> None:
    recipe, uri = large.begin(tmp_path), f"{tmp_path}/store/mill"
    cluster.faults.rule("lost", *NODE_KILLED[stage], "wait")
    with driver(cluster.faults, recipe, "--address", cluster.address) as process:
        cluster.kill(cluster.faults.wait_for("lost", process)["node"])
        summary = finish(process)
    assert summary["encoded"] == ENCODED
    assert numbers(uri) == [1, 2]
    assert see(uri, tmp_path / "cache") == large.expected


@pytest.mark.one_a_day("worker stopped")
def test_index_worker_stopped_is_killed_in_time_and_the_same_run_goes_on_without_it(
    tmp_path: Path, large: Nights, cluster: ThreeNodes
) -> None:
    recipe, uri = large.begin(tmp_path), f"{tmp_path}/store/mill"
    cluster.faults.rule("frozen", "create", r"receipts/encode/", "stop")
    limit = ("--set", "resources.hang_seconds=10")
    with driver(cluster.faults, recipe, "--address", cluster.address, *limit) as process:
        frozen = cluster.faults.wait_for("frozen", process)
        summary = finish(process)
    assert not alive(frozen["pid"])
    assert summary["encoded"] == ENCODED
    assert numbers(uri) == [1, 2]
    assert see(uri, tmp_path / "cache") == large.expected


@pytest.mark.one_a_day("worker stopped")
def test_index_worker_stopped_and_going_on_after_others_did_its_work_changes_nothing(
    tmp_path: Path, large: Nights, cluster: ThreeNodes
) -> None:
    recipe, uri = large.begin(tmp_path), f"{tmp_path}/store/mill"
    cluster.faults.rule("zombie", "create", r"receipts/encode/", "stop")
    with driver(cluster.faults, recipe, "--address", cluster.address) as process:
        zombie = cluster.faults.wait_for("zombie", process)
        # Else the node would end the worker of a driver that is gone.
        cluster.freeze(zombie["node"])
        # Ray waits 7 minutes for a worker that is only silent; who watches this does not.
        process.kill()
        process.wait()
    cluster.wait_for_death(zombie["node"])
    with driver(cluster.faults, recipe, "--address", cluster.address) as process:
        summary = finish(process)
    published = {path: path.read_bytes() for path in Path(uri).rglob("*") if path.is_file()}
    os.kill(zombie["pid"], signal.SIGCONT)
    assert cluster.faults.outcome("zombie") == "ObjectExistsError"
    cluster.kill(zombie["node"])
    until(lambda: not alive(zombie["pid"]), "the zombie is gone")
    assert summary["snapshot"] == 2
    assert {path: path.read_bytes() for path in Path(uri).rglob("*") if path.is_file()} == published
    assert see(uri, tmp_path / "cache") == large.expected


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
