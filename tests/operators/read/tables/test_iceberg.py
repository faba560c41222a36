import pytest

from operators.core import columns
from operators.core.errors import StoreError, UsageError
from operators.read.tables import staging
from operators.read.tables.listing import list_table
from tests.operators.read.sources import source
from tests.operators.read.tables.corpus import read, rows, store, texts

pyiceberg = pytest.importorskip("pyiceberg", reason="pip install 'millrace[iceberg]'")


@pytest.fixture
def catalog(tmp_path):
    from pyiceberg.catalog import load_catalog

    uri = f"sqlite:///{tmp_path}/catalog.db"
    opened = load_catalog("default", uri=uri, warehouse=f"file://{tmp_path}/warehouse")
    opened.create_namespace("docs")
    return opened


@pytest.fixture
def table(catalog):
    """A table of two files."""
    made = catalog.create_table("docs.articles", schema=rows().schema)
    made.append(rows())
    made.append(rows(_id=[5, 6, 7, 8]))
    return made


def _source(tmp_path, version=None, name="docs.articles", **fields):
    asked = {"name": name, "options": {"warehouse": f"file://{tmp_path}/warehouse"}}
    if version is not None:
        asked["version"] = version
    return source("iceberg", f"sqlite:///{tmp_path}/catalog.db", table=asked, **fields)


def _oracle(table, **scan):
    """What the library's own scan reads of the table, by id."""
    return {str(row["_id"]): row for row in table.refresh().scan(**scan).to_arrow().to_pylist()}


def _same_texts(found, table, field="text"):
    return found == {doc_id: row[field] for doc_id, row in _oracle(table).items()}


def test_list_iceberg_plain_table_lists_its_own_files_newest_first_and_copies_nothing(table, tmp_path):
    spec = _source(tmp_path)
    listing = list_table(spec, store(tmp_path))
    assert {file.path for file in listing.inputs} == {task.file.file_path for task in table.scan().plan_files()}
    documents, _ = read(spec, listing)
    assert documents["doc_id"].to_pylist() == ["5", "6", "7", "8", "1", "2", "3", "4"]
    assert listing.staged == ()
    assert not (tmp_path / "store").exists()


def test_list_iceberg_unchanged_snapshot_opens_no_data_file_and_the_next_keeps_old_files(table, tmp_path):
    spec = _source(tmp_path)
    before = list_table(spec, store(tmp_path))
    for path in (tmp_path / "warehouse").rglob("*.parquet"):
        path.unlink()
    again = list_table(spec, store(tmp_path), before.state)
    assert again.inputs == before.inputs
    assert again.state.token == before.state.token
    table.append(rows(_id=[9, 10, 11, 12]))
    after = list_table(spec, store(tmp_path), before.state)
    assert after.inputs[1:] == before.inputs
    assert after.state.token != before.state.token


def test_list_iceberg_asked_for_a_snapshot_reads_that_one(table, tmp_path):
    first = table.history()[0].snapshot_id
    spec = _source(tmp_path, first)
    assert sorted(texts(spec, list_table(spec, store(tmp_path)))) == ["1", "2", "3", "4"]
    with pytest.raises(UsageError, match="no snapshot 12345"):
        list_table(_source(tmp_path, 12345), store(tmp_path))


def test_list_iceberg_rewritten_file_is_listed_without_its_deleted_rows(table, tmp_path):
    table.delete("_id = 2")
    spec = _source(tmp_path)
    listing = list_table(spec, store(tmp_path))
    assert listing.staged == ()
    assert sorted(texts(spec, listing)) == ["1", "3", "4", "5", "6", "7", "8"]


def test_list_iceberg_renamed_column_is_copied_under_its_name(table, tmp_path):
    with table.update_schema() as update:
        update.rename_column("text", "body")
    table.append(rows(_id=[9, 10, 11, 12]).rename_columns(["_id", "body", "lang"]))
    spec = _source(tmp_path, text="body")
    listing = list_table(spec, store(tmp_path))
    assert len(listing.staged) == 3
    found = texts(spec, listing)
    assert len(found) == 12
    assert _same_texts(found, table, "body")


def test_list_iceberg_renamed_column_goes_by_its_name_of_today_and_of_a_version_by_that_of_then(table, tmp_path):
    with table.update_schema() as update:
        update.rename_column("text", "body")
    now, then = _source(tmp_path, text="body"), _source(tmp_path, table.current_snapshot().snapshot_id)
    listing = list_table(now, store(tmp_path))
    assert len(listing.staged) == 2
    assert texts(now, listing) == texts(then, list_table(then, store(tmp_path)))
    assert _same_texts(texts(now, listing), table, "body")


def test_list_iceberg_whose_old_schemas_are_gone_is_copied_as_a_name_may_have_been_another(
    table, tmp_path, monkeypatch
):
    from pyiceberg.table import Table

    with table.update_schema() as update:
        update.rename_column("text", "body")
    kept = Table.schemas
    monkeypatch.setattr(Table, "schemas", lambda self: dict([max(kept(self).items())]))
    spec = _source(tmp_path, text="body")
    listing = list_table(spec, store(tmp_path))
    assert len(listing.staged) == 2
    assert _same_texts(texts(spec, listing), table, "body")


def test_list_iceberg_column_dropped_and_made_anew_shows_no_old_value(table, tmp_path):
    with table.update_schema() as update:
        update.delete_column("lang")
    with table.update_schema() as update:
        update.add_column("lang", pyiceberg.types.StringType())
    table.append(rows(_id=[9, 10, 11, 12]))
    spec = _source(tmp_path, metadata="lang")
    documents, _ = read(spec, list_table(spec, store(tmp_path)))
    found = dict(zip(documents["doc_id"].to_pylist(), documents[columns.metadata("lang")].to_pylist(), strict=True))
    assert found == {doc_id: row["lang"] for doc_id, row in _oracle(table).items()}
    assert found["1"] is None
    assert found["9"] == "en"


def test_list_iceberg_column_added_is_no_reason_to_copy(table, tmp_path):
    with table.update_schema() as update:
        update.add_column("title", pyiceberg.types.StringType())
    table.append(rows(_id=[9, 10, 11, 12], title=["a", "b", "c", "d"]))
    spec = _source(tmp_path, text=["title", "text"])
    listing = list_table(spec, store(tmp_path))
    assert listing.staged == ()
    found = texts(spec, listing)
    assert (found["1"], found["9"]) == ("one", "a one")


def test_list_iceberg_file_with_deleted_rows_is_copied_without_them(table, tmp_path, monkeypatch):
    """The library writes no delete files: the plan is given one, and a file that names the rows."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.typedef import Record

    from operators.read.tables import iceberg

    [old] = [task for task in table.scan().plan_files() if "00000-0" in task.file.file_path][-1:]
    path = tmp_path / "deletes.parquet"
    pq.write_table(pa.table({"file_path": [old.file.file_path] * 2, "pos": pa.array([0, 2], pa.int64())}), path)
    deletes = DataFile.from_args(
        content=DataFileContent.POSITION_DELETES,
        file_path=f"file://{path}",
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=2,
        file_size_in_bytes=path.stat().st_size,
    )
    plan = iceberg._tasks

    def planned(*given):
        tasks = plan(*given)
        tasks[old.file.file_path].delete_files.add(deletes)
        return tasks

    monkeypatch.setattr(iceberg, "_tasks", planned)
    spec = _source(tmp_path)
    listing = list_table(spec, store(tmp_path))
    assert len(listing.staged) == 2
    documents, _ = read(spec, listing)
    assert len(documents) == 6
    copied = []
    monkeypatch.setattr(staging, "_copied", lambda *given: copied.append(given))
    assert list_table(spec, store(tmp_path), listing.state).inputs == listing.inputs
    assert copied == []


def test_list_iceberg_empty_table_has_no_inputs(catalog, tmp_path):
    catalog.create_table("docs.articles", schema=rows().schema)
    assert list_table(_source(tmp_path), store(tmp_path)).inputs == ()


def test_list_iceberg_wrong_names_are_the_users_fault(table, tmp_path):
    with pytest.raises(
        UsageError, match=r"iceberg sqlite:.* docs\.articles has no column body: .* found _id, text, lang"
    ):
        list_table(_source(tmp_path, text="body"), store(tmp_path))
    with pytest.raises(UsageError, match=r"docs\.papers"):
        list_table(_source(tmp_path, name="docs.papers"), store(tmp_path))


def test_list_iceberg_catalog_that_is_away_tells_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("CATALOG", "postgresql+nodriver://user:hunter2@127.0.0.1:1/catalog")
    monkeypatch.setenv("SECRET", "s3-secret-key")
    options = {"type": "sql", "s3.secret-access-key": "env:SECRET"}
    spec = source("iceberg", "env:CATALOG", table={"name": "docs.articles", "options": options})
    with pytest.raises(StoreError) as caught:
        list_table(spec, store(tmp_path))
    assert "env:CATALOG" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "s3-secret-key" not in str(caught.value)
