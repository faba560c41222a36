from datetime import UTC, datetime

import pytest

from operators.core import columns
from operators.core.errors import StoreError, UsageError
from operators.read.tables import staging
from operators.read.tables.lance import LanceSource
from operators.read.tables.listing import list_table
from tests.operators.read.sources import source
from tests.operators.read.tables.corpus import read, rows, store, texts

lance = pytest.importorskip("lance", reason="pip install 'millrace[lance]'")

#: Listings name the second they were made in.
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture
def table(tmp_path):
    """A table of two fragments, and the URI of it."""
    uri = str(tmp_path / "table.lance")
    lance.write_dataset(rows(), uri)
    lance.write_dataset(rows(_id=[5, 6, 7, 8]), uri, mode="append")
    return uri


@pytest.fixture
def copied(monkeypatch):
    """The names of shards that are copied."""
    names, copy = [], LanceSource.copy
    monkeypatch.setattr(LanceSource, "copy", lambda self, shard: names.append(shard.name) or copy(self, shard))
    return names


def _oracle(uri):
    return {str(row["_id"]): row["text"] for row in lance.dataset(uri).to_table().to_pylist()}


def test_list_lance_copies_each_fragment_newest_first(table, tmp_path):
    spec = source("lance", table)
    listing = list_table(spec, store(tmp_path))
    assert len(listing.inputs) == len(listing.staged) == 2
    documents, _ = read(spec, listing)
    assert documents["doc_id"].to_pylist() == ["5", "6", "7", "8", "1", "2", "3", "4"]
    assert texts(spec, listing) == _oracle(table)


def test_list_lance_unchanged_version_copies_nothing_and_the_next_only_what_changed(table, tmp_path, copied):
    spec = source("lance", table)
    before = list_table(spec, store(tmp_path), now=NOW)
    copied.clear()
    assert list_table(spec, store(tmp_path), before.state, now=NOW) == before
    assert copied == []
    lance.write_dataset(rows(_id=[9, 10, 11, 12]), table, mode="append")
    lance.dataset(table).delete("_id = 2")
    after = list_table(spec, store(tmp_path), before.state)
    assert copied == ["fragment-000002", "fragment-000000"]
    assert len(set(before.inputs) & set(after.inputs)) == 1
    assert texts(spec, after) == _oracle(table)
    assert "2" not in texts(spec, after)


def test_list_lance_new_index_or_tag_leaves_the_token_as_it_is(table, tmp_path):
    spec = source("lance", table)
    before = list_table(spec, store(tmp_path))
    lance.dataset(table).create_scalar_index("_id", "BTREE")
    assert lance.dataset(table).version > 2
    assert list_table(spec, store(tmp_path), before.state).state.token == before.state.token


def test_list_lance_renamed_column_is_copied_anew(table, tmp_path):
    spec = source("lance", table, metadata="lang")
    before = list_table(spec, store(tmp_path))
    lance.dataset(table).alter_columns({"path": "lang", "name": "code"}, {"path": "text", "name": "lang"})
    lance.dataset(table).alter_columns({"path": "code", "name": "text"})
    after = list_table(spec, store(tmp_path), before.state)
    assert not set(before.inputs) & set(after.inputs)
    assert texts(spec, after) == {key: value for key, value in _oracle(table).items() if value is not None}


def test_list_lance_asked_for_a_version_reads_that_one(table, tmp_path):
    spec = source("lance", table, table={"version": 1})
    assert sorted(texts(spec, list_table(spec, store(tmp_path)))) == ["1", "2", "3", "4"]


def test_list_lance_copy_interrupted_half_way_goes_on_with_the_rest(table, tmp_path, monkeypatch):
    spec = source("lance", table)
    copy = staging._copied
    calls = []

    def fail_second(*given):
        calls.append(given[2].name)
        if len(calls) == 2:
            raise RuntimeError("killed")
        return copy(*given)

    monkeypatch.setattr(staging, "_copied", fail_second)
    with pytest.raises(RuntimeError, match="killed"):
        list_table(spec, store(tmp_path))
    listing = list_table(spec, store(tmp_path))
    assert calls == ["fragment-000001", "fragment-000000", "fragment-000000"]
    assert texts(spec, listing) == _oracle(table)


def test_list_lance_copy_that_was_swept_is_made_again(table, tmp_path, copied):
    spec = source("lance", table)
    before = list_table(spec, store(tmp_path), now=NOW)
    store(tmp_path).delete(before.staged[0].key)
    copied.clear()
    after = list_table(spec, store(tmp_path), before.state, now=NOW)
    assert copied == ["fragment-000001"]
    assert after == before
    assert texts(spec, after) == _oracle(table)


def test_stage_twice_at_once_agrees_on_one_copy(table, tmp_path, monkeypatch):
    """The other one's record is there when ours is created, and names other bytes, as another pyarrow writes them."""
    spec = source("lance", table)
    target = store(tmp_path)
    shard = LanceSource(spec).pin(None).shards[0]
    theirs = staging.stage(spec, target, shard).model_copy(update={"rows": 99})
    target.delete(staging._record(spec, shard))
    copy = staging._copied

    def overtaken(*given):
        mine = copy(*given)
        target.create(staging._record(spec, shard), theirs.model_dump_json().encode())
        return mine

    monkeypatch.setattr(staging, "_copied", overtaken)
    assert staging.stage(spec, target, shard) == theirs


def test_list_lance_odd_values_are_judged_as_in_any_parquet_file(tmp_path):
    uri = str(tmp_path / "odd.lance")
    lance.write_dataset(rows(text=["a\0b", None, "fine", ""], score=[float("nan"), 1.5, float("nan"), 0.0]), uri)
    spec = source("lance", uri, metadata="score")
    documents, rejects = read(spec, list_table(spec, store(tmp_path)))
    assert documents["doc_id"].to_pylist() == ["3"]
    assert documents[columns.metadata("score")].to_pylist() == ["NaN"]
    assert rejects["reason"].to_pylist() == ["control_characters", "null_text", "empty_text"]


def test_list_lance_missing_column_names_the_columns_there_are(table, tmp_path):
    with pytest.raises(UsageError, match=r"no column body: .* found _id, text, lang\."):
        list_table(source("lance", table, text="body"), store(tmp_path))


def test_list_lance_missing_table_and_version_are_errors_that_name_it(table, tmp_path):
    with pytest.raises(StoreError, match=r"list lance .*nowhere"):
        list_table(source("lance", tmp_path / "nowhere.lance"), store(tmp_path))
    with pytest.raises(StoreError, match="77"):
        list_table(source("lance", table, table={"version": 77}), store(tmp_path))
