"""What one check found: a frozen record, whatever happened while it looked."""

from collections.abc import Callable, Iterable
from enum import StrEnum

from operators.core.errors import MillraceError
from operators.core.spec import Spec
from operators.read.source import told


class State(StrEnum):
    """`fail` is what stops a run, `warning` what may make one slow, unsafe or short of room."""

    OK = "ok"
    WARNING = "warning"
    FAIL = "fail"


class Finding(Spec):
    """One line: what was looked at, what came, and unless all is well what to do about it. Never holds a secret."""

    check: str
    state: State
    found: str
    remedy: str = ""


def ok(check: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(check=check, state=State.OK, found=found)


def warning(check: str, found: str, remedy: str) -> Finding:
    """A run works, and something about it is not as it should be."""
    return Finding(check=check, state=State.WARNING, found=found, remedy=remedy)


def fail(check: str, found: str, remedy: str) -> Finding:
    """A run would not work."""
    return Finding(check=check, state=State.FAIL, found=found, remedy=remedy)


def looked(check: str, look: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """What `look` finds; where it raises, what it found until then and that, so that no check hides the others."""
    findings: list[Finding] = []
    try:
        findings.extend(look())
    except MillraceError as error:
        # Our own messages end in what to do.
        findings.append(fail(check, str(error), ""))
    except Exception as error:  # noqa: BLE001 - libraries, drivers and file systems share no base class
        findings.append(fail(check, told(error), "Mend what it names, or ask for help with this line"))
    return findings
