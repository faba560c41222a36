"""A mistake in a recipe is one message: the dotted path, what was expected, the nearest valid key."""

from itertools import pairwise
from pathlib import Path

import pytest

from operators.core.errors import UsageError
from pipelines.load import load_recipe

GOOD = """
collection: wiki
store: ./store
source: {format: jsonl, uri: "./corpus/*.jsonl", text: [title, text]}
encoders:
  dense: {kind: dense, model: hashing, document_prompt: "passage: "}
"""
RECIPES = Path(__file__).parents[2] / "pipelines" / "recipes"


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD)
    return path


def _refusal(path: Path, *overrides: str) -> str:
    with pytest.raises(UsageError) as refused:
        load_recipe(path, overrides)
    assert refused.value.exit_code == 2
    return str(refused.value)


def test_load_recipe_good_file_holds_what_it_says(recipe: Path) -> None:
    loaded = load_recipe(recipe)
    assert loaded.collection == "wiki"
    assert loaded.source.text == ("title", "text")
    assert loaded.encoders["dense"].document_prompt == "passage: "
    assert loaded.publish.max_reject_ratio == 0.01


def test_load_recipe_override_changes_one_value(recipe: Path) -> None:
    loaded = load_recipe(recipe, ["publish.max_reject_ratio=0.2", "encoders.dense.query_prompt='query: '"])
    assert loaded.publish.max_reject_ratio == 0.2
    assert loaded.encoders["dense"].query_prompt == "query: "
    assert loaded.encoders["dense"].document_prompt == "passage: "


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("collectoin=x", "collectoin: unknown key; did you mean collection?"),
        ("source.urii=x", "source.urii: unknown key; did you mean uri?"),
        ("encoders.dense.max_lenght=5", "encoders.dense.max_lenght: unknown key; did you mean max_length?"),
        ("publish.zzz=1", "publish.zzz: unknown key; expected one of max_reject_ratio, max_delete_ratio, min_recall"),
        ("publish.max_reject_ratio=high", "publish.max_reject_ratio: Input should be a valid number"),
        ("encoders.dense.kind=dens", "encoders.dense.kind: Input should be 'dense' or 'sparse', got 'dens'"),
        ("encoders.dense.revision=main", "encoders.dense.revision: expected a commit of 40 hex digits"),
        ("collection=../up", "collection"),
        ("encoders.A/B={kind: dense, model: hashing}", "encoder"),
        ("source.format=xml", "source.format"),
        ("resources.min_actors=0", "resources.min_actors"),
        ("chunking={encoder: sparse, tokens: 64, overlap: 8}", "none of the encoders"),
        ("source.format.deeper=1", "format holds a value, not keys"),
        ("noequals", "--set noequals: expected path.to.key=value"),
        ("publish=[", "--set publish: the value is not YAML"),
        ("encoders.dense.trust_remote_code=true", "encoders.dense.trust_remote_code: unknown key"),
        ("encoders.dense.model_kwargs={trust_remote_code: true}", "encoders.dense.model_kwargs: unknown key"),
        ("trust_remote_code=true", "trust_remote_code: unknown key"),
    ],
)
def test_load_recipe_mistake_is_named_by_its_path(recipe: Path, override: str, expected: str) -> None:
    assert expected in _refusal(recipe, override)


def test_recipe_shown_keeps_no_secret_of_an_address(recipe: Path) -> None:
    overrides = ["store=ftp://me:hidden@host/x", "source.uri=https://me:hidden@host/a.jsonl?token=hidden"]
    loaded = load_recipe(recipe, overrides)
    assert "hidden" not in str(loaded.shown())
    assert loaded.shown()["store"] == "ftp://host/x"
    assert loaded.store == "ftp://me:hidden@host/x"


def test_load_recipe_missing_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD.replace("store: ./store", ""))
    assert "store: missing, it is required" in _refusal(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 2]", "expected keys and values"),
        ("a: [", "is not YAML"),
        ("", "is empty"),
        (GOOD + "collection: again\n", "key collection is given twice"),
        ("a: 2020-99-99", "is not YAML"),
        ("a: !!int x", "is not YAML"),
        (f"a: {'9' * 5000}", "is not YAML"),
        ("[" * 50_000, "nests them too deeply"),
        ("a: &a [*a]", "more than 20,000 values"),
        (
            "a: &a [x, x]\n" + "".join(f"{n}: &{n} [*{p}, *{p}]\n" for p, n in pairwise("abcdefghijklmnopq")),
            "more than",
        ),
        (
            "a: &a {x: 1}\n" + "".join(f"{n}: &{n} {{<<: [*{p}, *{p}]}}\n" for p, n in pairwise("abcdefghijklmnopq")),
            "more than",
        ),
        ("x" * (1 << 20) + "x", "is it one?"),
    ],
)
def test_load_recipe_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(text)
    assert expected in _refusal(path)


def test_load_recipe_file_missing_is_refused(tmp_path: Path) -> None:
    assert "does not exist" in _refusal(tmp_path / "none.yaml")


def test_load_recipe_never_runs_yaml_tags(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("collection: !!python/object/apply:os.system ['touch pwned']")
    assert "is not YAML" in _refusal(path)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_recipe_loads(path: Path) -> None:
    assert load_recipe(path).encoders


@pytest.mark.parametrize("name", ["e5-small-ko", "e5-large"])
def test_shipped_e5_recipe_has_the_prompts_it_was_trained_with(name: str) -> None:
    encoder = load_recipe(RECIPES / f"{name}.yaml").encoders["dense"]
    assert (encoder.document_prompt, encoder.query_prompt) == ("passage: ", "query: ")


def test_load_recipe_with_a_thousand_mistakes_names_the_first_and_cuts_what_is_long(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD + "".join(f"wrong{number}: 1\n" for number in range(1000)) + f"index: {'x' * 100_000}\n")
    message = _refusal(path)
    assert len(message) < 10_000
    assert "wrong3: unknown key" in message
    assert "more" in message.splitlines()[-1]


def test_load_recipe_anchors_and_merges_of_a_person_are_read(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD.replace("dense: {", "dense: &one {") + "  other: {<<: *one, query_prompt: 'query: '}\n")
    loaded = load_recipe(path).encoders
    assert (loaded["other"].document_prompt, loaded["other"].query_prompt) == ("passage: ", "query: ")
