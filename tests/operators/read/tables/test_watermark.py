from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("psycopg", reason="pip install 'millrace[postgres]'")

from operators.read.tables.listing import TableListing, list_table
from tests.operators.read.tables.corpus import read, store, texts
from tests.operators.read.tables.databases import ARTICLES, articles, counting, database

START = datetime(2026, 1, 2, tzinfo=UTC)
SPEC = articles(watermark="updated_at", overlap=60)


@pytest.fixture
def db(postgres):
    with database(postgres) as connection:
        connection.execute(ARTICLES)
        yield connection


@pytest.fixture
def nights(tmp_path):
    return Nights(tmp_path)


class Nights:
    """What the pipeline does with listings night after night: earlier inputs stay where it is told so."""

    def __init__(self, folder):
        self.store, self.state, self.inputs, self.day = store(folder), None, (), 0

    def next(self, spec=SPEC, days=1):
        self.day += days
        now = START + timedelta(days=self.day)
        listing = list_table(spec, self.store, self.state, now=now)
        self.state = listing.state
        earlier = [each for each in self.inputs if each.path not in {file.path for file in listing.inputs}]
        self.inputs = (*listing.inputs, *(earlier if listing.keeps_earlier else ()))
        return listing

    def texts(self, spec=SPEC):
        return texts(spec, TableListing(inputs=self.inputs, keeps_earlier=False, state=self.state))


def _oracle(db):
    return dict(db.execute("SELECT id::text, title || ' ' || body FROM articles").fetchall())


def _change(db, number, body, moment="(SELECT max(updated_at) + interval '1 hour' FROM articles)"):
    db.execute(f"UPDATE articles SET body = %s, updated_at = {moment} WHERE id = %s", [body, number])


def test_list_watermark_first_night_reads_all_and_the_second_what_changed_with_the_overlap(db, nights):
    assert not nights.next().keeps_earlier
    assert nights.state.watermark == "2026-01-01 00:33:20+00"
    _change(db, 7, "changed")
    listing = nights.next()
    assert listing.keeps_earlier
    assert nights.state.watermark == "2026-01-01 01:33:20+00"
    documents, _ = read(SPEC, listing)
    # 60 s of overlap with a row a second, and the changed one.
    assert sorted(map(int, documents["doc_id"].to_pylist())) == [7, *range(1940, 2001)]
    assert nights.texts() == _oracle(db)


def test_list_watermark_row_that_commits_late_within_the_overlap_is_read(db, nights):
    nights.next()
    db.execute("INSERT INTO articles VALUES (9001, 'in', 'overlap', 'en', '2026-01-01 00:32:30+00')")
    nights.next()
    assert nights.texts()["9001"] == "in overlap"


def test_list_watermark_row_without_a_value_is_read_every_night(db, nights):
    nights.next()
    db.execute("INSERT INTO articles VALUES (9001, 'no', 'moment', 'en', NULL)")
    nights.next()
    assert nights.texts()["9001"] == "no moment"


def test_list_watermark_deletions_are_seen_by_the_full_pass_and_not_before(db, nights):
    nights.next()
    db.execute("DELETE FROM articles WHERE id = 7")
    for _ in range(6):
        _change(db, 8, "changed")
        assert nights.next().keeps_earlier
        assert "7" in nights.texts()
    assert not nights.next().keeps_earlier
    assert nights.texts() == _oracle(db)


def test_list_watermark_full_pass_is_due_by_days_even_where_no_night_had_changes(db, nights):
    nights.next()
    first = nights.state
    db.execute("DELETE FROM articles WHERE id = 7")
    for _ in range(6):
        assert nights.next().inputs == ()
        assert nights.state == first
    assert not nights.next().keeps_earlier
    assert nights.texts() == _oracle(db)


def test_list_watermark_full_pass_reads_again_only_the_files_that_are_others(db, nights, monkeypatch):
    before = nights.next()
    copied = counting(monkeypatch)
    assert nights.next(days=7).inputs == before.inputs
    assert copied == []


def test_list_watermark_clock_set_back_makes_a_full_pass(db, nights):
    nights.next()
    _change(db, 7, "changed")
    assert not nights.next(days=-1).keeps_earlier


def test_list_watermark_unchanged_table_copies_nothing_and_keeps_its_state(db, nights, monkeypatch):
    nights.next()
    _change(db, 7, "changed")
    nights.next()
    copied, state = counting(monkeypatch), nights.state
    listing = nights.next()
    assert (listing.inputs, listing.keeps_earlier, listing.state) == ((), True, state)
    assert copied == []


def test_list_watermark_view_without_changes_keeps_its_state_from_the_second_night_on(db, nights):
    db.execute("CREATE VIEW seen AS SELECT * FROM articles")
    spec = articles(name="seen", watermark="updated_at", overlap=60)
    nights.next(spec)
    _change(db, 7, "changed")
    assert nights.next(spec).inputs
    nights.next(spec)
    state = nights.state
    assert nights.next(spec).inputs == ()
    assert nights.state == state
    assert nights.texts(spec) == _oracle(db)


def test_list_watermark_row_dated_in_the_future_hides_no_change(db, nights):
    _change(db, 1, "far", "'infinity'")
    _change(db, 2, "far", "'2999-01-01'")
    nights.next()
    _change(db, 7, "changed now", "now()")
    nights.next()
    assert nights.texts() == _oracle(db)


def test_list_watermark_that_went_back_makes_a_full_pass(db, nights):
    """As a backup that was restored: what it changed is dated long ago."""
    nights.next()
    db.execute("DELETE FROM articles WHERE id > 1500")
    _change(db, 7, "older", "'2025-01-01'")
    assert not nights.next().keeps_earlier
    assert nights.texts() == _oracle(db)


def test_list_watermark_text_changed_and_changed_back_ends_as_it_is(db, nights):
    """The file of the third night holds what that of the first did: it must come before that of the second."""
    nights.next()
    for body in ("one", "two", "one", "two"):
        db.execute("UPDATE articles SET body = %s, updated_at = NULL WHERE id = 7", [body])
        nights.next()
        assert nights.texts()["7"] == f"title 7 {body}"


def test_list_watermark_may_be_a_number_that_grows(db, nights):
    db.execute("ALTER TABLE articles ADD COLUMN version int; UPDATE articles SET version = id")
    spec = articles(watermark="version", overlap=2.5)
    nights.next(spec)
    db.execute("UPDATE articles SET body = 'changed', version = 2001 WHERE id = 7")
    listing = nights.next(spec)
    assert sorted(texts(spec, listing)) == ["1997", "1998", "1999", "2000", "7"]
    assert nights.texts(spec) == _oracle(db)


def test_list_watermark_other_fields_than_before_read_all_again(db, nights):
    nights.next()
    _change(db, 7, "changed")
    other = articles(watermark="updated_at").model_copy(update={"text": ("title",)})
    assert not nights.next(other).keeps_earlier


def test_list_watermark_empty_table_that_fills_is_read_whole(db, nights):
    db.execute("CREATE TABLE copy AS SELECT * FROM articles; DELETE FROM articles")
    assert nights.next().inputs == ()
    db.execute("INSERT INTO articles SELECT * FROM copy")
    assert not nights.next().keeps_earlier
    assert nights.texts() == _oracle(db)
