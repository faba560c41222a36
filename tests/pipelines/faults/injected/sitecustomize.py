"""On PYTHONPATH of a driver and of the nodes it uses: faults at chosen points, by rules that a test changes as it goes.

`$MILLRACE_FAULTS/rules.json` lists rules `{name, verb, key, when, act}`: the first call of a verb whose key matches
notes who it is in the file `<name>`, and then acts. A rule acts once, or once a process where its name has `{pid}`.
"""

import importlib.abc
import importlib.util
import json
import os
import re
import signal
import sys
import time
from contextlib import suppress
from functools import wraps
from pathlib import Path

_FOLDER = Path(os.environ.get("MILLRACE_FAULTS", "/nonexistent"))
_VERBS = ("get", "open", "put", "put_file", "create")


class _Patch(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Wraps functions of two modules right after they are imported."""

    def find_spec(self, name, _path=None, _target=None):
        if name not in {"operators.core.storage", "operators.encode.append"}:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        sys.meta_path.insert(0, self)
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, _spec):
        return None

    def exec_module(self, module):
        self._loader.exec_module(module)
        if hasattr(module, "append_vectors"):
            module.append_vectors = _wrapped(module.append_vectors, "encode", lambda _table, name, *_: name)
            return
        for verb in _VERBS:
            method = getattr(module.Store, verb)
            setattr(module.Store, verb, _wrapped(method, verb, lambda _store, key, *_: key))


def _wrapped(function, verb, key_of):
    @wraps(function)
    def call(*arguments, **options):
        key = key_of(*arguments, **options)
        _act(verb, key, "before")
        try:
            result = function(*arguments, **options)
        except Exception as error:
            _say(type(error).__name__)
            raise
        _say("done")
        _act(verb, key, "after")
        return result

    return call


#: The name of the rule by which this process was stopped, until it has said what came of its call.
_stopped = []


def _say(outcome):
    while _stopped:
        (_FOLDER / f"{_stopped.pop()}.outcome").write_text(outcome)


def _act(verb, key, when):
    with suppress(FileNotFoundError, ValueError):
        for rule in json.loads((_FOLDER / "rules.json").read_text()):
            name = rule["name"].format(pid=os.getpid())
            if (rule["verb"], rule["when"]) == (verb, when) and re.search(rule["key"], key) and _claim(name):
                _ACTS[rule["act"]](name)


def _claim(name):
    """Whether this process is the first; the file appears whole."""
    node = ""
    if "ray" in sys.modules and sys.modules["ray"].is_initialized():
        node = sys.modules["ray"].get_runtime_context().get_node_id()
    own = _FOLDER / f".{name}.{os.getpid()}"
    own.write_text(json.dumps({"pid": os.getpid(), "node": node}))
    try:
        os.link(own, _FOLDER / name)
    except FileExistsError:
        return False
    return True


def _note(_name):
    """Noting was all."""


def _wait(name):
    deadline = time.monotonic() + 240
    while not (_FOLDER / f"{name}.go").exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def _kill_driver(_name):
    os.kill(int((_FOLDER / "driver").read_text()), signal.SIGKILL)
    # A worker is not to get on with its work before it learns that its driver is gone.
    time.sleep(240)


def _stop(name):
    _stopped.append(name)
    os.kill(os.getpid(), signal.SIGSTOP)


_ACTS = {"note": _note, "wait": _wait, "kill_driver": _kill_driver, "stop": _stop}

if _FOLDER.is_dir():
    sys.meta_path.insert(0, _Patch())
