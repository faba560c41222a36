import pytest
from pydantic import ValidationError

from operators.read.spec import SourceSpec


def test_source_spec_names_given_as_strings_become_tuples():
    spec = SourceSpec(format="jsonl", uri="a.jsonl", text="body", metadata="lang")
    assert (spec.uri, spec.text, spec.metadata) == (("a.jsonl",), ("body",), ("lang",))


def test_source_spec_names_given_as_lists_equal_names_given_as_tuples():
    listed = SourceSpec.model_validate({"format": "csv", "uri": ["a", "b"], "text": ["title", "text"]})
    assert listed == SourceSpec(format="csv", uri=("a", "b"), text=("title", "text"))


def test_source_spec_json_schema_allows_a_string_and_a_list_for_uri():
    kinds = {option["type"] for option in SourceSpec.model_json_schema()["properties"]["uri"]["anyOf"]}
    assert kinds == {"string", "array"}


@pytest.mark.parametrize(
    "fields",
    [
        {"format": "xml"},
        {"uri": []},
        {"uri": ""},
        {"text": []},
        {"text": ["title", "title"]},
        {"id": ""},
        {"max_characters": 0},
        {"colour": "red"},
    ],
)
def test_source_spec_with_an_impossible_value_is_refused_at_its_field(fields):
    with pytest.raises(ValidationError) as caught:
        SourceSpec.model_validate({"format": "jsonl", "uri": "a.jsonl", **fields})
    assert caught.value.errors()[0]["loc"][0] == next(iter(fields))


def test_documents_identity_of_another_place_is_the_same_and_of_other_fields_is_not():
    spec = SourceSpec(format="jsonl", uri="a.jsonl")
    assert spec.model_copy(update={"uri": ("b.jsonl",)}).documents_identity() == spec.documents_identity()
    for change in ({"text": ("title", "text")}, {"join": "\n"}, {"metadata": ("lang",)}, {"max_characters": 10}):
        assert spec.model_copy(update=change).documents_identity() != spec.documents_identity()


def test_fields_named_twice_are_read_once():
    spec = SourceSpec(format="csv", uri="a", id="id", text=("title", "text"), metadata=("title", "id", "lang"))
    assert spec.fields() == ("id", "title", "text", "lang")
