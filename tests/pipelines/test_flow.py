"""A worker that holds a model, as Ray builds and calls it."""

import threading

import pyarrow as pa
import pytest

from operators.core.errors import IntegrityError
from pipelines.cluster import connect, own_error
from pipelines.resources import Pool
from pipelines.stages import Stage

pytestmark = pytest.mark.ray

POOL = Pool(1, 1, 0.1, 0.0, 1)


class _Threads:
    """Adds the threads that it was built and called in."""

    def __init__(self, name: str) -> None:
        self.name, self.built = name, threading.get_ident()

    def __call__(self, row: pa.Table) -> pa.Table:
        return row.append_column("built", [[self.built]]).append_column("called", [[threading.get_ident()]])


class _Refuses:
    def __init__(self, name: str) -> None:
        raise IntegrityError(f"encoder {name} is not the planned one")

    def __call__(self, row: pa.Table) -> pa.Table:
        return row


def test_stage_with_a_model_is_built_in_the_thread_that_it_works_in(ray_cluster: None) -> None:
    rows = pa.table({"part": ["a", "b", "c"]})
    with connect(None) as cluster:
        found = pa.concat_tables(cluster.stream(rows, [Stage(_Threads, POOL, ("e",))]))
    assert sorted(found["part"].to_pylist()) == ["a", "b", "c"]
    assert found["built"] == found["called"]


def test_stage_whose_model_is_refused_raises_our_own_error(ray_cluster: None) -> None:
    with connect(None) as cluster, pytest.raises(Exception, match="not the planned one") as raised:
        list(cluster.stream(pa.table({"part": ["a"]}), [Stage(_Refuses, POOL, ("e",))]))
    assert type(own_error(raised.value)) is IntegrityError
