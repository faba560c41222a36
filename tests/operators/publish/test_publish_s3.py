"""Rollback, tags, prune and the lease on a real S3 server, whose tokens are ETags and whose deletes never fail."""

from datetime import UTC, datetime

import pytest

from operators.core.errors import GateError
from operators.core.storage import Store, open_store
from operators.publish.chain import list_snapshots, read_manifest
from operators.publish.history import read_history
from operators.publish.lease import find_live, hold
from operators.publish.prune import Policy, prune
from operators.publish.rollback import rollback
from operators.publish.tags import list_tags, set_tag
from tests.operators.publish.by_hand import HOUR, NOW, is_whole, publish_snapshot, put_file
from tests.s3_server import S3Server

pytestmark = pytest.mark.s3


@pytest.fixture
def store(s3: S3Server) -> Store:
    return open_store(f"{s3.new_bucket()}/indexes/wiki")


def test_s3_rollback_tag_and_prune_keep_what_they_should(store: Store) -> None:
    manifests = {number: publish_snapshot(store, [f"f{number}", "shared"]) for number in range(1, 6)}
    stray = put_file(store, "stray")
    set_tag(store, "good", 2, NOW)
    set_tag(store, "good", 3, NOW)
    manifests[6] = rollback(store, 1, NOW)
    policy = Policy(1, 48 * HOUR)
    assert prune(store, policy, NOW).deleted == frozenset()
    swept = prune(store, policy, NOW + 48 * HOUR)
    assert stray.key in swept.deleted
    assert swept.stopped is None
    assert list_snapshots(store) == [1, 3, 6]
    assert list_tags(store) == {"good": 3}
    there = {info.key for info in store.list("")}
    assert not swept.deleted & there
    assert all(is_whole(store, manifests[number]) for number in (1, 3, 6))
    assert not is_whole(store, manifests[4])
    assert read_manifest(store).restores == 1
    assert [entry.manifest.snapshot for entry in read_history(store)] == [6, 3, 1]
    assert prune(store, policy, NOW + 200 * HOUR).deleted == frozenset()


def test_s3_hold_is_renewed_seen_by_a_second_run_and_given_back(store: Store) -> None:
    with hold(store, "first", pytest.fail, ttl_seconds=4):
        said: list[str] = []
        with pytest.raises(GateError, match="run first"), hold(store, "second", said.append, ttl_seconds=4):
            pytest.fail("two at once")
        assert len(said) == 1
        assert len(store.list("leases/")) == 1
    assert find_live(store, datetime.now(UTC)) is None
    with hold(store, "second", pytest.fail):
        pass
