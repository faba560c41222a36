"""The errors Millrace raises on purpose: each names the thing, what was expected, what came, and the next step."""


class MillraceError(Exception):
    """Base of all errors a user can act on; the command line prints its message without a traceback."""

    exit_code = 1


class UsageError(MillraceError):
    """The recipe, the model or the command line is wrong; nothing was started (exit code 2)."""

    exit_code = 2


class StoreError(MillraceError):
    """An operation on the object store failed; the message names the operation and the key."""


class ObjectExistsError(StoreError):
    """A create-only write found the key taken."""


class ObjectMissingError(StoreError):
    """The key is not in the store."""


class IntegrityError(MillraceError):
    """Bytes read from a store or a cache are not the bytes that were published."""


class SourceChangedError(MillraceError):
    """An input changed between planning and reading."""


class GateError(MillraceError):
    """A publication gate (rejects, recall, counts) is not met; nothing was published."""


class OvertakenError(GateError):
    """Another run published first; the work is to be compared with what it published."""


class StoppedError(MillraceError):
    """The run stopped where it was asked to, with everything kept that was done (exit code 0)."""

    exit_code = 0
