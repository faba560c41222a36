"""Recipe and cluster to Ray's numbers: actors, CPUs, GPUs and threads of every stage. All such numbers are here."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from operators.core.encoder_spec import HASHING, IDF, EncoderSpec
from pipelines.recipe import ResourceSpec

#: Models that look numbers up instead of multiplying matrices; they need no share of the cores.
_LIGHT = (IDF, HASHING)
#: What reading, tokenizing, writing and light encoders reserve: little, so that all stages fit a machine of one CPU.
LIGHT_CPUS = 0.1
#: One worker of each of these stages feeds the encoders of this many CPUs: they pass 500 documents/s and more each.
_CPUS_FED = 4
#: Share of the CPUs that encoders on CPUs may reserve; the rest feeds them.
_ENCODER_SHARE = 0.4
#: Cores beyond which one small transformer gains less from more threads than from a second actor.
_MAX_THREADS = 8
#: Tokens that are noted, lost and tried again together: 10 to 60 s of a transformer on a CPU, seconds on a GPU. A note
#: takes a millisecond; batches of similar length are cut from a window, and a GPU runs dry once at its end.
_WINDOW_CPU = 1 << 18
_WINDOW_FAST = 1 << 22
#: Parts an actor is given at once: while it works on one, the next is at hand. With one, Ray adds no actor either: it
#: does from 1.75 on.
_IN_FLIGHT = 2
#: Parts an actor of a GPU handles at once: a GPU encodes one in seconds, and does not wait while another is handed on.
_CALLS_ON_GPU = 2


@dataclass(frozen=True)
class Capacity:
    """What a run may use."""

    cpus: float
    gpus: float
    nodes: int


@dataclass(frozen=True)
class Pool:
    """One stage's actors: how many at least and at most, what each reserves and uses, and how it is fed."""

    min_actors: int
    max_actors: int
    cpus: float
    gpus: float
    threads: int
    #: Tokens of one window of the journal, and parts handled at once: one is encoded while others come and go.
    window_tokens: int = _WINDOW_FAST
    calls: int = 1
    #: After which a call has its worker killed; encoders limit each window instead.
    most_seconds: float | None = None

    @property
    def in_flight(self) -> int:
        """Parts given to an actor before it is done with the first."""
        return _IN_FLIGHT * self.calls


def encoder_pool(
    spec: EncoderSpec, encoders: Mapping[str, EncoderSpec], asked: ResourceSpec, cluster: Capacity
) -> Pool:
    """The pool of one of the `encoders`, which run at the same time and share the cluster."""
    heavy = sum(1 for other in encoders.values() if other.model not in _LIGHT)
    if spec.model in _LIGHT:
        # GPUs are asked for the encoders beside it: one that looks numbers up would hold them and use none.
        without = asked.model_copy(update={"gpus_per_actor": None})
        return _asked(Pool(1, max(1, int(cluster.cpus // 16)), LIGHT_CPUS, 0.0, 1), without)
    if (cluster.gpus or asked.gpus_per_actor) and spec.device != "cpu":
        share = cluster.gpus / heavy
        # An autoscaler adds GPUs once actors ask for them: there may be none yet.
        gpus = min(1.0, share) or 1.0
        return _asked(Pool(1, max(1, int(share // gpus)), 1.0, gpus, 1, calls=_CALLS_ON_GPU), asked)
    cores = cluster.cpus / heavy
    actors = max(1, int(cores // _MAX_THREADS))
    threads = max(1, int(cores // actors))
    return _asked(Pool(1, actors, _ENCODER_SHARE * cores / actors, 0.0, threads, _WINDOW_CPU), asked)


def _asked(pool: Pool, asked: ResourceSpec) -> Pool:
    most = max(asked.min_actors, asked.max_actors or pool.max_actors)
    return replace(
        pool,
        min_actors=asked.min_actors,
        max_actors=most,
        cpus=pool.cpus if asked.cpus_per_actor is None else asked.cpus_per_actor,
        gpus=pool.gpus if asked.gpus_per_actor is None else asked.gpus_per_actor,
        threads=asked.threads_per_actor or pool.threads,
    )


def light_pool(asked: ResourceSpec, cluster: Capacity) -> Pool:
    """The workers of reading, chunking, tokenizing or writing, of each."""
    return Pool(1, max(1, int(cluster.cpus // _CPUS_FED)), LIGHT_CPUS, 0.0, 1, most_seconds=asked.hang_seconds)


def index_threads(asked: ResourceSpec, cluster: Capacity) -> int:
    """Threads of one index build: a node's cores, as segments are few and large."""
    return asked.threads_per_actor or max(1, int(cluster.cpus // cluster.nodes))
