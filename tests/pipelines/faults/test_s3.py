"""An S3 that fails in 5 % of the requests: two nights through it, source and collection."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import s3fs

from operators.core import storage
from tests.faulty_proxy import KINDS, FaultyProxy, proxied
from tests.pipelines.conftest import recipe_text
from tests.pipelines.faults import inline
from tests.pipelines.faults.nights import Files, Nights, first_night, numbers, second_night, see
from tests.pipelines.inline import ENCODERS
from tests.s3_server import S3Server

pytestmark = pytest.mark.s3


@pytest.fixture
def proxy(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    """Before the server for all clients that are opened while the test lasts."""
    monkeypatch.setattr(s3fs.S3FileSystem, "read_timeout", 1)
    monkeypatch.setattr(storage, "PAUSES_S", (0.05, 0.1))
    with proxied(s3.port, seed=1, late_seconds=1.5) as proxy:
        proxy.share = 0.05
        yield proxy


def put_source(bucket: str, files: Files) -> None:
    s3 = s3fs.S3FileSystem()
    for name, documents in files.items():
        data = "".join(json.dumps(one) + "\n" for one in documents).encode()
        path = f"{bucket}/corpus/{name}"
        if not s3.exists(path) or s3.cat_file(path) != data:
            s3.pipe_file(path, data)


def through(proxy: FaultyProxy, recipe: Path) -> None:
    """Index with every request of source and collection going through the proxy."""
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        fresh_clients()
        inline.index(recipe)
    fresh_clients()


def fresh_clients() -> None:
    s3fs.S3FileSystem.clear_instance_cache()
    storage._open.cache_clear()


def test_index_two_nights_on_an_s3_that_fails_publish_what_undisturbed_ones_do(
    tmp_path: Path, small: Nights, s3: S3Server, proxy: FaultyProxy
) -> None:
    bucket = s3.new_bucket()
    source = {"format": "jsonl", "uri": f"{bucket}/corpus/*.jsonl", "text": ["title", "text"]}
    publish = {"max_reject_ratio": 0.5}
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(recipe_text(tmp_path, store=bucket, source=source, encoders=ENCODERS, publish=publish))
    put_source(bucket, first_night())
    through(proxy, recipe)
    put_source(bucket, second_night())
    through(proxy, recipe)
    assert set(proxy.faults) == set(KINDS), f"too few faults: {proxy.faults} in {proxy.requests} requests"
    assert numbers(f"{bucket}/mill") == [1, 2]
    assert see(f"{bucket}/mill", tmp_path / "cache") == small.expected
