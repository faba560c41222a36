import pytest

from operators.core.storage import open_store
from operators.read.tables.listing import list_table
from tests.operators.read.sources import source
from tests.operators.read.tables.corpus import rows, texts
from tests.operators.read.tables.test_delta import _delete

pytestmark = pytest.mark.s3
EXPECTED = dict(zip("1234", ("one", "two", "three", "four"), strict=True))


@pytest.fixture
def bucket(s3):
    return s3.new_bucket()


def test_list_delta_on_s3_lists_objects_that_open(bucket):
    deltalake = pytest.importorskip("deltalake")
    deltalake.write_deltalake(f"{bucket}/table", rows(), storage_options={"allow_http": "true"})
    spec = source("delta", f"{bucket}/table")
    listing = list_table(spec, open_store(f"{bucket}/store"))
    assert [file.path.startswith(f"{bucket}/table/part-") for file in listing.inputs] == [True]
    assert texts(spec, listing) == EXPECTED


def test_list_iceberg_on_s3_lists_objects_that_open(bucket, tmp_path):
    pytest.importorskip("pyiceberg")
    from pyiceberg.catalog import load_catalog

    from operators.read.tables.iceberg import _environment

    uri = f"sqlite:///{tmp_path}/catalog.db"
    # Written by s3fs: pyarrow's uploads are refused by the old Ceph of the tests (411, no length).
    options = {"py-io-impl": "pyiceberg.io.fsspec.FsspecFileIO", **_environment()}
    catalog = load_catalog("default", uri=uri, warehouse=f"{bucket}/warehouse", **options)
    catalog.create_namespace("docs")
    catalog.create_table("docs.articles", schema=rows().schema).append(rows())
    spec = source("iceberg", uri, table={"name": "docs.articles"})
    listing = list_table(spec, open_store(f"{bucket}/store"))
    assert listing.inputs[0].path.startswith(f"{bucket}/warehouse/")
    assert texts(spec, listing) == EXPECTED


def test_list_lance_on_s3_is_copied_to_s3_once(bucket):
    lance = pytest.importorskip("lance")
    lance.write_dataset(rows(), f"{bucket}/table.lance", storage_options={"allow_http": "true"})
    spec, store = source("lance", f"{bucket}/table.lance"), open_store(f"{bucket}/store")
    listing = list_table(spec, store)
    assert listing.inputs[0].path.startswith(f"{bucket}/store/staged/")
    assert texts(spec, listing) == EXPECTED
    objects = store.list("staged")
    assert list_table(spec, store).inputs == listing.inputs
    assert store.list("staged") == objects


def test_list_delta_deleted_rows_in_a_local_table_are_copied_to_s3(bucket, tmp_path):
    deltalake = pytest.importorskip("deltalake")
    uri = str(tmp_path / "table")
    deltalake.write_deltalake(uri, rows())
    _delete(uri, [1])
    spec = source("delta", uri)
    assert sorted(texts(spec, list_table(spec, open_store(f"{bucket}/store")))) == ["1", "3", "4"]
