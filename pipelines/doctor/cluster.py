"""Can the Ray cluster be joined, and what does it have?"""

from operators.core.encoder_spec import EncoderSpec
from pipelines.cluster import connect
from pipelines.doctor.finding import Finding, ok, warning
from pipelines.resources import Capacity


def join(address: str) -> Capacity:
    """What a running cluster offers; raises `UsageError` naming the remedy where it cannot be joined."""
    with connect(address) as cluster:
        return Capacity(cluster.cpus, cluster.gpus, cluster.nodes)


def check_cluster(address: str, offered: Capacity, encoders: tuple[EncoderSpec, ...] = ()) -> Finding:
    """A cluster that was joined, against what encoders ask for."""
    found = f"{address}: nodes at work {offered.nodes}, CPUs {offered.cpus:g}, GPUs {offered.gpus:g}"
    if not offered.gpus and any(each.device.startswith("cuda") for each in encoders):
        remedy = "Start GPU nodes, or set resources.gpus_per_actor so that an autoscaler adds them"
        return warning("ray cluster", f"{found}; the recipe wants cuda", remedy)
    return ok("ray cluster", found)
