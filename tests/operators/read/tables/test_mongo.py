"""No MongoDB server is to be had from the package registries: these tests read from an object in pymongo's place."""

from datetime import UTC, datetime

import pytest

pytest.importorskip("pymongo", reason="pip install 'millrace[mongo]'")

from bson import ObjectId
from pymongo.errors import OperationFailure, ServerSelectionTimeoutError

from operators.core import columns
from operators.core.errors import StoreError, UsageError
from operators.read.tables import mongo
from operators.read.tables.listing import list_table
from tests.operators.read.sources import source
from tests.operators.read.tables.corpus import read, store, texts


class Collection:
    """Documents, and what was asked of them."""

    def __init__(self, documents, *, snapshots=True, failing=None):
        self.documents, self.snapshots, self.failing, self.asked = documents, snapshots, failing, []

    def find_one(self, _filter, _fields):
        return next(iter(self.documents), None)

    def find(self, filter_, fields, sort, hint, session):
        assert (filter_, sort, hint) == ({}, [("_id", 1)], [("_id", 1)])
        self.asked.append((session, fields))
        if self.failing:
            raise self.failing
        if session is not None and not self.snapshots:
            raise OperationFailure("node needs to be a replica set member to use readConcern: snapshot", code=123)
        kept = ({name: each[name] for name in fields if name in each} for each in self.documents)
        return sorted(kept, key=lambda each: str(each["_id"]))


class Client:
    """A client of one database with one collection, `articles`."""

    def __init__(self, collection):
        self.collection, self.addresses = collection, []

    def __call__(self, address, **options):
        assert options == {"appname": "millrace"}
        self.addresses.append(address)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def get_default_database(self):
        return {"articles": self.collection}

    def start_session(self, *, snapshot):
        assert snapshot
        return _Session()


class _Session:
    def __enter__(self):
        return "snapshot"

    def __exit__(self, *_):
        return None


@pytest.fixture
def serve(monkeypatch):
    def serving(documents, **options):
        collection = Collection(documents, **options)
        made = mongo.MongoSource.__init__
        client = Client(collection)
        monkeypatch.setattr(mongo.MongoSource, "__init__", lambda self, spec: made(self, spec, client))
        return collection

    return serving


def _spec(**fields):
    return source("mongo", "mongodb://localhost/library", table={"name": "articles"}, **fields)


def test_list_mongo_reads_all_documents_in_one_snapshot_and_only_the_fields_named(serve, tmp_path, monkeypatch):
    monkeypatch.setattr(mongo, "_ROWS", 3)
    collection = serve([{"_id": f"d{number}", "text": f"text {number}", "secret": "x"} for number in range(10)])
    listing = list_table(_spec(), store(tmp_path))
    assert texts(_spec(), listing) == {f"d{number}": f"text {number}" for number in range(10)}
    assert collection.asked == [("snapshot", {"_id": 1, "text": 1})]
    assert not listing.keeps_earlier


def test_list_mongo_server_without_snapshots_is_read_by_its_index_of_ids(serve, tmp_path):
    collection = serve([{"_id": 1, "text": "one"}, {"_id": 2, "text": "two"}], snapshots=False)
    assert texts(_spec(), list_table(_spec(), store(tmp_path))) == {"1": "one", "2": "two"}
    assert [session for session, _ in collection.asked] == ["snapshot", None]


def test_list_mongo_same_documents_are_the_same_inputs_and_the_same_token(serve, tmp_path):
    collection = serve([{"_id": 1, "text": "one"}, {"_id": 2, "text": "two"}])
    before = list_table(_spec(), store(tmp_path))
    collection.documents.reverse()
    after = list_table(_spec(), store(tmp_path), before.state)
    assert (after.inputs, after.state.token) == (before.inputs, before.state.token)
    collection.documents[0]["text"] = "deux"
    assert list_table(_spec(), store(tmp_path), before.state).state.token != before.state.token


def test_list_mongo_values_become_strings_and_what_is_no_text_a_reject(serve, tmp_path):
    identity = ObjectId("65a000000000000000000001")
    serve(
        [
            {"_id": identity, "text": "a", "at": datetime(2026, 1, 2, tzinfo=UTC), "n": {"k": [1, identity]}},
            {"_id": 7, "text": "b\0", "n": float("nan")},
            {"_id": 8, "text": 9},
            {"_id": 9},
            {"_id": "x", "text": "c", "n": True},
        ]
    )
    spec = _spec(metadata=["at", "n"])
    documents, rejects = read(spec, list_table(spec, store(tmp_path)))
    assert documents["doc_id"].to_pylist() == [str(identity), "x"]
    assert documents[columns.metadata("at")].to_pylist() == ["2026-01-02T00:00:00+00:00", None]
    assert documents[columns.metadata("n")].to_pylist() == ['{"k":[1,{"$oid":"65a000000000000000000001"}]}', "true"]
    assert rejects["reason"].to_pylist() == ["control_characters", "null_text", "null_text"]


def test_list_mongo_empty_collection_is_the_users_fault(serve, tmp_path):
    serve([])
    with pytest.raises(UsageError, match=r"mongo mongodb://localhost/library articles is empty"):
        list_table(_spec(), store(tmp_path))


def test_list_mongo_failure_while_reading_tells_no_secret(serve, tmp_path, monkeypatch):
    monkeypatch.setenv("MONGO", "mongodb://user:hunter2@localhost/library")
    serve([{"_id": 1}], failing=ServerSelectionTimeoutError("mongodb://user:hunter2@localhost/library: timed out"))
    with pytest.raises(StoreError, match=r"read mongo env:MONGO articles: ServerSelectionTimeoutError") as caught:
        list_table(_spec().model_copy(update={"uri": ("env:MONGO",)}), store(tmp_path))
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("address", ["mongodb://user:hunt@er2@localhost/library", "nonsense-hunter2"])
def test_list_mongo_address_that_cannot_be_parsed_is_the_users_fault_and_not_shown(tmp_path, monkeypatch, address):
    monkeypatch.setenv("MONGO", address)
    with pytest.raises(UsageError, match="list mongo env:MONGO articles") as caught:
        list_table(_spec().model_copy(update={"uri": ("env:MONGO",)}), store(tmp_path))
    assert "er2" not in str(caught.value)
