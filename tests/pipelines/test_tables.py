"""Nights of a Postgres table, end to end: changes, a bad night, an increment, deletions that only a full pass sees."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from operators.core.errors import GateError
from operators.core.storage import open_store
from operators.publish.chain import read_manifest
from operators.publish.rollback import rollback
from pipelines.summary import Summary
from tests.operators.read.tables.databases import ADDRESS, VARIABLE, database
from tests.pipelines.inline import contents, index_inline
from tests.postgres_server import PostgresServer


@pytest.fixture
def mill(postgres: PostgresServer) -> Iterator[psycopg.Connection]:
    """A database with a table of a hundred documents; the recipe finds it in the environment."""
    with database(postgres) as connection:
        connection.execute("CREATE TABLE mill (id bigint PRIMARY KEY, text text, changed timestamptz DEFAULT now())")
        connection.execute("INSERT INTO mill SELECT n, 'grain number ' || n FROM generate_series(1, 100) n")
        yield connection


def table(mill: psycopg.Connection) -> dict[str, str]:
    return {str(number): text for number, text in mill.execute("SELECT id, text FROM mill")}


def night(folder: Path, *overrides: str, **more: Any) -> Summary:
    source = {"format": "postgres", "uri": ADDRESS, "id": "id", "text": "text"}
    return index_inline(folder, *overrides, source={**source, "table": {"name": "mill", **more}})


def counts(summary: Summary) -> tuple[int, ...]:
    return summary.added, summary.updated, summary.deleted, summary.unchanged, summary.encoded


def test_nights_of_a_table_hold_its_rows_and_encode_what_changed(mill: psycopg.Connection, tmp_path: Path) -> None:
    assert counts(night(tmp_path)) == (100, 0, 0, 0, 100)
    assert night(tmp_path).published_before
    mill.execute("UPDATE mill SET text = 'flour ' || id WHERE id <= 3")
    mill.execute("DELETE FROM mill WHERE id > 96")
    mill.execute("INSERT INTO mill VALUES (200, 'a new stone')")
    summary = night(tmp_path)
    assert counts(summary) == (1, 3, 4, 93, 4)
    assert contents(summary.uri) == table(mill)


def test_bad_night_of_a_table_is_stopped_and_the_mended_table_is_looked_at(
    mill: psycopg.Connection, tmp_path: Path
) -> None:
    first = night(tmp_path)
    mill.execute("CREATE TABLE saved AS SELECT * FROM mill")
    mill.execute("DELETE FROM mill WHERE id % 2 = 0")
    with pytest.raises(GateError, match="50 of 100 documents"):
        night(tmp_path)
    with pytest.raises(GateError, match="50 of 100 documents"):
        night(tmp_path)
    mill.execute("INSERT INTO mill SELECT * FROM saved WHERE id % 2 = 0")
    mill.execute("UPDATE mill SET text = 'mended' WHERE id = 7")
    summary = night(tmp_path)
    assert counts(summary) == (0, 1, 0, 99, 1)
    assert contents(summary.uri) == table(mill)
    assert contents(summary.uri, first.snapshot)["7"] == "grain number 7"


def test_rollback_of_a_night_is_undone_by_the_next_one(mill: psycopg.Connection, tmp_path: Path) -> None:
    first = night(tmp_path)
    mill.execute("UPDATE mill SET text = 'spoilt' WHERE id = 5")
    night(tmp_path)
    store = open_store(first.uri)
    rollback(store, 1, datetime.now(UTC))
    assert contents(first.uri) == contents(first.uri, 1)
    again = night(tmp_path)
    assert again.snapshot == 4
    assert contents(again.uri) == table(mill)
    assert read_manifest(store, 3).restores == 1


def test_night_by_watermark_takes_changes_and_leaves_deletions_to_the_full_pass(
    mill: psycopg.Connection, tmp_path: Path
) -> None:
    watermark = {"watermark": "changed", "overlap": 60, "full_every_days": 7}
    night(tmp_path, **watermark)
    mill.execute("UPDATE mill SET text = 'newer ' || id, changed = now() + interval '1 hour' WHERE id <= 2")
    mill.execute("DELETE FROM mill WHERE id = 50")
    second = night(tmp_path, **watermark)
    assert second.deleted == 0
    assert contents(second.uri) == {**table(mill), "50": "grain number 50"}
    assert {contents(second.uri)[each] for each in ("1", "2")} == {"newer 1", "newer 2"}
    mill.execute("UPDATE mill SET text = 'newest 1', changed = now() + interval '2 hours' WHERE id = 1")
    third = night(tmp_path, **watermark)
    assert contents(third.uri)["1"] == "newest 1"
    later = datetime.now(UTC) + timedelta(days=8)
    with patch("operators.read.tables.listing.datetime", wraps=datetime) as clock:
        clock.now.return_value = later
        fourth = night(tmp_path, **watermark)
    assert fourth.deleted == 1
    assert contents(fourth.uri) == table(mill)
    assert fourth.encoded == 0


def test_secrets_of_a_table_stay_out_of_the_collection(mill: psycopg.Connection, tmp_path: Path) -> None:
    summary = night(tmp_path)
    assert "p%40ss" in os.environ[VARIABLE]
    for file in Path(summary.uri).rglob("*"):
        if file.is_file():
            assert b"p%40ss" not in file.read_bytes()
            assert b"p@ss/word" not in file.read_bytes()
