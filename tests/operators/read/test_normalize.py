import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.read.normalize import Document, normalize
from operators.read.record import Bad
from operators.read.spec import SourceSpec

SPEC = SourceSpec(format="jsonl", uri="a", text=("title", "text"), metadata=("lang",))


def _taken(spec=SPEC, **value):
    return normalize({"_id": "a", "text": "good", **value}, spec)


@given(title=st.text(), text=st.text(st.characters(categories=("L", "M", "N", "P", "Z")), min_size=1))
def test_normalize_text_is_kept_character_for_character(title, text):
    taken = _taken(title=title, text=text)
    if isinstance(taken, Document):
        kept = [part for part in (title, text) if part.strip()]
        assert taken.text == " ".join(kept)
    else:
        assert taken.reason in {"control_characters", "empty_text"}


@pytest.mark.parametrize(
    ("title", "text", "joined"),
    [("A", "b", "A b"), (" \n", "b", "b"), (None, "b", "b"), ("A", "", "A"), (" A", "b\t", " A b\t")],
)
def test_normalize_joins_the_fields_that_hold_text(title, text, joined):
    assert _taken(title=title, text=text).text == joined


def test_normalize_joins_with_what_the_spec_says():
    spec = SPEC.model_copy(update={"join": ""})
    assert _taken(spec, title="A", text="b").text == "Ab"


@pytest.mark.parametrize(
    ("doc_id", "reason"),
    [
        (None, "missing_id"),
        ("", "missing_id"),
        (True, "id_not_string"),
        (1.5, "id_not_string"),
        (["a"], "id_not_string"),
        ("x" * 1025, "id_too_long"),
        ("한" * 342, "id_too_long"),
        ("a\ud800", "lone_surrogate"),
        ("a\0", "control_characters"),
    ],
)
def test_normalize_id_that_is_none_is_rejected(doc_id, reason):
    bad = _taken(_id=doc_id)
    assert (bad.reason, bad.doc_id) == (reason, None)


def test_normalize_record_without_the_id_field_is_rejected():
    assert normalize({"text": "good"}, SPEC).reason == "missing_id"


@pytest.mark.parametrize(
    ("doc_id", "kept"), [("x" * 1024, "x" * 1024), ("한" * 341, "한" * 341), (7, "7"), (0, "0"), (-3, "-3")]
)
def test_normalize_id_at_the_limit_or_an_integer_is_taken(doc_id, kept):
    assert _taken(_id=doc_id).doc_id == kept


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, "missing_text"),
        ({"text": None}, "null_text"),
        ({"title": None, "text": None}, "null_text"),
        ({"text": ""}, "empty_text"),
        ({"text": "\u2003\n"}, "empty_text"),
        ({"title": "", "text": None}, "empty_text"),
        ({"text": 5}, "text_not_string"),
        ({"title": "good", "text": ["b"]}, "text_not_string"),
        ({"text": "a\ud800b"}, "lone_surrogate"),
        ({"text": "a\x00b"}, "control_characters"),
        ({"text": "a\x1bb"}, "control_characters"),
        ({"text": "good", "lang": "\udfff"}, "lone_surrogate"),
    ],
)
def test_normalize_without_usable_text_is_rejected_with_the_id(fields, reason):
    bad = normalize({"_id": "a", **fields}, SPEC)
    assert isinstance(bad, Bad)
    assert (bad.reason, bad.doc_id) == (reason, "a")


def test_normalize_white_space_controls_and_characters_above_them_are_kept():
    text = "a\t\n\v\f\r\x7f\x85\u200b\ufeff\U0001f600b"
    assert _taken(text=text).text == text


def test_normalize_details_name_place_and_kind_and_never_the_text():
    surrogate = _taken(text="secret \ud8ff")
    assert surrogate.detail == "text: U+D8FF at character 8"
    assert _taken(text="\tsecret\n\x07").detail == "text: U+0007 at character 9"
    assert _taken(text=["secret"]).detail == "expected a string in field text, got list"


@pytest.mark.parametrize(("length", "truncated"), [(9, False), (10, False), (11, True)])
def test_normalize_text_over_the_limit_is_cut_and_marked(length, truncated):
    taken = _taken(SPEC.model_copy(update={"max_characters": 10}), text="x" * length)
    assert (len(taken.text), taken.truncated) == (min(length, 10), truncated)


@pytest.mark.parametrize(
    ("value", "kept"),
    [("ko", "ko"), ("", ""), (None, None), (3, "3"), (True, "true"), ({"b": ["é", 1.5]}, '{"b":["é",1.5]}')],
)
def test_normalize_metadata_are_strings_as_they_are_and_others_compact_json(value, kept):
    assert _taken(lang=value).metadata == (kept,)
    assert _taken().metadata == (None,)


def test_normalize_metadata_nested_without_end_is_rejected_and_raises_nothing():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    assert _taken(lang=deep).reason == "unreadable_value"
