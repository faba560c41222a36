"""A MongoDB collection, copied in the order of its ids within one snapshot session.

A server that has no snapshots (it is no replica set) is read by its index of ids: documents that are there all the
time are all read, each as it is when the cursor reaches it. No server could be had for the tests: they read from an
object that stands for pymongo's.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pyarrow as pa
from bson import ObjectId, json_util
from pymongo import MongoClient
from pymongo.errors import ConfigurationError, InvalidOperation, InvalidURI, OperationFailure

from operators.core.errors import UsageError
from operators.read.spec import SourceSpec
from operators.read.tables.address import resolve
from operators.read.tables.failures import naming, where
from operators.read.tables.spec import TableSpec
from operators.read.tables.table import Pinned, PreviousSource, Shard

_ROWS = 1000
_ID = "_id"


class MongoSource:
    """Nothing cheap tells that a collection is unchanged: it is copied every night, the same rows as the same file.

    Ids that are neither strings nor integers become their text. A text that is no string becomes null, and its
    document a reject; metadata that are no strings become JSON.
    """

    def __init__(self, spec: SourceSpec, connect: Any = MongoClient) -> None:
        self._spec, self._connect = spec, connect

    def pin(self, previous: PreviousSource | None) -> Pinned:
        """See `Table`."""
        assert previous is None, "a collection is read whole"
        with naming("list", self._spec, ConfigurationError, InvalidURI), self._collection() as (_, collection):
            if collection.find_one({}, {_ID: 1}) is None:
                raise UsageError(f"{where(self._spec)} is empty, or there is no such collection. Correct table.name")
        return Pinned("", shards=(Shard(name="collection", token="", work={}),))

    def copy(self, shard: Shard) -> Iterator[pa.RecordBatch]:
        """See `Table`."""
        assert shard.work == {}, "a collection is one shard"
        with naming("read", self._spec), self._collection() as (client, collection):
            found = _snapshot(client, collection, dict.fromkeys(self._spec.fields(), 1))
            rows: list[Any] = []
            yield self._batch(rows)
            for document in found:
                rows.append(document)
                if len(rows) == _ROWS:
                    yield self._batch(rows)
                    rows = []
            yield self._batch(rows)

    def close(self) -> None:
        """Nothing is held."""

    @contextmanager
    def _collection(self) -> Iterator[tuple[Any, Any]]:
        table = self._spec.table or TableSpec()
        with self._connect(resolve(self._spec.uri[0]), appname="millrace") as client:
            yield client, client.get_default_database()[table.name or ""]

    def _batch(self, documents: list[Any]) -> pa.RecordBatch:
        spec = self._spec
        columns = {name: [document.get(name) for document in documents] for name in spec.fields()}
        arrays = []
        for name, values in columns.items():
            convert = _identity if name == spec.id else _text if name in spec.text else _json
            arrays.append(pa.array([convert(value) for value in values], pa.string()))
        return pa.RecordBatch.from_arrays(arrays, list(columns))


def _snapshot(client: Any, collection: Any, fields: dict[str, int]) -> Iterator[Any]:
    def found(session: Any) -> Iterator[Any]:
        return iter(collection.find({}, {_ID: 1, **fields}, sort=[(_ID, 1)], hint=[(_ID, 1)], session=session))

    with client.start_session(snapshot=True) as session:
        try:
            cursor = found(session)
            first = next(cursor, None)
        except (ConfigurationError, InvalidOperation, OperationFailure):
            cursor, first = found(None), None
        if first is not None:
            yield first
        yield from cursor


def _identity(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | ObjectId) and not isinstance(value, bool) else json_util.dumps(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _json(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, ObjectId):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    text = json_util.dumps(value, json_options=json_util.RELAXED_JSON_OPTIONS, ensure_ascii=False)
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))
