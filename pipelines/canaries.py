"""Ask a snapshot's canaries before it is published, as a reader would ask it afterwards."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from operators.core.encoder_records import QueryActivity
from operators.core.encoder_spec import Kind
from operators.core.manifest import Manifest
from operators.core.storage import Store
from operators.publish.canary import Canary
from operators.publish.canary_gate import check_canaries, check_canary_drop
from operators.search.cache import FileCache
from operators.search.mode import parse_mode
from operators.search.snapshot import Snapshot
from pipelines.job import Job
from pipelines.spread import activity_of_queries
from pipelines.workers import Cluster


@dataclass(frozen=True)
class _Asked:
    store: Store
    manifest: Manifest
    canaries: tuple[Canary, ...]


def ask_canaries(job: Job, manifest: Manifest, cluster: Cluster) -> Manifest:
    """The manifest with what its snapshot answers to the recipe's canaries; raises `GateError` where they forbid it.

    One task on the cluster loads the query encoders and opens the indexes; where the store is not a local folder, it
    needs their size in free space below TMPDIR. Without canaries nothing is loaded.
    """
    publish = job.recipe.publish
    if not publish.canaries:
        return manifest
    [(found, activity)] = cluster.run(_ask, [_Asked(job.store, manifest, publish.canaries)])
    results = tuple(canary.judge(ids) for canary, ids in zip(publish.canaries, found, strict=True))
    check_canaries(results, found)
    if job.parent:
        check_canary_drop(results, job.parent, publish.max_canary_drop)
    encoders = {name: each.model_copy(update={"asked": activity.get(name)}) for name, each in manifest.encoders.items()}
    return manifest.model_copy(update={"canaries": results, "encoders": encoders})


def _ask(asked: _Asked) -> tuple[list[tuple[str, ...]], dict[str, QueryActivity]]:
    """The ids of each canary's hits, best first, and what their queries cost each sparse encoder."""
    # Not the cache of searches: nobody would empty it on a worker, and every night's indexes are new files.
    with tempfile.TemporaryDirectory(prefix="millrace-canaries-") as folder:
        snapshot = Snapshot(asked.store, asked.manifest, FileCache(Path(folder)))
        found = [_ids(snapshot, canary) for canary in asked.canaries]
        return found, _activity(asked, snapshot)


def _activity(asked: _Asked, snapshot: Snapshot) -> dict[str, QueryActivity]:
    queries = [canary.query for canary in asked.canaries]
    return {
        name: activity_of_queries(asked.store, snapshot, name, record, queries)
        for name, record in asked.manifest.encoders.items()
        if record.kind == Kind.SPARSE
    }


def _ids(snapshot: Snapshot, canary: Canary) -> tuple[str, ...]:
    return tuple(hit.doc_id for hit in snapshot.search(canary.query, canary.k, parse_mode(canary.mode)))
