import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from multiprocessing import get_context
from random import Random

import pytest

pytest.importorskip("psycopg", reason="pip install 'millrace[postgres]'")

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from operators.core import columns
from operators.core.errors import StoreError, UsageError
from operators.read.tables import postgres_blocks, postgres_rows, staging
from operators.read.tables.listing import list_table
from operators.read.tables.postgres import PostgresTable
from tests.operators.read.sources import source
from tests.operators.read.tables.corpus import read, store, texts
from tests.operators.read.tables.databases import ADDRESS, ARTICLES, articles, counting, database, four_at_a_time


@pytest.fixture
def db(postgres):
    with database(postgres) as connection:
        yield connection


@pytest.fixture
def small(monkeypatch):
    """Shards of as few pages as there may be, so that a small table has several."""
    monkeypatch.setattr(postgres_blocks, "SHARD_BYTES", 1)


def _oracle(db, where="true"):
    rows = db.execute(f"SELECT id::text, title || ' ' || body FROM articles WHERE {where}").fetchall()
    return dict(rows)


def test_list_postgres_table_reads_every_row_in_shards_of_pages(db, tmp_path, small):
    db.execute(ARTICLES)
    listing = list_table(articles(), store(tmp_path), copy=four_at_a_time)
    assert len(listing.inputs) > 3
    assert not listing.keeps_earlier
    assert texts(articles(), listing) == _oracle(db)
    documents, rejects = read(articles(), listing)
    assert documents.num_rows == 2000
    assert rejects.num_rows == 0


def test_list_postgres_while_rows_change_every_shard_shows_the_same_moment(db, tmp_path, small):
    """A writer moves money between rows, deletes and inserts: the sum and the number of rows never change."""
    db.execute("CREATE TABLE accounts (id integer PRIMARY KEY, money text, filler text) WITH (fillfactor = 50)")
    db.execute("INSERT INTO accounts SELECT n, '100', repeat('x', 300) FROM generate_series(1, 3000) AS n")
    stop, moved = threading.Event(), []

    def write():
        with psycopg.connect(db.info.dsn, password=db.info.password, autocommit=True) as other:
            while not stop.is_set():
                with other.transaction():
                    one, two = (len(moved) * 7919 % 3000 + 1, len(moved) * 104729 % 2999 + 1)
                    other.execute("UPDATE accounts SET money = (money::int - 1)::text WHERE id = %s", [one])
                    other.execute("UPDATE accounts SET money = (money::int + 1)::text WHERE id = %s", [two])
                    other.execute("DELETE FROM accounts WHERE id = %s", [two + 10_000])
                    other.execute("UPDATE accounts SET id = id + 10000 WHERE id = %s", [two])
                    other.execute("UPDATE accounts SET id = id - 10000 WHERE id = %s", [two + 10_000])
                moved.append(one)

    def copy(task, shards):
        assert len(shards) > 8
        for shard in shards:
            before = len(moved)
            yield task(shard)
            while len(moved) < before + 20:
                assert writer.is_alive()

    spec = source("postgres", ADDRESS, id="id", text="money", table={"name": "accounts"})
    writer = threading.Thread(target=write)
    writer.start()
    try:
        listing = list_table(spec, store(tmp_path), copy=copy)
    finally:
        stop.set()
        writer.join()
    documents, _ = read(spec, listing)
    assert len(moved) > 160
    assert sorted(map(int, documents["doc_id"].to_pylist())) == list(range(1, 3001))
    assert sum(map(int, documents["text"].to_pylist())) == 300_000


def test_list_postgres_unchanged_table_is_the_same_token_and_copies_nothing(db, tmp_path, small, monkeypatch):
    db.execute(ARTICLES)
    before = list_table(articles(), store(tmp_path))
    copied = counting(monkeypatch)
    # What changes no row: vacuum, statistics, indexes, other tables.
    for command in (
        "VACUUM FREEZE articles",
        "ANALYZE",
        "CREATE INDEX ON articles (lang)",
        "CREATE TABLE x AS SELECT 1",
    ):
        db.execute(command)
    after = list_table(articles(), store(tmp_path), before.state)
    assert copied == []
    assert after.inputs == before.inputs
    assert after.state.token == before.state.token


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE articles SET body = 'new' WHERE id = 7",
        "DELETE FROM articles WHERE id = 7",
        "INSERT INTO articles (id, title, body) VALUES (0, 'a', 'b')",
        "WITH gone AS (DELETE FROM articles WHERE id = 7) INSERT INTO articles (id, title, body) VALUES (-7, 'a', 'b')",
        "ALTER TABLE articles DROP COLUMN lang; ALTER TABLE articles ADD COLUMN lang text DEFAULT 'ko'",
        "UPDATE articles SET lang = 'ko' WHERE id = 2000",
        "ALTER TABLE articles RENAME COLUMN lang TO x; ALTER TABLE articles RENAME COLUMN updated_at TO lang",
    ],
)
def test_list_postgres_any_change_is_another_token_and_is_read(db, tmp_path, small, change):
    db.execute(ARTICLES)
    before = list_table(articles(), store(tmp_path))
    db.execute(change)
    after = list_table(articles(), store(tmp_path), before.state)
    assert after.state.token != before.state.token
    rows = db.execute("SELECT id::text, title || ' ' || body, lang::text FROM articles").fetchall()
    documents, _ = read(articles(), after)
    found = zip(*(documents[name].to_pylist() for name in ("doc_id", "text", columns.metadata("lang"))), strict=True)
    assert sorted(found) == sorted(rows)


def test_list_postgres_row_in_the_very_place_of_a_deleted_one_is_read(db, tmp_path):
    db.execute(ARTICLES)
    [(place,)] = db.execute("SELECT ctid::text FROM articles WHERE id = 7").fetchall()
    before = list_table(articles(), store(tmp_path))
    db.execute("DELETE FROM articles WHERE id = 7")
    db.execute("VACUUM (INDEX_CLEANUP on) articles")
    db.execute("INSERT INTO articles (id, title, body) VALUES (7, 'another', repeat('text ', 20))")
    assert db.execute("SELECT ctid::text FROM articles WHERE id = 7").fetchall() == [(place,)]
    after = list_table(articles(), store(tmp_path), before.state)
    assert texts(articles(), after) == _oracle(db)


def test_list_postgres_commit_that_comes_late_is_not_taken_for_known(db, tmp_path):
    """A transaction that began before the last night and ends after it: no greatest transaction number tells."""
    db.execute(ARTICLES)
    with psycopg.connect(db.info.dsn, password=db.info.password) as slow:
        slow.execute("UPDATE articles SET body = 'late' WHERE id = 7")
        db.execute("UPDATE articles SET body = 'early' WHERE id = 8")
        before = list_table(articles(), store(tmp_path))
        slow.commit()
    after = list_table(articles(), store(tmp_path), before.state)
    assert after.state.token != before.state.token
    assert texts(articles(), after) == _oracle(db)


def test_list_postgres_after_a_restart_is_copied_again_and_lists_the_same_inputs(db, tmp_path, small, monkeypatch):
    """A promoted or restored server may give out transaction numbers again: what they tell ends with the server."""
    db.execute(ARTICLES)
    before = list_table(articles(), store(tmp_path))
    monkeypatch.setattr(postgres_blocks, "_SERVER", "SELECT 'started later', 1::int8")
    copied = counting(monkeypatch)
    after = list_table(articles(), store(tmp_path), before.state)
    assert len(copied) == len(before.inputs)
    assert after.inputs == before.inputs
    assert after.state.token != before.state.token


def test_list_postgres_change_on_some_pages_copies_those_and_no_other(db, tmp_path, small, monkeypatch):
    db.execute(ARTICLES)
    before = list_table(articles(), store(tmp_path))
    copied = counting(monkeypatch)
    db.execute("DELETE FROM articles WHERE id = 5")
    after = list_table(articles(), store(tmp_path), before.state)
    assert len(copied) == 1
    assert len(set(after.inputs) - set(before.inputs)) == 1
    assert "5" not in texts(articles(), after)


def test_list_postgres_random_nights_always_equal_the_table(db, tmp_path, small):
    random = Random(7)
    db.execute(ARTICLES)
    state = None
    some = "id IN (SELECT id FROM articles WHERE id % 97 = {})"
    changes = (
        f"UPDATE articles SET body = body || '{{}}' WHERE {some}",
        f"UPDATE articles SET updated_at = now() WHERE {some}",
        f"DELETE FROM articles WHERE {some}",
        "INSERT INTO articles (id, title, body) SELECT max(id) + 1, 'new', 'text {}' FROM articles",
        "VACUUM articles",
        "VACUUM FULL articles",
        "CLUSTER articles USING articles_pkey",
        f"BEGIN; DELETE FROM articles WHERE {some}; ROLLBACK",
    )
    for _ in range(30):
        for change in random.choices(changes, k=2):
            db.execute(change.replace("{}", str(random.randrange(97))))
        listing = list_table(articles(), store(tmp_path), state)
        state = listing.state
        assert texts(articles(), listing) == _oracle(db)


def test_stage_postgres_in_other_processes_joins_the_snapshot(db, tmp_path, small):
    db.execute(ARTICLES)
    expected = _oracle(db)

    def copy(task, shards):
        db.execute("UPDATE articles SET body = 'after'")
        with ProcessPoolExecutor(2, get_context("spawn")) as pool:
            yield from pool.map(task, shards)

    assert texts(articles(), list_table(articles(), store(tmp_path), copy=copy)) == expected


def test_list_postgres_partitioned_table_reads_its_partitions(db, tmp_path, small, monkeypatch):
    db.execute(
        "CREATE TABLE articles (id int, title text, body text, lang text) PARTITION BY LIST (lang);"
        "CREATE TABLE en PARTITION OF articles FOR VALUES IN ('en');"
        "CREATE TABLE others PARTITION OF articles DEFAULT PARTITION BY HASH (id);"
        "CREATE TABLE odd PARTITION OF others FOR VALUES WITH (modulus 2, remainder 0);"
        "CREATE TABLE even PARTITION OF others FOR VALUES WITH (modulus 2, remainder 1);"
        "INSERT INTO articles SELECT n, 't' || n, 'b', CASE n % 2 WHEN 0 THEN 'en' ELSE 'ko' END FROM generate_series(1, 99) n"
    )
    before = list_table(articles(), store(tmp_path))
    assert len(before.inputs) == 3
    assert texts(articles(), before) == _oracle(db)
    copied = counting(monkeypatch)
    db.execute("UPDATE articles SET lang = 'ko' WHERE id = 2")
    after = list_table(articles(), store(tmp_path), before.state)
    assert len(copied) == 2
    assert texts(articles(), after) == _oracle(db)


def test_list_postgres_view_is_copied_every_night_and_the_same_rows_are_the_same_inputs(db, tmp_path, monkeypatch):
    db.execute(ARTICLES + "CREATE VIEW recent AS SELECT * FROM articles WHERE id > 1000")
    spec = articles(name="recent", shards=4)
    before = list_table(spec, store(tmp_path), copy=four_at_a_time)
    assert len(before.inputs) == 4
    assert texts(spec, before) == _oracle(db, "id > 1000")
    copied = counting(monkeypatch)
    # Written anew elsewhere: in the order of the ids it is still the same.
    db.execute("UPDATE articles SET lang = lang WHERE id % 3 = 0")
    after = list_table(spec, store(tmp_path), before.state)
    assert len(copied) == 4
    assert after.inputs == before.inputs
    assert after.state.token == before.state.token


def test_list_postgres_query_and_shards_by_a_key_with_nulls_read_every_row_once(db, tmp_path):
    db.execute(ARTICLES + "UPDATE articles SET lang = CASE WHEN id % 5 = 0 THEN NULL ELSE 'l' || id % 7 END")
    query = "SELECT id, title, body, lang FROM articles WHERE body LIKE '%text%' -- all of them\n;"
    spec = articles(name=None, query=query, shards=5, shard_key="lang")
    listing = list_table(spec, store(tmp_path))
    documents, _ = read(spec, listing)
    assert len(listing.inputs) > 2
    assert documents.num_rows == 2000
    assert texts(spec, listing) == _oracle(db)


def test_list_postgres_type_that_can_be_redefined_is_copied_every_night(db, tmp_path):
    """To rename a label of an enum changes what rows say, and no row."""
    db.execute(
        "CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE articles (id int, title mood[], body text, lang mood)"
    )
    db.execute("INSERT INTO articles VALUES (1, '{sad}', 'text', 'sad')")
    spec = source("postgres", ADDRESS, id="id", text="body", metadata=["lang", "title"], table={"name": "articles"})
    before = list_table(spec, store(tmp_path))
    db.execute("ALTER TYPE mood RENAME VALUE 'sad' TO 'blue'")
    after = list_table(spec, store(tmp_path), before.state)
    documents, _ = read(spec, after)
    assert documents[columns.metadata("lang")].to_pylist() == ["blue"]
    assert after.state.token != before.state.token


def test_list_postgres_values_keep_their_form_whatever_the_servers_settings(db, tmp_path):
    db.execute(
        "CREATE TABLE odd (_id bigint, text text, f float8, r real, b bool, n numeric, t timestamptz, d date, j jsonb, a int[], x bytea);"
        "INSERT INTO odd VALUES (9223372036854775807, 'line\u2028é\U0001f600', 'NaN', 0.5, true, 1.50, "
        "'2026-01-02 03:04:05.678+00', '2026-01-02', '{\"k\": [1]}', '{1,NULL}', '\\xff00'), (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"
    )
    names = ["f", "r", "b", "n", "t", "d", "j", "a", "x"]
    spec = source("postgres", ADDRESS, metadata=names, table={"name": "odd"})
    documents, rejects = read(spec, list_table(spec, store(tmp_path)))
    assert documents["doc_id"].to_pylist() == ["9223372036854775807"]
    assert documents["text"].to_pylist() == ["line\u2028é\U0001f600"]
    assert [documents[columns.metadata(name)][0].as_py() for name in names] == [
        "NaN",
        "0.5",
        "true",
        "1.50",
        "2026-01-02 03:04:05.678+00",
        "2026-01-02",
        '{"k": [1]}',
        "[1,null]",
        "\\xff00",
    ]
    assert rejects["reason"].to_pylist() == ["null_text"]


def test_list_postgres_ids_of_any_sound_type_become_their_text(db, tmp_path):
    for number, (kind, value) in enumerate(
        {"uuid": "123e4567-e89b-12d3-a456-426614174000", "varchar(9)": "x", "numeric": "7"}.items()
    ):
        db.execute(f"CREATE TABLE t{number} (_id {kind}, text text); INSERT INTO t{number} VALUES ('{value}', 'text')")
        spec = source("postgres", ADDRESS, table={"name": f"t{number}"})
        assert list(texts(spec, list_table(spec, store(tmp_path)))) == [value]


def test_list_postgres_large_texts_come_in_batches_of_some_megabytes(db, tmp_path, monkeypatch):
    monkeypatch.setattr(postgres_rows, "_BATCH", 1 << 20)
    monkeypatch.setattr(staging, "_ROW_GROUP", 4 << 20)
    db.execute("CREATE TABLE large (_id int, text text)")
    db.execute("INSERT INTO large SELECT n, repeat(md5(n::text), 1000) FROM generate_series(1, 600) AS n")
    spec = source("postgres", ADDRESS, table={"name": "large"})
    with closing(PostgresTable(spec)) as table:
        [shard] = table.pin(None).shards
        sizes = [batch.nbytes for batch in table.copy(shard)]
    assert max(sizes) < 3 << 20
    listing = list_table(spec, store(tmp_path))
    assert pq.ParquetFile(listing.inputs[0].path).num_row_groups > 3
    assert pa.compute.sum(pa.compute.utf8_length(read(spec, listing)[0]["text"])).as_py() == 600 * 32_000


def test_list_postgres_copy_interrupted_half_way_goes_on_with_the_rest(db, tmp_path, small, monkeypatch):
    db.execute(ARTICLES)
    copied = counting(monkeypatch)

    def three(task, shards):
        for shard in shards[:3]:
            yield task(shard)
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        list_table(articles(), store(tmp_path), copy=three)
    listing = list_table(articles(), store(tmp_path))
    assert len(copied) == len(set(copied)) == len(listing.inputs)
    assert texts(articles(), listing) == _oracle(db)


def test_copy_postgres_when_the_pinned_snapshot_is_gone_says_to_run_again(db):
    db.execute(ARTICLES)
    table = PostgresTable(articles())
    [shard, *_] = table.pin(None).shards
    table.close()
    with pytest.raises(StoreError, match=r"snapshot that the run pinned is gone.* Run again"):
        next(PostgresTable(articles()).copy(shard))


def test_list_postgres_empty_table_has_no_inputs(db, tmp_path):
    db.execute("CREATE TABLE articles (id int, title text, body text, lang text)")
    assert list_table(articles(), store(tmp_path)).inputs == ()


def test_list_postgres_wrong_names_say_what_there_is(db, tmp_path):
    db.execute(ARTICLES)
    for spec, message in (
        (articles(name="papers"), r"articles.*|no such table"),
        (articles(name="pa'pers; --"), "Postgres env:"),
        (
            source("postgres", ADDRESS, text="bodi", table={"name": "articles"}),
            r"no column _id and no column bodi: .* found id, title, body, lang, updated_at",
        ),
        (articles(watermark="changed"), r"no column changed"),
        (articles(watermark="body"), r"column body is of type text, and table\.watermark expects one of timestamptz"),
        (
            source("postgres", ADDRESS, id="id", text="updated_at", table={"name": "articles"}),
            r"updated_at is of type timestamptz, and source\.text expects a string",
        ),
        (
            source("postgres", ADDRESS, id="updated_at", text="body", table={"name": "articles"}),
            r"source\.id expects an integer",
        ),
        (articles(name=None, query="SELECT nothing FROM articles"), "UndefinedColumn"),
    ):
        with pytest.raises(UsageError, match=message):
            list_table(spec, store(tmp_path))


def test_list_postgres_query_can_write_nothing(db, tmp_path):
    db.execute(ARTICLES)
    query = "WITH gone AS (DELETE FROM articles RETURNING *) SELECT * FROM gone"
    with pytest.raises((UsageError, StoreError)):
        list_table(articles(name=None, query=query), store(tmp_path))
    db.execute("CREATE FUNCTION wipe() RETURNS int LANGUAGE sql AS 'DELETE FROM articles; SELECT 1'")
    with pytest.raises((UsageError, StoreError), match="read-only transaction"):
        list_table(articles(name=None, query="SELECT *, wipe() FROM articles"), store(tmp_path))
    assert db.execute("SELECT count(*) FROM articles").fetchone() == (2000,)


def test_list_postgres_without_the_right_to_read_says_what_to_grant(db, postgres, tmp_path, monkeypatch):
    db.execute(ARTICLES + "DROP ROLE IF EXISTS reader; CREATE ROLE reader LOGIN PASSWORD 'hunter2'")
    monkeypatch.setenv("READER", f"postgresql://reader:hunter2@127.0.0.1:{postgres.port}/{db.info.dbname}")
    with pytest.raises(StoreError, match=r"permission denied for table articles.* Grant the user SELECT"):
        list_table(articles().model_copy(update={"uri": ("env:READER",)}), store(tmp_path))


def test_list_postgres_errors_hold_no_secret(postgres, tmp_path, monkeypatch):
    secret = "hunter2"
    for address in (
        f"postgresql://postgres:{secret}@127.0.0.1:{postgres.port}/postgres",
        f"postgresql://postgres:{secret}@127.0.0.1:1/postgres",
        f"postgresql://postgres:{secret}@127.0.0.1:1/postgres?nonsense={secret}",
        f"postgresql://postgres:{secret}@{secret}:{secret}@127.0.0.1",
        f"host=127.0.0.1 port={postgres.port} user=postgres password='{secret}' nonsense",
        f"host=127.0.0.1 port={postgres.port} user=postgres password={secret}",
    ):
        monkeypatch.setenv("SECRET_DB", address)
        with pytest.raises((StoreError, UsageError), match="connect to Postgres env:SECRET_DB") as caught:
            list_table(source("postgres", "env:SECRET_DB", table={"name": "articles"}), store(tmp_path))
        assert secret not in str(caught.value)
        assert caught.value.__suppress_context__


def test_list_postgres_address_from_a_variable_that_is_not_set_names_it(tmp_path):
    with pytest.raises(UsageError, match=r"environment variable NO_SUCH_DB.*not set"):
        list_table(source("postgres", "env:NO_SUCH_DB", table={"name": "articles"}), store(tmp_path))


def test_list_postgres_takes_the_variables_of_libpq(db, postgres, tmp_path, monkeypatch):
    db.execute(ARTICLES)
    for name, value in {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres.port),
        "PGUSER": "postgres",
        "PGPASSWORD": postgres.password,
        "PGDATABASE": db.info.dbname,
    }.items():
        monkeypatch.setenv(name, value)
    spec = articles().model_copy(update={"uri": ("postgresql://",)})
    assert len(texts(spec, list_table(spec, store(tmp_path)))) == 2000
