"""Databases for tests: a private one for each, and what is done to it between two nights."""

import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg

from operators.read.tables.postgres import PostgresTable
from tests.operators.read.sources import source
from tests.postgres_server import PostgresServer

VARIABLE = "MILLRACE_TEST_DATABASE"
ADDRESS = f"env:{VARIABLE}"
ARTICLES = """
CREATE TABLE articles (id integer PRIMARY KEY, title text, body text, lang text, updated_at timestamptz DEFAULT now());
INSERT INTO articles (id, title, body, lang, updated_at)
SELECT n, 'title ' || n, repeat('words of text ' || n || ' ', 20), 'en', '2026-01-01'::timestamptz + n * interval '1 s'
FROM generate_series(1, 2000) AS n;
"""


@contextmanager
def database(server: PostgresServer) -> Iterator[psycopg.Connection]:
    """An empty database, named by the environment variable, and a connection to change it with."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(server.address(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = server.address(name)
    try:
        options = "-c timezone=UTC -c datestyle=ISO"
        with psycopg.connect(server.address(name), autocommit=True, options=options) as connection:
            yield connection
    finally:
        os.environ.pop(VARIABLE)
        if before is not None:
            os.environ[VARIABLE] = before


def articles(**table):
    """The recipe's source of the table of articles."""
    fields = {"id": "id", "text": ["title", "body"], "metadata": "lang"}
    return source("postgres", ADDRESS, table={"name": "articles", **table}, **fields)


def four_at_a_time(task, shards):
    """A `Copy` by threads."""
    with ThreadPoolExecutor(4) as pool:
        yield from pool.map(task, shards)


def counting(monkeypatch):
    """The names of the shards that any connection copies."""
    names, copy = [], PostgresTable.copy
    monkeypatch.setattr(PostgresTable, "copy", lambda self, shard: names.append(shard.name) or copy(self, shard))
    return names
