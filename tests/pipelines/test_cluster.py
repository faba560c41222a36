"""A cluster that cannot be joined: one message with what to look at."""

from typing import Any

import pytest
import ray

from operators.core.errors import UsageError
from pipelines import cluster


def test_connect_cluster_with_a_head_for_the_driver_alone_counts_the_nodes_that_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = [
        {"Alive": True, "Resources": {"node:__internal_head__": 1.0, "memory": 1e9}},
        {"Alive": True, "Resources": {"CPU": 8.0}},
        {"Alive": False, "Resources": {"CPU": 8.0}},
    ]
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "cluster_resources", lambda: {"CPU": 8.0})
    monkeypatch.setattr(ray, "nodes", lambda: nodes)
    with cluster.connect(None) as joined:
        assert (joined.cpus, joined.gpus, joined.nodes) == (8.0, 0.0, 1)
    nodes.clear()
    with cluster.connect(None) as joined:
        assert joined.nodes == 1


def test_connect_cluster_that_refuses_names_version_and_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that Ray 2.60 says of a missing token: `ray start` asks for one wherever the machine has one."""

    def refuse(**_: Any) -> None:
        raise ConnectionError("Failed to connect to Ray cluster at 10.0.0.1:6379")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(cluster, "_check_reachable", lambda _: None)
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    with pytest.raises(UsageError) as refused, cluster.connect("10.0.0.1:6379"):
        pass
    for part in ("10.0.0.1:6379 could not be joined", f"Ray {ray.__version__}", "RAY_AUTH_MODE is not set here"):
        assert part in str(refused.value)


def test_connect_ray_that_does_not_come_up_is_tried_again_and_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine at a load of 12 Ray 2.60 raises a bare `Exception` of these words."""
    tries = []

    def give_up(**options: Any) -> None:
        tries.append(options["address"])
        raise Exception("The current node timed out during startup.")  # noqa: TRY002

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", give_up)
    monkeypatch.setattr(cluster, "_check_reachable", lambda _: None)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with (
        pytest.raises(UsageError, match=r"timed out during startup.*run the same command again"),
        cluster.connect(None),
    ):
        pass
    with pytest.raises(UsageError, match="could not be joined"), cluster.connect("10.0.0.1:6379"):
        pass
    assert tries == ["local", "local", "10.0.0.1:6379"]
