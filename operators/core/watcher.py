"""A process that kills its parent when a time it was told runs out. Run by path, so that it imports nothing of ours.

It reads lines from standard input: `name seconds` sets a time, `name` alone lifts it. It ends with its input.
"""

import os
import select
import signal
import sys
import time

_STDIN = 0
#: Between the signal that leaves a trace in the log, which a stopped process does not take, and the one that no process
#: withstands.
_GRACE_S = 2.0


def main(parent: int) -> None:
    """Watch until the input ends or a time has run out."""
    due: dict[bytes, float] = {}
    unread = b""
    while True:
        left = None if not due else max(0.0, min(due.values()) - time.monotonic())
        if not select.select([_STDIN], [], [], left)[0]:
            _kill(parent)
            return
        data = os.read(_STDIN, 1 << 16)
        if not data:
            return
        *lines, unread = (unread + data).split(b"\n")
        for line in lines:
            name, *seconds = line.split()
            if seconds:
                due[name] = time.monotonic() + float(seconds[0])
            else:
                due.pop(name, None)


def _kill(parent: int) -> None:
    """The input has not ended, so the parent lives and the number is still its own."""
    os.kill(parent, signal.SIGABRT)
    # Its end closes our input.
    if not select.select([_STDIN], [], [], _GRACE_S)[0]:
        os.kill(parent, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
