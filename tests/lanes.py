"""Which tests run one after another in one process of pytest-xdist, so that two of them may run on Ray, never three.

Three at a time had two cores at a load of 30, where nothing ended in its time.
"""

from xdist.scheduler import LoadFileScheduling

_PIPELINES = "tests/pipelines/"
#: These start clusters and drivers of their own, and take as long as all the others on Ray together.
_STARTED = ("faults/", "test_kill.py", "test_poison.py", "test_ray_job.py")
#: Here runs are made without Ray.
_INLINE = ("test_histories.py", "test_partial_nights.py")


class Lanes(LoadFileScheduling):
    """A file stays in one process; so do all that start Ray, and all that share one."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        name = file.removeprefix(_PIPELINES)
        if name == file or name.startswith(_INLINE):
            return file
        return "start Ray" if name.startswith(_STARTED) else "share a Ray"
