"""A process that takes too long is killed from outside, whatever it is at; one that does not is left alone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable

import pytest

from operators.core.watchdog import killed_after

#: What a process is at when its time runs out.
STUCK = {
    "asleep": "time.sleep(60)",
    "busy": "while True: pass",
    "in a call that holds the interpreter": "ctypes.PyDLL(None).sleep(60)",
    "stopped": "os.kill(os.getpid(), signal.SIGSTOP)",
}


def process(body: str) -> "subprocess.Popen[bytes]":
    lines = ("import ctypes, os, signal, threading, time", "from operators.core.watchdog import killed_after", body)
    return subprocess.Popen([sys.executable, "-c", "\n".join(lines)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("what", STUCK)
def test_killed_after_ends_a_process_that_is(what: str) -> None:
    started = process(f"with killed_after(0.3): {STUCK[what]}" if ":" not in STUCK[what] else _block(STUCK[what]))
    assert started.wait(30) in {-signal.SIGABRT, -signal.SIGKILL}


def _block(body: str) -> str:
    return f"with killed_after(0.3):\n    {body}"


def test_killed_after_leaves_a_process_alone_that_is_done_in_time() -> None:
    body = "for _ in range(3):\n    with killed_after(0.3): time.sleep(0.15)\ntime.sleep(0.5)\nprint('done')"
    started = process(body)
    assert started.communicate(timeout=30)[0] == b"done\n"
    assert started.returncode == 0


def test_killed_after_limits_of_two_threads_do_not_lift_each_other() -> None:
    short = "def short():\n    with killed_after(60): time.sleep(0.05)\n"
    body = f"{short}with killed_after(0.4):\n    threading.Thread(target=short).start()\n    time.sleep(60)"
    assert process(body).wait(30) == -signal.SIGABRT


def test_killed_after_watcher_ends_with_the_process_it_watches() -> None:
    with killed_after(60):
        pass
    body = "import subprocess\nwith killed_after(60): print(os.popen('pgrep -P %d' % os.getpid()).read(), flush=True)"
    started = process(body)
    out, _ = started.communicate(timeout=30)
    children = [int(word) for word in out.split()]
    assert children
    _until(lambda: not any(_watches(child) for child in children))


def _watches(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return b"watcher.py" in file.read()
    except (ProcessLookupError, FileNotFoundError):
        return False


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_killed_after_goes_on_where_its_watcher_was_ended_and_watches_again() -> None:
    end_it = (
        "os.kill(int(os.popen('pgrep -P %d -f [w]atcher.py' % os.getpid()).read()), signal.SIGKILL); time.sleep(0.2)"
    )
    body = f"with killed_after(60): {end_it}\nprint('went on', flush=True)\nwith killed_after(0.3): time.sleep(60)"
    started = process(body)
    assert started.communicate(timeout=30)[0] == b"went on\n"
    assert started.returncode == -signal.SIGABRT
