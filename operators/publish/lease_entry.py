"""One entry in the log of leases: who is at work, and for how long that may be believed."""

import os
import socket
from datetime import UTC, datetime, timedelta

from pydantic import Field, ValidationError

from operators.core.spec import Spec


class Lease(Spec):
    """Who is at work, and until when that holds without being renewed; `ended` where the run is over."""

    run: str
    host: str
    pid: int
    acquired_at: str
    expires_at: str
    ttl_seconds: float = Field(ge=0, le=3600)
    ended: bool = False

    @property
    def who(self) -> str:
        """The holder, for people."""
        return f"run {self.run} (host {self.host}, process {self.pid})"

    def is_live(self, now: datetime) -> bool:
        """Whether, by the clock, the run may still be at work."""
        return not self.ended and not self._is_dead() and now < datetime.fromisoformat(self.expires_at)

    @property
    def holder(self) -> tuple[str, str, int, str]:
        """What all entries of one holder have in common and no others."""
        return self.run, self.host, self.pid, self.acquired_at

    def _is_dead(self) -> bool:
        """Whether its process was one of this machine and is no more."""
        if self.host != socket.gethostname() or self.pid < 1:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False
        return False


def new_lease(run: str, ttl_seconds: float) -> Lease:
    """A lease of this process."""
    now = datetime.now(UTC).isoformat()
    return Lease(
        run=run, host=socket.gethostname(), pid=os.getpid(), acquired_at=now, expires_at=now, ttl_seconds=ttl_seconds
    )


def renewed(lease: Lease, *, ended: bool = False) -> Lease:
    """The lease as it holds from now on."""
    expires = datetime.now(UTC) + timedelta(seconds=lease.ttl_seconds)
    return lease.model_copy(update={"expires_at": expires.isoformat(), "ended": ended})


def parse(data: bytes) -> Lease:
    """The lease in an entry; one that cannot be read has ended, as nothing depends on it."""
    try:
        lease = Lease.model_validate_json(data)
        # A moment without a zone cannot be compared with now.
        _ = datetime.fromisoformat(lease.expires_at) < datetime.now(UTC)
    except (ValidationError, ValueError, TypeError):
        return new_lease("?", 0.0).model_copy(update={"ended": True})
    return lease
