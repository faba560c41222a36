"""The manifest as a value and as bytes nobody vouches for."""

import json
from typing import Any

import pytest

from operators.core.encoder_records import EncoderRecord, EncoderTotals
from operators.core.errors import IntegrityError
from operators.core.index_records import Recall, SegmentIndex, TrainedIndex
from operators.core.manifest import (
    Counts,
    DeadRows,
    LedgerFile,
    Manifest,
    Parent,
    Part,
    Segment,
    SourceState,
    from_json,
    to_json,
)
from operators.core.stored_file import StoredFile


def stored(key: str) -> StoredFile:
    return StoredFile(key=key, bytes=3, sha256="ab" * 32)


def manifest() -> Manifest:
    index = SegmentIndex(
        segment="0",
        recipe="r",
        backend="flat",
        rows=2,
        settings={"m": 32},
        files={"index.faiss": stored("index")},
        measured=Recall(k=10, queries=2, recall=1.0),
    )
    encoder = EncoderRecord(
        kind="dense", fingerprint="f", spec={"model": "한국어"}, dimensions=4, files={"idf.json": stored("model")}
    )
    counts = Counts(
        documents=2,
        rows=2,
        encoded=2,
        reused=0,
        added=2,
        updated=0,
        deleted=0,
        unchanged=0,
        truncated=0,
        rejected=0,
    )
    dead = DeadRows(rows=1, file=stored("dead"))
    totals = {"dense": EncoderTotals(dimensions=4, tokens=9, active_dims=8)}
    return Manifest(
        collection="wiki",
        snapshot=2,
        run="r",
        parent=Parent(snapshot=1, sha256="cd" * 32),
        created_at="2026-11-21T00:00:00Z",
        millrace="0.1.0",
        identity="i",
        recipe={"collection": "wiki"},
        documents_fingerprint="d",
        chunking_fingerprint="c",
        source=SourceState(token="t", inputs=stored("inputs"), staged=(stored("staged"),)),
        counts=counts,
        encoders={"dense": encoder},
        segments=(Segment(segment="0", rows=2, parts=("00000",), dead=dead),),
        parts=(
            Part(
                part="00000",
                rows=2,
                totals=totals,
                documents=stored("documents"),
                vectors={"dense": stored("vectors")},
            ),
        ),
        indexes={"dense": (index,)},
        keys=(LedgerFile(bits=0, bucket=0, rows=2, file=stored("keys")),),
        texts=(LedgerFile(bits=0, bucket=0, rows=2, file=stored("texts")),),
        rejects=(stored("rejects"),),
        trained={
            "dense": (TrainedIndex(backend="faiss-ivf-sq8", recipe="r", lists=4, rows=2, file=stored("trained")),)
        },
    )


def changed(**changes: Any) -> bytes:
    return json.dumps({**json.loads(to_json(manifest())), **changes}).encode()


def test_round_trip_is_the_same_value_and_the_same_bytes() -> None:
    data = to_json(manifest())
    assert from_json(data, "m") == manifest()
    assert to_json(from_json(data, "m")) == data


def test_files_names_every_object() -> None:
    names = {"documents", "vectors", "index", "model", "dead", "inputs", "staged", "keys", "texts", "rejects"}
    names |= {"trained"}
    assert {file.key for file in manifest().files()} == names


def test_manifest_from_before_trained_indexes_and_figures_is_read() -> None:
    old = json.loads(to_json(manifest()))
    del old["trained"], old["measured"], old["indexes"]["dense"][0]["measured"]["figures"]
    found = from_json(json.dumps(old).encode(), "m")
    assert (found.trained, found.measured, found.indexes["dense"][0].measured.figures) == ({}, {}, None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"{",
        b"[" * 100_000,
        to_json(manifest())[:-1],
        changed(extra=1),
        changed(snapshot="two"),
        changed(parts=[{"part": "0"}]),
        changed(counts=None),
        to_json(manifest()).replace(b'"recall":1.0', b'"recall":NaN'),
    ],
)
def test_hostile_bytes_are_refused_and_named(data: bytes) -> None:
    with pytest.raises(IntegrityError, match=r"^manifests/7\.json "):
        from_json(data, "manifests/7.json")


def test_refusal_says_where() -> None:
    with pytest.raises(IntegrityError, match=r"at parts\.0\.rows"):
        from_json(changed(parts=[{"part": "0"}]), "m")


def test_newer_format_asks_for_a_newer_millrace() -> None:
    with pytest.raises(IntegrityError, match=r"format 3.*newer Millrace"):
        from_json(changed(format=3), "m")


def test_older_format_is_named_too() -> None:
    with pytest.raises(IntegrityError, match=r"format 1, this Millrace reads 2: index into another store"):
        from_json(changed(format=1), "m")


def test_live_rows_are_those_that_are_not_dead() -> None:
    [segment] = manifest().segments
    assert (segment.live, segment.model_copy(update={"dead": None}).live) == (1, 2)


@pytest.mark.parametrize(
    "key",
    [
        "../up",
        "a/../../up",
        "a/..",
        "/etc/passwd",
        "a//b",
        "a/./b",
        ".hidden",
        "a/.hidden",
        "A",
        "",
        "a\\b",
        "a" * 1025,
    ],
)
def test_file_whose_key_could_lead_out_of_the_collection_is_refused(key: str) -> None:
    """Keys of a manifest go to the store as they are: of a local one they are paths."""
    data = to_json(manifest()).replace(b'"key":"index"', b'"key":' + json.dumps(key).encode())
    with pytest.raises(IntegrityError, match="is not a Millrace manifest: at indexes"):
        from_json(data, "manifests/2.json")
