"""End this process where a piece of work takes too long, from outside: a frozen process cannot end itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import IO

_names = count()


@contextmanager
def killed_after(seconds: float) -> Iterator[None]:
    """Have this process killed if the block takes longer: hanging, holding Python's lock, or stopped by a signal.

    Threads may be in such blocks at the same time; each has its own limit.
    """
    name = next(_names)
    _tell(f"{name} {seconds}")
    try:
        yield
    finally:
        _tell(f"{name}")


def _tell(line: str) -> None:
    # In one write: lines of two threads do not mix.
    data = f"{line}\n".encode()
    try:
        _watcher(os.getpid()).write(data)
    except BrokenPipeError:
        # Somebody ended the watcher, which is no reason to lose the work: another one watches from here on.
        _watcher.cache_clear()
        _watcher(os.getpid()).write(data)


@cache
def _watcher(parent: int) -> IO[bytes]:
    """The input of this process's watcher (20 ms to start, once); after a fork the child has one of its own."""
    command = [sys.executable, "-I", "-S", str(Path(__file__).with_name("watcher.py")), str(parent)]
    # In a session of its own, so that what is sent to this process's group does not reach it.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, bufsize=0, start_new_session=True)  # noqa: S603 - our own file
    if process.stdin is None:
        raise AssertionError("a pipe was asked for")
    return process.stdin
