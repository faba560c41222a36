"""The metrics hub as a Ray actor on the head, and what workers tell it with. Best effort: receipts are the truth."""

import os
import time
from collections.abc import Sequence
from itertools import count
from typing import Any

import ray
from ray.exceptions import RayActorError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from operators.core import metrics, traffic
from operators.core.live import Delta, grown
from operators.observe.hub import Hub
from operators.observe.spec import MetricsSpec

#: This process among all workers of a run, also where its number is given to another one later.
_WORKER = f"{os.getpid()}-{time.time_ns()}"
_numbers = count()


class MetricsHub(Hub):
    """The hub; the class's name is what Ray's dashboard shows."""


class Teller:
    """What workers report and tell with; picklable, and never waits for the hub."""

    def __init__(self, hub: Any) -> None:
        self._hub = hub

    def __call__(self, stage: str, documents: int, rejected: int) -> None:
        """Send off what left a stage; a `Report`."""
        done = grown(metrics.STAGE_DOCUMENTS, documents, stage), grown(metrics.STAGE_REJECTED, rejected, stage)
        self.tell(done)

    def tell(self, deltas: Sequence[Delta]) -> None:
        """Send off changes, and the requests to object stores since the last ones; a `Tell`."""
        requests = [grown(metrics.STORE_REQUESTS, made, *key) for key, made in traffic.take().items()]
        self._hub.tell.remote(_WORKER, next(_numbers), [*deltas, *requests])


class RayHub:
    """The driver's side of the hub. A hub that is lost is started again, and is no reason to end a run."""

    def __init__(self) -> None:
        there = NodeAffinitySchedulingStrategy(_head(), soft=False)
        actor = ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=there)(MetricsHub)
        self._hub = actor.remote()
        self._served: tuple[str, MetricsSpec] | None = None
        self.teller = Teller(self._hub)

    def pull(self) -> list[tuple[str, int, int]]:
        """See `Hub`; nothing where the hub was lost."""
        try:
            found: list[tuple[str, int, int]] = ray.get(self._hub.pull.remote())
        except RayActorError:
            return []
        return found

    def replace(self, ledger: Sequence[Delta]) -> None:
        """See `Hub`; does not wait. A hub that was started again serves again."""
        self._hub.replace.remote(list(ledger))
        if self._served:
            self._hub.serve.remote(*self._served)

    def serve(self, collection: str, spec: MetricsSpec) -> str:
        """See `Hub`."""
        self._served = collection, spec
        return str(ray.get(self._hub.serve.remote(collection, spec)))

    def scrapes(self) -> int:
        """See `Hub`."""
        return int(ray.get(self._hub.scrapes.remote()))

    def close(self, spec: MetricsSpec) -> None:
        """See `Hub`."""
        self._served = None
        ray.get(self._hub.close.remote(spec))


def _head() -> str:
    """The node that the cluster was started with, else this one."""
    heads = (node["NodeID"] for node in ray.nodes() if node["Alive"] and "node:__internal_head__" in node["Resources"])
    return str(next(heads, ray.get_runtime_context().get_node_id()))
