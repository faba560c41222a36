"""Schedules that parse, in a zone that exists, that neither overlap nor pile up, and outlive what they wait for."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError

from tests.deploy.checks.pods import Manifest, name_of, of_kind

#: Half an hour for nodes is in preRunningDeadlineSeconds; so long may a pod take to be scheduled, and a wait to notice.
_SLACK = 600


def cron(manifests: Sequence[Manifest]) -> list[str]:
    problems = []
    for manifest in of_kind(manifests, "CronJob", "RayCronJob"):
        problems += [f"{name_of(manifest)}: {each}" for each in _schedule(manifest["spec"])]
    for manifest in of_kind(manifests, "CronJob"):
        problems += [f"{name_of(manifest)}: {each}" for each in _job(manifest["spec"], manifests)]
    return problems


def _schedule(spec: dict[str, Any]) -> Iterator[str]:
    schedule = spec["schedule"]
    if "TZ=" in schedule:
        yield "the zone stands in timeZone, not in the schedule"
        return
    try:
        moments = CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC))
        first, second = next(moments), next(moments)
    except (CronSimError, StopIteration) as error:
        yield f"schedule {schedule!r} does not parse: {error}"
        return
    if (second - first).total_seconds() < 3600:
        yield f"schedule {schedule!r} starts more than once an hour"
    if spec.get("timeZone") not in available_timezones():
        yield f"timeZone {spec.get('timeZone')} is none"


def _job(spec: dict[str, Any], manifests: Sequence[Manifest]) -> Iterator[str]:
    if spec.get("concurrencyPolicy") != "Forbid":
        yield "two runs may overlap: concurrencyPolicy Forbid"
    # Without one, a controller that was away for 100 missed schedules starts nothing any more.
    if not spec.get("startingDeadlineSeconds"):
        yield "no startingDeadlineSeconds"
    job = spec["jobTemplate"]["spec"]
    if not 0 < job.get("ttlSecondsAfterFinished", 0) <= 2 * 86400:
        yield "a failed night is alerted for days: ttlSecondsAfterFinished"
    if not job.get("podFailurePolicy"):
        yield "a run that failed is watched again: podFailurePolicy"
    for run in of_kind(manifests, "RayJob"):
        tries = 1 + run["spec"].get("backoffLimit", 0)
        longest = tries * (run["spec"]["activeDeadlineSeconds"] + run["spec"]["preRunningDeadlineSeconds"]) + _SLACK
        if job.get("activeDeadlineSeconds", 0) < longest:
            yield f"ends before the RayJob may: activeDeadlineSeconds below {longest}"
