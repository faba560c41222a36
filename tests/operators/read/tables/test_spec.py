import pytest
from pydantic import ValidationError

from operators.read.spec import SourceSpec

POSTGRES = {"format": "postgres", "uri": "postgresql://reader@db/library", "table": {"name": "articles"}}


def _problem(**fields):
    with pytest.raises(ValidationError) as caught:
        SourceSpec.model_validate({**POSTGRES, **fields})
    return str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"table": None}, "expected table.name or table.query with format postgres"),
        ({"table": {"name": "a", "query": "SELECT 1"}}, "expected a name or a query, got both"),
        ({"table": {"name": "a", "version": 3}}, "table.version: format postgres does not know it; it knows"),
        ({"table": {"name": "a", "shards": 0}}, "greater than or equal to 1"),
        ({"table": {"name": "a", "colour": "red"}}, "Extra inputs"),
        ({"uri": ["postgresql://a/b", "postgresql://c/d"]}, "expected one address with format postgres, got 2"),
        ({"uri": "mysql://db/library"}, "starts with postgresql:// or postgres://, or env:NAME"),
        ({"uri": "env:not a name"}, "name of an environment variable"),
        ({"format": "jsonl"}, "table: expected only with the formats postgres, mongo, delta, iceberg, lance"),
        ({"format": "delta", "uri": "/t", "table": {"watermark": "at"}}, "table.watermark: format delta does not know"),
        ({"format": "mongo", "uri": "mongodb://h/d", "table": None}, "expected table.name with format mongo"),
    ],
)
def test_source_spec_table_that_does_not_fit_is_refused_with_what_was_expected(fields, message):
    assert message in _problem(**fields)


@pytest.mark.parametrize(
    "uri",
    [
        "postgresql://reader:hunter2@db/library",
        "postgresql://reader:hunt@er2@db/library",
        "postgresql://db/library?user=reader&password=hunter2",
        "postgresql://db/library?PASSWORD=hunter2",
    ],
)
def test_source_spec_password_in_an_address_is_refused_and_not_repeated(uri):
    problem = _problem(uri=uri)
    assert "it holds a password" in problem
    assert "env:DATABASE_URL" in problem
    assert "er2" not in problem


def test_source_spec_address_is_not_repeated_where_another_field_is_wrong():
    assert "library" not in _problem(max_characters=0)


def test_source_spec_secret_among_the_options_is_refused_and_not_repeated():
    given = {
        "format": "iceberg",
        "uri": "http://catalog",
        "table": {"name": "a.b", "options": {"s3.secret-access-key": "hunter2"}},
    }
    problem = _problem(**given)
    assert "table.options.s3.secret-access-key: expected env:NAME" in problem
    assert "hunter2" not in problem


def test_source_spec_of_a_table_read_again_from_its_json_is_the_same():
    for fields in (
        POSTGRES,
        {"format": "delta", "uri": "/t"},
        {"format": "delta", "uri": "/t", "table": {"version": 0}},
        {"format": "iceberg", "uri": "sqlite:///c.db", "table": {"name": "a.b", "options": {"warehouse": "/w"}}},
    ):
        spec = SourceSpec.model_validate(fields)
        assert SourceSpec.model_validate_json(spec.model_dump_json()) == spec


def test_documents_identity_is_the_same_wherever_the_table_lies_and_however_it_is_read():
    spec = SourceSpec.model_validate(POSTGRES)
    other = {**POSTGRES, "uri": "env:DB", "table": {"query": "SELECT * FROM a", "watermark": "at", "shards": 9}}
    assert SourceSpec.model_validate(other).documents_identity() == spec.documents_identity()
