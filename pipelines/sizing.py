"""What a plan would take, on the machines that the collection's runs had: measured, or said to be unknown."""

from typing import Any

from operators.core.errors import MillraceError
from operators.report.sizing import Pace, Size, documents_in, measured_pace, size_of
from pipelines.job import Job, known_inputs_of
from pipelines.resources import Capacity, encoder_pool

_UNMEASURED = "not known: no run of this collection has measured these encoders yet; its first one will"
_UNCOUNTED = "not known: no snapshot says how many documents its inputs hold"


def sizing(job: Job) -> dict[str, Any]:
    """The estimate as plain values: of what, by what, and each encoder's share; `unknown` says why there is none."""
    if job.is_published:
        return {"unknown": "nothing to do"}
    try:
        return _sizing(job)
    except MillraceError as error:
        return {"unknown": f"not known: {error}"}


def _sizing(job: Job) -> dict[str, Any]:
    fingerprints = {name: encoder.fingerprint for name, encoder in job.encoders.items()}
    pace = measured_pace(job.store, fingerprints)
    if pace is None:
        return {"unknown": _UNMEASURED}
    read = sum(each.bytes for each in job.inputs.inputs if each.input in job.inputs.read)
    documents = documents_in(read, known_inputs_of(job.store, job.parent))
    if documents is None:
        return {"unknown": _UNCOUNTED}
    size = size_of(documents, pace)
    return {
        "measured in run": pace.run,
        "measured on": {"cpus": pace.cpus, "gpus": pace.gpus},
        "documents a second": round(pace.documents / pace.seconds, 1) if pace.seconds else None,
        "documents at most": documents,
        "hours at most": round(size.hours, 3),
        "bytes at most": size.bytes,
        "encoders": {name: _encoder(job, name, pace, size) for name in job.encoders},
    }


def _encoder(job: Job, name: str, pace: Pace, size: Size) -> dict[str, Any] | None:
    """None for an encoder that the measured run did not have as it is now."""
    if name not in size.encoders:
        return None
    measured, wanted = pace.encoders[name], size.encoders[name]
    return {
        "documents a worker second": round(measured.documents / measured.worker_seconds, 1),
        "tokens": wanted.tokens,
        "worker hours": round(wanted.worker_hours, 3),
        **_workers(job, name, pace),
    }


def _workers(job: Job, name: str, pace: Pace) -> dict[str, Any]:
    """How many the run would start at most on machines as those were, and what each reserves."""
    if pace.cpus is None:
        return {}
    there = Capacity(pace.cpus, pace.gpus or 0.0, 1)
    specs = {other: encoder.spec for other, encoder in job.encoders.items()}
    pool = encoder_pool(specs[name], specs, job.recipe.resources, there)
    return {"workers": pool.max_actors, "gpus each": round(pool.gpus, 3), "cpus each": round(pool.cpus, 3)}
