"""Requests that this process has made to object stores, by operation and outcome, since they were last taken."""

import threading
from collections import Counter

OK, MISSING, TAKEN, THROTTLED, DENIED, FAILED = "ok", "missing", "taken", "throttled", "denied", "failed"

_lock = threading.Lock()
_requests: Counter[tuple[str, str]] = Counter()


def count(operation: str, outcome: str) -> None:
    """Count one request; those that the client library tried again by itself are not seen here."""
    with _lock:
        _requests[operation, outcome] += 1


def take() -> dict[tuple[str, str], int]:
    """What was counted since the last call, by operation and outcome."""
    with _lock:
        found = dict(_requests)
        _requests.clear()
    return found
