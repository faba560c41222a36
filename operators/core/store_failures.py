"""What went wrong with an object store: named, with what to do about it, and whether another try is worth it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from operators.core import traffic
from operators.core.errors import ObjectExistsError, ObjectMissingError, StoreError

#: S3 answers a failed If-None-Match with 412, and with 409 while another create of the key is in flight.
_TAKEN = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
#: Operations that a missing object makes fail; where it makes a write fail, the folder is not writable.
_READS = ("read", "head", "list", "delete")
NO_BUCKET = "NoSuchBucket"
#: What stores answer that are asked too often.
_BUSY = ("SlowDown", "503", "429", "RequestLimitExceeded", "ThrottlingException", "TooManyRequestsException")
_FULL = (errno.ENOSPC, errno.EDQUOT)
#: Failures that another try would meet again, and what botocore (not imported here) says after five of its own.
_LASTING = (FileNotFoundError, PermissionError, ImportError, ValueError)
_NO_ANSWER = "EndpointConnectionError"


@contextmanager
def naming(operation: str, what: str) -> Iterator[None]:
    """Turn any failure of the storage layer into a `StoreError` that names the operation and the object."""
    fail = partial("{} {}: {}".format, operation, what)
    try:
        yield
    except (StoreError, KeyboardInterrupt):
        raise
    except FileExistsError as error:
        raise ObjectExistsError(fail("the key is taken")) from error
    except Exception as error:
        # botocore, aiohttp and fsspec share no base class; whatever they raise is a failure of this operation.
        found = code(error)
        if operation == "create" and found in _TAKEN:
            raise ObjectExistsError(fail("the key is taken")) from error
        if isinstance(error, FileNotFoundError) and found != NO_BUCKET and operation in _READS:
            raise ObjectMissingError(fail("not found")) from error
        raise StoreError(fail(f"{found or type(error).__name__}: {error}. {_advice(error, found)}")) from error


def outcome(error: StoreError) -> str:
    """What a request that failed counts as."""
    if isinstance(error, ObjectMissingError):
        return traffic.MISSING
    if isinstance(error, ObjectExistsError):
        return traffic.TAKEN
    if code(error) in _BUSY:
        return traffic.THROTTLED
    if isinstance(error.__cause__, PermissionError):
        return traffic.DENIED
    return traffic.FAILED


def may_pass(error: StoreError) -> bool:
    """Whether another try may succeed."""
    cause = error.__cause__
    if isinstance(error, (ObjectExistsError, ObjectMissingError)) or isinstance(cause, _LASTING):
        return False
    return type(cause).__name__ != _NO_ANSWER and "credential" not in str(cause).lower()


def code(error: BaseException | None) -> str:
    """What S3 called the failure; s3fs turns it into an OSError that keeps the code only in its cause."""
    while error is not None:
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            return str(response.get("Error", {}).get("Code", ""))
        error = error.__cause__
    return ""


def _advice(error: Exception, found: str) -> str:
    if found == NO_BUCKET:
        return "Create the bucket, or correct the store in the recipe"
    if isinstance(error, OSError) and error.errno in _FULL:
        return "Free space there, then run the same command again"
    if isinstance(error, PermissionError) or "credential" in str(error).lower():
        return "Check the credentials and the permissions on this folder"
    return "Check that the store is reachable, and its address and credentials"
