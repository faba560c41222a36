"""A cluster of three nodes on this machine, of which one is lost or frozen."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ray.cluster_utils import Cluster

from tests.pipelines.faults.drivers import Faults, until

#: A node that is gone is dead after 2 s, one that says nothing after 8: 4 looks, each waiting up to 1.5 s.
_HEALTH = {
    "health_check_initial_delay_ms": 2000,
    "health_check_period_ms": 500,
    "health_check_timeout_ms": 1500,
    "health_check_failure_threshold": 4,
}
_SMALL = {"object_store_memory": 200 << 20, "include_dashboard": False, "include_log_monitor": False}


class ThreeNodes:
    """A head, which the driver joins and which has no CPU, and two nodes that do the work."""

    def __init__(self, faults: Faults, cluster: Cluster) -> None:
        self.faults, self._cluster = faults, cluster
        self.mend()

    @classmethod
    @contextmanager
    def started(cls, faults: Faults) -> Iterator["ThreeNodes"]:
        # Head and nodes hand their environment on to the workers they start.
        environment = {**faults.environment, "RAY_worker_niceness": "0"}
        with patch.dict(os.environ, environment):
            cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "_system_config": _HEALTH, **_SMALL})
            try:
                yield cls(faults, cluster)
            finally:
                cluster.shutdown()

    @property
    def address(self) -> str:
        return str(self._cluster.address)

    @property
    def workers(self) -> set[str]:
        """The ids of the two nodes that do the work."""
        return {node.node_id for node in self._cluster.worker_nodes}

    def kill(self, node_id: str) -> None:
        """The machine is gone."""
        self._cluster.remove_node(self._node(node_id), allow_graceful=False)

    def freeze(self, node_id: str) -> None:
        """The node answers nobody any more. Its workers are not touched."""
        [raylet] = self._node(node_id).all_processes["raylet"]
        os.kill(raylet.process.pid, signal.SIGSTOP)

    def wait_for_death(self, node_id: str) -> None:
        """The cluster takes the node for dead."""
        until(lambda: node_id not in self._cluster.global_state._live_node_ids(), "the node is taken for dead")

    def mend(self) -> None:
        """Take nodes away that are dead, and add new ones until there are two."""
        for node in list(self._cluster.worker_nodes):
            if not node.remaining_processes_alive():
                self._cluster.remove_node(node, allow_graceful=False)
        while len(self._cluster.worker_nodes) < 2:
            self._cluster.add_node(num_cpus=1, object_store_memory=200 << 20)
        self._cluster.wait_for_nodes()

    def _node(self, node_id: str) -> Any:
        return next(node for node in self._cluster.worker_nodes if node.node_id == node_id)
