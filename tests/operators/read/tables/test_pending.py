from datetime import UTC, datetime, timedelta

import pytest

from operators.read.tables.listing import list_table
from operators.read.tables.pending import drop_pending, load_pending, save_pending
from tests.operators.read.sources import source
from tests.operators.read.tables.corpus import rows, store, texts

lance = pytest.importorskip("lance", reason="pip install 'millrace[lance]'")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)
PARENT = "1-run"


@pytest.fixture
def spec(tmp_path):
    lance.write_dataset(rows(), str(tmp_path / "table.lance"))
    return source("lance", tmp_path / "table.lance")


@pytest.fixture
def listing(spec, tmp_path):
    listing = list_table(spec, store(tmp_path))
    save_pending(spec, store(tmp_path), PARENT, listing, NOW)
    return listing


def test_load_pending_gives_the_rows_that_were_read_though_the_table_is_another(spec, listing, tmp_path):
    before = texts(spec, listing)
    lance.write_dataset(rows(text=["x"] * 4), spec.uri[0], mode="overwrite")
    found = load_pending(spec, store(tmp_path), PARENT, max_age=DAY, now=NOW + timedelta(hours=1))
    assert found == listing
    assert texts(spec, found) == before


def test_load_pending_of_another_snapshot_before_or_other_fields_is_none(spec, listing, tmp_path):
    assert load_pending(spec, store(tmp_path), "2-another", max_age=DAY, now=NOW) is None
    other = spec.model_copy(update={"metadata": ("lang",)})
    assert load_pending(other, store(tmp_path), PARENT, max_age=DAY, now=NOW) is None


@pytest.mark.parametrize("passed", [DAY, -timedelta(seconds=1)])
def test_load_pending_that_is_too_old_or_from_the_future_is_none(spec, listing, tmp_path, passed):
    assert load_pending(spec, store(tmp_path), PARENT, max_age=DAY, now=NOW + passed) is None


def test_load_pending_whose_copies_were_swept_is_none(spec, listing, tmp_path):
    store(tmp_path).delete(listing.staged[0].key)
    assert load_pending(spec, store(tmp_path), PARENT, max_age=DAY, now=NOW) is None


def test_load_pending_after_drop_is_none_and_to_drop_nothing_is_no_error(spec, listing, tmp_path):
    drop_pending(spec, store(tmp_path), PARENT)
    drop_pending(spec, store(tmp_path), PARENT)
    assert load_pending(spec, store(tmp_path), PARENT, max_age=DAY, now=NOW) is None


def test_save_pending_again_replaces_the_older(spec, listing, tmp_path):
    lance.write_dataset(rows(_id=[5, 6, 7, 8]), spec.uri[0], mode="append")
    newer = list_table(spec, store(tmp_path))
    save_pending(spec, store(tmp_path), PARENT, newer, NOW + DAY)
    assert load_pending(spec, store(tmp_path), PARENT, max_age=DAY, now=NOW + DAY) == newer
